"""A project's lines become the project as its pages show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from packaging.version import Version

from index_builder.model.snapshot import ListedFile, ListedProject
from index_builder.packagelists.line import BadLineError, read_line


def listed(
    name: str, lines: Iterable[tuple[int, bytes]], packages_url: str, bad: Callable[[int, BadLineError], None]
) -> ListedProject | None:
    """Return a project of the lines (JSON) that begin at these bytes, or None where none is good; `bad` is told of each that is not.

    A line that stands there twice is one; two that say different things of one file name contradict each other.
    """
    found: dict[str, tuple[Version, ListedFile, list[str]]] = {}
    for position, line in lines:
        try:
            read = read_line(line, packages_url)
        except BadLineError as error:
            bad(position, error)
            continue
        filename = read[1].filename
        if found.setdefault(filename, read) != read:
            bad(position, BadLineError(f"{filename} is listed twice, with different facts", "keep one of the lines"))
    if not found:
        return None
    in_order = sorted(found.values(), key=lambda read: (read[0], read[1].filename))
    files = tuple(_in_one_spelling(in_order))
    metadata = {file.filename: {"requires_dist": requires} for _, file, requires in in_order if requires}
    last = max(file.uploaded for file in files)  # written so that they are in the order of time, but for parts of a second
    serial = int(datetime.fromisoformat(last).timestamp()) if last else 0
    return ListedProject(name, name, files, metadata, serial)


def _in_one_spelling(in_order: Iterable[tuple[Version, ListedFile, list[str]]]) -> Iterator[ListedFile]:
    """Yield the files; 1 and 1.0 are one release, which is written as its first file has it."""
    before, written = None, ""
    for version, file, _ in in_order:
        if version != before:
            before, written = version, file.version
        yield file if file.version == written else file._replace(version=written)
