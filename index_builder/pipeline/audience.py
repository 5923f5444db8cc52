"""One audience's tree: whole, or what changed since the last build of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from index_builder.errors import CorruptEntryError
from index_builder.fetch.stage import Fetcher
from index_builder.model.index import Index
from index_builder.model.names import Word
from index_builder.model.page import JSON, JSON_LINES, Page, Tier
from index_builder.model.plan import Plan
from index_builder.model.problem import Problem, ProblemsFoundError, in_order
from index_builder.model.snapshot import Blob, Snapshot
from index_builder.pipeline.examine import examine, is_examined
from index_builder.pipeline.previous import ROWS, Previous
from index_builder.pipeline.snapshot import blobs_of, take
from index_builder.plan import plan
from index_builder.ports import Site
from index_builder.publish import Changes, Wanted, publish
from index_builder.render.legacy import ReleaseJson, render_legacy, render_rows
from index_builder.render.rows import segment, spliced
from index_builder.render.simple import (
    LIST_JSON,
    ListedName,
    environment,
    read_json_list,
    render_detail,
    render_json_list,
    render_list,
)
from index_builder.state import MARK, Built, Mark, digest_of, encode_shard, shard_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to build with. `full` compares with nothing, `verify` reads every served file once more, besides."""

    templates: Mapping[str, str]
    release_json: ReleaseJson
    builder: str
    full: bool = False
    verify: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What an audience's tree is built from: `inputs` is their digest, `blobs` the git object ids of the manifests that were read.

    With `previous`, these are only the manifests that changed since, and `gone` the projects that have none any more;
    without it, they are all.
    """

    inputs: str
    blobs: Mapping[str, str]
    previous: Previous | None = None
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a build of one audience did: what is listed now, how many projects were built, and what that changed."""

    audience: Word
    projects: int
    files: int
    built: int
    changes: Changes
    warnings: tuple[Problem, ...]


def build_audience(index: Index, audience: Word, site: Site, fetcher: Fetcher, order: Order, since: Since) -> Report:
    """Build one audience's tree. Raises ProblemsFoundError, StorageError, InterruptedRunError, OutdatedStateError.

    Where an entry of the pool proves wrong on the way, it was dropped: everything is done once more with it fetched anew.
    """
    planned = plan(index, audience)
    try:
        return _build(index, planned, site, fetcher, order, since)
    except CorruptEntryError as error:
        fetcher.downloader.progress.note(f"{error.message}; fetching it anew")
        return _build(index, planned, site, fetcher, order, since)


def _build(index: Index, planned: Plan, site: Site, fetcher: Fetcher, order: Order, since: Since) -> Report:
    warnings = _gathered(planned, fetcher)
    snapshot = take(index, planned, fetcher.pool)
    blobs = blobs_of(index, planned, fetcher.pool)
    fresh = _Fresh.of(snapshot, blobs, order, since)
    mark = Mark(audience=planned.audience, builder=order.builder, commit=index.revision, inputs=since.inputs)
    if since.previous is None:
        present = _verified(site, fresh.blobs) if order.verify else site.listing()
        wanted, mark = _whole(snapshot, fresh, mark, order)
    else:
        wanted, mark, paths = _changed(snapshot, fresh, mark, order, since, since.previous)
        present = {path: size for path in paths if (size := site.size(path)) is not None}
    changes = publish(site, fetcher.pool, wanted, present, fetcher.downloader.progress)
    return Report(
        audience=planned.audience, projects=mark.projects, files=mark.files, built=len(fresh.built), changes=changes, warnings=warnings
    )


def _verified(site: Site, blobs: list[Blob]) -> dict[str, int]:
    """Return what is there, as `Site.listing` does; a served file of other bytes counts as one of another size."""
    present = site.listing()
    for blob in blobs:
        if present.get(blob.path) == blob.size:
            with site.open(blob.path) as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != blob.digest:  # type: ignore[arg-type]
                    present[blob.path] = -1
    return present


def _gathered(planned: Plan, fetcher: Fetcher) -> tuple[Problem, ...]:
    """Bring what is missing into the pool, look into what was not examined yet, and return the warnings."""
    problems = fetcher.files(planned.served) + fetcher.provenance(planned.listed) + fetcher.links(planned.located)
    if problems:
        raise ProblemsFoundError(in_order(problems))
    for fetch in planned.served:
        if not is_examined(fetch, fetcher.pool):
            problems += examine(fetch, fetcher).problems
    if any(problem.severity == "error" for problem in problems):
        raise ProblemsFoundError(in_order(problems))
    return in_order(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fresh:
    """What was rendered anew: pages, the pool's bytes, and by project its lines of `packages.json`, its name and its state."""

    pages: list[Page]
    blobs: list[Blob]
    rows: dict[str, bytes]
    names: dict[str, ListedName]
    built: dict[str, Built]

    @classmethod
    def of(cls, snapshot: Snapshot, blobs: Mapping[str, list[Blob]], order: Order, since: Since) -> _Fresh:
        templates = environment(order.templates)
        fresh = cls(pages=[], blobs=[], rows={}, names={}, built={})
        for listed in snapshot.projects:
            name, path = listed.project.normalized, listed.project.place.path
            pages = [*render_detail(snapshot, listed, templates), *render_legacy(snapshot, listed, order.release_json)]
            fresh.pages.extend(pages)
            fresh.rows[name] = render_rows(listed)
            fresh.names[name] = ListedName(normalized=name, name=listed.project.name, serial=listed.serial)
            files = sorted({*(page.path for page in pages), *(blob.path for blob in blobs[name])})
            fresh.built[name] = Built(name=name, path=path, blob=since.blobs[path], files=tuple(files))
        # Of all projects: files come first, then core metadata, then provenance.
        fresh.blobs.extend(sorted((blob for group in blobs.values() for blob in group), key=_kind))
        return fresh


def _kind(blob: Blob) -> int:
    return 2 if blob.path.startswith("provenance/") else int(blob.path.endswith(".metadata"))


def _whole(snapshot: Snapshot, fresh: _Fresh, mark: Mark, order: Order) -> tuple[Wanted, Mark]:
    """Return all that the tree must hold."""
    names = [fresh.names[name] for name in sorted(fresh.names)]
    lists = [render_list(snapshot.title, names, environment(order.templates)), render_json_list(names)]
    rows = b"".join(fresh.rows[name] for name in sorted(fresh.rows))
    groups: dict[str, list[Built]] = {}
    for built in fresh.built.values():
        groups.setdefault(shard_of(built.name), []).append(built)
    shards = [_state_page(path, encode_shard(group)) for path, group in sorted(groups.items())]
    mark = replace(
        mark, projects=len(names), files=rows.count(b"\n"), rows=len(rows),
        lists={page.path: digest_of(page.content) for page in lists}, shards={page.path: digest_of(page.content) for page in shards},
    )  # fmt: skip
    listing = Page(path=ROWS, content_type=JSON_LINES, content=rows, tier=Tier.LIST)
    pages = [*fresh.pages, *lists, listing, *shards]
    return Wanted(blobs=fresh.blobs, pages=pages, mark=_marked(mark)), mark


def _changed(
    snapshot: Snapshot, fresh: _Fresh, mark: Mark, order: Order, since: Since, previous: Previous,
) -> tuple[Wanted, Mark, set[str]]:  # fmt: skip
    """Return what the tree must hold of the projects that changed, and every path that may have to go for it."""
    before = previous.mark
    touched = _touched(fresh, since, previous)
    old = {name: built for name in touched if (built := previous.built(name))}
    lists, names = _lists(snapshot, fresh, touched, order, previous)
    shards, digests = _shards(fresh, touched, previous)
    streams, rows, files = _rows(fresh, touched, previous)
    mark = replace(
        mark, projects=names, files=files, rows=rows, lists={**before.lists, **{page.path: digest_of(page.content) for page in lists}},
        shards=digests,
    )  # fmt: skip
    paths = {path for built in (*old.values(), *fresh.built.values()) for path in built.files}
    paths |= {page.path for page in lists} | {shard_of(name) for name in touched} | {MARK}
    paths -= _used_elsewhere(old, touched, previous)
    pages = [*fresh.pages, *lists, *shards]
    return Wanted(blobs=fresh.blobs, pages=pages, streams=streams, mark=_marked(mark)), mark, paths


def _touched(fresh: _Fresh, since: Since, previous: Previous) -> frozenset[str]:
    """Return the projects that the audience sees or saw, of those that were read or are gone."""
    read = {path.rpartition("/")[2].removesuffix(".yaml") for path in since.blobs}
    return frozenset(name for name in read | since.gone if name in fresh.built or previous.built(name))


def _lists(snapshot: Snapshot, fresh: _Fresh, touched: frozenset[str], order: Order, previous: Previous) -> tuple[list[Page], int]:
    """Return the project lists that change, and how many projects they have."""
    if not touched:
        return [], previous.mark.projects
    before = list(read_json_list(previous.site.read(LIST_JSON)))
    names = sorted([listed for listed in before if listed.normalized not in touched] + list(fresh.names.values()))
    lists = [render_json_list(names)] if names != before else []
    if [(listed.normalized, listed.name) for listed in names] != [(listed.normalized, listed.name) for listed in before]:
        lists.insert(0, render_list(snapshot.title, names, environment(order.templates)))
    return lists, len(names)


def _shards(fresh: _Fresh, touched: frozenset[str], previous: Previous) -> tuple[list[Page], dict[str, str]]:
    """Return the shards that change, and the digests of all."""
    digests, pages = dict(previous.mark.shards), []
    for path in sorted({shard_of(name) for name in touched}):
        kept = [built for name, built in previous.shard(path).items() if name not in touched]
        group = kept + [built for name, built in fresh.built.items() if shard_of(name) == path]
        digests.pop(path, None)
        if group:
            page = _state_page(path, encode_shard(group))
            pages.append(page)
            digests[path] = digest_of(page.content)
    return pages, dict(sorted(digests.items()))


def _rows(fresh: _Fresh, touched: frozenset[str], previous: Previous) -> tuple[dict[str, Iterator[bytes]], int, int]:
    """Return `packages.json` where it changes, its size in bytes and its number of lines."""
    size, lines = previous.mark.rows, previous.mark.files
    edits: dict[str, bytes] = {}
    total = size
    with previous.site.open(ROWS) as stream:
        for name in sorted(touched):
            begin, end = segment(stream, size, name)
            stream.seek(begin)
            before, after = stream.read(end - begin), fresh.rows.get(name, b"")
            if before != after:
                edits[name] = after
                total += len(after) - len(before)
                lines += after.count(b"\n") - before.count(b"\n")
    return {ROWS: _spliced(previous, edits)} if edits else {}, total, lines


def _spliced(previous: Previous, edits: Mapping[str, bytes]) -> Iterator[bytes]:
    with previous.site.open(ROWS) as stream:
        yield from spliced(stream, previous.mark.rows, edits)


def _used_elsewhere(old: Mapping[str, Built], touched: frozenset[str], previous: Previous) -> set[str]:
    """Return provenance that projects share which did not change: it stays when one of its users goes."""
    shared = {path for built in old.values() for path in built.files if path.startswith("provenance/")}
    if not shared:
        return set()
    return {path for name, built in previous.everything().items() if name not in touched for path in shared.intersection(built.files)}


def _state_page(path: str, content: bytes) -> Page:
    return Page(path=path, content_type=JSON, content=content, tier=Tier.STATE)


def _marked(mark: Mark) -> Page:
    return _state_page(MARK, mark.encode())
