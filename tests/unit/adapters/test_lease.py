"""The lease of a bucket: whose clock is wrong is said, and whoever may have lost it changes nothing."""

import pytest
from gcs_server import gcs

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.hosts.lease import LEASE, Lease
from index_builder.adapters.object_store import open_bucket
from index_builder.errors import LostRaceError, UsageError
from index_builder.testing.progress import SilentProgress


class Clock(SystemClock):
    """A clock that is set by hand."""

    passed = 0.0

    def monotonic(self) -> float:
        return self.passed


@pytest.fixture
def google(monkeypatch, tmp_path):
    with gcs(monkeypatch, tmp_path) as server:
        yield server


@pytest.fixture
def bucket(google):
    return open_bucket("gs://acme-index/", google.url, "", "target 'g'")


@pytest.mark.parametrize(("ahead", "said"), [(-86_400, "ahead of"), (86_400, "behind")])
def test_a_clock_that_differs_from_the_buckets_is_said(google, bucket, ahead, said):
    """By a day, in either direction; by five minutes it is nobody's business."""
    google.ahead = ahead
    with pytest.raises(UsageError, match=said):
        Lease(bucket, Clock(), 120).take("", SilentProgress())
    google.objects.clear()
    google.ahead = 300
    Lease(bucket, Clock(), 120).take("", SilentProgress())


def test_it_is_renewed_in_time_and_relied_on_no_longer(google, bucket):
    """Before half of its life nothing is asked, then it is renewed; near its end it is given up, and what another one holds stays."""
    clock = Clock()
    lease = Lease(bucket, clock, 120)
    lease.take("", SilentProgress())
    first = google.objects[f"acme-index/{LEASE}"][1]
    asked = len(google.asked)
    lease.check()
    assert len(google.asked) == asked
    clock.passed += 61
    lease.check()
    assert google.objects[f"acme-index/{LEASE}"][1] > first
    clock.passed += 100
    with pytest.raises(LostRaceError, match="ran out"):
        lease.check()
    lease.release()
    assert f"acme-index/{LEASE}" in google.objects, "nobody knows whose it is"


def test_whoever_is_sure_of_it_asks_nothing_before_it_lets_go(google, bucket):
    """One request where nobody can have taken it; where it may have been taken, it is looked at first, and another one's stays."""
    clock = Clock()
    lease = Lease(bucket, clock, 120)
    lease.take("", SilentProgress())
    asked = len(google.asked)
    lease.release()
    assert google.asked[asked:] == [f"DELETE /acme-index/{LEASE} "]
    lease.take("", SilentProgress())
    content, generation, headers = google.objects[f"acme-index/{LEASE}"]
    google.objects[f"acme-index/{LEASE}"] = (content + b" ", generation + 1, headers)
    clock.passed += 100
    lease.release()
    assert f"acme-index/{LEASE}" in google.objects


def test_what_is_given_back_at_the_last_moment_is_taken(google, bucket):
    """A lease that seemed to have expired is let go before it can be taken over: who waits for it makes one anew."""
    theirs = Lease(bucket, Clock(), 120)
    theirs.take("", SilentProgress())

    class Waiting(Clock):
        waits = 0

        def sleep(self, seconds: float) -> None:
            self.waits += 1
            assert self.waits < 5, "it waits for what is not there"
            self.passed += 200
            google.objects.pop(f"acme-index/{LEASE}", None)

    mine = Lease(bucket, Waiting(), 120)
    mine.take("", SilentProgress())
    mine.check()
    assert len([line for line in google.asked if "lease" in line]) < 20
