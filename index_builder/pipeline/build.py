"""A commit becomes a tree for each audience; what has not changed since the last build is left as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from index_builder.errors import CorruptEntryError
from index_builder.fetch.stage import Fetcher
from index_builder.manifests.reader import Settings, missing_problems, name_problems, read_settings, tree_problems
from index_builder.model.index import FILES
from index_builder.model.names import Word
from index_builder.model.plan import Fetch
from index_builder.model.problem import Problem, ProblemsFoundError, in_order
from index_builder.model.project import StoredOrigin
from index_builder.model.source import SETTINGS, SourceEntry, is_manifest, stem_of
from index_builder.pipeline.gather import Gathered, Lacking, ManifestFile, Part, gather
from index_builder.pipeline.pages import Layout
from index_builder.pipeline.previous import Changed, Previous, changed_since, find_previous, inputs_of
from index_builder.pipeline.spread import batches, spread
from index_builder.pipeline.theme import themed
from index_builder.pipeline.tree import Report, Tree, build_tree
from index_builder.policy.readers import readers_of
from index_builder.ports.places import Site
from index_builder.ports.trees import SourceTree
from index_builder.render.legacy import ReleaseJson
from index_builder.state import Mark, OutdatedStateError

if TYPE_CHECKING:
    from index_builder.render.web.house import House

Found = Mapping[Word, tuple[Previous, Changed] | None]
#: A part ends with the manifest that brings it to so many files or bytes: large enough to be worth sending to a worker.
_MOST_MANIFESTS: Final = 128
_MOST_BYTES: Final = 256 * 1024
_MOST_FETCHES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to build with. `full` compares with nothing, `verify` reads every served file once more, besides.

    `preview` pages say what they are. With `web` there are pages for people too. `sparse` writes what differs
    from what is published, and reads no more of that than it must.

    Parts of the index are worked on over `executor`, or where there is none, in this process. With `fetch`, files are fetched
    over it too; what only this machine may have, is fetched here.
    """

    templates: Mapping[str, str]
    release_json: ReleaseJson
    builder: str
    full: bool = False
    verify: bool = False
    sparse: bool = False
    preview: bool = False
    web: bool = False
    executor: Executor | None = None
    fetch: Callable[[tuple[Fetch, ...]], list[Problem]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was built: a report for each audience, and the warnings on the way."""

    reports: tuple[Report, ...]
    warnings: tuple[Problem, ...]


def build(tree: SourceTree, sites: Mapping[Word, Site], fetcher: Fetcher, order: Order) -> Built:
    """Build the tree of each audience in its site.

    Raises ProblemsFoundError, SourceError, StorageError, InterruptedRunError.
    """
    work = _Build(tree, sites, fetcher, order)
    if not (order.full or order.verify):
        try:
            return work.run(work.found())
        except OutdatedStateError as error:
            fetcher.downloader.progress.note(f"{error}; building all")
    return work.run(dict.fromkeys(sites))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What of the tree is looked at: the problems of its entries, the manifests that are read, and others of the same names."""

    problems: list[Problem]
    read: list[SourceEntry]
    others: Mapping[str, str]


class _Build:
    """One run of `build`."""

    def __init__(self, tree: SourceTree, sites: Mapping[Word, Site], fetcher: Fetcher, order: Order) -> None:
        if order.web and not order.preview:
            order = replace(order, templates=themed(tree, order.templates))  # a preview shows what nobody has merged: it runs none of it
        self._tree, self._sites, self._fetcher, self._order = tree, sites, fetcher, order
        self._of_settings = _sorted(tree.entries(*SETTINGS))
        options = f"{order.release_json} web" if order.web else order.release_json
        self._inputs = inputs_of(tree, self._of_settings, order.builder, order.templates, options)

    @cached_property
    def _entries(self) -> list[SourceEntry]:
        """All entries of the tree: with 100,000 of them, only who must asks for them."""
        return _sorted(self._tree.entries())

    def found(self) -> Found:
        """Return what each audience's last build left, and what has changed since; raises OutdatedStateError."""
        whole = not self._order.sparse
        previous = {audience: find_previous(site, audience, self._inputs, whole=whole) for audience, site in self._sites.items()}
        return {a: (last, changed_since(last, self._tree, lambda: self._entries)) if last else None for a, last in previous.items()}

    def run(self, found: Found) -> Built:
        """Build what has changed since the last builds that were found. Raises as `build`, and OutdatedStateError.

        Where an entry of the pool proves wrong on the way, it was dropped: everything is done once more with it fetched anew.
        """
        try:
            return self._run(found)
        except CorruptEntryError as error:
            self._fetcher.downloader.progress.note(f"{error.message}; fetching it anew")
            return self._run(found)

    def _run(self, found: Found) -> Built:
        seen = self._seen(found)
        settings = read_settings(self._of_settings, self._tree.read)
        if self._order.preview:
            settings = _alone(settings)
        gathered = self._gathered(settings, seen)
        reports = tuple(self._made(audience, settings, gathered, seen, found[audience]) for audience in self._sites)
        return Built(reports=reports, warnings=in_order([problem for part in gathered for problem in part.problems]))

    def _seen(self, found: Found) -> _Seen:
        changes = [last[1] for last in found.values() if last]
        if len(changes) == len(found):
            changed = {path: entry for change in changes for path, entry in change.entries.items()}
            if all(change.is_edit for change in changes):
                entries = _sorted([*self._of_settings, *changed.values()])
                return _Seen(problems=list(tree_problems(entries)), read=_by_name(changed.values()), others={})
            read = _by_name(changed.values())
            stems = {stem_of(entry.path) for entry in read}
            others = (entry.path for entry in self._entries if entry.path not in changed and is_manifest(entry))
            taken = {stem: path for path in others if (stem := stem_of(path)) in stems}
        else:
            read, taken = _by_name(self._entries), {}
        problems = [*tree_problems(self._entries), *missing_problems(self._entries)]
        return _Seen(problems=problems, read=read, others=taken)

    def _gathered(self, settings: Settings, seen: _Seen) -> list[Gathered]:
        """Gather all parts, having fetched what they lacked; raises ProblemsFoundError, with the problems of all of them."""
        gathered: list[Gathered] = []
        lacking: dict[int, Part] = {}
        parts = (Part(settings, tuple(self._sites), self._fetcher.pool, manifests, self._order.web) for manifests in self._parts(seen.read))
        for part, result in spread(self._order.executor, gather, parts):
            if result.lacking:
                lacking[len(gathered)] = part
            gathered.append(result)
        _stop_at_errors(settings, gathered, seen)
        if lacking:
            self._fetch([gathered[number].lacking for number in lacking])
            again = spread(self._order.executor, gather, lacking.values())
            for number, (_, result) in zip(lacking, again, strict=True):
                gathered[number] = result
            _stop_at_errors(settings, gathered, seen)
        return gathered

    def _parts(self, entries: Sequence[SourceEntry]) -> Iterator[tuple[ManifestFile, ...]]:
        part: list[ManifestFile] = []
        size = 0
        for entry in entries:
            content = self._tree.read(entry)
            part.append(ManifestFile(entry.path, content, self._tree.identity(entry)))
            size += len(content)
            if len(part) >= _MOST_MANIFESTS or size >= _MOST_BYTES:
                yield tuple(part)
                part, size = [], 0
        if part:
            yield tuple(part)

    def _fetch(self, lacking: Iterable[Lacking]) -> None:
        lacking = list(lacking)
        problems = self._fetch_files([fetch for part in lacking for fetch in part.files])
        problems += self._fetch_provenance([fetch for part in lacking for fetch in part.provenance])
        problems += self._fetcher.links([fetch for part in lacking for fetch in part.links])
        if problems:
            raise ProblemsFoundError(in_order(problems))

    def _fetch_provenance(self, fetches: list[Fetch]) -> list[Problem]:
        if not fetches:
            return []
        from index_builder.pipeline.kept import kept_in  # noqa: PLC0415 - reads certificates, which few builds do

        return replace(self._fetcher, kept=kept_in(self._tree)).provenance(fetches)

    def _fetch_files(self, fetches: list[Fetch]) -> list[Problem]:
        order = self._order
        if order.fetch is None:
            return self._fetcher.files(fetches)
        elsewhere = [
            fetch for fetch in fetches if not isinstance(fetch.origin, StoredOrigin) and self._fetcher.inbox.size(fetch.digest) is None
        ]
        problems = [p for _, found in spread(order.executor, order.fetch, batches(elsewhere, _MOST_FETCHES)) for p in found]
        done = {id(fetch) for fetch in elsewhere}
        return problems + self._fetcher.files([fetch for fetch in fetches if id(fetch) not in done])

    def _house(self, audience: Word, settings: Settings, templates: tuple[tuple[str, str], ...]) -> House:
        from index_builder.clientconfig.tools import shown  # noqa: PLC0415 - for pages for people only
        from index_builder.render.web.house import House, root_shown  # noqa: PLC0415

        configuration = settings.configuration
        assert configuration is not None  # noqa: S101 - as below
        url, preview = configuration.audiences[audience].url, self._order.preview
        ways = shown(root_shown(url, is_preview=preview), audience, is_open=readers_of(settings.policies, audience).is_open)
        return House(configuration.title, templates, url, configuration.repository, configuration.branch, preview, ways)

    def _made(
        self, audience: Word, settings: Settings, gathered: Sequence[Gathered], seen: _Seen,
        last: tuple[Previous, Changed] | None,
    ) -> Report:  # fmt: skip
        configuration = settings.configuration
        assert configuration is not None  # noqa: S101 - for the type checker: without one, the reading had errors
        order, root = self._order, configuration.audiences[audience].url
        templates = tuple(sorted(order.templates.items()))
        house = self._house(audience, settings, templates) if order.web else None
        made = Tree(
            mark=Mark(audience=audience, builder=order.builder, source=self._tree.revision, inputs=self._inputs),
            title=configuration.title,
            layout=Layout(templates, order.release_json, root, preview=order.preview, house=house),
            parts=(part.items[audience] for part in gathered if audience in part.items),
            blobs=(blob for part in gathered for blob in part.blobs.get(audience, ())),
            previous=last[0] if last else None,
            touched=frozenset({stem_of(entry.path) for entry in seen.read} | last[1].gone) if last else frozenset(),
            verify=order.verify,
            sparse=order.sparse,
        )
        return build_tree(made, self._sites[audience], self._fetcher.pool, order.executor, self._fetcher.downloader.progress)


def _alone(settings: Settings) -> Settings:
    """Return settings by which each tree stands alone, wherever it is put: what is not merged is at none of their places yet."""
    if settings.configuration is None:
        return settings
    audiences = {name: replace(audience, url="", files=FILES, releases=None) for name, audience in settings.configuration.audiences.items()}
    return replace(settings, configuration=replace(settings.configuration, audiences=audiences))


def _stop_at_errors(settings: Settings, gathered: Sequence[Gathered], seen: _Seen) -> None:
    places = [place for part in gathered for place in part.places]
    problems = [*seen.problems, *settings.problems, *name_problems(places, seen.others)]
    problems += [problem for part in gathered for problem in part.problems]
    if any(problem.severity == "error" for problem in problems):
        raise ProblemsFoundError(in_order(problems))


def _sorted(entries: Iterable[SourceEntry]) -> list[SourceEntry]:
    return sorted(entries, key=attrgetter("path"))


def _by_name(entries: Iterable[SourceEntry]) -> list[SourceEntry]:
    """Return the manifests among entries, in the order of their projects' names."""
    return sorted(filter(is_manifest, entries), key=lambda entry: stem_of(entry.path))
