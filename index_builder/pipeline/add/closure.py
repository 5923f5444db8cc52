"""What is asked for, with all that it depends on, for each environment that clients have."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.requirements import Requirement

from index_builder.errors import IndexBuilderError
from index_builder.fetch.stage import Fetcher
from index_builder.fetch.upstream import ListedFile
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName, Word
from index_builder.model.offer import Pin
from index_builder.pipeline.add.candidate import Candidate, Defaults
from index_builder.pipeline.add.offer import CombinedOffer
from index_builder.pipeline.add.upstream import listed
from index_builder.ports import Resolver


def from_closure(
    index: Index, upstreams: Sequence[Word], roots: Sequence[Requirement], own: Sequence[Candidate], exclude: Sequence[NormalizedName],
    defaults: Defaults, fetcher: Fetcher, resolver: Resolver,
) -> list[Candidate]:  # fmt: skip
    """Return the files of all that `roots` need, in each of the environments of `defaults`; `own` are files to be added anyway.

    Releases that the index has already are preferred. Raises ResolutionError, RemoteError, UsageError.
    """
    preferred = [Pin(project=p.normalized, version=p.releases[-1].version) for p in index.projects.values() if p.releases]
    chosen: dict[Pin, list[ListedFile]] = {}
    sources: dict[NormalizedName, Word] = {}
    for environment in defaults.environments:
        offer = CombinedOffer(index, upstreams, own, environment, fetcher)
        fetcher.downloader.progress.note(f"resolving for {environment}")
        try:
            pins = resolver.resolve(roots, environment, offer, preferred=preferred, excluded=exclude, pre=defaults.pre)
        except IndexBuilderError as error:
            raise offer.failed or error from error
        sources |= offer.sources
        for pin in pins:
            chosen.setdefault(pin, []).extend(offer.fitting(pin))
    candidates: list[Candidate] = []
    for pin, files in sorted(chosen.items(), key=lambda item: item[0]):
        once = {file.name.text: file for file in files}
        if once:
            candidates += listed(index, sources[pin.project], pin.project, [once[name] for name in sorted(once)], defaults, fetcher)
    return candidates
