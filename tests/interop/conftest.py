"""What tests with real servers share."""

import pytest
from published import CREDENTIALS, s3


@pytest.fixture
def bucket(monkeypatch):
    """Yield the URL of an S3 server, to which the environment has the credentials."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with s3() as url:
        yield url
