"""The package list of a tree: made of all projects, or changed where some of them changed."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from index_builder.model.page import JSON_LINES, LargePage, Page, Tier
from index_builder.model.rows import ROWS, is_sharded, shard_path
from index_builder.pipeline.previous import Previous
from index_builder.pipeline.spool import Spool
from index_builder.render.rows import Splice, find_lines, spliced
from index_builder.render.simple import ProjectList
from index_builder.state import Built, OutdatedStateError, digest_of, digits_of, shard_of


class GatheredRows:
    """Lines of an audience's projects in their order. They wait in a file until every project page is out."""

    def __init__(self, audience: str, spool: Spool) -> None:
        """Take the audience, and an empty spool, which must stay open until the pages have been written."""
        self._audience, self._spool = audience, spool
        self._places: dict[str, array[int]] = {}

    @property
    def size(self) -> int:
        """The bytes of all lines."""
        return self._spool.size

    def add(self, name: str, lines: bytes) -> None:
        """Append a project's lines."""
        self._places.setdefault(digits_of(name), array("Q")).extend((self._spool.size, len(lines)))
        self._spool.add(lines)

    def pages(self) -> Iterator[Page | LargePage]:
        """Yield the files of the list; of shards, those that have a line."""
        if not self._audience:
            yield LargePage(ROWS, JSON_LINES, self.size, self._spool.chunks, Tier.LIST)
        elif not is_sharded(self._audience, self.size):
            yield _page(ROWS, b"".join(self._spool.chunks()))
        else:
            for digits, places in sorted(self._places.items()):
                content = b"".join(self._spool.at(begin, size) for begin, size in zip(places[::2], places[1::2], strict=True))
                if content:
                    yield _page(shard_path(digits), content)


class ChangedRows(NamedTuple):
    """The files of a list that changed, the digests of all that there are, their bytes in all, and how many lines came."""

    pages: list[Page | LargePage]
    digests: dict[str, str]
    size: int
    lines: int


def rows_digest(page: Page | LargePage) -> str:
    """Return a file's digest, '' where it is too large to be looked at in every build: no audience has it, so it is not published."""
    return digest_of(page.content) if isinstance(page, Page) else ""


def change_rows(previous: Previous, before: ProjectList, rows: Mapping[str, bytes]) -> ChangedRows:
    """Put lines in the place of those that projects had; `before` are all projects that there were.

    Raises OutdatedStateError where a project's lines are not where they were, and where another number of files is needed.
    """
    audience, there, digests = previous.mark.audience, previous.mark.rows_size, dict(previous.mark.rows)
    pages: list[Page | LargePage] = []
    size, lines = there, 0
    for path, names in _by_path(previous, rows).items():
        changed = _change(previous, before, path, {name: rows[name] for name in names})
        size += changed.gained
        lines += changed.lines
        if changed.page is None:
            continue
        if changed.page.size or path == ROWS:
            pages.append(changed.page)
            digests[path] = rows_digest(changed.page)
        else:
            digests.pop(path, None)
    if (splits := is_sharded(audience, size)) != is_sharded(audience, there):
        raise OutdatedStateError(f"the package list is {'split from now on' if splits else 'one file again'}")
    return ChangedRows(pages, dict(sorted(digests.items())), size, lines)


class _Change(NamedTuple):
    """What a file becomes, None where it stays; how many bytes and lines it gains."""

    page: Page | LargePage | None
    gained: int
    lines: int


def _change(previous: Previous, before: ProjectList, path: str, rows: Mapping[str, bytes]) -> _Change:
    anchors = {name: _anchor(previous, before, name) for name in rows}
    splices: list[Splice] = []
    lines = 0
    with previous.open_rows(path) as stream:
        size = stream.seek(0, 2)
        places = find_lines(stream, size, {built.first: built.name for built in anchors.values() if built})
        for name, anchor in anchors.items():
            if anchor is None:
                begin = end = size
            elif anchor.first not in places:
                raise OutdatedStateError
            else:
                begin = places[anchor.first]
                end = begin + anchor.rows if anchor.name == name else begin
            stream.seek(begin)
            was = stream.read(end - begin)
            lines += rows[name].count(b"\n") - was.count(b"\n")
            if rows[name] != was:
                splices.append(Splice(begin, end, rows[name]))
        gained = sum(len(splice.lines) - (splice.end - splice.begin) for splice in splices)
        page: Page | LargePage | None = None
        if splices and previous.mark.audience:
            page = _page(path, b"".join(spliced(stream, size, splices)))
        elif splices:
            page = LargePage(path, JSON_LINES, size + gained, lambda: _spliced(previous, path, size, splices), Tier.LIST)
    return _Change(page, gained, lines)


def _spliced(previous: Previous, path: str, size: int, splices: list[Splice]) -> Iterator[bytes]:
    with previous.open_rows(path) as stream:
        yield from spliced(stream, size, splices)


def _anchor(previous: Previous, before: ProjectList, name: str) -> Built | None:
    """Return the project itself where it has lines, else the next one in its file that has; None at the end."""
    following: Iterable[str] = before.following(name)
    if is_sharded(previous.mark.audience, previous.mark.rows_size):
        following = sorted(other for other in previous.shard(shard_of(name)) if other > name)
    found = (previous.built(other) for other in chain([name], following))
    return next((built for built in found if built and built.rows), None)


def lines_of(previous: Previous, projects: Iterable[Built]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the name and the lines of each of some projects; raises OutdatedStateError where they are not where they were."""
    there = {built.name: built for built in projects}
    for path, names in _by_path(previous, there).items():
        with previous.open_rows(path) as stream:
            places = find_lines(stream, stream.seek(0, 2), {there[name].first: name for name in names})
            for built in map(there.__getitem__, names):
                if built.first not in places:
                    raise OutdatedStateError
                stream.seek(places[built.first])
                yield built.name, stream.read(built.rows).splitlines()


def _by_path(previous: Previous, names: Iterable[str]) -> dict[str, list[str]]:
    """Return projects by the file that their lines are in; both in order."""
    is_split = is_sharded(previous.mark.audience, previous.mark.rows_size)
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(shard_path(digits_of(name)) if is_split else ROWS, []).append(name)
    return dict(sorted(found.items()))


def _page(path: str, content: bytes) -> Page:
    return Page(path, JSON_LINES, content, Tier.LIST)
