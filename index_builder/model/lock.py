"""What a lock file pins, whichever tool wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.requirements import Requirement

from index_builder.model.filename import FileName
from index_builder.model.names import Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedFile:
    """A wheel or sdist with the digest that it must have."""

    name: FileName
    sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """One entry of a lock file.

    `files` are those that it lists by name, or empty where it only gives `digests` (or nothing but the requirement).
    `registry` is the simple API's URL that it was locked from, or ''. `url` is where a single file is that is on no
    index, or ''.
    """

    requirement: Requirement
    files: tuple[LockedFile, ...] = ()
    digests: frozenset[Sha256] = frozenset()
    registry: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock file. `itself` names the projects that it was made for; `unusable` says of others why they have no file to pin."""

    entries: tuple[Locked, ...]
    itself: tuple[str, ...] = ()
    unusable: tuple[tuple[str, str], ...] = ()
