"""Many files at once: from the pool, the inbox or their origin, each problem with its place."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, TypeVar

from index_builder.errors import CorruptEntryError, DigestMismatchError, NotFoundError, RemoteError
from index_builder.fetch.download import Downloader, local_storage
from index_builder.fetch.entries import copy, hashed, is_genuine
from index_builder.fetch.upstream import ListedFile, Upstreams, link_url
from index_builder.model.names import Sha256
from index_builder.model.plan import Fetch
from index_builder.model.problem import Problem
from index_builder.model.project import IndexOrigin, StoredOrigin, UrlOrigin
from index_builder.ports.pool import Pool, Shelf

Item = TypeVar("Item")


class Pinned(NamedTuple):
    """A file that is somewhere, and what its bytes must be."""

    name: str
    url: str
    digest: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Where bytes come from and go to. `shelves` are looked at where nobody else has them; `offline` asks no other host.

    `kept` gives the provenance object of a file by that one's digest, where the repository keeps what it is made of.
    """

    pool: Pool
    inbox: Pool
    upstreams: Upstreams
    downloader: Downloader
    connections: int = 16
    offline: bool = False
    shelves: tuple[Shelf, ...] = ()
    kept: Callable[[Sha256], bytes | None] = lambda _digest: None

    def missing(self, fetches: Sequence[Fetch]) -> list[Fetch]:
        """Return those that the pool does not hold with the right size; an entry of wrong bytes is dropped."""
        return [fetch for fetch in fetches if not self._held(fetch.digest, fetch.file.size)]

    def files(self, fetches: Sequence[Fetch]) -> list[Problem]:
        """Bring files into the pool; return a problem for each that cannot be had.

        Raises InterruptedRunError, StorageError; what was verified stays in the pool.
        """
        wanted = self.missing(fetches)
        return self._stage("Fetching", wanted, self._file, sum(fetch.file.size for fetch in wanted))

    def proved(self, fetches: Sequence[Fetch]) -> list[Problem]:
        """Ask the origin of each file, which is not stored, for its digest or its bytes; return a problem for each that does not have them.

        What lies in the pool or the inbox already says nothing of where it came from. Raises as `files`.
        """
        return self._stage("Asking the origin of", fetches, self._prove)

    def provenance(self, fetches: Sequence[Fetch]) -> list[Problem]:
        """Bring the PEP 740 objects of files into the pool, those of linked files too."""
        wanted = [f for f in fetches if f.file.provenance and self.pool.size(f.file.provenance) is None]
        return self._stage("Fetching provenance of", wanted, self._provenance)

    def links(self, fetches: Sequence[Fetch]) -> list[Problem]:
        """Note where linked files of an index are; no file is downloaded."""
        wanted = [fetch for fetch in fetches if self.pool.note("links", fetch.digest) is None]
        return self._stage("Locating", wanted, self._link)

    def listings(self, fetches: Sequence[Fetch]) -> None:
        """Ask for the upstream pages of files at once; `listed` answers from memory afterwards, failures too."""
        first = {(f.origin.index, f.origin.project): f for f in fetches if isinstance(f.origin, IndexOrigin)}
        self._each(list(first.values()), self._listing)

    def listed(self, fetch: Fetch) -> ListedFile:
        """Find a file of an index by name and digest; raises NotFoundError, DigestMismatchError, RemoteError."""
        origin = fetch.origin
        assert isinstance(origin, IndexOrigin)  # noqa: S101 - for the type checker: callers ask for these only
        found = self.upstreams.listing(origin.index, origin.project).files.get(fetch.file.name.text)
        if found is None:
            msg = f"{fetch.file.name.text} is not on the index '{origin.index}' any more"
            raise NotFoundError(msg, fix="use another file, or `hosting: hosted` if you have the bytes")
        if found.sha256 is not None and found.sha256 != fetch.digest:
            msg = f"{fetch.file.name.text}: expected sha256 {fetch.digest}, the index '{origin.index}' lists {found.sha256}"
            raise DigestMismatchError(msg, fix="one of the two was changed: find out which before you trust either")
        return found

    def _listing(self, fetch: Fetch) -> None:
        self.listed(fetch)

    def adopt(self, stream: BinaryIO) -> tuple[Sha256, int]:
        """Put the bytes of a seekable stream into the pool; return their digest and number. Raises StorageError."""
        with local_storage():
            name, size = hashed(stream)
            if self.pool.size(name) != size:
                stream.seek(0)
                copy(stream, self.pool, name, self.downloader.clock)
        return name, size

    def adopt_url(self, url: str, name: str) -> tuple[Sha256, int]:
        """Download bytes whose digest nobody told us, and put them into the pool. Raises RemoteError, StorageError."""
        with local_storage(), tempfile.TemporaryFile() as stream:
            self.downloader.unpinned(url, stream, name=name)
            stream.seek(0)
            return self.adopt(stream)

    def digest_of(self, url: str) -> Sha256 | None:
        """Return the digest of a small document, or None where there is none. Raises RemoteError."""
        try:
            return Sha256(hashlib.sha256(self.downloader.page(url, "*/*").content).hexdigest())
        except NotFoundError:
            return None

    def pinned(self, wanted: Sequence[Pinned]) -> list[tuple[Pinned, RemoteError]]:
        """Bring files into the pool of which the digest is known and nothing else; return those that cannot be had, and why."""
        missing = [pinned for pinned in wanted if self.pool.size(pinned.digest) is None]
        progress = self.downloader.progress
        progress.begin("Fetching", len(missing), 0)
        try:
            return self._each(missing, self._pinned)
        finally:
            progress.end()

    def _pinned(self, pinned: Pinned) -> None:
        if not self._from_inbox(pinned.digest):
            self.downloader.file(pinned.url, pinned.digest, None, self.pool, name=pinned.name)
        self.downloader.progress.done(pinned.name)

    def _stage(self, what: str, fetches: Sequence[Fetch], work: Callable[[Fetch], None], size: int = 0) -> list[Problem]:
        if not fetches:
            return []
        progress = self.downloader.progress
        progress.begin(what, len(fetches), size)
        try:
            return [_problem(fetch, error) for fetch, error in self._each(fetches, work)]
        finally:
            progress.end()

    def _each(self, items: Sequence[Item], work: Callable[[Item], None]) -> list[tuple[Item, RemoteError]]:
        failed: list[tuple[Item, RemoteError]] = []
        with ThreadPoolExecutor(max_workers=self.connections, thread_name_prefix="fetch") as executor:
            waiting: dict[Future[None], Item] = {executor.submit(work, item): item for item in items}
            try:
                left = set(waiting)
                while left:
                    # Woken now and then, so that a signal is noticed while every worker waits.
                    done, left = wait(left, timeout=0.2, return_when=FIRST_COMPLETED)
                    self.downloader.clock.check()
                    failed += [(waiting[future], error) for future in done if (error := _remote_error(future))]
            except BaseException:
                self.downloader.clock.stop()
                executor.shutdown(wait=True, cancel_futures=True)
                raise
        return failed

    def _held(self, digest: Sha256, size: int) -> bool:
        for pool in (self.pool, self.inbox):
            held = pool.size(digest)
            # Where the bytes are right it is the manifest that is wrong, and hosted bytes may be nowhere else.
            if held is not None and held != size and not is_genuine(pool, digest):
                pool.drop(digest)
        return self.pool.size(digest) == size

    def _file(self, fetch: Fetch) -> None:
        for pool in (self.pool, self.inbox):
            held = pool.size(fetch.digest)
            if held is not None and held != fetch.file.size:
                msg = f"{fetch.file.name.text}: expected {fetch.file.size:,} bytes, those with its digest are {held:,}"
                raise DigestMismatchError(msg, fix=f"the manifest is wrong: write `size: {held}`")
        if self.pool.size(fetch.digest) is None and not self._from_inbox(fetch.digest):
            self._download(fetch)
        self.downloader.progress.done(fetch.file.name.text)

    def _prove(self, fetch: Fetch) -> None:
        name, size = fetch.file.name.text, fetch.file.size
        if not isinstance(fetch.origin, IndexOrigin) or self.listed(fetch).sha256 is None:
            url = self._url(fetch)
            if self.pool.size(fetch.digest) is None:
                self.downloader.file(url, fetch.digest, size, self.pool, name=name)
            elif (found := self.downloader.digest(url, size)) != (size, fetch.digest):
                msg = f"{name}: expected {size:,} bytes of sha256 {fetch.digest}, {url} has {found[0]:,} of {found[1]}"
                raise DigestMismatchError(msg, fix="one of the two was changed: find out which before you trust either")
        self.downloader.progress.done(name)

    def _download(self, fetch: Fetch) -> None:
        name = fetch.file.name.text
        try:
            self.downloader.file(self._url(fetch), fetch.digest, fetch.file.size, self.pool, name=name)
        except RemoteError as error:
            if not self._from_shelves(fetch.digest, name):
                raise
            if not isinstance(fetch.origin, StoredOrigin):
                self.downloader.progress.note(f"{error.message}; the published copy was taken")

    def _url(self, fetch: Fetch) -> str:
        match fetch.origin:
            case StoredOrigin():
                msg = f"{fetch.file.name.text} is neither in the pool nor in the inbox, nor published"
                raise NotFoundError(msg, fix=f"hand it in: index-builder pool push PATH/TO/{fetch.file.name.text}")
            case _ if self.offline:
                msg = f"{fetch.file.name.text} is not in the pool, and --offline asks nobody"
                raise NotFoundError(msg, fix="run it without --offline")
            case UrlOrigin(url=url):
                return url
            case IndexOrigin():
                return self.listed(fetch).url

    def _provenance(self, fetch: Fetch) -> None:
        digest, name = fetch.file.provenance, f"the provenance of {fetch.file.name.text}"
        assert digest is not None  # noqa: S101 - for the type checker: `files` asks for these only
        if not self._from_inbox(digest) and not self._from_kept(fetch):
            try:
                self.downloader.file(self._provenance_url(fetch, name), digest, None, self.pool, name=name)
            except RemoteError:
                if not self._from_shelves(digest, ""):
                    raise
        self.downloader.progress.done(name)

    def _provenance_url(self, fetch: Fetch, name: str) -> str:
        if self.offline or not isinstance(fetch.origin, IndexOrigin) or not (url := self.listed(fetch).provenance_url):
            msg = f"{name} is neither in the pool nor where the file comes from"
            raise NotFoundError(msg, fix="delete `provenance:` if it cannot be had any more")
        return url

    def makes_provenance(self, fetch: Fetch) -> bool:
        """Say whether what the repository keeps of a file makes the provenance object that the manifest names."""
        return self._made(fetch) is not None

    def _made(self, fetch: Fetch) -> bytes | None:
        content = self.kept(fetch.digest) if fetch.file.provenance else None
        return content if content is not None and hashlib.sha256(content).hexdigest() == fetch.file.provenance else None

    def _from_kept(self, fetch: Fetch) -> bool:
        content, digest = self._made(fetch), fetch.file.provenance
        if content is None or digest is None:
            return False
        copy(io.BytesIO(content), self.pool, digest, self.downloader.clock)
        return True

    def _from_inbox(self, digest: Sha256) -> bool:
        size = self.inbox.size(digest)
        if size is None:
            return False
        try:
            with self.inbox.open(digest) as stream:
                copy(stream, self.pool, digest, self.downloader.clock)
            self.downloader.progress.advance(size)
        except CorruptEntryError:
            self.inbox.drop(digest)
            return False
        return True

    def _from_shelves(self, digest: Sha256, name: str) -> bool:
        """Look for bytes at hosts; what is not there, cannot be read or has other bytes, is not taken."""
        progress = self.downloader.progress
        for shelf in () if self.offline else self.shelves:
            try:
                stream = shelf.open(digest, name)
                if stream is None:
                    continue
                with stream:
                    progress.advance(copy(stream, self.pool, digest, self.downloader.clock))
            except RemoteError as error:
                progress.note(error.message)
            except CorruptEntryError:
                progress.note(f"what is published as {name or digest} has other bytes")
            else:
                return True
        return False

    def _link(self, fetch: Fetch) -> None:
        if self.offline:
            msg = f"where {fetch.file.name.text} is linked to is not known, and --offline asks nobody"
            raise NotFoundError(msg, fix="run it without --offline")
        try:
            url = link_url(self.listed(fetch).url, fetch.file.name.text)
        except ValueError as error:
            msg = f"{fetch.file.name.text} cannot be linked to: {error}"
            raise RemoteError(msg, fix="use `hosting: mirrored`") from error
        self.pool.set_note("links", fetch.digest, url)
        self.downloader.progress.done(fetch.file.name.text)


def _remote_error(future: Future[None]) -> RemoteError | None:
    try:
        future.result()
    except RemoteError as error:
        return error
    return None


def _problem(fetch: Fetch, error: RemoteError) -> Problem:
    rule = "digest-differs" if isinstance(error, DigestMismatchError) else "bytes-not-reachable"
    return Problem(rule=rule, message=error.message, place=fetch.place, fix=error.fix)
