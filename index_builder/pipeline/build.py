"""A commit becomes a tree for each audience; what has not changed since the last build is left as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from index_builder.errors import CorruptEntryError
from index_builder.fetch.stage import Fetcher
from index_builder.manifests.reader import Settings, name_problems, read_settings, tree_problems
from index_builder.model.names import Word
from index_builder.model.problem import Problem, ProblemsFoundError, in_order
from index_builder.model.source import SourceEntry, is_manifest, stem_of
from index_builder.pipeline.audience import Make, Report, make
from index_builder.pipeline.gather import Gathered, Lacking, ManifestFile, Part, gather
from index_builder.pipeline.pages import Layout
from index_builder.pipeline.previous import Changed, Previous, changed_since, find_previous, inputs_of
from index_builder.pipeline.spread import spread
from index_builder.ports import Site, SourceTree
from index_builder.render.legacy import ReleaseJson
from index_builder.state import Mark, OutdatedStateError

Found = Mapping[Word, tuple[Previous, Changed] | None]
#: A part ends with the manifest that brings it to so many files or bytes: large enough to be worth sending to a worker.
_MOST_MANIFESTS: Final = 128
_MOST_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to build with. `full` compares with nothing, `verify` reads every served file once more, besides.

    Parts of the index are worked on over `executor`, or where there is none, in this process.
    """

    templates: Mapping[str, str]
    release_json: ReleaseJson
    builder: str
    full: bool = False
    verify: bool = False
    executor: Executor | None = None


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
        except OutdatedStateError:
            fetcher.downloader.progress.note("the state of the last build is damaged; building all")
    return work.run(dict.fromkeys(sites))


class _Build:
    """One run of `build`."""

    def __init__(self, tree: SourceTree, sites: Mapping[Word, Site], fetcher: Fetcher, order: Order) -> None:
        self._tree, self._sites, self._fetcher, self._order = tree, sites, fetcher, order
        self._entries = sorted(tree.entries(), key=lambda entry: entry.path)
        self._inputs = inputs_of(tree, self._entries, order.builder, order.templates, order.release_json)

    def found(self) -> Found:
        """Return what each audience's last build left, and what has changed since; raises OutdatedStateError."""
        previous = {audience: find_previous(site, audience, self._inputs) for audience, site in self._sites.items()}
        return {a: (last, changed_since(last, self._tree, self._entries)) if last else None for a, last in previous.items()}

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
        known = frozenset.intersection(*(last[1].known if last else frozenset() for last in found.values()))
        settings = read_settings(self._entries, self._tree.read)
        read = sorted((e for e in self._entries if is_manifest(e) and e.path not in known), key=lambda entry: stem_of(entry.path))
        gathered = self._gathered(settings, read, known)
        reports = tuple(self._made(audience, settings, gathered, read, found[audience]) for audience in self._sites)
        return Built(reports=reports, warnings=in_order([problem for part in gathered for problem in part.problems]))

    def _gathered(self, settings: Settings, read: Sequence[SourceEntry], known: Collection[str]) -> list[Gathered]:
        """Gather all parts, having fetched what they lacked; raises ProblemsFoundError, with the problems of all of them."""
        gathered: list[Gathered] = []
        lacking: dict[int, Part] = {}
        parts = (Part(settings, tuple(self._sites), self._fetcher.pool, manifests) for manifests in self._parts(read))
        for part, result in spread(self._order.executor, gather, parts):
            if result.lacking:
                lacking[len(gathered)] = part
            gathered.append(result)
        self._stop_at_errors(settings, gathered, known)
        if lacking:
            self._fetch([gathered[number].lacking for number in lacking])
            again = spread(self._order.executor, gather, lacking.values())
            for number, (_, result) in zip(lacking, again, strict=True):
                gathered[number] = result
            self._stop_at_errors(settings, gathered, known)
        return gathered

    def _stop_at_errors(self, settings: Settings, gathered: Sequence[Gathered], known: Collection[str]) -> None:
        places = [place for part in gathered for place in part.places]
        stems = {stem_of(place.path) for _, place in places}
        taken = {stem: path for path in known if (stem := stem_of(path)) in stems}
        problems = [*tree_problems(self._entries), *settings.problems, *name_problems(places, taken)]
        problems += [problem for part in gathered for problem in part.problems]
        if any(problem.severity == "error" for problem in problems):
            raise ProblemsFoundError(in_order(problems))

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
        problems = self._fetcher.files([fetch for part in lacking for fetch in part.files])
        problems += self._fetcher.provenance([fetch for part in lacking for fetch in part.provenance])
        problems += self._fetcher.links([fetch for part in lacking for fetch in part.links])
        if problems:
            raise ProblemsFoundError(in_order(problems))

    def _made(
        self, audience: Word, settings: Settings, gathered: Sequence[Gathered], read: Sequence[SourceEntry],
        last: tuple[Previous, Changed] | None,
    ) -> Report:  # fmt: skip
        configuration = settings.configuration
        assert configuration is not None  # noqa: S101 - for the type checker: without one, the reading had errors
        order, root = self._order, configuration.audiences[audience].url
        task = Make(
            mark=Mark(audience=audience, builder=order.builder, source=self._tree.revision, inputs=self._inputs),
            title=configuration.title,
            layout=Layout(tuple(sorted(order.templates.items())), order.release_json, root),
            parts=(part.items[audience] for part in gathered if audience in part.items),
            blobs=(blob for part in gathered for blob in part.blobs.get(audience, ())),
            previous=last[0] if last else None,
            touched=frozenset({stem_of(entry.path) for entry in read} | last[1].gone) if last else frozenset(),
            verify=order.verify,
        )
        return make(task, self._sites[audience], self._fetcher.pool, order.executor, self._fetcher.downloader.progress)
