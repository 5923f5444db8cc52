"""The machine's time, and the word to stop."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from index_builder.errors import InterruptedRunError


class SystemClock:
    """Time of this machine; `stop` ends every wait."""

    def __init__(self) -> None:
        """Start unstopped."""
        self._stopped = threading.Event()

    def now(self) -> datetime:
        """Return the time of day in UTC, in whole seconds."""
        return datetime.now(UTC).replace(microsecond=0)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def stop(self) -> None:
        """Make every later `sleep` and `check` raise."""
        self._stopped.set()

    def sleep(self, seconds: float) -> None:
        """Wait, unless stopped."""
        if self._stopped.wait(seconds):
            self.check()

    def check(self) -> None:
        """Raise InterruptedRunError once stopped."""
        if self._stopped.is_set():
            msg = "stopped"
            raise InterruptedRunError(msg, fix="run the command again: it goes on from what is already verified")
