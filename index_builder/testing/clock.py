"""A Clock that tests move."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from index_builder.errors import InterruptedRunError


class FakeClock:
    """A Clock that tests move. `slept` holds every wait; each look at `monotonic` moves it on by `tick` seconds."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 9, 30, tzinfo=UTC), *, tick: float = 0.0) -> None:
        """Begin at `now`, with `monotonic` at 0."""
        self.slept: list[float] = []
        self.tick = tick
        self._begin = now
        self._passed = 0.0
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed += seconds

    def now(self) -> datetime:
        """Return the time of day."""
        return self._begin + timedelta(seconds=int(self._passed))

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        self.advance(self.tick)
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Let time pass, and note that it was waited for."""
        self.check()
        self.advance(seconds)
        self.slept.append(seconds)

    def check(self) -> None:
        """Raise InterruptedRunError once stopped."""
        if self._stopped.is_set():
            msg = "stopped"
            raise InterruptedRunError(msg)

    def stop(self) -> None:
        """Make every later `sleep` and `check` raise."""
        self._stopped.set()
