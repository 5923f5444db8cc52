"""Who speaks to GitHub, and on whose behalf: as GitHub's own runners say it in the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.github.api import DEFAULT, Api
from index_builder.ports import Progress


@contextmanager
def open_api(progress: Progress, *, patience: float = 900.0) -> Iterator[Api]:
    """Yield GitHub's API: at GITHUB_API_URL, with GITHUB_TOKEN. No index.yaml names where a token goes. Raises UsageError.

    `patience` is how many seconds a limit is waited for at most.
    """
    url, token = os.environ.get("GITHUB_API_URL") or DEFAULT, os.environ.get("GITHUB_TOKEN", "")
    api = Api(url, token, SystemClock(), progress, patience=patience)
    try:
        yield api
    finally:
        api.close()
