"""What a bucket's host makes of an object that is there already."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from gcs_server import gcs

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.hosts.bucket import BucketHost
from index_builder.adapters.object_store import open_bucket
from index_builder.errors import LostRaceError
from index_builder.model.publication import Kind, Publication, Put, Record
from index_builder.testing.progress import SilentProgress
from index_builder.testing.site import MemorySite

VERSION = "tuf/7.bin-a.json"


@pytest.fixture
def google(monkeypatch, tmp_path):
    with gcs(monkeypatch, tmp_path) as server:
        yield server


@pytest.fixture
def bucket(google):
    return open_bucket("gs://acme-index/", google.url, "", "target 'g'")


def stage(bucket, put: Put, content: bytes) -> None:
    wanted = MemorySite()
    wanted.put(put.path, [content])
    record = Record(commit="c" * 40, at=datetime(2026, 1, 1, tzinfo=UTC))
    with ThreadPoolExecutor(2) as threads:
        BucketHost(bucket, SystemClock(), threads).stage(
            Publication(puts=(put,), deletes=(), begun=record, record=record, size=0), wanted, SilentProgress()
        )


def test_a_version_that_somebody_else_has_signed_is_not_passed_over(bucket):
    """Two signers in one second: a TUF snapshot that names this version would be refused by every reader."""
    bucket.put(VERSION, b"theirs", cache="no-cache")
    with pytest.raises(LostRaceError, match="is there with other bytes"):
        stage(bucket, Put(Kind.SIGNED, VERSION), b"ours")
    assert bucket.get(VERSION)[0] == b"theirs"


def test_what_a_run_that_did_not_end_has_left_is_taken(bucket):
    """The same bytes under the same name are what was to be put."""
    bucket.put(VERSION, b"ours", cache="no-cache")
    stage(bucket, Put(Kind.SIGNED, VERSION), b"ours")
    assert bucket.get(VERSION)[0] == b"ours"


def test_whoever_stops_has_nothing_on_its_way(google, bucket):
    """An interrupt while puts wait: those on their way are waited for, the others are not begun; so no put comes after the lease is gone."""

    class Interrupted(SilentProgress):
        def done(self, name: str) -> None:
            if name == "packages/3":
                raise KeyboardInterrupt

    wanted, puts = MemorySite(), [Put(Kind.FILE, f"packages/{number}") for number in range(2_000)]
    for put in puts:
        wanted.put(put.path, [b"bytes"])
    record = Record(commit="c" * 40, at=datetime(2026, 1, 1, tzinfo=UTC))
    begun = Publication(puts=tuple(puts), deletes=(), begun=record, record=record, size=0)
    with ThreadPoolExecutor(4) as threads:
        with pytest.raises(KeyboardInterrupt):
            BucketHost(bucket, SystemClock(), threads).stage(begun, wanted, Interrupted())
        asked = len(google.asked)
        time.sleep(0.5)
        assert 4 <= asked == len(google.asked) < 200
        assert set(google.objects) == {f"acme-index/{line.split()[1].removeprefix('/acme-index/')}" for line in google.asked}
