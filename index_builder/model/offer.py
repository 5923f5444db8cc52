"""What a resolver may choose from, and what it chose."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.version import Version

from index_builder.model.filename import FileName
from index_builder.model.names import NormalizedName, Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedFile:
    """A wheel that may be chosen."""

    name: FileName
    sha256: Sha256
    requires_python: str
    is_yanked: bool


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Pin:
    """A release that a resolver chose."""

    project: NormalizedName
    version: Version
