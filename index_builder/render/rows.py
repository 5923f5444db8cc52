"""The package list of a tree: a JSON object a file and line, in the form of dumb-pypi's, which reads it back.

A project's lines are replaced where they stand; they are found by the name of its first file, and with it the end of them
by their number of bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from index_builder.model.snapshot import ListedFile, ListedProject
from index_builder.render.simple import dump

_LINE: Final = re.compile(rb'^\{"filename":"([^"\\]*)"', re.MULTILINE)


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


def spliced(content: bytes, splices: Iterable[Splice]) -> bytes:
    """Return a file with its splices done; those at one place in the order given."""
    parts: list[bytes] = []
    position = 0
    for begin, end, lines in sorted(splices, key=lambda splice: splice[:2]):
        parts += content[position:begin], lines
        position = end
    return b"".join([*parts, content[position:]])


def find_lines(content: bytes, filenames: Collection[str]) -> Mapping[str, int]:
    """Return where the line of each file begins.

    One that is not there is left out, and so is one that stands there twice: an old sdist's name can be of two projects
    (`a-b-1.tar.gz`).
    """
    wanted = {name.encode(): name for name in filenames}
    found: dict[str, int] = {}
    twice: set[str] = set()
    for match in _LINE.finditer(content):
        if name := wanted.get(match[1]):
            if name in found:
                twice.add(name)
            found[name] = match.start()
    return {name: begin for name, begin in found.items() if name not in twice}
