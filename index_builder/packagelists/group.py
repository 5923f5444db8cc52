"""A package list's lines by project, held as the bytes at which they begin: a list may be larger than memory."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import BinaryIO

from index_builder.packagelists.changes import lines_of
from index_builder.packagelists.line import BadLineError, project_of


def group(stream: BinaryIO, bad: Callable[[int, BadLineError], None], *, is_json: bool) -> dict[str, array[int]]:
    """Return where each project's lines begin, by normalized name; `bad` is told of each line that belongs to none."""
    found: dict[str, array[int]] = {}
    for position, line in lines_of(stream):
        try:
            name = project_of(line, is_json=is_json)
        except BadLineError as error:
            bad(position, error)
            continue
        positions = found.get(name)
        if positions is None:
            positions = found[name] = array("Q")
        positions.append(position)
    return found


def lines_at(stream: BinaryIO, positions: array[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that begin at these bytes, each with its own."""
    for position in positions:
        stream.seek(position)
        yield position, stream.readline().strip()
