"""One tree: whole, or what changed since the last build of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from index_builder.errors import StorageError
from index_builder.model.names import Word
from index_builder.model.page import JSON, LargePage, Page, Tier, WrittenPage
from index_builder.model.snapshot import Blob
from index_builder.pipeline.pages import Layout, Rendered, house_templates, render, render_into, templates_of
from index_builder.pipeline.previous import Previous
from index_builder.pipeline.rows import GatheredRows, change_rows, rows_digest
from index_builder.pipeline.spool import Spool
from index_builder.pipeline.spread import spread
from index_builder.ports.machine import Helpers, Progress
from index_builder.ports.places import SharedSite, Site, Writer
from index_builder.ports.pool import Pool
from index_builder.publish.writing import Changes, publish
from index_builder.render.simple import LIST_JSON, NO_LOGO, ListedName, Logo, ProjectList, render_list
from index_builder.render.web.books import BOOKS, Books, decode_books
from index_builder.state import MARK, Mark, OutdatedStateError, begun, digest_of, join_shard, shard_of

if TYPE_CHECKING:
    from index_builder.render.web.shared import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What one tree is made of.

    `parts` are packed projects in the order of their names, `blobs` the pool's bytes that they serve, `mark` what was built
    from what. With `previous`, all of these are only of projects that changed since; `touched` are those, gone ones too.
    With `sparse`, files that the state names by their digest are taken to be there: to ask would be to download them.
    """

    mark: Mark
    title: str
    layout: Layout
    parts: Iterable[bytes]
    blobs: Iterable[Blob] = ()
    logo: Logo = NO_LOGO
    previous: Previous | None = None
    touched: frozenset[str] = frozenset()
    verify: bool = False
    sparse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a build of one audience did: what is listed now, how many projects were built, and what that changed.

    `since` is what the last build was of where this one went on from it, as the mark has it; None where all was built.
    """

    audience: Word | str
    projects: int
    files: int
    built: int
    changes: Changes
    since: str | None = None


def build_tree(tree: Tree, site: Site, pool: Pool | None, executor: Executor | None, progress: Progress) -> Report:
    """Build a tree in its site. Raises CorruptEntryError, StorageError, InterruptedRunError, OutdatedStateError."""
    blobs = sorted(tree.blobs, key=_kind)
    with ExitStack() as stack:
        work: _Whole | _Changed
        if tree.previous:
            work = _Changed(tree, tree.previous, list(_rendered(tree, executor, None)))
            present = dict(_sizes(site, work.paths(blobs), work.by_digest() if tree.sparse else frozenset()))
            pages = work.pages()
        else:
            work = _Whole(tree, stack)
            present = dict(_verified(site, blobs) if tree.verify else site.listing())
            # Where nothing is there yet, there is nothing to compare with, and nobody needs a page but its reader.
            writer = site.writer() if isinstance(executor, Helpers) and isinstance(site, SharedSite) and not present else None
            pages = work.pages(_rendered(tree, executor, writer))
        stack.enter_context(closing(pages))  # where it fails, nobody is to go on rendering
        changes = publish(site, pool, MARK, begun(tree.mark.audience), blobs, pages, present, progress)
    mark = work.mark
    since = tree.previous.mark.source if tree.previous else None
    return Report(audience=mark.audience, projects=mark.projects, files=mark.files, built=work.built, changes=changes, since=since)


def _rendered(tree: Tree, executor: Executor | None, writer: Writer | None) -> Iterator[Rendered]:
    """Yield each part when it is rendered; with a `writer`, its pages are written by whoever rendered them."""
    if writer:
        return (part for _, part in spread(executor, render_into, ((writer, tree.layout, part) for part in tree.parts)))
    return (part for _, part in spread(executor, render, ((tree.layout, part) for part in tree.parts)))


def _sizes(site: Site, paths: Iterable[str], known: Collection[str]) -> Iterator[tuple[str, int | None]]:
    """Yield what is there of some paths with its size; of those that are `known` to be there, nobody is asked for it."""
    for path in paths:
        if path in known:
            yield path, None
        elif (size := site.size(path)) is not None:
            yield path, size


def _kind(blob: Blob) -> int:
    """Of all projects, files come first, then core metadata, then provenance."""
    return 2 if blob.path.startswith("provenance/") else int(blob.path.endswith(".metadata"))


def _verified(site: Site, blobs: Iterable[Blob]) -> Mapping[str, int | None]:
    """Return what is there, as `Site.listing` does; a served file of other bytes counts as one of another size."""
    present = dict(site.listing())
    for blob in blobs:
        if present.get(blob.path, _ABSENT) in (blob.size, None) and not _is_genuine(site, blob):
            present[blob.path] = _ABSENT
    return present


_ABSENT: Final = -1


def _is_genuine(site: Site, blob: Blob) -> bool:
    try:
        with site.open(blob.path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == blob.digest  # type: ignore[arg-type]
    except StorageError:
        return False


class _Whole:
    """All that a tree must hold."""

    def __init__(self, tree: Tree, stack: ExitStack) -> None:
        self._tree = tree
        self._stack = stack
        self.mark = tree.mark
        self.built = 0

    def pages(self, rendered: Iterable[Rendered]) -> Generator[Page | LargePage | WrittenPage, None, None]:
        """Yield every page; project pages come while they are rendered."""
        tree, names = self._tree, []
        shards: dict[str, list[bytes]] = {}
        rows = GatheredRows(tree.mark.audience, self._stack.enter_context(Spool()))
        digests: dict[str, str] = {}
        files = 0
        entries: list[Entry] = []
        assets = tree.layout.house.asset_pages() if tree.layout.house else []
        yield from assets
        for part in rendered:
            entries += part.entries
            yield from part.pages
            for listed, lines in zip(part.names, part.rows, strict=True):
                rows.add(listed.normalized, lines)
                files += lines.count(b"\n")
            names += part.names
            for path, line in part.state:
                shards.setdefault(path, []).append(line)
        self.built = len(names)
        lists = [
            render_list(tree.title, names, templates_of(tree.layout), tree.logo),
            ProjectList.of(names).page(preview=tree.layout.preview),
        ]
        yield from lists
        for page in rows.pages():
            digests[page.path] = rows_digest(page)
            yield page
        people, books = _for_people(tree, (), entries, names)
        yield from (page for page in people if page not in assets)
        states = [_state_page(path, join_shard(lines)) for path, lines in sorted(shards.items())]
        yield from states
        self.mark = replace(
            tree.mark, projects=len(names), files=files, rows_size=rows.size, rows=digests, web=books,
            lists={page.path: digest_of(page.content) for page in lists},
            shards={page.path: digest_of(page.content) for page in states},
        )  # fmt: skip
        yield _marked(self.mark)


class _Changed:
    """What a tree must hold of the projects that changed, and every path that may have to go for it."""

    def __init__(self, tree: Tree, previous: Previous, rendered: list[Rendered]) -> None:
        self._tree = tree
        self._previous = previous
        self._pages = [page for part in rendered for page in part.pages]
        self._names = {listed.normalized: listed for part in rendered for listed in part.names}
        self._rows = dict(zip(self._names, (lines for part in rendered for lines in part.rows), strict=True))
        self._state = dict(zip(self._names, (line for part in rendered for _, line in part.state), strict=True))
        self._old = {name: built for name in tree.touched if (built := previous.built(name))}
        self._touched = sorted(self._old.keys() | self._names.keys())
        self._before = ProjectList.read(previous.site.read(LIST_JSON)) if self._touched else ProjectList([])
        self.built = len(self._names)
        self._after = self._before.changed(self._touched, self._names.values())
        self._lists, projects = self._project_lists()
        entries = [entry for part in rendered for entry in part.entries]
        self._people, books = _for_people(tree, self._touched, entries, self._after) if self._touched else ([], previous.mark.web)
        self._shards, digests = self._state_pages()
        self._listing = change_rows(previous, self._before, {name: self._rows.get(name, b"") for name in self._touched})
        self.mark = replace(
            tree.mark, projects=projects, files=previous.mark.files + self._listing.lines, rows_size=self._listing.size,
            rows=self._listing.digests, shards=digests, web=books,
            lists={**previous.mark.lists, **{page.path: digest_of(page.content) for page in self._lists}},
        )  # fmt: skip

    def paths(self, blobs: Iterable[Blob]) -> set[str]:
        """Return every path that may be written or have to go; shared provenance stays where another project uses it."""
        paths = {path for built in self._old.values() for path in built.files}
        paths |= {blob.path for blob in blobs} | {page.path for page in (*self._pages, *self._lists, *self._people, *self._shards)}
        paths |= self._gone_for_people() | (self._previous.mark.rows.keys() - self._listing.digests.keys())
        paths |= {shard_of(name) for name in self._touched} | {MARK}
        return paths - self._used_elsewhere()

    def by_digest(self) -> frozenset[str]:
        """Return the paths of files that the tree has already, and that never change."""
        return frozenset(path for built in self._old.values() for path in built.files if path.startswith(("packages/", "provenance/")))

    def pages(self) -> Generator[Page | LargePage | WrittenPage, None, None]:
        """Yield the pages that may differ."""
        yield from self._pages
        yield from self._lists
        yield from self._listing.pages
        yield from self._people
        yield from self._shards
        yield _marked(self.mark)

    def _project_lists(self) -> tuple[list[Page], int]:
        """Return the project lists that change, and how many projects they have."""
        if not self._touched:
            return [], self._previous.mark.projects
        tree, before, after = self._tree, self._before, self._after
        lists = [] if after.is_same(before) else [after.page(preview=tree.layout.preview)]
        if not after.is_same(before, but_for_serials=True):
            lists.insert(0, render_list(tree.title, after, templates_of(tree.layout), tree.logo))
        return lists, len(after)

    def _gone_for_people(self) -> set[str]:
        """Return the pages that show many projects and are not there any more."""
        now = next((page for page in self._people if page.path == BOOKS), None)
        return self._previous.books().files.keys() - decode_books(now.content).files.keys() if now else set()

    def _state_pages(self) -> tuple[list[Page], dict[str, str]]:
        """Return the shards that change, and the digests of all."""
        digests, pages, touched = dict(self._previous.mark.shards), [], set(self._touched)
        for path in sorted({shard_of(name) for name in touched}):
            lines = [built.encode() for name, built in self._previous.shard(path).items() if name not in touched]
            lines += [line for name, line in self._state.items() if shard_of(name) == path]
            digests.pop(path, None)
            if lines:
                page = _state_page(path, join_shard(lines))
                pages.append(page)
                digests[path] = digest_of(page.content)
        return pages, dict(sorted(digests.items()))

    def _used_elsewhere(self) -> set[str]:
        """Return provenance that projects share which did not change."""
        shared = {path for built in self._old.values() for path in built.files if path.startswith("provenance/")}
        if not shared:
            return set()
        others = (built for name, built in self._previous.everything().items() if name not in self._old)
        return {path for built in others for path in shared.intersection(built.files)}


def _for_people(tree: Tree, touched: Collection[str], entries: list[Entry], names: Iterable[ListedName]) -> tuple[list[Page], str]:
    """Return the pages that show many projects, as far as they differ from the last build's, and the digest of what is remembered of them.

    Raises OutdatedStateError.
    """
    house = tree.layout.house
    if house is None:
        return [], ""
    from index_builder.render.web.shared import Shared  # noqa: PLC0415 - for pages for people only

    before = tree.previous.books() if tree.previous else Books()
    known = tree.previous

    def read(path: str) -> bytes:
        if known is None:
            raise OutdatedStateError
        return known.page_for_people(before, path)

    shared = Shared(house, house_templates(house), before, read)
    try:
        pages = shared.change(touched, entries, list(names))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise OutdatedStateError from error
    content = shared.books.encode()
    return [*pages, Page(BOOKS, JSON, content, Tier.LIST)], digest_of(content)


def _state_page(path: str, content: bytes) -> Page:
    return Page(path, JSON, content, Tier.STATE)


def _marked(mark: Mark) -> Page:
    return Page(MARK, JSON, mark.encode(), Tier.MARK)
