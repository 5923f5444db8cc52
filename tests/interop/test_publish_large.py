"""Files that are sent to a bucket in parts: a run that is stopped goes on where it was, and nothing is there before all of it is right."""

import base64
import json
import os
import random
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import azure_server
import obstore
import pytest
from azure.storage.blob import generate_container_sas
from conftest import commit_all
from distributions import wheel
from gcs_server import gcs
from published import CREDENTIALS, BucketReader, begin, faulty, follow, s3

from index_builder.adapters.object_store import LARGE, open_bucket
from index_builder.errors import RemoteError, StorageError, UsageError

NAME, CONTENT = wheel("acme-large", "1.0", body=f"#{random.Random(1).randbytes(5 * LARGE // 2).hex()}\n")
PARTS = -(-len(CONTENT) // LARGE)


@dataclass(frozen=True)
class Provider:
    """Where the bucket is that is published to, and how it is reached. `part` finds what names a part in a request that brings it."""

    url: str
    server: str
    path: str = ""
    region: str = ""
    part: str = r"^PUT .*[?&]partNumber=([0-9]+)"

    def reader(self) -> BucketReader:
        return BucketReader(self.url, self.server + self.path, self.region)

    def open(self, server: str = ""):
        return open_bucket(self.url, (server or self.server) + self.path, self.region, "the bucket")

    def parts(self, proxy) -> list[int]:
        """Return the numbers of the parts that were put."""
        return [self.number(found[1]) for line in proxy.requests if (found := re.search(self.part, line))]

    def number(self, named: str) -> int:
        return int(named) if named.isdigit() else int(base64.b64decode(unquote(named))[:10])


@pytest.fixture
def provider(request, monkeypatch, tmp_path):
    """Yield a provider of the kind that a test asks for, S3 unless it does, with credentials for it in the environment."""
    kind = getattr(request, "param", "s3")
    if kind == "s3":
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        with s3() as url:
            yield Provider("s3://acme-index/public/", url, region="us-east-1")
    elif kind == "gs":
        with gcs(monkeypatch, tmp_path) as server:
            yield Provider("gs://acme-index/public/", server.url)
    else:
        for name, value in azure_server.CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        with azure_server.azure(tmp_path, "acme-index") as endpoint:
            address = urlsplit(endpoint)
            part = r"^PUT .*[?&]blockid=([^& ]+)"
            yield Provider("az://acme-index/public/", f"http://{address.netloc}", address.path, part=part)


@pytest.fixture
def large(repo, cli, dist, provider):
    """Return what makes the index publish to the bucket at an address; it has one large wheel, and a small one."""
    assert cli("add", "--dist", dist((NAME, CONTENT), wheel("acme-small", "1.0"))).code == 0

    def target(server: str) -> None:
        path = repo / "index.yaml"
        text = path.read_text().partition("publish:")[0]
        region = f", region: {provider.region}" if provider.region else ""
        path.write_text(
            f"{text}publish:\n  - {{name: t, audience: public, kind: bucket, url: '{provider.url}', "
            f"endpoint: '{server}{provider.path}'{region}}}\n"
        )
        commit_all(repo)

    return target


def stopping(provider, proxy, most: int, then) -> None:
    """Let so many parts through, and do something at the next one."""
    whole, lock = proxy.fault, proxy.lock
    seen: list[str] = []

    def fault(line: str, size: int) -> str:
        if re.search(provider.part, line):
            with lock:
                seen.append(line)
                number = len(seen)
            if number == most + 1:
                then()
            if number > most:
                time.sleep(0.5)
                return "drop"
        return whole(line, size)

    proxy.fault = fault


EXPIRE, KILL, INTERRUPT = "credentials that expire", "kill -9", "Ctrl-C"


@pytest.mark.parametrize(
    ("provider", "how"),
    [("s3", EXPIRE), ("s3", KILL), ("s3", INTERRUPT), ("gs", EXPIRE), ("gs", KILL), ("az", EXPIRE), ("az", KILL)],
    indirect=["provider"],
)
def test_what_arrived_of_a_large_file_is_not_sent_again(large, repo, cli, provider, how):
    """Three parts arrive; the next run sends the others, and these bytes are there."""
    with faulty(provider.server, 0, share=0) as proxy:
        large(proxy.url)
        done = []
        if how == EXPIRE:
            stopping(provider, proxy, 3, lambda: setattr(proxy, "answer", 403))
            done = cli("publish", "-q")
            assert done.code == 3
            assert "renew the credentials" in done.err
            assert f"/{NAME}" in done.err
            assert "Traceback" not in done.err
        else:
            stopping(provider, proxy, 3, lambda: done.append(True))
            process = begin(repo, "publish", "-q", environment=dict(os.environ))
            deadline = time.monotonic() + 60
            while not done and time.monotonic() < deadline:
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL if how == KILL else signal.SIGINT)
            process.join(20)
            assert process.exitcode == (-9 if how == KILL else 130)
        proxy.answer = None
        del proxy.fault
        reader = provider.reader()
        assert [path for path in reader.paths() if path.endswith(f"/{NAME}")] == []
        proxy.requests.clear()
        proxy.sent = 0
        done = cli("publish", "-q")
        assert done.code == 0, done.err
        assert sorted(provider.parts(proxy)) == list(range(4, PARTS + 1)), "three had arrived"
        assert proxy.sent < len(CONTENT) - 3 * LARGE + 500_000
        assert follow(reader) == 2
        path = next(path for path in reader.paths() if path.endswith(f"/{NAME}"))
        assert reader.headers(path) == ("application/octet-stream", "public, max-age=31536000, immutable")
        done = cli("publish", "--reconcile", "--dry-run", "--format", "json")
        assert json.loads(done.out)["targets"][0]["written"] == []
        proxy.requests.clear()
        assert cli("publish", "-q").code == 0
        assert provider.parts(proxy) == []


every = pytest.mark.parametrize("provider", ["s3", "gs", "az"], indirect=True)
#: GCS is sent parts by what sends them to S3.
both_ways = pytest.mark.parametrize("provider", ["s3", "az"], indirect=True)


@both_ways
def test_a_network_that_fails_brings_a_large_file(large, cli, provider):
    """A fifth of all requests is lost, refused or cut, before or after they were done."""
    reader = provider.reader()
    for seed in range(4):
        with faulty(provider.server, seed) as proxy:
            large(proxy.url)
            done = cli("publish", "-q")
            assert done.code in (0, 3), done.err
            assert proxy.faults, (seed, done.code, done.err, len(proxy.requests))
            if done.code == 0:
                break
    large(provider.server)
    done = cli("publish", "-q")
    assert done.code == 0, done.err
    assert follow(reader) == 2
    done = cli("publish", "--reconcile", "--dry-run", "--format", "json")
    assert json.loads(done.out)["targets"][0]["written"] == []


@both_ways
def test_a_forecast_counts_parts(large, cli, provider):
    """What `--dry-run` says of a large file is what it takes."""
    with faulty(provider.server, 0, share=0) as proxy:
        large(proxy.url)
        done = cli("publish", "--dry-run", "--format", "json")
        foreseen = json.loads(done.out)["targets"][0]["forecast"]["requests"]
        proxy.requests.clear()
        assert cli("publish", "-q").code == 0
        assert sorted(provider.parts(proxy)) == list(range(1, PARTS + 1))
        changing = next(number for number, line in enumerate(proxy.requests) if not line.startswith("GET"))
        assert abs(foreseen - len(proxy.requests[changing:])) <= 2, "what was read before is not counted"


def _chunks(content: bytes, size: int = 1_000_000):
    return (content[start : start + size] for start in range(0, len(content), size))


@every
def test_nothing_is_there_before_all_bytes_are_right(provider):
    """What raises at the end of the bytes leaves nothing that is found under the name; other bytes take the place of such parts."""

    def wrong():
        yield from _chunks(CONTENT[: 2 * LARGE] + b"x" * (LARGE + 1))
        msg = "these are not the bytes"
        raise StorageError(msg)

    there = provider.open()
    with pytest.raises(StorageError, match="not the bytes"):
        there.put_large("packages/a.whl", wrong(), 3 * LARGE, cache="no-cache")
    assert there.head("packages/a.whl") is None
    with faulty(provider.server, 0, share=0) as proxy:
        provider.open(proxy.url).put_large("packages/a.whl", _chunks(CONTENT), len(CONTENT), cache="no-cache")
        assert sorted(provider.parts(proxy)) == list(range(3, PARTS + 1)), "two of the three that were sent are right"
    with there.open("packages/a.whl") as stream:
        assert stream.read() == CONTENT
    attributes = obstore.get(there.store, "packages/a.whl").attributes
    assert (attributes["Content-Type"], attributes["Cache-Control"]) == ("application/octet-stream", "no-cache")


@both_ways
def test_two_that_send_the_same_file_both_end(provider):
    """Whoever is slower finds the upload gone and the object there, and goes on."""
    for size in (LARGE + 1, 2 * LARGE, len(CONTENT)):
        content = CONTENT[:size]
        with ThreadPoolExecutor(4) as threads:
            done = [threads.submit(provider.open().put_large, "packages/b.whl", _chunks(content), size, cache="no-cache") for _ in range(4)]
            for one in done:
                one.result()
        with provider.open().open("packages/b.whl") as stream:
            assert stream.read() == content


def denied(proxy, kind: str) -> None:
    """Refuse to tell what was begun."""
    proxy.refused = {"comp=blocklist": (403, "AuthorizationPermissionMismatch")} if kind == "az" else {"uploads": (403, "AccessDenied")}


def unknown(proxy, kind: str) -> None:
    """Know no such question."""
    proxy.refused = {"uploads": (501, "NotImplemented")}


@pytest.mark.parametrize(("provider", "refuse"), [("s3", denied), ("s3", unknown), ("gs", denied), ("az", denied)], indirect=["provider"])
def test_who_may_not_list_uploads_sends_all_of_it(provider, refuse):
    """A policy that lets objects be put and nothing be listed is enough."""
    with faulty(provider.server, 0, share=0) as proxy:
        refuse(proxy, provider.url[:2])
        provider.open(proxy.url).put_large("packages/a.whl", _chunks(CONTENT), len(CONTENT), cache="no-cache")
        if not provider.path:  # at Azure obstore sends it, and calls its blocks otherwise
            assert sorted(provider.parts(proxy)) == list(range(1, PARTS + 1))
    with provider.open().open("packages/a.whl") as stream:
        assert stream.read() == CONTENT


def test_a_part_that_fails_takes_nothing_from_who_was_faster(provider):
    """Two uploads of one file: a part of the one fails for good, while the other one ends; what that made stays whole."""
    with faulty(provider.server, 0, share=0) as other, faulty(provider.server, 0, share=0) as proxy:
        denied(other, "s3")

        def chunks():
            yield CONTENT[:LARGE]
            proxy.fault = lambda line, _: "403" if "partNumber=2&" in line or line.endswith("partNumber=2") else ""
            put_large(provider.open(other.url))
            yield CONTENT[LARGE:]

        provider.open(proxy.url).put_large("packages/a.whl", chunks(), len(CONTENT), cache="no-cache")
    with provider.open().open("packages/a.whl") as stream:
        assert stream.read() == CONTENT


def put_large(there) -> None:
    there.put_large("packages/a.whl", _chunks(CONTENT), len(CONTENT), cache="no-cache")


@every
def test_who_is_not_let_in_is_told(provider):
    """Whoever is refused half way is told that it is the credentials."""
    with faulty(provider.server, 0, share=0) as proxy:
        proxy.answer = 403
        with pytest.raises(RemoteError, match=r"the bucket: .*packages/a\.whl: .*") as error:
            put_large(provider.open(proxy.url))
        assert "renew the credentials" in error.value.fix


def test_credentials_for_s3_that_are_wrong(provider, monkeypatch):
    """Without credentials, and with a profile that is not there, the error says what to do."""
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(RemoteError, match="credentials") as error:
        put_large(provider.open())
    assert "correct or renew the credentials" in error.value.fix
    monkeypatch.setenv("AWS_PROFILE", "none of ours")
    with pytest.raises(RemoteError, match="none of ours") as error:
        put_large(provider.open())
    assert "correct or renew the credentials" in error.value.fix


@pytest.mark.parametrize("provider", ["gs"], indirect=True)
def test_credentials_for_gcs_that_are_wrong(provider, monkeypatch, tmp_path):
    """What the environment says of AWS is not for Google; without credentials, and with a broken key, the error says what to do."""
    monkeypatch.setenv("AWS_PROFILE", "none of ours")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "broken"))
    (tmp_path / "broken").write_text("no section")
    put_large(provider.open())
    refused = (("{}", "type"), ("[]", "get"), ('{"type": "service_account"}', "google.json"), ("not json", "google.json"))
    for content, said in refused:
        (tmp_path / "google.json").write_text(content)
        with pytest.raises(RemoteError, match=said) as error:
            provider.open()
        assert "GOOGLE_APPLICATION_CREDENTIALS" in error.value.fix
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path))
    with pytest.raises(RemoteError, match="directory"):
        provider.open()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(RemoteError, match=r"none\.json") as error:
        provider.open()
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    with pytest.raises(RemoteError, match="default credentials were not found") as error:
        provider.open()
    assert "GOOGLE_APPLICATION_CREDENTIALS" in error.value.fix


@pytest.mark.parametrize("provider", ["az"], indirect=True)
def test_credentials_for_azure_that_cannot_sign(provider, monkeypatch):
    """A shared access signature signs nothing more: the file is sent from its beginning, and arrives."""
    until = datetime.now(UTC) + timedelta(hours=1)
    account, key = azure_server.CREDENTIALS.values()
    signature = generate_container_sas(account, "acme-index", account_key=key, permission="rwdl", expiry=until)
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", signature)
    put_large(provider.open())
    with provider.open().open("packages/a.whl") as stream:
        assert stream.read() == CONTENT


@pytest.mark.parametrize(("provider", "library"), [("s3", "botocore"), ("gs", "google.auth"), ("az", "azure.core")], indirect=["provider"])
def test_a_library_that_is_not_installed(provider, library, monkeypatch):
    """The error says how to get it."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=library.partition(".")[0]) as error:
        put_large(provider.open())
    assert "index-builder[bucket]" in error.value.fix
