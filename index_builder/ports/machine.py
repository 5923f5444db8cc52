"""Time, whoever waits, and whoever helps."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """Time, which tests set."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; ends early with InterruptedRunError when the run is stopped."""
        ...

    def check(self) -> None:
        """Raise InterruptedRunError when the run is stopped."""
        ...

    def stop(self) -> None:
        """Stop the run: every later `sleep` and `check`, in any thread, raises."""
        ...


class Progress(Protocol):
    """What someone who waits may see."""

    def begin(self, what: str, files: int, size: int) -> None:
        """Begin a stage of `files` files and `size` bytes, both 0 where nobody knows."""
        ...

    def advance(self, size: int) -> None:
        """Say that `size` more bytes arrived."""
        ...

    def done(self, name: str) -> None:
        """Say that a file is finished."""
        ...

    def note(self, message: str) -> None:
        """Show a line, such as a retry."""
        ...

    def end(self) -> None:
        """End the stage."""
        ...


class Helpers(Executor):
    """Processes that are part of this run: they have its locks and end with it, so that they may write where it writes."""
