"""Objects at providers: what is asked of each of them on condition, and what its settings are called."""

import io
import random

import azure_server
import pytest
import trustme
from gcs_server import gcs

from index_builder.adapters.object_store import LARGE, Tag, open_bucket
from index_builder.errors import LostRaceError, RemoteError, UsageError


@pytest.fixture
def google(monkeypatch, tmp_path):
    """A GCS that lets a service account in."""
    with gcs(monkeypatch, tmp_path) as server:
        yield server


def test_gcs_compares_generations(google):
    """An object is put where there is none, and in the place of the one that was seen; whoever saw an older one has lost a race."""
    bucket = open_bucket("gs://acme-index/public/", google.url, "", "target 'g'")
    first = bucket.put("a.json", b"1", cache="no-cache", new=True)
    with pytest.raises(LostRaceError):
        bucket.put("a.json", b"2", cache="no-cache", new=True)
    content, seen, headers = bucket.get("a.json")
    assert (content, seen) == (b"1", first)
    assert headers == ("application/json", "no-cache")
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


def chunks(content, error=None):
    """Yield bytes in chunks, then raise."""
    stream = io.BytesIO(content)
    yield from iter(lambda: stream.read(1_000_000), b"")
    if error:
        raise error


def test_azure_compares_tags(monkeypatch, tmp_path):
    """The same conditions at Microsoft's own emulator, and a file in parts; credentials come from the environment."""
    for name, value in azure_server.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with azure_server.azure(tmp_path, "index") as endpoint:
        bucket = open_bucket("az://index/public/", endpoint, "", "target 'a'")
        assert bucket.get("a.json") is None
        first = bucket.put("a.json", b"1", cache="no-cache", new=True)
        with pytest.raises(LostRaceError):
            bucket.put("a.json", b"2", cache="no-cache", new=True)
        assert bucket.get("a.json") == (b"1", first, ("application/json", "no-cache"))
        second = bucket.put("a.json", b"2", cache="no-cache", expected=first)
        assert Tag.of(bucket.head("a.json")) == second != first
        with pytest.raises(LostRaceError):
            bucket.put("a.json", b"3", cache="no-cache", expected=first)
        large = random.Random(1).randbytes(2 * LARGE + 1)
        bucket.put_large("packages/large.whl", chunks(large), len(large), cache="max-age=1")
        with bucket.open("packages/large.whl") as stream:
            assert stream.read() == large
        with pytest.raises(ValueError, match="no"):
            bucket.put_large("packages/none.whl", chunks(large, ValueError("no")), len(large), cache="max-age=1")
        assert bucket.open("packages/none.whl") is None
        assert sorted((path, size) for path, size, _ in bucket.list()) == [("a.json", 1), ("packages/large.whl", len(large))]
        bucket.delete(["a.json", "b.json", "packages/large.whl"])
        assert list(bucket.list()) == []
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "d3Jvbmc=")
        with pytest.raises(RemoteError, match="target 'a'") as error:
            open_bucket("az://index/public/", endpoint, "", "target 'a'").put("a.json", b"1", cache="no-cache", new=True)
        assert "renew the credentials" in error.value.fix


def test_gcs_lets_a_workload_in(monkeypatch, tmp_path):
    """Whom another one vouches for, as a workflow's identity, is let in; what botocore sends has the same token as what obstore sends."""
    with gcs(monkeypatch, tmp_path, workload=True) as server:
        bucket = open_bucket("gs://acme-index/public/", server.url, "", "target 'g'")
        bucket.put("a.json", b"1", cache="no-cache", new=True)
        large = random.Random(1).randbytes(2 * LARGE + 1)
        bucket.put_large("packages/large.whl", chunks(large), len(large), cache="max-age=1")
        assert bucket.get("a.json")[0] == b"1"
        with bucket.open("packages/large.whl") as stream:
            assert stream.read() == large
        assert len(server.tokens) == 1
        server.tokens.clear()
        with pytest.raises(RemoteError, match=r"a\.json") as error:
            bucket.get("a.json")
        assert "renew the credentials" in error.value.fix


def test_an_authority_of_a_company_is_trusted(monkeypatch, tmp_path):
    """Where the machine trusts it, all that speak to a bucket do: obstore, botocore, and what asks for a token."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    large = random.Random(1).randbytes(LARGE + 1)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with gcs(monkeypatch, tmp_path, certificate=tmp_path / "server.pem") as server:
        with pytest.raises(RemoteError, match=r"target 'g'.*CERTIFICATE") as error:
            open_bucket("gs://acme-index/public/", server.url, "", "target 'g'")
        assert "can be reached" in error.value.fix
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        bucket = open_bucket("gs://acme-index/public/", server.url, "", "target 'g'")
        bucket.put_large("packages/large.whl", chunks(large), len(large), cache="max-age=1")
        with bucket.open("packages/large.whl") as stream:
            assert stream.read() == large
