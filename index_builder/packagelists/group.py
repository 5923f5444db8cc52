"""A package list's lines by project, held as the bytes at which they begin: a list may be larger than memory."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from index_builder.packagelists.changes import lines_of
from index_builder.packagelists.line import BadLineError, as_json, project_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageList:
    """A list that can be read again: its bytes, and whether a line is a JSON object or a file name."""

    stream: BinaryIO
    is_json: bool

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield all lines, each with the byte at which it begins."""
        return lines_of(self.stream)

    def lines_at(self, positions: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that begin at these bytes."""
        for position in positions:
            self.stream.seek(position)
            yield position, self.stream.readline().strip()

    def as_json(self, line: bytes) -> bytes:
        """Return a line in the form of a JSON object; raises BadLineError."""
        return line if self.is_json else as_json(line)


def group(listing: PackageList, bad: Callable[[int, BadLineError], None]) -> dict[str, array[int]]:
    """Return where each project's lines begin, by normalized name; `bad` is told of each line that belongs to none."""
    found: dict[str, array[int]] = {}
    for position, line in listing.lines():
        try:
            name = project_of(listing.as_json(line))
        except BadLineError as error:
            bad(position, error)
            continue
        positions = found.get(name)
        if positions is None:
            positions = found[name] = array("Q")
        positions.append(position)
    return found
