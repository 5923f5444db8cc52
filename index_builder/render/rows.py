"""The package list of a tree: a JSON object a file and line, in the form of dumb-pypi's, which reads it back.

A project's lines are replaced where they stand; they are found by the name of its first file, and with it the end of them
by their number of bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import BinaryIO, Final, NamedTuple

from index_builder.model.names import normalize
from index_builder.model.snapshot import ListedFile, ListedProject
from index_builder.render.simple import dump

_CHUNK = 4 * 1024 * 1024


def render_rows(project: ListedProject) -> bytes:
    """Return a project's lines."""
    return b"".join([dump(_row(file, project)) + b"\n" for file in project.files])


def _row(file: ListedFile, project: ListedProject) -> dict[str, object]:
    row: dict[str, object] = {"filename": file.filename}
    if file.digest:
        row["hash"] = file.digest
    if requires := project.metadata.get(file.filename, {}).get("requires_dist"):
        row["requires_dist"] = requires
    if file.requires_python:
        row["requires_python"] = file.requires_python
    if file.metadata:
        row["core_metadata"] = file.metadata
    if file.uploaded_by:
        row["uploaded_by"] = file.uploaded_by
    if file.uploaded:
        seconds = datetime.fromisoformat(file.uploaded).timestamp()
        row["upload_timestamp"] = int(seconds) if seconds.is_integer() else seconds
    if file.yanked:
        row["yanked_reason"] = file.yanked
    return row


class Splice(NamedTuple):
    """New lines in the place of those from byte `begin` to byte `end`."""

    begin: int
    end: int
    lines: bytes


def spliced(stream: BinaryIO, size: int, splices: list[Splice]) -> Iterator[bytes]:
    """Yield the file of `size` bytes with its splices done, in chunks; those at one place in the order given."""
    position = 0
    for begin, end, lines in sorted(splices, key=lambda splice: splice[:2]):
        yield from _copied(stream, position, begin)
        yield lines
        position = end
    yield from _copied(stream, position, size)


def _copied(stream: BinaryIO, begin: int, end: int) -> Iterator[bytes]:
    stream.seek(begin)
    left = end - begin
    while left > 0 and (chunk := stream.read(min(left, _CHUNK))):
        left -= len(chunk)
        yield chunk


def find_lines(stream: BinaryIO, size: int, filenames: Mapping[str, str]) -> Mapping[str, int]:
    """Return where the line of each file begins in a file of `size` bytes; `filenames` have the normalized names of their projects.

    One that is not there is left out, and so is one that two projects may have, and that stands there twice.
    """
    found: dict[str, set[int]] = {}
    left = {_BEGIN + dump(name): name for name in filenames}
    for begin, name in [*left.items()] if len(left) <= _FEW else ():
        # An old sdist's name can be of two projects (`a-b-1.tar.gz`), and stand in the lines of both: each line must be looked at.
        is_of_one = name.endswith(".whl") or name.count("-") == 1
        if is_of_one and (position := _by_project(stream, size, begin, filenames[name])) is not None:
            found[left.pop(begin)] = {position}
    for begin, position in _by_line(stream, left) if left else ():
        found.setdefault(left[begin], set()).add(position)
    return {name: positions.pop() for name, positions in found.items() if len(positions) == 1}


_BEGIN: Final = b'{"filename":'
#: So many looks from halves to halves of the file cost less than a look at each of its lines.
_FEW: Final = 256
#: What is read at once where the lines of a project must be.
_NEAR: Final = 64 * 1024
#: What of a file name is its project's, as far as one can tell without knowing it.
_PROJECT: Final = re.compile(rb'\{"filename":"([^"\\]+?)-[0-9]')


def _by_project(stream: BinaryIO, size: int, begin: bytes, project: str) -> int | None:
    """Return where a line is, by the order of projects; None where their file names do not tell it."""
    low, high = 0, size
    while high - low > _NEAR:
        stream.seek((low + high) // 2)
        stream.readline()
        here = stream.tell()
        guessed = _PROJECT.match(stream.readline()) if here < high else None
        if guessed and normalize(guessed[1].decode("utf-8", "replace")) < project:
            low = here
        else:
            high = (low + high) // 2
    stream.seek(low)
    window = b"\n" + stream.read(high - low) + stream.readline() + stream.readline()
    at = window.find(b"\n" + begin)
    return low + at if at >= 0 and window.count(b"\n" + begin) == 1 else None


def _by_line(stream: BinaryIO, begins: Mapping[bytes, str]) -> Iterator[tuple[bytes, int]]:
    stream.seek(0)
    position = 0
    for line in stream:
        begin = line[: line.find(b'"', 13) + 1]
        if begin in begins:
            yield begin, position
        position += len(line)
