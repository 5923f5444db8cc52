"""A project's `source` is looked at, for a newer release that may be taken.

Versions that are here, or were taken away, are not taken again; nor is what is older than the newest, outside `versions:`,
a pre-release where those do not count, or younger than the cooldown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from index_builder.errors import EditError, IndexBuilderError, RemoteError
from index_builder.fetch.stage import Fetcher
from index_builder.fetch.upstream import ListedFile, Listing, read_listing
from index_builder.model.filename import parse_filename
from index_builder.model.hosted_release import HostedRelease
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName, Timestamp, Word
from index_builder.model.project import Hosting, Project, Source
from index_builder.pipeline.add.candidate import Candidate, Defaults
from index_builder.pipeline.add.own import from_urls
from index_builder.pipeline.add.upstream import listed, suitable
from index_builder.ports.repository import ReleaseFeed


class Find(StrEnum):
    """What came of looking."""

    NEWER = "newer"
    CURRENT = "current"
    COOLING = "cooling"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A project's source as it was found.

    `version` is the newest that may be taken, or with COOLING will be, from `until` on (None where nobody knows when it was
    released). `notes` is the page of the release, where there is one.
    """

    project: Project
    find: Find
    version: Version | None = None
    before: Version | None = None
    until: datetime | None = None
    notes: str = ""
    files: tuple[ListedFile, ...] = ()
    error: IndexBuilderError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What a source has: files, and by version the page of the release."""

    listing: Listing
    notes: Mapping[Version, str] = field(default_factory=dict)

    @property
    def files(self) -> Mapping[str, ListedFile]:
        """The files by name."""
        return self.listing.files


def look(project: Project, fetcher: Fetcher, feed: ReleaseFeed, defaults: Defaults) -> Looked:
    """Look at a project's source; what fails is in what is returned. Raises StorageError, InterruptedRunError."""
    source = project.source
    known = {release.version for release in project.releases} | {tombstone.version for tombstone in project.removed}
    before = max(known, default=None)
    if source is None:
        return Looked(project=project, find=Find.CURRENT, before=before)
    if project.hosting is Hosting.HOSTED:
        msg = f"{project.name} is hosted: its bytes only ever come from you"
        error = EditError(msg, fix="hand new ones in with index-builder add --dist, or let it be `hosting: mirrored`")
        return Looked(project=project, find=Find.FAILED, before=before, error=error)
    try:
        there = offered(project, source, fetcher, feed)
    except RemoteError as error:
        return Looked(project=project, find=Find.FAILED, before=before, error=error)
    by_version: dict[Version, list[ListedFile]] = {}
    for file in suitable([f for f in there.files.values() if f.yanked is None], defaults):
        by_version.setdefault(file.name.version, []).append(file)
    newer = sorted(v for v in by_version if v not in known and (before is None or v > before) and _is_wanted(v, source))
    cooling: Looked | None = None
    for version in reversed(newer):
        files = tuple(sorted(by_version[version], key=lambda file: file.name.text))
        found = Looked(
            project=project, find=Find.NEWER, version=version, before=before, files=files, notes=there.notes.get(version, "")
        )  # fmt: skip
        until = _ripe(files, source.cooldown)
        if source.cooldown and (until is None or until > defaults.now.moment):
            cooling = cooling or replace(found, find=Find.COOLING, until=until)
            continue
        return found
    return cooling or Looked(project=project, find=Find.CURRENT, before=before)


def _is_wanted(version: Version, source: Source) -> bool:
    return SpecifierSet(source.versions).contains(version, prereleases=source.pre)


def _ripe(files: Sequence[ListedFile], cooldown: timedelta) -> datetime | None:
    """Return when a release is old enough: its last file counts, since a late one would slip past."""
    times = [file.uploaded.moment for file in files if file.uploaded]
    return max(times) + cooldown if len(times) == len(files) else None


def offered(project: Project, source: Source, fetcher: Fetcher, feed: ReleaseFeed) -> Offered:
    """Ask a source for all that it has of a project; raises NotFoundError, RemoteError."""
    if source.index:
        name = NormalizedName.of(source.project or project.name)
        return Offered(listing=fetcher.upstreams.listing(Word(source.index), name))
    if source.github:
        return _of_releases(project, feed.releases(source.github), pre=source.pre)
    page = fetcher.downloader.page(source.page, "text/html")
    return Offered(listing=read_listing(project.normalized, page.content, "text/html", page.url))


def _of_releases(project: Project, releases: Iterable[HostedRelease], *, pre: bool) -> Offered:
    """Return the wheels and sdists among the assets of releases; other assets are nobody's business."""
    files: dict[str, ListedFile] = {}
    notes: dict[Version, str] = {}
    for release in releases:
        if release.is_prerelease and not pre:
            continue
        for asset in release.assets:
            try:
                name = parse_filename(asset.name, project=project.normalized)
            except ValueError:
                continue
            if name.project != project.normalized or name.text in files:
                continue
            notes.setdefault(name.version, release.url)
            # A file that was put into an old release yesterday is a day old.
            at = Timestamp.of(max(release.published, asset.at))
            files[name.text] = ListedFile(
                name=name, url=asset.url, sha256=asset.sha256, size=None, uploaded=at, requires_python="", metadata=None,
                provenance_url="", yanked=None,
            )  # fmt: skip
    return Offered(listing=Listing(files=files), notes=notes)


def candidates(looked: Looked, index: Index, fetcher: Fetcher, defaults: Defaults) -> list[Candidate]:
    """Return what is to be added of a newer release; raises RemoteError, EditError, SourceError."""
    project, source = looked.project, looked.project.source
    if source is None:
        return []
    if source.index:
        return list(_renamed(project, listed(index, Word(source.index), source.project or project.name, looked.files, defaults, fetcher)))
    found = from_urls(index, [file.url for file in looked.files], defaults, fetcher)
    said = {file.name.text: file.sha256 for file in looked.files}
    for candidate in found:
        name, digest = candidate.file.name.text, candidate.file.sha256
        if said[name] not in (None, digest):
            msg = f"{name}: {source.github or source.page} says sha256 {said[name]}, and its bytes have {digest}"
            raise RemoteError(msg, fix="find out which is right before you trust either")
    return found


def _renamed(project: Project, found: Iterable[Candidate]) -> Iterator[Candidate]:
    """Let files of a project that has another name on its index go into this manifest."""
    for candidate in found:
        yield candidate if candidate.project.normalized == project.normalized else replace(candidate, project=project)
