"""What is asked for, with all that it depends on, for each environment that clients have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from index_builder.errors import IndexBuilderError, ResolutionError
from index_builder.fetch.stage import Fetcher
from index_builder.fetch.upstream import ListedFile
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName, Word
from index_builder.model.offer import Pin
from index_builder.pipeline.add.candidate import Candidate, Defaults
from index_builder.pipeline.add.offer import CombinedOffer
from index_builder.pipeline.add.upstream import listed
from index_builder.ports.resolving import Resolver


def from_closure(
    index: Index, named: Mapping[NormalizedName, Word], roots: Sequence[Requirement], own: Sequence[Candidate],
    exclude: Sequence[NormalizedName], defaults: Defaults, fetcher: Fetcher, resolver: Resolver,
) -> list[Candidate]:  # fmt: skip
    """Return the files of all that `roots` need, in each of the environments of `defaults`.

    `named` says which upstream index somebody named for a project; `own` are files to be added anyway. Releases that the
    index has already are preferred. Raises ResolutionError, RemoteError, UsageError.
    """
    preferred = list(_preferred(index, defaults))
    chosen: dict[Pin, list[ListedFile]] = {}
    sources: dict[NormalizedName, Word] = {}
    for environment in defaults.environments:
        for group in _groups(roots):
            offer = CombinedOffer(index, named, own, environment, fetcher)
            fetcher.downloader.progress.note(f"resolving for {environment}")
            try:
                pins = resolver.resolve(group, environment, offer, preferred=preferred, excluded=exclude, pre=defaults.pre)
            except ResolutionError as error:
                raise offer.failed or _explained(error, offer) from error
            except IndexBuilderError as error:
                raise offer.failed or error from error
            sources |= offer.sources
            for pin in pins:
                chosen.setdefault(pin, []).extend(offer.fitting(pin))
    candidates: list[Candidate] = []
    for pin, files in sorted(chosen.items(), key=lambda item: item[0]):
        once = {file.name.text: file for file in files}
        if once:
            # What is here keeps its hosting: --hosting is said of new projects.
            settings = replace(defaults, hosting=None) if pin.project in index.projects else defaults
            candidates += listed(index, sources[pin.project], pin.project, [once[name] for name in sorted(once)], settings, fetcher)
    return candidates


def _preferred(index: Index, defaults: Defaults) -> Iterator[Pin]:
    """Yield the newest release of each project that an installer would take."""
    for project in index.projects.values():
        good = [
            r for r in project.releases if not all(project.is_yanked(f) for f in r.files) and (defaults.pre or not r.version.is_prerelease)
        ]
        if good:
            yield Pin(project=project.normalized, version=good[-1].version)


def _groups(roots: Sequence[Requirement]) -> Iterator[list[Requirement]]:
    """Yield the roots so that no project is twice in a group: a lock file may pin several versions of one."""
    left = list(roots)
    while left:
        group = {canonicalize_name(root.name): root for root in reversed(left)}
        yield [root for root in left if group[canonicalize_name(root.name)] is root]
        left = [root for root in left if group[canonicalize_name(root.name)] is not root]


def _explained(error: ResolutionError, offer: CombinedOffer) -> ResolutionError:
    if not offer.unbuilt:
        return error
    names = ", ".join(sorted(offer.unbuilt))
    return ResolutionError(f"{error.message} ({names}: sdists only, and nothing is built here)", fix=f"build wheels of {names}: --dist")
