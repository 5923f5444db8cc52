"""An immutable index state: what one audience's pages show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.metadata import RawMetadata

from index_builder.model.names import Sha256, Word
from index_builder.model.project import File, Project, Release, Yanked


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A file as pages show it.

    `path` is where the tree has it, relative to its root, or '' for a linked file. `url` is where pages send clients,
    or '' where that is `path`.
    """

    file: File
    release: Release
    path: str
    url: str

    @property
    def yanked(self) -> Yanked | None:
        """The file's own mark wins over its release's."""
        return self.file.yanked or self.release.yanked


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedProject:
    """A project with the files that pages show, by version, then name; `metadata` holds core metadata by a file's digest.

    `serial` grows with every change that mirrors care about.
    """

    project: Project
    files: tuple[ListedFile, ...]
    metadata: Mapping[Sha256, RawMetadata]
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One audience's tree. `url` is where it is published, ending in a slash, or ''."""

    audience: Word
    title: str
    url: str
    projects: tuple[ListedProject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes of the pool that the tree serves at `path`."""

    path: str
    digest: Sha256
    size: int
