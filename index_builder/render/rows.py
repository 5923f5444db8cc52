"""`packages.json`: a JSON object a file and line, in the form of dumb-pypi's package list, which reads it back.

A project's lines are replaced where they stand; they are found by the name of its first file, and with it the end of them
by their number of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import BinaryIO, Final, NamedTuple

from index_builder.model.snapshot import ListedFile, ListedProject
from index_builder.render.simple import dump

ROWS: Final = "packages.json"
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


def find_lines(stream: BinaryIO, filenames: set[str]) -> Mapping[str, int]:
    """Return where the line of each file begins; one that stands there twice, or not at all, is left out."""
    begins = {b'{"filename":' + dump(name): name for name in filenames}
    found: dict[str, set[int]] = {}
    scan = _by_search if len(begins) <= _FEW else _by_line
    for begin, position in scan(stream, begins):
        found.setdefault(begins[begin], set()).add(position)
    return {name: positions.pop() for name, positions in found.items() if len(positions) == 1}


#: So many searches through the file cost less than a look at each of its lines.
_FEW = 4


def _by_search(stream: BinaryIO, begins: Mapping[bytes, str]) -> Iterator[tuple[bytes, int]]:
    stream.seek(0)
    position, rest = 0, b"\n"
    while chunk := stream.read(_CHUNK):
        window = rest + chunk
        for begin in begins:
            needle, at = b"\n" + begin, -1
            while (at := window.find(needle, at + 1)) >= 0:
                yield begin, position + at + 1 - len(rest)
        position += len(chunk)
        rest = window[-_LONGEST:]


#: No line's beginning is longer: a file name has at most 255 characters.
_LONGEST = 300


def _by_line(stream: BinaryIO, begins: Mapping[bytes, str]) -> Iterator[tuple[bytes, int]]:
    stream.seek(0)
    position = 0
    for line in stream:
        begin = line[: line.find(b'"', 13) + 1]
        if begin in begins:
            yield begin, position
        position += len(line)
