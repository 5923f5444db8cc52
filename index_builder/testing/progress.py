"""A Progress that is silent, or remembers."""

from __future__ import annotations

import threading


class SilentProgress:
    """A Progress that shows nothing."""

    def begin(self, what: str, files: int, size: int) -> None:
        """Show nothing."""

    def advance(self, size: int) -> None:
        """Show nothing."""

    def done(self, name: str) -> None:
        """Show nothing."""

    def note(self, message: str) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


class RecordingProgress(SilentProgress):
    """A Progress that remembers: the stages begun and ended, the sum of bytes, files done, and notes."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.begun: list[tuple[str, int, int]] = []
        self.ended = 0
        self.size = 0
        self.files: list[str] = []
        self.notes: list[str] = []
        self._lock = threading.Lock()

    def begin(self, what: str, files: int, size: int) -> None:
        """Remember a stage."""
        self.begun.append((what, files, size))

    def advance(self, size: int) -> None:
        """Add bytes."""
        with self._lock:
            self.size += size

    def done(self, name: str) -> None:
        """Remember a file."""
        self.files.append(name)

    def note(self, message: str) -> None:
        """Remember a note."""
        self.notes.append(message)

    def end(self) -> None:
        """Count the end of a stage."""
        self.ended += 1
