"""A target in a bucket: S3 and what speaks its protocol, GCS, Azure, through obstore.

A bucket has no switch: readers ask for fixed keys. So what never changes goes first; then, under a lease, pages in the order
in which one leads to another. Each page is put on condition that it is still the one that was compared with. The promise is
per page: no page ever leads to what is not there.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from index_builder.adapters.folder_objects import FolderObjects
from index_builder.adapters.hosts.bucket_site import BucketSite, cache_of
from index_builder.adapters.hosts.lease import Lease
from index_builder.adapters.object_store import LARGE, REVALIDATE, Bucket, Tag, content_type, open_bucket
from index_builder.errors import InterruptedRunError, LostRaceError
from index_builder.model.publication import RECORD, Kind, Limits, Publication, Put
from index_builder.publish.apply import verified
from index_builder.publish.record import encode

if TYPE_CHECKING:
    from index_builder.model.index import Target
    from index_builder.ports.machine import Clock, Progress
    from index_builder.ports.places import Site

#: How long a lease holds.
_LIFE: Final = timedelta(seconds=120)
_CONNECTIONS: Final = 16


@contextmanager
def open_host(target: Target, clock: Clock, *, is_open: bool = False, life: timedelta = _LIFE) -> Iterator[BucketHost]:
    """Yield a bucket as a host, `is_open` where its audience is for everybody; raises UsageError."""
    bucket = open_bucket(target.url, target.endpoint, target.region, f"target '{target.name}'")
    with ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="bucket") as threads:
        objects = FolderObjects(bucket, target.index_objects, target.region) if target.index_objects else None
        host = BucketHost(bucket, clock, threads, is_open=is_open, life=life, objects=objects)
        try:
            yield host
        finally:
            host.close()


class BucketHost:
    """A bucket as a target."""

    limits = Limits()
    is_immediate = True
    is_whole = False
    is_gradual = True

    def __init__(
        self, bucket: Bucket, clock: Clock, threads: ThreadPoolExecutor, *, is_open: bool = False, life: timedelta = _LIFE,
        objects: FolderObjects | None = None,
    ) -> None:  # fmt: skip
        """Take the bucket; `threads` is where requests wait, `life` how long a lease holds, `objects` what folders are to have.

        What is not open is for no shared cache.
        """
        self._bucket, self._threads, self._objects = bucket, threads, objects
        self._scope = "public" if is_open else "private"
        self._site: BucketSite | None = None
        self._stopped, self._repairs = threading.Event(), False
        self._lease = Lease(bucket, clock, life.total_seconds())

    def live(self) -> Site | None:
        """Return what is there now."""
        self._site = BucketSite(self._bucket, self._scope, self._objects)
        return self._site

    def close(self) -> None:
        """Let others publish."""
        self._lease.release()

    def requests(self, publication: Publication, wanted: Site) -> int:
        """Count puts, questions after what may be there, parts of large files, the record twice, the lease, and what is read back."""
        assert self._site is not None  # noqa: S101 - for the type checker: it was compared with
        count = _FOR_ALL + self._is_first - (-len(publication.deletes) // _BATCH)
        for put in publication.puts:
            size = wanted.size(put.path) or 0 if put.kind is Kind.FILE else 0
            if size > LARGE:
                count += self._bucket.requests_for_parts + -(-size // LARGE)
            else:
                count += 1 if put.kind.is_immutable or self._is_first or self._site.is_known(put.path) else 2
            count += self._folder_of(put.path) is not None
        return count

    @property
    def _is_first(self) -> bool:
        """Say whether nobody has published here: then one look tells what is there, and nothing else is asked after."""
        return self._site is not None and self._site.tag(RECORD) is None

    def stage(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Put what never changes."""
        puts = [put for put in publication.puts if put.kind.is_immutable]
        self._repairs = publication.repairs
        arrived = self._arrived([put for put in puts if put.kind is not Kind.SIGNED], wanted)
        for kind in dict.fromkeys(put.kind for put in puts):
            self._each([put for put in puts if put.kind is kind], lambda put: self._put_immutable(put, wanted, arrived, progress))

    def _arrived(self, puts: Sequence[Put], wanted: Site) -> Callable[[Put], bool]:
        """Return what says whether an earlier run, which did not end, has brought a file: such a run would have begun with the first one.

        Where that is not there, nothing else is asked after; nor where all of it is sent faster than asked after.
        """
        sizes = {put.path: wanted.size(put.path) or 0 for put in puts}
        if self._repairs or len(puts) < _FEW or sum(sizes.values()) < _LITTLE or self._bucket.head(puts[0].path) is None:
            return lambda _: False
        if self._is_first and self._site is not None:
            seen = self._site.look()
            return lambda put: put.path in seen
        return lambda put: put.path in sizes and (head := self._bucket.head(put.path)) is not None and head["size"] == sizes[put.path]

    def _put_immutable(self, put: Put, wanted: Site, arrived: Callable[[Put], bool], progress: Progress) -> None:
        size = wanted.size(put.path) or 0
        if put.kind is not Kind.SIGNED and arrived(put):
            progress.advance(size)
        elif size > LARGE:
            head = self._bucket.head(put.path)
            if head is None or head["size"] != size or self._repairs:
                self._bucket.put_large(
                    put.path, self._unless_stopped(verified(wanted, put, progress)), size, cache=cache_of(put.kind, self._scope)
                )
        else:
            content = b"".join(verified(wanted, put, progress))
            try:
                is_new = put.kind is Kind.SIGNED or not self._repairs
                self._bucket.put(put.path, content, cache=cache_of(put.kind, self._scope), new=is_new)
            except LostRaceError as error:  # it is there: from a run that did not end, or because two projects share it
                if put.kind is Kind.SIGNED and not put.digest:
                    self._check_version(put.path, content, error)
        progress.done(put.path)

    def _unless_stopped(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield chunks until the run ends: a large file is minutes on its way, and nobody waits for it then."""
        for chunk in chunks:
            if self._stopped.is_set():
                msg = "stopped"
                raise InterruptedRunError(msg, fix="publish again: what arrived is not sent once more")
            yield chunk

    def _check_version(self, path: str, content: bytes, error: LostRaceError) -> None:
        """Raise LostRaceError where metadata is there in the same version with other bytes: readers would take neither."""
        found = self._bucket.get(path)
        if found is None or found.content != content:
            msg = f"{path} is there with other bytes: somebody else has signed that version"
            raise LostRaceError(msg, fix="see what is there: index-builder publish --reconcile --dry-run") from error

    def switch(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Put pages, under a lease; then delete."""
        site = self._site
        assert site is not None  # noqa: S101 - for the type checker: it was compared with
        self._lease.take(publication.record.commit, progress)
        if self._is_first:
            site.look()
        tag = self._put_page(RECORD, encode(publication.begun), REVALIDATE, site.tag(RECORD))
        puts = [put for put in publication.puts if not put.kind.is_immutable]
        for kind in dict.fromkeys(put.kind for put in puts):
            self._each([put for put in puts if put.kind is kind], lambda put: self._put_current(put, wanted, site, progress))
        for folder in filter(None, map(self._folder_of, publication.deletes)):
            self._lease.check()
            self._objects_at(folder).delete([""])
        for start in range(0, len(publication.deletes), _BATCH):
            self._lease.check()
            self._bucket.delete(publication.deletes[start : start + _BATCH])
        self._put_page(RECORD, encode(publication.record), REVALIDATE, tag)
        self._lease.release()

    def _put_current(self, put: Put, wanted: Site, site: BucketSite, progress: Progress) -> None:
        content = b"".join(verified(wanted, put, progress))
        cache = cache_of(put.kind, self._scope)
        self._put_page(put.path, content, cache, site.tag(put.path))
        if (folder := self._folder_of(put.path)) is not None:  # after the page, whose condition says that it is still ours to change
            self._lease.check()
            self._objects_at(folder).put("", content, cache=cache, kind=content_type(put.path))
        progress.done(put.path)

    def _folder_of(self, path: str) -> str | None:
        return self._objects.folder_of(path) if self._objects else None

    def _objects_at(self, folder: str) -> Bucket:
        assert self._objects is not None  # noqa: S101 - for the type checker: it has said which folder
        return self._objects.open(folder)

    def _put_page(self, path: str, content: bytes, cache: str, tag: Tag | None) -> Tag:
        """Put an object in the place of the one that was compared with; return what it is recognized by."""
        self._lease.check()
        try:
            return self._bucket.put(path, content, cache=cache, expected=tag, new=tag is None)
        except LostRaceError:
            # The answer to an earlier try of ours may have been lost on the way.
            found = self._bucket.get(path)
            if found is not None and found.content == content:
                return found.tag
            raise

    def _each(self, puts: Sequence[Put], do: Callable[[Put], None]) -> None:
        """Do something with each, several at once; the first error stops what has not begun."""
        self._stopped.clear()
        waiting: deque[Future[None]] = deque()
        try:
            for put in puts:
                if len(waiting) >= _WAITING:
                    waiting[0].result()
                    waiting.popleft()
                waiting.append(self._threads.submit(do, put))
            for future in waiting:
                future.result()
        except BaseException:
            self._stopped.set()
            for future in waiting:
                future.cancel()
            wait(waiting)
            raise


#: How many puts wait for a connection at most: an index has a million.
_WAITING: Final = 1_000
_BATCH: Final = 500
#: Fewer files, or bytes in all, are sent without asking first whether they arrived before.
_FEW: Final = 2
_LITTLE: Final = 1024 * 1024
#: Requests of every publication: the record twice, three for the lease, three that are read back.
_FOR_ALL: Final = 8
