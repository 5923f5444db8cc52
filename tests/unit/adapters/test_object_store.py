"""Objects at providers: what is asked of each of them on condition, and what its settings are called."""

import pytest
from gcs_server import gcs

from index_builder.adapters.object_store import Tag, open_bucket
from index_builder.errors import LostRaceError, UsageError


@pytest.fixture
def google(monkeypatch):
    """A GCS that takes anybody's word."""
    monkeypatch.setenv("GOOGLE_BEARER_TOKEN", "token")
    with gcs() as server:
        yield server


def test_gcs_compares_generations(google):
    """An object is put where there is none, and in the place of the one that was seen; whoever saw an older one has lost a race."""
    bucket = open_bucket("gs://acme-index/public/", google.url, "", "target 'g'")
    first = bucket.put("a.json", b"1", cache="no-cache", new=True)
    with pytest.raises(LostRaceError):
        bucket.put("a.json", b"2", cache="no-cache", new=True)
    content, seen = bucket.get("a.json")
    assert (content, seen) == (b"1", first)
    assert Tag.of(bucket.head("a.json")) == first
    second = bucket.put("a.json", b"2", cache="no-cache", expected=first)
    assert second.version != first.version
    with pytest.raises(LostRaceError):
        bucket.put("a.json", b"3", cache="no-cache", expected=first)
    assert google.objects["acme-index/public/a.json"][0] == b"2"
    assert google.asked[0].endswith(" 0")
    assert f"PUT /acme-index/public/a.json {first.version}" in google.asked
    bucket.delete(["a.json", "b.json"])
    assert google.objects == {}


@pytest.mark.parametrize(("scheme", "settings"), [("gs", {"region": "eu"}), ("az", {"region": "eu"})])
def test_what_a_provider_does_not_have_is_said(scheme, settings):
    """A region is S3's alone."""
    with pytest.raises(UsageError, match="means nothing for"):
        open_bucket(f"{scheme}://acme/", "", settings["region"], "target 't'")


def test_azure_is_reached_where_its_endpoint_says(monkeypatch):
    """The account comes from the environment, as the provider's own tools take it."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acme")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
    with gcs() as server:  # which answers that there is no such thing, as any would
        assert open_bucket("az://index/public/", server.url, "", "target 'a'").get("x") is None
        assert server.asked == ["GET /index/public/x "]
