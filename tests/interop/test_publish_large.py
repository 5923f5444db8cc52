"""Files that are sent to a bucket in parts: a run that is stopped goes on where it was, and nothing is there before all of it is right."""

import json
import os
import random
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import obstore
import pytest
from conftest import commit_all
from distributions import wheel
from published import CREDENTIALS, HttpReader, begin, faulty, follow

from index_builder.adapters.object_store import LARGE, open_bucket
from index_builder.errors import RemoteError, StorageError, UsageError

NAME, CONTENT = wheel("acme-large", "1.0", body=f"#{random.Random(1).randbytes(5 * LARGE // 2).hex()}\n")
PARTS = -(-len(CONTENT) // LARGE)


@pytest.fixture
def large(repo, cli, dist):
    """Return what makes the index publish to a bucket at an address; it has one large wheel, and a small one."""
    assert cli("add", "--dist", dist((NAME, CONTENT), wheel("acme-small", "1.0"))).code == 0

    def target(url: str) -> None:
        path = repo / "index.yaml"
        text = path.read_text().partition("publish:")[0]
        path.write_text(
            f"{text}publish:\n  - {{name: t, audience: public, kind: bucket, url: s3://acme-index/public/, "
            f"endpoint: '{url}', region: us-east-1}}\n"
        )
        commit_all(repo)

    return target


def parts(proxy) -> list[int]:
    """Return the numbers of the parts that were put."""
    return [int(found[1]) for line in proxy.requests if (found := re.match(r"PUT .*[?&]partNumber=([0-9]+)", line))]


def slowly(proxy, most: int, then) -> None:
    """Let so many parts through, and do something at the next one."""
    whole, lock = proxy.fault, proxy.lock
    seen: list[str] = []

    def fault(line: str, size: int) -> str:
        if "partNumber=" in line:
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


@pytest.mark.parametrize("how", ["credentials that expire", "kill -9", "Ctrl-C"])
def test_what_arrived_of_a_large_file_is_not_sent_again(large, repo, cli, bucket, how):
    """Three parts arrive; the next run sends the others, and these bytes are there."""
    with faulty(bucket, 0, share=0) as proxy:
        large(proxy.url)
        done = []
        if how == "credentials that expire":
            slowly(proxy, 3, lambda: setattr(proxy, "answer", 403))
            done = cli("publish", "-q")
            assert done.code == 3
            assert "renew the credentials" in done.err
            assert f"/{NAME}" in done.err
            assert "Traceback" not in done.err
        else:
            slowly(proxy, 3, lambda: done.append(True))
            process = begin(repo, "publish", "-q")
            deadline = time.monotonic() + 60
            while not done and time.monotonic() < deadline:
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL if how == "kill -9" else signal.SIGINT)
            process.join(20)
            assert process.exitcode == (-9 if how == "kill -9" else 130)
        proxy.answer = None
        del proxy.fault
        reader = HttpReader(f"{bucket}/acme-index/public/")
        assert [path for path in reader.paths() if path.endswith(".whl")] in ([], [_small(reader)])
        proxy.requests.clear()
        proxy.sent = 0
        done = cli("publish", "-q")
        assert done.code == 0, done.err
        assert sorted(parts(proxy)) == list(range(4, PARTS + 1)), "three had arrived"
        assert proxy.sent < len(CONTENT) - 3 * LARGE + 500_000
        assert follow(reader) == 2
        assert "uploads" in "".join(proxy.requests)
        done = cli("publish", "--reconcile", "--dry-run", "--format", "json")
        assert json.loads(done.out)["targets"][0]["written"] == []
        proxy.requests.clear()
        assert cli("publish", "-q").code == 0
        assert parts(proxy) == []


def _small(reader) -> str:
    return next((path for path in reader.paths() if path.endswith("acme_small-1.0-py3-none-any.whl")), "")


def test_a_network_that_fails_brings_a_large_file(large, cli, bucket):
    """A fifth of all requests is lost, refused or cut, before or after they were done."""
    reader = HttpReader(f"{bucket}/acme-index/public/")
    for seed in range(4):
        with faulty(bucket, seed) as proxy:
            large(proxy.url)
            done = cli("publish", "-q")
            assert done.code in (0, 3), done.err
            assert proxy.faults, (seed, done.code, done.err, len(proxy.requests))
            if done.code == 0:
                break
    large(bucket)
    done = cli("publish", "-q")
    assert done.code == 0, done.err
    assert follow(reader) == 2
    done = cli("publish", "--reconcile", "--dry-run", "--format", "json")
    assert json.loads(done.out)["targets"][0]["written"] == []


def test_a_forecast_counts_parts(large, cli, bucket):
    """What `--dry-run` says of a large file is what it takes."""
    with faulty(bucket, 0, share=0) as proxy:
        large(proxy.url)
        done = cli("publish", "--dry-run", "--format", "json")
        foreseen = json.loads(done.out)["targets"][0]["forecast"]["requests"]
        proxy.requests.clear()
        assert cli("publish", "-q").code == 0
        assert sorted(parts(proxy)) == list(range(1, PARTS + 1))
        changing = next(number for number, line in enumerate(proxy.requests) if not line.startswith("GET"))
        assert abs(foreseen - len(proxy.requests[changing:])) <= 2, "what was read before is not counted"


def _open(url: str):
    return open_bucket("s3://acme-index/public/", url, "us-east-1", "the bucket")


def _chunks(content: bytes, size: int = 1_000_000):
    return (content[start : start + size] for start in range(0, len(content), size))


def test_nothing_is_there_before_all_bytes_are_right(bucket):
    """What raises at the end of the bytes leaves nothing that is found under the name; other bytes take the place of such parts."""

    def wrong():
        yield from _chunks(CONTENT[: 2 * LARGE] + b"x" * (LARGE + 1))
        msg = "these are not the bytes"
        raise StorageError(msg)

    there = _open(bucket)
    with pytest.raises(StorageError, match="not the bytes"):
        there.put_large("packages/a.whl", wrong(), 3 * LARGE, cache="no-cache")
    assert there.head("packages/a.whl") is None
    with faulty(bucket, 0, share=0) as proxy:
        _open(proxy.url).put_large("packages/a.whl", _chunks(CONTENT), len(CONTENT), cache="no-cache")
        assert sorted(parts(proxy)) == list(range(3, PARTS + 1)), "two of the three that were sent are right"
    with there.open("packages/a.whl") as stream:
        assert stream.read() == CONTENT
    attributes = obstore.get(there.store, "packages/a.whl").attributes
    assert (attributes["Content-Type"], attributes["Cache-Control"]) == ("application/octet-stream", "no-cache")


def test_two_that_send_the_same_file_both_end(bucket):
    """Whoever is slower finds the upload gone and the object there, and goes on."""
    for size in (LARGE + 1, 2 * LARGE, len(CONTENT)):
        content = CONTENT[:size]
        with ThreadPoolExecutor(4) as threads:
            done = [threads.submit(_open(bucket).put_large, "packages/b.whl", _chunks(content), size, cache="no-cache") for _ in range(4)]
            for one in done:
                one.result()
        with _open(bucket).open("packages/b.whl") as stream:
            assert stream.read() == content


@pytest.mark.parametrize("code", ["AccessDenied", "NotImplemented"])
def test_who_may_not_list_uploads_sends_all_of_it(bucket, code):
    """A policy that lets objects be put and nothing be listed is enough."""
    with faulty(bucket, 0, share=0) as proxy:
        proxy.refused = {"uploads": (403 if code == "AccessDenied" else 501, code)}
        _open(proxy.url).put_large("packages/a.whl", _chunks(CONTENT), len(CONTENT), cache="no-cache")
        assert sorted(parts(proxy)) == list(range(1, PARTS + 1))
    with _open(bucket).open("packages/a.whl") as stream:
        assert stream.read() == CONTENT


def test_who_is_not_let_in_is_told(bucket, monkeypatch):
    """Without credentials, and with wrong ones, the error says what to do."""
    with faulty(bucket, 0, share=0) as proxy:
        proxy.answer = 403
        with pytest.raises(RemoteError, match=r"the bucket: packages/a.whl: .*ExpiredToken") as error:
            _open(proxy.url).put_large("packages/a.whl", _chunks(CONTENT), len(CONTENT), cache="no-cache")
        assert "correct or renew the credentials" in error.value.fix
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(RemoteError, match="credentials") as error:
        _open(bucket).put_large("packages/a.whl", _chunks(CONTENT), len(CONTENT), cache="no-cache")
    assert "correct or renew the credentials" in error.value.fix
    monkeypatch.setenv("AWS_PROFILE", "none of ours")
    with pytest.raises(RemoteError, match="none of ours") as error:
        _open(bucket).put_large("packages/a.whl", _chunks(CONTENT), len(CONTENT), cache="no-cache")
    assert "correct or renew the credentials" in error.value.fix
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(UsageError, match="botocore") as error:
        _open(bucket).put_large("packages/a.whl", _chunks(CONTENT), len(CONTENT), cache="no-cache")
    assert "index-builder[bucket]" in error.value.fix
