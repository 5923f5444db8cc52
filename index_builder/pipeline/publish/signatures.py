"""The published signatures as paths: what a TUF snapshot needs, and what another one needs besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import orjson

from index_builder.errors import StorageError
from index_builder.ports.places import Site
from index_builder.trust.layout import POINTER, ROOT, SNAPSHOT, copied, copy_path, is_copied, is_metadata, metadata_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The signatures of a tree: the pointer's bytes, and the version of each role that the TUF snapshot names."""

    site: Site
    pointer: bytes
    snapshot: int
    versions: Mapping[str, int]

    def beyond(self, other: Metadata | None) -> Iterator[tuple[str, str]]:
        """Yield each path, with its digest or '', that these signatures need and the other ones do not; roots and pointer apart."""
        if other is None or other.snapshot != self.snapshot:
            yield metadata_path(SNAPSHOT, self.snapshot), ""
        for role, version in self.versions.items():
            if other is not None and other.versions.get(role) == version:
                continue
            path = metadata_path(role, version)
            content = _read(self.site, path)
            if content is None:
                continue  # of bins from before they grew, the snapshot keeps the version and nobody the file
            yield path, ""
            before = other.copies(role) if other else frozenset()
            yield from sorted(set(_copies(content)) - before)

    def roots_beyond(self, other: Metadata | None) -> Iterator[str]:
        """Yield the path of each root that the other ones have not: roots are there for ever."""
        for version in count(1):
            path = metadata_path(ROOT, version)
            if self.site.size(path) is None:
                return
            if other is None or other.site.size(path) is None:
                yield path

    def root_after(self) -> str:
        """Return the path of the first root that is not there; where another tree has one, no client takes that tree."""
        return next(path for path in (metadata_path(ROOT, version) for version in count(1)) if self.site.size(path) is None)

    def copies(self, role: str) -> frozenset[tuple[str, str]]:
        """Return the copies that a role names, with their digests."""
        version = self.versions.get(role)
        content = _read(self.site, metadata_path(role, version)) if version else None
        return frozenset(_copies(content)) if content else frozenset()


def metadata_of(site: Site) -> Metadata | None:
    """Return the signatures of a tree; None where there are none that could be read: then all are put anew."""
    pointer = _read(site, POINTER)
    if pointer is None:
        return None
    try:
        version = int(orjson.loads(pointer)["signed"]["meta"]["snapshot.json"]["version"])
        snapshot = orjson.loads(site.read(metadata_path(SNAPSHOT, version)))
        versions = {name.removesuffix(".json"): int(meta["version"]) for name, meta in snapshot["signed"]["meta"].items()}
    except (StorageError, ValueError, TypeError, KeyError, AttributeError):
        return None
    good = {role: version for role, version in versions.items() if is_metadata(metadata_path(role, version))}
    return Metadata(site=site, pointer=pointer, snapshot=version, versions=good)


def _read(site: Site, path: str) -> bytes | None:
    try:
        return site.read(path)
    except StorageError:
        return None


def _copies(content: bytes) -> Iterator[tuple[str, str]]:
    try:
        targets: dict[str, Any] = orjson.loads(content)["signed"].get("targets", {})
        found = {path: target["hashes"]["sha256"] for path, target in targets.items() if is_copied(path)}
    except (ValueError, TypeError, KeyError, AttributeError):
        return
    for path, digest in found.items():
        if copied(copy := copy_path(path, digest)):
            yield copy, digest


def expiry_of(site: Site) -> datetime | None:
    """Return when the pointer expires, None where there is none that could be read."""
    content = _read(site, POINTER)
    try:
        return datetime.fromisoformat(orjson.loads(content)["signed"]["expires"]) if content else None
    except (ValueError, TypeError, KeyError):
        return None
