"""One URL's bytes, with limits, retries and resume."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO, TypeVar

from index_builder.errors import CorruptEntryError, DigestMismatchError, NotFoundError, OtherLengthError, RemoteError, StorageError
from index_builder.model.names import Sha256
from index_builder.ports.machine import Clock, Progress
from index_builder.ports.network import Response, Transport
from index_builder.ports.pool import Pool, PoolEntry

_OK, _PARTIAL, _TOO_MANY, _BAD_RANGE = 200, 206, 429, 416
_GONE = (404, 410)
_CHANGED = "the bytes changed where they come from: do not trust them; if the manifest is wrong, add the file again"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how often. Times in seconds, sizes in bytes, rates in bytes a second.

    A request may take `patience` plus its size at `steady_rate`; over any `window` it must bring `least_rate`.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 60.0
    patience: float = 120.0
    steady_rate: float = 64 * 1024
    window: float = 20.0
    least_rate: float = 1024
    page: int = 32 * 1024 * 1024
    unpinned: int = 4 * 1024 * 1024 * 1024

    def deadline(self, size: int) -> float:
        """Return the seconds that a request for `size` bytes may take."""
        return self.patience + size / self.steady_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """What every download needs. `jitter` gives a number between 0 and 1."""

    transport: Transport
    clock: Clock
    progress: Progress
    limits: Limits = Limits()
    jitter: Callable[[], float] = field(default=random.random)

    def page(self, url: str, accept: str, *, most: int | None = None) -> Page:
        """Return a small document, of `most` bytes at most, and in time for these; raises RemoteError, NotFoundError for 404 and 410."""
        return self._retrying(url, lambda: self._page(url, accept, most))

    def digest(self, url: str, most: int) -> tuple[int, str]:
        """Return length and SHA-256 of a document of `most` bytes at most, of which nothing is kept; raises as `page`."""
        return self._retrying(url, lambda: self._digest(url, most))

    @contextmanager
    def stream(self, url: str, most: int) -> Iterator[Iterator[bytes]]:
        """Yield a document as it arrives, of `most` bytes at most. Nothing is tried twice. Raises as `page`."""
        deadline = self.clock.monotonic() + self.limits.deadline(most)
        with self.transport.get(url, {"accept": "*/*"}, deadline=deadline) as response:
            self._raise_for_status(response)
            self._raise_for_part(response)
            yield self._steady(response, most)

    def file(self, url: str, digest: Sha256, size: int | None, pool: Pool, *, name: str) -> None:
        """Bring a file into the pool.

        What arrived stays when the connection breaks or the run is stopped, and is gone on with by Range.
        Raises DigestMismatchError, keeping nothing, where the bytes are others; RemoteError; StorageError.
        """
        entry = pool.receive(digest)
        try:
            resumed = entry.written > 0
            self.progress.advance(entry.written)
            try:
                self._whole(url, size, entry, name)
            except DigestMismatchError:
                if not resumed:
                    raise
                # The part that an earlier run left may be the wrong one, so the other side is heard once more.
                self.progress.note(f"{name}: what an earlier run left of it does not fit; downloading all of it")
                self._whole(url, size, entry, name)
        finally:
            entry.close()

    def unpinned(self, url: str, stream: BinaryIO, *, name: str) -> None:
        """Write a file of unknown digest to an empty stream. Raises RemoteError, StorageError."""
        self.progress.note(f"downloading {name}")
        self._retrying(url, lambda: self._unpinned(url, stream))

    def _whole(self, url: str, size: int | None, entry: PoolEntry, name: str) -> None:
        try:
            self._retrying(url, lambda: self._file(url, size, entry))
        except OtherLengthError as error:
            self._start_over(entry)
            msg = f"{name}: {error.message}"
            raise DigestMismatchError(msg, fix=_CHANGED) from error
        self._commit(url, size, entry, name)

    def _unpinned(self, url: str, stream: BinaryIO) -> None:
        with local_storage():
            stream.seek(0)
            stream.truncate()
        deadline = self.clock.monotonic() + self.limits.deadline(self.limits.unpinned)
        with self.transport.get(url, {"accept": "*/*"}, deadline=deadline) as response:
            self._raise_for_status(response)
            self._raise_for_part(response)
            for chunk in self._steady(response, self.limits.unpinned):
                with local_storage():
                    stream.write(chunk)
        with local_storage():
            stream.flush()

    def _digest(self, url: str, most: int) -> tuple[int, str]:
        length, digest = 0, hashlib.sha256()
        with self.stream(url, most) as chunks:
            for chunk in chunks:
                length += len(chunk)
                digest.update(chunk)
        return length, digest.hexdigest()

    def _page(self, url: str, accept: str, most: int | None) -> Page:
        # What may be large by kind only, is small; what may be large because its size is known, has the time that it takes.
        deadline = self.clock.monotonic() + self.limits.deadline(most or 0)
        with self.transport.get(url, {"accept": accept}, deadline=deadline) as response:
            self._raise_for_status(response)
            self._raise_for_part(response)
            content = b"".join(self._steady(response, self.limits.page if most is None else most))
            return Page(url=response.url, content_type=response.headers.get("content-type", ""), content=content)

    def _file(self, url: str, size: int | None, entry: PoolEntry) -> None:
        if size is not None and entry.written >= size:
            return
        headers = {"accept": "*/*"}
        if entry.written:
            headers["range"] = f"bytes={entry.written}-"
        # Without a size it is a provenance, which is small.
        whole = self.limits.page if size is None else size
        deadline = self.clock.monotonic() + self.limits.deadline(size or 0)
        with self.transport.get(url, headers, deadline=deadline) as response:
            skip = self._skipped(response, entry)
            for chunk in self._steady(response, whole - (entry.written - skip)):
                fresh = chunk[skip:]
                skip -= len(chunk) - len(fresh)
                if fresh:
                    entry.write(fresh)
                    self.progress.advance(len(fresh))
        if size is not None and entry.written < size:
            if response.status == _OK and "content-length" in response.headers:
                # All that was announced came: this is another file, and asking again would not make it longer.
                raise OtherLengthError(f"{url} has {entry.written:,} bytes, {size:,} were expected")
            msg = f"{url}: the connection ended after {entry.written:,} of {size:,} bytes"
            raise RemoteError(msg, retryable=True)

    def _skipped(self, response: Response, entry: PoolEntry) -> int:
        """Return how many bytes of the answer we already hold; raises RemoteError where it does not go on from there."""
        if response.status == _BAD_RANGE:
            self._start_over(entry)
            msg = f"{response.url}: the other side has fewer bytes than we already hold"
            raise RemoteError(msg, retryable=True)
        self._raise_for_status(response)
        if response.status == _OK:
            return entry.written
        given = response.headers.get("content-range", "")
        if not given.startswith(f"bytes {entry.written}-"):
            msg = f"{response.url}: asked for bytes from {entry.written}, got {given or 'others'}"
            # Without Range the same server may give the whole, which leaves nothing to be misunderstood.
            retryable = entry.written > 0
            self._start_over(entry)
            raise RemoteError(msg, retryable=retryable)
        return 0

    def _start_over(self, entry: PoolEntry) -> None:
        self.progress.advance(-entry.written)
        entry.discard()

    def _commit(self, url: str, size: int | None, entry: PoolEntry, name: str) -> None:
        if size is not None and entry.written != size:
            msg = f"{name}: expected {size:,} bytes, {url} has at least {entry.written:,}"
            self._start_over(entry)
            raise DigestMismatchError(msg, fix=_CHANGED)
        written = entry.written
        try:
            entry.commit()
        except CorruptEntryError as error:
            self.progress.advance(-written)
            msg = f"{name}: {error.message} from {url}"
            raise DigestMismatchError(msg, fix=_CHANGED) from error

    def _steady(self, response: Response, limit: int) -> Iterator[bytes]:
        """Yield the body, refusing more than `limit` bytes and less than the least rate."""
        since, received, total = self.clock.monotonic(), 0, 0
        for chunk in response.chunks():
            self.clock.check()
            total += len(chunk)
            received += len(chunk)
            if total > limit:
                msg = f"{response.url}: more than the {limit:,} bytes expected"
                raise OtherLengthError(msg)
            yield chunk
            elapsed = self.clock.monotonic() - since
            if elapsed >= self.limits.window:
                if received / elapsed < self.limits.least_rate:
                    msg = f"{response.url}: only {received / elapsed:.0f} bytes a second"
                    raise RemoteError(msg, retryable=True)
                since, received = self.clock.monotonic(), 0

    def _raise_for_status(self, response: Response) -> None:
        if response.status in (_OK, _PARTIAL):
            encoding = response.headers.get("content-encoding", "").lower()
            if encoding not in ("", "identity"):
                msg = f"{response.url}: encoded as {encoding}, though plain bytes were asked for"
                raise RemoteError(msg)
            return
        msg = f"{response.url}: HTTP status {response.status}"
        if response.status in _GONE:
            raise NotFoundError(msg, status=response.status)
        retryable = response.status == _TOO_MANY or response.status >= 500  # noqa: PLR2004 - RFC 9110, server errors
        fix = "the other side asks for credentials, which a builder does not send" if response.status in (401, 403) else ""
        wait = _retry_after(response.headers.get("retry-after", ""), response.headers.get("date", ""), self.clock.now())
        raise RemoteError(msg, fix=fix, retryable=retryable, retry_after=wait, status=response.status)

    @staticmethod
    def _raise_for_part(response: Response) -> None:
        if response.status == _PARTIAL:
            msg = f"{response.url}: only a part came, though all of it was asked for"
            raise RemoteError(msg)

    def _retrying(self, url: str, attempt: Callable[[], T]) -> T:
        for number in range(1, self.limits.attempts + 1):
            try:
                return attempt()
            except RemoteError as error:
                if not error.retryable or number == self.limits.attempts:
                    if error.retryable:
                        error.fix = error.fix or f"tried {number} times; look at the network and run the command again"
                    raise
                wait = self._wait(number, error.retry_after)
                if wait > self.limits.longest_wait:
                    error.fix = f"the other side asks to be left alone for {wait:,.0f} s: run the command again then"
                    raise
                self.progress.note(f"{error.message}; trying again in {wait:.1f} s")
                self.clock.sleep(wait)
        msg = f"{url}: no attempt was allowed"
        raise RemoteError(msg)

    def _wait(self, number: int, asked: float | None) -> float:
        backoff = self.limits.first_wait * 2 ** (number - 1) * (0.5 + self.jitter())
        return float(max(min(backoff, self.limits.longest_wait), asked or 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A small document: the URL it came from in the end, its content type and bytes."""

    url: str
    content_type: str
    content: bytes


@contextmanager
def local_storage() -> Iterator[None]:
    """Turn an OSError of a scratch file into StorageError: it is our disk, not the other side."""
    try:
        yield
    except OSError as error:
        msg = f"a temporary file cannot be written or read: {error.strerror or error}"
        raise StorageError(msg, fix="free some space, or set TMPDIR to a folder that has some") from error


def _retry_after(text: str, sent: str, now: datetime) -> float | None:
    """Return the wait that RFC 9110 section 10.2.3 allows in seconds or as a date, or None.

    A date counts from the time that the answer was sent, so that two clocks need not agree.
    """
    if text.isascii() and text.isdigit():
        return float(text)
    moment = _date(text)
    return None if moment is None else max(0.0, (moment - (_date(sent) or now)).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
