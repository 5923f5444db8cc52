"""What a build must do, before anything is done."""

from __future__ import annotations

from dataclasses import dataclass

from index_builder.model.names import Sha256, Word
from index_builder.model.problem import Place
from index_builder.model.project import File, Origin, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Bytes that must be in the pool: a listed file from its origin."""

    project: Project
    file: File

    @property
    def digest(self) -> Sha256:
        """The digest that the bytes must have."""
        return self.file.sha256

    @property
    def origin(self) -> Origin:
        """Where the bytes are."""
        return self.file.origin

    @property
    def place(self) -> Place:
        """Where the manifest lists the file."""
        return self.file.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One audience's build: the projects that it sees, by normalized name, and the files that their pages list.

    Of these, `served` are ours to serve, and `located` must be found on their index to be linked to.
    """

    audience: Word
    projects: tuple[Project, ...]
    listed: tuple[Fetch, ...]
    served: tuple[Fetch, ...]
    located: tuple[Fetch, ...]
