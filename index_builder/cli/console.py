"""What a person reads: colours, errors, progress. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import math
import sys
import threading
from typing import TYPE_CHECKING

from index_builder.errors import AnsweredError, IndexBuilderError
from index_builder.model.plain import plain
from index_builder.model.problem import ProblemsFoundError
from index_builder.wiring import NoProgress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

# ruff: noqa: PLC0415 - rich takes longer to import than many commands to run: a command that prints nothing, waits for nothing.


def stderr() -> Console:
    """Return the console for errors and progress; rich honours NO_COLOR by itself."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def stdout() -> Console:
    """Return the console for results; as wide as needed where it is no terminal."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, width=_LOG_WIDTH, emoji=False)


def escape(text: str) -> str:
    """Return text as rich prints it, whatever it has that looks like a style."""
    from rich.markup import escape as escaped

    return escaped(text)


def note(message: str) -> None:
    """Print a line that is good to know."""
    stderr().print(f"[dim]note: {escape(plain(message))}[/]")


def show_error(error: IndexBuilderError) -> None:
    """Print what happened and what to do; problems and answers were printed by their command."""
    if isinstance(error, (ProblemsFoundError, AnsweredError)):
        return
    console = stderr()
    console.print(f"[bold red]error[/]: {escape(plain(error.message))}")
    if error.fix:
        console.print(f"  [bold cyan]fix[/]: {escape(plain(error.fix))}")


#: Tables in a pipe or log are not folded.
_LOG_WIDTH = 240


class TerminalProgress:
    """A bar with files and bytes, for a terminal."""

    def __init__(self) -> None:
        """Nothing is shown before `begin`."""
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._lock = threading.Lock()
        self._files = self._done = 0
        self._by_bytes = False

    def begin(self, what: str, files: int, size: int) -> None:
        """Show the bar, and the time that is left: it moves by bytes where there are any, by files otherwise."""
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self.end()
        self._files, self._done, self._by_bytes = files, 0, size > 0
        figures = (DownloadColumn(), TransferSpeedColumn()) if size else ()
        time = TimeRemainingColumn(elapsed_when_finished=True) if size or files else TimeElapsedColumn()
        columns = (TextColumn("{task.description:>10}"), BarColumn(), TextColumn("{task.fields[files]}"))
        self._bar = Progress(*columns, *figures, time, console=stderr(), transient=True)
        self._task = self._bar.add_task(what, total=size or files or None, files=self._count())
        self._bar.start()

    def advance(self, size: int) -> None:
        """Count bytes."""
        if self._bar and self._task is not None and self._by_bytes:
            self._bar.advance(self._task, size)

    def done(self, name: str) -> None:
        """Count a file."""
        with self._lock:
            self._done += 1
            if self._bar and self._task is not None:
                self._bar.update(self._task, advance=0 if self._by_bytes else 1, files=self._count())

    def note(self, message: str) -> None:
        """Print a line above the bar."""
        (self._bar.console if self._bar else stderr()).print(f"[dim]{escape(plain(message))}[/]")

    def end(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _count(self) -> str:
        return f"{self._done}/{self._files} files" if self._files else ""


class PlainProgress:
    """A line a stage and a line a note, for logs."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = threading.Lock()
        self._what, self._files, self._done = "", 0, 0

    def begin(self, what: str, files: int, size: int) -> None:
        """Say what begins."""
        self._what, self._files, self._done = what, files, 0
        amount = f", {human(size)}" if size else ""
        if files:
            stderr().print(f"{what} {count(files, 'file')}{amount}")

    def advance(self, size: int) -> None:
        """Say nothing: bytes alone are no news in a log."""

    def done(self, name: str) -> None:
        """Say how far it is, at every tenth of the way."""
        with self._lock:
            self._done += 1
            step = max(1, self._files // 10)
            if self._done % step == 0 or self._done == self._files:
                stderr().print(f"{self._what} {self._done}/{self._files} {escape(name)}")

    def note(self, message: str) -> None:
        """Print a line."""
        stderr().print(escape(plain(message)))

    def end(self) -> None:
        """Say nothing: the command ends with its own summary."""


def progress(*, quiet: bool) -> TerminalProgress | PlainProgress | NoProgress:
    """Return what fits: nothing with --quiet, bars on a terminal, lines elsewhere."""
    if quiet:
        return NoProgress()
    return TerminalProgress() if sys.stderr.isatty() and stderr().is_terminal else PlainProgress()


def count(number: int, noun: str, plural: str = "") -> str:
    """Return '1 file', '2 files', '1,234 files'; `plural` is for nouns that do not just take an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def human(size: float) -> str:
    """Return a size as people say it."""
    if size < 1000:  # noqa: PLR2004 - SI prefixes
        return f"{size:,.0f} bytes"
    power = min(int(math.log10(size)) // 3, 4)
    return f"{size / 1000**power:,.1f} {('', 'kB', 'MB', 'GB', 'TB')[power]}"
