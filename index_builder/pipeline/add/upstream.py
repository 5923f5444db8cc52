"""Files that an upstream index lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from packaging.requirements import Requirement

from index_builder.errors import NotFoundError, RemoteError
from index_builder.fetch.stage import Fetcher
from index_builder.fetch.upstream import ListedFile, Listing
from index_builder.model.filename import FileName
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName, Word
from index_builder.model.problem import Place
from index_builder.model.project import File, Hosting, IndexOrigin, Origin, State, Status, Yanked
from index_builder.pipeline.add.candidate import Candidate, Defaults, project_of


def from_index(index: Index, upstream: Word, requirements: Sequence[Requirement], defaults: Defaults, fetcher: Fetcher) -> list[Candidate]:
    """Choose files of an upstream index; raises NotFoundError, RemoteError."""
    candidates: list[Candidate] = []
    for requirement in requirements:
        listing = fetcher.upstreams.listing(upstream, NormalizedName.of(requirement.name))
        chosen = choose(listing, requirement, defaults)
        if not chosen:
            raise nothing_matches(listing, requirement, upstream, defaults)
        candidates += listed(index, upstream, requirement.name, chosen, defaults, fetcher)
    return candidates


def listed(
    index: Index, upstream: Word, name: str, files: Iterable[ListedFile], defaults: Defaults, fetcher: Fetcher,
) -> Iterator[Candidate]:  # fmt: skip
    """Yield files that an upstream index lists of a project as candidates; raises RemoteError, EditError."""
    normalized = NormalizedName.of(name)
    listing = fetcher.upstreams.listing(upstream, normalized)
    project = project_of(index, name, defaults, Hosting.MIRRORED)
    if listing.state and listing.state != State.ACTIVE and project.normalized not in index.projects:
        project = replace(project, status=Status(state=State(listing.state), reason=listing.reason, at=defaults.now))
    origin = IndexOrigin(index=upstream, project=normalized)
    for file in files:
        yield Candidate(project=project, file=_listed_file(file, origin, defaults, fetcher))


def choose(listing: Listing, requirement: Requirement, defaults: Defaults) -> list[ListedFile]:
    """Return the files of the newest release that a requirement allows, or of all that it allows.

    Pre-releases count where the requirement names one, or with `pre`; yanked files where it pins their version (PEP 592).
    """
    pinned = any(s.operator in ("==", "===") and not s.version.endswith(".*") for s in requirement.specifier)
    matching = [file for file in listing.files.values() if file.yanked is None or pinned or defaults.all_versions]
    matching = suitable(matching, defaults)
    versions = sorted({file.name.version for file in matching})
    allowed = list(requirement.specifier.filter(versions, prereleases=True if defaults.pre else None))
    wanted = set(allowed if defaults.all_versions else sorted(allowed)[-1:])
    return sorted((f for f in matching if f.name.version in wanted), key=lambda f: (f.name.version, f.name.text))


class Named(Protocol):
    """Something that has a file name."""

    @property
    def name(self) -> FileName:
        """The parsed file name."""
        ...


N = TypeVar("N", bound=Named)


def suitable(files: Iterable[N], defaults: Defaults) -> list[N]:
    """Return the files that match `only`, and of wheels those that fit one of the environments that are named.

    Where environments are named, an sdist is taken only where no wheel of its release fits.
    """
    matching = [f for f in files if not defaults.only or any(fnmatchcase(f.name.text, pattern) for pattern in defaults.only)]
    if not defaults.environments:
        return matching
    fitting = [file for file in matching if any(environment.fits(file.name) for environment in defaults.environments)]
    built = {file.name.version for file in fitting}
    return fitting + [file for file in matching if file.name.kind == "sdist" and file.name.version not in built]


def nothing_matches(listing: Listing, requirement: Requirement, upstream: Word, defaults: Defaults) -> NotFoundError:
    """Return the error for a requirement that no listed file meets, with what there is."""
    versions = sorted({file.name.version for file in listing.files.values()})
    if not versions:
        return NotFoundError(f"the index '{upstream}' has no wheel or sdist of {requirement.name}")
    if not defaults.only and not defaults.environments:
        newest = ", ".join(str(version) for version in versions[-5:])
        fix = f"its newest releases are: {newest}; yanked ones are added when they are pinned, pre-releases with --pre"
        return NotFoundError(f"the index '{upstream}' has nothing for {requirement}", fix=fix)
    names = sorted(file.name.text for file in listing.files.values() if file.name.version == versions[-1])
    like = f" with a name like {' or '.join(defaults.only)}" if defaults.only else ""
    fits = f" that fits {' or '.join(map(str, defaults.environments))}" if defaults.environments else ""
    message = f"the index '{upstream}' has nothing for {requirement}{like}{fits}"
    return NotFoundError(message, fix=f"files of {versions[-1]} are: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}")  # noqa: PLR2004 - a few show the form


def _listed_file(found: ListedFile, origin: Origin, defaults: Defaults, fetcher: Fetcher) -> File:
    if found.sha256 is None:
        msg = f"{found.name.text}: the index gives no sha256, so there is nothing to pin"
        raise RemoteError(msg, fix="add it by its URL: index-builder add --url …")
    size = fetcher.pool.size(found.sha256) if found.size is None else found.size
    if size is None:
        digest, size = fetcher.adopt_url(found.url, found.name.text)
        if digest != found.sha256:
            msg = f"{found.name.text}: expected sha256 {found.sha256}, got {digest} from {found.url}"
            raise RemoteError(msg, fix="the bytes are not those that the index promises: do not trust them")
    provenance = fetcher.adopt_url(found.provenance_url, f"the provenance of {found.name.text}")[0] if found.provenance_url else None
    return File(
        name=found.name, sha256=found.sha256, size=size, uploaded=found.uploaded or defaults.now, origin=origin,
        requires_python=found.requires_python, metadata=found.metadata, provenance=provenance,
        yanked=Yanked(reason=found.yanked or "yanked upstream", at=defaults.now) if found.yanked is not None else None,
        place=Place(path=""),
    )  # fmt: skip
