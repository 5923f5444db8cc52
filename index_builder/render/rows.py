"""`packages.json` edited in place of a project's lines: its lines are sorted by project, so they are found by halving."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import BinaryIO

_CHUNK = 1024 * 1024


def segment(stream: BinaryIO, size: int, project: str) -> tuple[int, int]:
    """Return where a project's lines begin and end in a file of `size` bytes."""
    return _first_from(stream, size, project, after=False), _first_from(stream, size, project, after=True)


def _first_from(stream: BinaryIO, size: int, project: str, *, after: bool) -> int:
    """Return where the first line begins whose project is not before `project` (or, with `after`, is behind it)."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        begin = _line_begin(stream, middle)
        stream.seek(begin)
        line = stream.readline()
        found = json.loads(line)["project"]
        if found < project or (after and found == project):
            low = begin + len(line)
        else:
            high = begin
    return low


def _line_begin(stream: BinaryIO, position: int) -> int:
    """Return where the line begins that holds a position."""
    step = 4096
    end = position
    while end > 0:
        begin = max(0, end - step)
        stream.seek(begin)
        found = stream.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def spliced(stream: BinaryIO, size: int, edits: Mapping[str, bytes]) -> Iterator[bytes]:
    """Yield the file with each project's lines replaced by those of `edits`, read in chunks."""
    position = 0
    for project in sorted(edits):
        begin, end = segment(stream, size, project)
        yield from _copied(stream, position, begin)
        yield edits[project]
        position = end
    yield from _copied(stream, position, size)


def _copied(stream: BinaryIO, begin: int, end: int) -> Iterator[bytes]:
    stream.seek(begin)
    left = end - begin
    while left > 0 and (chunk := stream.read(min(left, _CHUNK))):
        left -= len(chunk)
        yield chunk
