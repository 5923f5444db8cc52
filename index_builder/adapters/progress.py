"""Progress that nobody sees."""

from __future__ import annotations


class NoProgress:
    """Silence: for --quiet, and for workers on other machines."""

    def begin(self, what: str, files: int, size: int) -> None:
        """Say nothing."""

    def advance(self, size: int) -> None:
        """Say nothing."""

    def done(self, name: str) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""
