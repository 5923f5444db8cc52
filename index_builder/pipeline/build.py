"""A commit becomes a tree for each audience; what has not changed since the last build is left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from index_builder.fetch.stage import Fetcher
from index_builder.manifests.reader import MANIFESTS, read
from index_builder.model.names import Word
from index_builder.model.source import SourceEntry
from index_builder.pipeline.audience import Order, Report, Since, build_audience
from index_builder.pipeline.previous import Changed, Previous, changed_since, find_previous, inputs_of
from index_builder.pipeline.reading import index_of
from index_builder.ports import Site, SourceTree
from index_builder.state import OutdatedStateError

Found = Mapping[Word, tuple[Previous, Changed] | None]


def build(tree: SourceTree, sites: Mapping[Word, Site], fetcher: Fetcher, order: Order) -> list[Report]:
    """Build the tree of each audience in its site.

    Raises ProblemsFoundError, SourceError, StorageError, InterruptedRunError.
    """
    entries = list(tree.entries())
    inputs = inputs_of(tree, entries, order.builder, order.templates, order.release_json)
    if not (order.full or order.verify):
        try:
            return _build(tree, entries, sites, fetcher, order, inputs, _found(tree, entries, sites, inputs))
        except OutdatedStateError:
            fetcher.downloader.progress.note("the state of the last build is damaged; building all")
    return _build(tree, entries, sites, fetcher, order, inputs, dict.fromkeys(sites))


def _found(tree: SourceTree, entries: Sequence[SourceEntry], sites: Mapping[Word, Site], inputs: str) -> Found:
    """Return what each audience's last build left, and what has changed since; raises OutdatedStateError."""
    previous = {audience: find_previous(site, audience, inputs) for audience, site in sites.items()}
    return {audience: (last, changed_since(last, tree, entries)) if last else None for audience, last in previous.items()}


def _build(
    tree: SourceTree, entries: Sequence[SourceEntry], sites: Mapping[Word, Site], fetcher: Fetcher, order: Order, inputs: str, found: Found,
) -> list[Report]:  # fmt: skip
    known = frozenset.intersection(*(last[1].known if last else frozenset() for last in found.values()))
    index = index_of(read(tree.revision, entries, tree.read, known))
    blobs = {entry.path: tree.identity(entry) for entry in entries if entry.path.startswith(MANIFESTS) and entry.path not in known}
    reports = []
    for audience, site in sites.items():
        last = found[audience]
        since = Since(inputs=inputs, blobs=blobs, previous=last[0] if last else None, gone=last[1].gone if last else frozenset())
        reports.append(build_audience(index, audience, site, fetcher, order, since))
    return reports
