"""A project as its manifest tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from packaging.version import Version

from index_builder.model.filename import FileName
from index_builder.model.names import NormalizedName, ProjectName, Sha256, Timestamp, Word
from index_builder.model.problem import Place


class Hosting(StrEnum):
    """Where the bytes of a project's files are served from."""

    LINKED = "linked"
    MIRRORED = "mirrored"
    HOSTED = "hosted"


class State(StrEnum):
    """A project's status marker (PEP 792)."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DEPRECATED = "deprecated"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlOrigin:
    """The file is at this https URL."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOrigin:
    """The file is found on the upstream index by its name and digest, on the page of `project`."""

    index: Word
    project: NormalizedName


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrigin:
    """The pool (or the inbox) is the only place that has the file."""


Origin = UrlOrigin | IndexOrigin | StoredOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class Yanked:
    """A release or file that installers pass over unless it is pinned (PEP 592)."""

    reason: str
    at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One wheel or sdist. `size` is in bytes; `metadata` and `provenance` are digests of what is served beside it."""

    name: FileName
    sha256: Sha256
    size: int
    uploaded: Timestamp
    origin: Origin
    requires_python: str = ""
    metadata: Sha256 | None = None
    provenance: Sha256 | None = None
    yanked: Yanked | None = None
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version with its files, in the order of their names. `written` is the version as the manifest spells it."""

    version: Version
    written: str
    files: tuple[File, ...]
    yanked: Yanked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A file that was taken away: its name never comes back with other bytes. `provenance` is the digest of its PEP 740 object."""

    name: str
    version: Version
    sha256: Sha256
    reason: str
    at: Timestamp
    provenance: Sha256 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A project status with its reason (PEP 792)."""

    state: State
    reason: str
    at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """An identity whose attestations count for the project; `ref` is a pattern. '' and 0 leave open what it is.

    `signer` is a pattern of the workflow that it calls to sign, OWNER/REPOSITORY/PATH@REF; with '', it signs itself.
    """

    github: str
    repository_id: int
    workflow: str
    environment: str = ""
    owner_id: int = 0
    ref: str = ""
    runner: str = ""
    signer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where new releases are looked for; never where a listed file comes from.

    Only those that are older than `cooldown` count, and pre-releases only with `pre`.
    """

    github: str = ""
    index: str = ""
    project: str = ""
    page: str = ""
    versions: str = ""
    cooldown: timedelta = timedelta()
    pre: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One manifest. Releases ascend by version; `audiences` holds the audiences that it names itself."""

    name: ProjectName
    normalized: NormalizedName
    owners: tuple[Word, ...]
    audiences: tuple[Word, ...]
    hosting: Hosting
    releases: tuple[Release, ...]
    removed: tuple[Tombstone, ...] = ()
    status: Status | None = None
    source: Source | None = None
    publishers: tuple[Publisher, ...] = ()
    place: Place = field(compare=False)

    def is_yanked(self, file: File) -> bool:
        """Say whether a file is yanked, by itself or with its release."""
        return file.yanked is not None or any(r.version == file.name.version and r.yanked is not None for r in self.releases)

    def with_files(self, files: Iterable[File]) -> Project:
        """Return the project with more files; one that it lists already stays as it is."""
        listed = {file.name.text for file in self.files}
        releases = {release.version: release for release in self.releases}
        for file in (file for file in files if file.name.text not in listed):
            version = file.name.version
            release = releases.get(version, Release(version=version, written=str(version), files=()))
            releases[version] = replace(release, files=(*release.files, file))
        return replace(self, releases=tuple(releases[version] for version in sorted(releases)))

    @property
    def files(self) -> tuple[File, ...]:
        """Every listed file, by version, then by name."""
        return tuple(file for release in self.releases for file in release.files)
