"""Wanted against present: files first, then pages, then lists, then deletions, then the mark of the build."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from index_builder.errors import CorruptEntryError
from index_builder.model.page import Page
from index_builder.model.snapshot import Blob
from index_builder.ports import Pool, Progress, Site

_CHUNK = 1024 * 1024
#: What the mark says while a tree changes: a build that does not end is begun anew, because nobody knows what it left.
BEGUN: Final = b"{}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a tree must hold, or the part of it that may have changed.

    `streams` are lists too large to be held, path to chunks, that are written in any case.
    """

    blobs: Iterable[Blob]
    pages: Iterable[Page]
    streams: Mapping[str, Iterable[bytes]] = field(default_factory=dict)
    mark: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a publication did: paths in the order of their writing or deletion."""

    written: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: int


def publish(site: Site, pool: Pool, wanted: Wanted, present: Mapping[str, int], progress: Progress) -> Changes:
    """Make the tree hold what is wanted, and nothing else of `present`: path to size in bytes of what is there.

    A reader never meets a link to what is not there yet. Where nothing changes, nothing is written. Raises
    CorruptEntryError where a pool entry is not what its name says (it is dropped), StorageError.
    """
    blobs = {blob.path: blob for blob in wanted.blobs}
    pages = sorted(wanted.pages, key=lambda page: page.tier)
    missing = [blob for blob in blobs.values() if present.get(blob.path) != blob.size]
    stale = [page for page in pages if present.get(page.path) != len(page.content) or site.read(page.path) != page.content]
    kept = {*blobs, *wanted.streams, *(page.path for page in pages), wanted.mark.path}
    deleted = sorted(present.keys() - kept)
    is_marked = present.get(wanted.mark.path) == len(wanted.mark.content) and site.read(wanted.mark.path) == wanted.mark.content
    if missing or stale or wanted.streams or deleted:
        site.put(wanted.mark.path, [BEGUN])
        _write(site, pool, missing, progress)
        for page in stale:
            site.put(page.path, [page.content])
        for path, chunks in wanted.streams.items():
            site.put(path, chunks)
        for path in deleted:
            site.delete(path)
        is_marked = False
    if not is_marked:
        site.put(wanted.mark.path, [wanted.mark.content])
    written = [
        *(blob.path for blob in missing),
        *(page.path for page in stale),
        *wanted.streams,
        *([] if is_marked else [wanted.mark.path]),
    ]
    return Changes(written=tuple(written), deleted=tuple(deleted), unchanged=len(kept) - len(written))


def _write(site: Site, pool: Pool, blobs: list[Blob], progress: Progress) -> None:
    progress.begin("Writing", len(blobs), sum(blob.size for blob in blobs))
    try:
        for blob in blobs:
            site.put(blob.path, _verified(pool, blob, progress))
            progress.done(blob.path)
    finally:
        progress.end()


def _verified(pool: Pool, blob: Blob, progress: Progress) -> Iterator[bytes]:
    """Yield an entry's bytes, and raise at their end, before they are visible, if they are not those of its digest."""
    digest = hashlib.sha256()
    with pool.open(blob.digest) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            progress.advance(len(chunk))
            yield chunk
    if digest.hexdigest() != blob.digest:
        pool.drop(blob.digest)
        msg = f"the pool's entry {blob.digest} holds other bytes, and was dropped"
        raise CorruptEntryError(msg, fix="run the command again to fetch it anew")
