"""Files become lines of manifests: found, fetched, inspected, pinned; nothing is written until all are good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement

from index_builder.errors import EditError, NotFoundError, RemoteError, SourceError, UsageError
from index_builder.fetch.stage import Fetcher, check_entry
from index_builder.fetch.upstream import ListedFile, Listing
from index_builder.inspection.inspect import inspect, problems_of
from index_builder.manifests.changes import add_files, new_manifest
from index_builder.model.filename import FileName, parse_filename
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName, ProjectName, Sha256, Timestamp, Word
from index_builder.model.plan import Fetch
from index_builder.model.problem import Place, Problem, ProblemsFoundError, in_order
from index_builder.model.project import (
    File,
    Hosting,
    IndexOrigin,
    Origin,
    Project,
    State,
    Status,
    StoredOrigin,
    UrlOrigin,
    Yanked,
)
from index_builder.pipeline.examine import keep_metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a manifest that does not exist yet is made with, and how files are chosen.

    `only` holds glob patterns of file names; `now` is the time of adding.
    """

    owners: tuple[Word, ...]
    audiences: tuple[Word, ...]
    hosting: Hosting | None
    only: tuple[str, ...] = ()
    all_versions: bool = False
    pre: bool = False
    now: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A manifest after an edit: its path and text ('' where it did not exist before), and the files that are new."""

    path: str
    before: str
    after: str
    project: Project
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that should be listed, before its bytes were seen."""

    project: Project
    file: File


def from_index(index: Index, upstream: Word, requirements: Sequence[Requirement], defaults: Defaults, fetcher: Fetcher) -> list[Candidate]:
    """Choose files of an upstream index; raises NotFoundError, RemoteError."""
    candidates = []
    for requirement in requirements:
        listing = fetcher.upstreams.listing(upstream, NormalizedName.of(requirement.name))
        project = _project(index, requirement.name, defaults, Hosting.MIRRORED)
        if listing.state and listing.state != State.ACTIVE and project.normalized not in index.projects:
            project = replace(project, status=Status(state=State(listing.state), reason=listing.reason, at=defaults.now))
        origin = IndexOrigin(index=upstream, project=NormalizedName.of(requirement.name))
        chosen = choose(listing, requirement, defaults)
        if not chosen:
            raise _nothing_matches(listing, requirement, upstream, defaults)
        candidates += [Candidate(project=project, file=_listed_file(file, origin, defaults, fetcher)) for file in chosen]
    return candidates


def choose(listing: Listing, requirement: Requirement, defaults: Defaults) -> list[ListedFile]:
    """Return the files of the newest release that a requirement allows, or of all that it allows.

    Pre-releases count where the requirement names one, or with `pre`; yanked files where it pins their version (PEP 592).
    """
    pinned = any(s.operator in ("==", "===") and not s.version.endswith(".*") for s in requirement.specifier)
    matching = [
        file
        for file in listing.files.values()
        if (not defaults.only or any(fnmatchcase(file.name.text, pattern) for pattern in defaults.only))
        and (file.yanked is None or pinned or defaults.all_versions)
    ]
    versions = sorted({file.name.version for file in matching})
    allowed = list(requirement.specifier.filter(versions, prereleases=True if defaults.pre else None))
    wanted = set(allowed if defaults.all_versions else sorted(allowed)[-1:])
    return sorted((f for f in matching if f.name.version in wanted), key=lambda f: (f.name.version, f.name.text))


def _nothing_matches(listing: Listing, requirement: Requirement, upstream: Word, defaults: Defaults) -> NotFoundError:
    versions = sorted({file.name.version for file in listing.files.values()})
    if not versions:
        return NotFoundError(f"the index '{upstream}' has no wheel or sdist of {requirement.name}")
    newest = ", ".join(str(version) for version in versions[-5:])
    if not defaults.only:
        fix = f"its newest releases are: {newest}; yanked ones are added when they are pinned, pre-releases with --pre"
        return NotFoundError(f"the index '{upstream}' has nothing for {requirement}", fix=fix)
    names = [file.name.text for file in listing.files.values() if file.name.version == versions[-1]]
    message = f"the index '{upstream}' has nothing for {requirement} with a name like {' or '.join(defaults.only)}"
    return NotFoundError(message, fix=f"files of {versions[-1]} are: {', '.join(sorted(names)[:5])}{' …' if len(names) > 5 else ''}")  # noqa: PLR2004 - a few show the form


def _listed_file(listed: ListedFile, origin: Origin, defaults: Defaults, fetcher: Fetcher) -> File:
    if listed.sha256 is None:
        msg = f"{listed.name.text}: the index gives no sha256, so there is nothing to pin"
        raise RemoteError(msg, fix="add it by its URL: index-builder add --url …")
    size = fetcher.pool.size(listed.sha256) if listed.size is None else listed.size
    if size is None:
        digest, size = fetcher.adopt_url(listed.url, listed.name.text)
        if digest != listed.sha256:
            msg = f"{listed.name.text}: expected sha256 {listed.sha256}, got {digest} from {listed.url}"
            raise RemoteError(msg, fix="the bytes are not those that the index promises: do not trust them")
    provenance = fetcher.adopt_url(listed.provenance_url, f"the provenance of {listed.name.text}")[0] if listed.provenance_url else None
    return File(
        name=listed.name, sha256=listed.sha256, size=size, uploaded=listed.uploaded or defaults.now, origin=origin,
        requires_python=listed.requires_python, metadata=listed.metadata, provenance=provenance,
        yanked=Yanked(reason=listed.yanked or "yanked upstream", at=defaults.now) if listed.yanked is not None else None,
        place=Place(path=""),
    )  # fmt: skip


def from_urls(index: Index, urls: Sequence[str], defaults: Defaults, fetcher: Fetcher) -> list[Candidate]:
    """Fetch files by URL; raises RemoteError, SourceError."""
    candidates = []
    for url in urls:
        name = _file_name(unquote(urlsplit(url).path.rpartition("/")[2]), url)
        digest, size = fetcher.adopt_url(url, name.text)
        project = _project(index, name.project, defaults, Hosting.MIRRORED)
        metadata = _served_metadata(url, fetcher) if project.hosting is Hosting.LINKED and name.kind == "wheel" else None
        origin = UrlOrigin(url=url)
        candidates.append(Candidate(project=project, file=_new_file(name, digest, size, origin, defaults, metadata)))
    return candidates


def _served_metadata(url: str, fetcher: Fetcher) -> Sha256 | None:
    """Return the digest of the core metadata that the other side serves beside a file, or None.

    A bucket that does not list its objects answers 403 for one that is missing: whatever is no good answer is none.
    """
    try:
        return fetcher.digest_of(f"{url}.metadata")
    except RemoteError:
        return None


def from_dist(index: Index, text: str, stream: BinaryIO, defaults: Defaults, fetcher: Fetcher) -> Candidate:
    """Put a file of our own, called `text`, into the pool; raises SourceError, StorageError."""
    name = _file_name(text, text)
    digest, size = fetcher.adopt(stream)
    project = _project(index, name.project, defaults, Hosting.HOSTED)
    return Candidate(project=project, file=_new_file(name, digest, size, StoredOrigin(), defaults, None))


def _file_name(text: str, where: str) -> FileName:
    try:
        return parse_filename(text)
    except ValueError as error:
        msg = f"{where}: {error}"
        raise SourceError(msg) from error


def _new_file(name: FileName, digest: Sha256, size: int, origin: Origin, defaults: Defaults, metadata: Sha256 | None) -> File:
    place = Place(path="")
    return File(name=name, sha256=digest, size=size, uploaded=defaults.now, origin=origin, metadata=metadata, place=place)


def _project(index: Index, name: str, defaults: Defaults, hosting: Hosting) -> Project:
    """Return the project as its manifest has it, or as a new one would; raises EditError where the two would not agree."""
    normalized = NormalizedName.of(name)
    known = index.projects.get(normalized)
    wanted = defaults.hosting or hosting
    if known is None:
        _check_defaults(index, name, defaults)
        return Project(
            name=ProjectName(name), normalized=normalized, owners=defaults.owners, audiences=defaults.audiences,
            hosting=wanted, releases=(), place=Place(path=f"packages.d/{normalized}.yaml"),
        )  # fmt: skip
    if (defaults.hosting and known.hosting is not defaults.hosting) or (known.hosting is Hosting.HOSTED) != (wanted is Hosting.HOSTED):
        msg = f"{known.name} has `hosting: {known.hosting}` in {known.place.path}, and this would be {wanted}"
        fix = "hosted files are added with --dist, others with --pypi, --index or --url"
        raise EditError(msg, fix=fix)
    return known


def _check_defaults(index: Index, name: str, defaults: Defaults) -> None:
    """Refuse a new manifest that would not say who owns the project, or who may see it: there is no default to fall into."""
    known = index.configuration.audiences
    if not defaults.owners:
        msg = f"{name} is new here, and nobody is said to own it"
        raise UsageError(msg, fix="say who with --owner, of the people and groups in policies.d/")
    if not defaults.audiences and len(known) > 1:
        msg = f"{name} is new here, and the index has several audiences"
        raise UsageError(msg, fix=f"say who may see it with --audience, of: {', '.join(known)}")


def pin(candidates: Sequence[Candidate], fetcher: Fetcher) -> tuple[list[tuple[Project, list[File]]], list[Problem]]:
    """Fetch and inspect what was chosen, and fill in what pages show; return the warnings too.

    Raises ProblemsFoundError where a file is bad, EditError where two have one name, StorageError, InterruptedRunError.
    """
    once: dict[str, Candidate] = {}
    for candidate in candidates:
        name, digest = candidate.file.name.text, candidate.file.sha256
        if once.setdefault(name, candidate).file.sha256 != digest:
            msg = f"{name} was given twice with other bytes: sha256 {once[name].file.sha256} and {digest}"
            raise EditError(msg, fix="give the one that is meant")
    fetches = [Fetch(project=c.project, file=replace(c.file, place=Place(path=c.file.name.text))) for c in once.values()]
    problems = fetcher.files(fetches)
    if problems:
        raise ProblemsFoundError(in_order(problems))
    grouped: dict[NormalizedName, tuple[Project, list[File]]] = {}
    for fetch in fetches:
        project, file, found = _inspected(fetch, fetcher)
        problems += found
        grouped.setdefault(project.normalized, (project, []))[1].append(file)
    if any(problem.severity == "error" for problem in problems):
        raise ProblemsFoundError(in_order(problems))
    return list(grouped.values()), problems


def _inspected(fetch: Fetch, fetcher: Fetcher) -> tuple[Project, File, list[Problem]]:
    file, project = fetch.file, fetch.project
    check_entry(fetcher.pool, file.sha256)
    with fetcher.pool.open(file.sha256) as stream:
        inspection = inspect(stream, file.size, file.name)
    problems = problems_of(inspection, file.name, project.hosting, fetch.place)
    refused = any(problem.severity == "error" for problem in problems)
    if refused or inspection.metadata is None or inspection.metadata_digest is None:
        return project, file, problems
    served = project.hosting is not Hosting.LINKED
    digest = inspection.metadata_digest
    metadata = digest if file.name.kind == "wheel" and (served or file.metadata == digest) else None
    if metadata:
        keep_metadata(inspection, fetcher)
    written = inspection.metadata.raw.get("name", "")
    if not project.releases and NormalizedName.of(written or project.name) == project.normalized:
        project = replace(project, name=ProjectName(written or project.name))
    return project, replace(file, requires_python=inspection.metadata.requires_python, metadata=metadata), problems


def edits(index: Index, groups: Sequence[tuple[Project, list[File]]], texts: dict[str, str]) -> Iterator[Change]:
    """Yield each manifest as it will be; `texts` holds those that exist, by path, and '' for others. Raises EditError."""
    for project, files in groups:
        path = project.place.path
        if texts[path] and project.normalized not in index.projects:
            msg = f"{path} is there, and cannot be read"
            raise EditError(msg, fix="mend it first: index-builder check --worktree shows what is wrong")
        if project.normalized in index.projects:
            after, fresh = add_files(texts[path], project, files)
            yield Change(path=path, before=texts[path], after=after, project=project, files=tuple(fresh))
        else:
            after = new_manifest(project, files)
            yield Change(path=path, before="", after=after, project=project, files=tuple(files))
