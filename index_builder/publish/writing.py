"""Wanted against present: files first, then pages, then lists, then deletions, then the mark of the build."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from index_builder.errors import CorruptEntryError, StorageError
from index_builder.model.page import LargePage, Page, WrittenPage
from index_builder.model.snapshot import Blob
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.ports.pool import Pool

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a publication did: paths in the order in which they may appear, or of their deletion."""

    written: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: int


def publish(
    site: Site, pool: Pool | None, mark: str, begun: bytes, blobs: Iterable[Blob], pages: Iterable[Page | LargePage | WrittenPage],
    present: Mapping[str, int | None], progress: Progress,
) -> Changes:  # fmt: skip
    """Make the tree hold what is wanted, and nothing else of `present`: path to size in bytes of what is there, None where unknown.

    `blobs`, which there are only with a pool, and `pages` come in the order in which they may appear; pages are made while they
    are written, and the last of them is the one at `mark`, which says `begun` until then: a build that does not end is begun
    anew, because nobody knows what it left. A reader never meets a link to what is not there yet. Where nothing
    changes, nothing is written. Where nothing is present, `pages` may be written by whoever makes them, as soon as the first is
    asked for. Raises CorruptEntryError where a pool entry is not what its name says (it is dropped), StorageError.
    """
    work = _Publication(site, mark, begun, present)
    work.write_blobs(pool, blobs, progress)
    if not present:
        work.begin()
    for page in pages:
        if page.path == mark:
            work.delete_rest()
        work.write_page(page)
    return Changes(written=tuple(work.written), deleted=tuple(work.deleted), unchanged=work.unchanged)


class _Publication:
    """A tree on its way; `rest` is what is there and was not asked for so far."""

    def __init__(self, site: Site, mark: str, begun: bytes, present: Mapping[str, int | None]) -> None:
        self.site, self.mark, self.begun = site, mark, begun
        self.rest = dict(present)
        self.written: list[str] = []
        self.deleted: list[str] = []
        self.unchanged = 0
        self._begun = False

    def write_blobs(self, pool: Pool | None, blobs: Iterable[Blob], progress: Progress) -> None:
        """Copy what is missing of the pool's bytes; a path that is named twice is written once."""
        wanted = {blob.path: blob for blob in blobs}
        missing = [blob for path, blob in wanted.items() if self._size(path) not in (blob.size, None)]
        self.unchanged += len(wanted) - len(missing)
        if missing and pool:
            self.begin()
            _write(self.site, pool, missing, progress)
            self.written += [blob.path for blob in missing]

    def write_page(self, page: Page | LargePage | WrittenPage) -> None:
        """Write a page, unless it is there with the same bytes."""
        if isinstance(page, WrittenPage):
            self.rest.pop(page.path, None)
            self.written.append(page.path)
            return
        if self._size(page.path) in (page.size, None) and not (page.path == self.mark and self._begun) and _is_there(self.site, page):
            self.unchanged += 1
            return
        if page.path != self.mark:
            self.begin()
        self.site.put(page.path, page.chunks())
        self.written.append(page.path)

    def _size(self, path: str) -> int | None:
        """Take a path off the rest; return its size, None where that is unknown, and -1 where nothing is there."""
        return self.rest.pop(path, -1)

    def delete_rest(self) -> None:
        """Delete what nobody asked for."""
        self.deleted = sorted(self.rest.keys() - {self.mark})
        if self.deleted:
            self.begin()
        for path in self.deleted:
            self.site.delete(path)

    def begin(self) -> None:
        """Say that the tree is on its way, before the first change."""
        if not self._begun:
            self._begun = True
            self.site.put(self.mark, [self.begun])


def _is_there(site: Site, page: Page | LargePage) -> bool:
    try:
        if isinstance(page, Page):
            return site.read(page.path) == page.content
        with site.open(page.path) as stream:
            return all(stream.read(len(chunk)) == chunk for chunk in page.chunks()) and not stream.read(1)
    except StorageError:
        return False


def _write(site: Site, pool: Pool, blobs: list[Blob], progress: Progress) -> None:
    progress.begin("Writing", len(blobs), sum(blob.size for blob in blobs))
    try:
        for blob in blobs:
            site.put(blob.path, _verified(pool, blob, progress))
            progress.done(blob.path)
    finally:
        progress.end()


def hashed(stream: BinaryIO, progress: Progress) -> Generator[bytes, None, str]:
    """Yield a stream's bytes in chunks; return their SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        progress.advance(len(chunk))
        yield chunk
    return digest.hexdigest()


def _verified(pool: Pool, blob: Blob, progress: Progress) -> Iterator[bytes]:
    """Yield an entry's bytes, and raise at their end, before they are visible, if they are not those of its digest."""
    with pool.open(blob.digest) as stream:
        digest = yield from hashed(stream, progress)
    if digest != blob.digest:
        pool.drop(blob.digest)
        msg = f"the pool's entry {blob.digest} holds other bytes, and was dropped"
        raise CorruptEntryError(msg, fix="run the command again to fetch it anew")
