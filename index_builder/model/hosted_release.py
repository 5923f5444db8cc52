"""A release of a package at its repository's host, where new files are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from index_builder.model.names import Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedFile:
    """A file of a release, and when it was put there; `sha256` is None where the host does not say it."""

    name: str
    url: str
    sha256: Sha256 | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedRelease:
    """A release of a repository; `url` is its page, with the notes."""

    tag: str
    url: str
    published: datetime
    is_prerelease: bool
    assets: tuple[HostedFile, ...]
