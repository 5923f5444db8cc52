"""Clock: what holds for the machine's holds for the fake."""

import threading
import time
from datetime import UTC, timedelta

import pytest

from index_builder.adapters.clock import SystemClock
from index_builder.errors import InterruptedRunError
from index_builder.testing import FakeClock


@pytest.fixture(params=[SystemClock, FakeClock])
def clock(request):
    return request.param()


def test_now_is_utc_in_whole_seconds(clock):
    """The time of day is aware and has no decimals."""
    assert clock.now().tzinfo is UTC
    assert clock.now().microsecond == 0


def test_sleep_lets_time_pass(clock):
    """After a sleep, monotonic has moved by at least that much."""
    before, day = clock.monotonic(), clock.now()
    clock.sleep(0.02)
    assert clock.monotonic() - before >= 0.019
    assert clock.now() - day < timedelta(seconds=2)


def test_check_is_silent_until_stopped(clock):
    """Nothing is raised before stop, and something at every check and sleep after it."""
    clock.check()
    clock.stop()
    for act in (clock.check, lambda: clock.sleep(60), clock.check):
        with pytest.raises(InterruptedRunError):
            act()


def test_stop_ends_a_sleep_in_another_thread():
    """Whoever sleeps on the machine's clock is woken by stop."""
    clock = SystemClock()
    timer = threading.Timer(0.05, clock.stop)
    begun = time.monotonic()
    timer.start()
    with pytest.raises(InterruptedRunError) as caught:
        clock.sleep(30)
    timer.join()
    assert time.monotonic() - begun < 5
    assert "again" in caught.value.fix


def test_the_fake_clock_remembers_and_ticks():
    """Tests see what was slept, and can let every look cost time."""
    clock = FakeClock(tick=2.0)
    clock.sleep(5)
    clock.advance(10)
    assert clock.slept == [5]
    assert clock.monotonic() == 17
    assert (clock.now() - FakeClock().now()).total_seconds() == 17
