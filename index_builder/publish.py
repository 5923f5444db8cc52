"""Wanted against present: files first, then pages, then lists, then the mark of the build; deletions last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from index_builder.errors import CorruptEntryError
from index_builder.model.page import Page
from index_builder.model.snapshot import Blob
from index_builder.ports import Pool, Progress, Site

_CHUNK = 1024 * 1024

#: The first thing that a build writes, and the last: which builder built which commit. A folder without it is not ours.
MARK: Final = "state/build.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a publication did: paths in the order of their writing or deletion."""

    written: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: int


def publish(site: Site, pool: Pool, blobs: Iterable[Blob], pages: Iterable[Page], mark: Page, progress: Progress) -> Changes:
    """Make the tree hold exactly the blobs, the pages and the mark.

    A reader never meets a link to what is not there yet. Raises CorruptEntryError where a pool entry is not
    what its name says (it is dropped), StorageError.
    """
    present = site.listing()
    wanted: set[str] = {mark.path}
    written: list[str] = []
    if mark.path not in present:
        # A first build says at once whose folder this is, so that an interrupted one can be taken up.
        site.put(mark.path, [b"{}\n"])
    blobs = tuple(blobs)
    wanted |= {blob.path for blob in blobs}
    missing = [blob for blob in blobs if present.get(blob.path) != blob.size]
    progress.begin("Writing", len(missing), sum(blob.size for blob in missing))
    for blob in missing:
        site.put(blob.path, _verified(pool, blob, progress))
        progress.done(blob.path)
        written.append(blob.path)
    progress.end()
    for page in [*sorted(pages, key=lambda page: page.tier), mark]:
        wanted.add(page.path)
        if present.get(page.path) != len(page.content) or site.read(page.path) != page.content:
            site.put(page.path, [page.content])
            written.append(page.path)
    deleted = sorted(present.keys() - wanted)
    for path in deleted:
        site.delete(path)
    return Changes(written=tuple(written), deleted=tuple(deleted), unchanged=len(wanted) - len(written))


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
