"""The package list of a tree: made of all projects, or changed where some of them changed."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final, NamedTuple

from index_builder.model.page import JSON_LINES, Page, Tier
from index_builder.model.rows import ROWS, is_sharded, rows_path
from index_builder.pipeline.previous import Previous
from index_builder.pipeline.spool import Spool
from index_builder.render.rows import Splice, find_lines, spliced
from index_builder.render.simple import ProjectList
from index_builder.state import Built, OutdatedStateError, digest_of, digits_of, shard_of

_WHOLE: Final = "the package list is split from now on, or one file again"


class GatheredRows:
    """Lines of projects in their order. They wait in a file until every project page is out."""

    def __init__(self, spool: Spool) -> None:
        """Take an empty spool, which must stay open until the pages have been written."""
        self._spool = spool
        self._places: dict[str, array[int]] = {}

    @property
    def size(self) -> int:
        """The bytes of all lines."""
        return self._spool.size

    def add(self, name: str, lines: bytes) -> None:
        """Append a project's lines."""
        self._places.setdefault(digits_of(name), array("Q")).extend((self._spool.size, len(lines)))
        self._spool.add(lines)

    def pages(self) -> Iterator[Page]:
        """Yield the files of the list; one that would be empty is left out, but for the only one."""
        if not is_sharded(self.size):
            yield _page(ROWS, b"".join(self._spool.pieces()))
            return
        for digits, places in sorted(self._places.items()):
            content = b"".join(self._spool.at(begin, size) for begin, size in zip(places[::2], places[1::2], strict=True))
            if content:
                yield _page(rows_path(digits, self.size), content)


class ChangedRows(NamedTuple):
    """The files of a list that changed, the digests of all that there are, their bytes in all, and how many lines came."""

    pages: list[Page]
    digests: dict[str, str]
    size: int
    lines: int


def lines_of(previous: Previous, projects: Iterable[Built]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the name and the lines of each of some projects; raises OutdatedStateError where they are not where they were."""
    there = {built.name: built for built in projects}
    for path, names in _by_path(previous, there).items():
        content = previous.rows(path)
        places = find_lines(content, {there[name].first for name in names})
        for built in map(there.__getitem__, names):
            if built.first not in places:
                raise OutdatedStateError
            begin = places[built.first]
            yield built.name, content[begin : begin + built.rows].splitlines()


def _by_path(previous: Previous, names: Iterable[str]) -> dict[str, list[str]]:
    """Return projects by the file that their lines are in; both in order."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(rows_path(digits_of(name), previous.mark.rows_size), []).append(name)
    return dict(sorted(found.items()))


def change_rows(previous: Previous, before: ProjectList, rows: Mapping[str, bytes]) -> ChangedRows:
    """Put lines in the place of those that projects had; `before` are all projects that there were.

    Raises OutdatedStateError where a project's lines are not where they were, and where another number of files is needed.
    """
    there, digests = previous.mark.rows_size, dict(previous.mark.rows)
    pages: list[Page] = []
    size, lines = there, 0
    for path, names in _by_path(previous, rows).items():
        content = previous.rows(path)
        now = spliced(content, _splices(previous, before, content, {name: rows[name] for name in names}))
        size += len(now) - len(content)
        lines += now.count(b"\n") - content.count(b"\n")
        if not now and path != ROWS:
            digests.pop(path, None)
        elif now != content:
            pages.append(_page(path, now))
            digests[path] = digest_of(now)
    if is_sharded(size) != is_sharded(there):
        raise OutdatedStateError(_WHOLE)
    return ChangedRows(pages, dict(sorted(digests.items())), size, lines)


def _splices(previous: Previous, before: ProjectList, content: bytes, rows: Mapping[str, bytes]) -> Iterator[Splice]:
    anchors = {name: _anchor(previous, before, name) for name in rows}
    places = find_lines(content, {anchor.first for anchor in anchors.values() if anchor})
    for name, anchor in anchors.items():
        if anchor is None:
            yield Splice(len(content), len(content), rows[name])
        elif anchor.first not in places:
            raise OutdatedStateError
        else:
            begin = places[anchor.first]
            yield Splice(begin, begin + anchor.rows if anchor.name == name else begin, rows[name])


def _anchor(previous: Previous, before: ProjectList, name: str) -> Built | None:
    """Return the project itself where it has lines, else the next one in its file that has; None at the end."""
    following: Iterable[str] = before.following(name)
    if is_sharded(previous.mark.rows_size):
        following = sorted(other for other in previous.shard(shard_of(name)) if other > name)
    found = (previous.built(other) for other in chain([name], following))
    return next((built for built in found if built and built.rows), None)


def _page(path: str, content: bytes) -> Page:
    return Page(path, JSON_LINES, content, Tier.LIST)
