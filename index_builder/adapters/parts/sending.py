"""Sends a large object in parts, several at once, but for those that are there from an earlier run."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Final, Protocol

from index_builder.errors import RemoteError

#: Of a file, in bytes: all parts but the last one have this size, in every version, or what arrived would not be found again.
PART: Final = 8 * 1024 * 1024
#: How many parts are on their way at once, of all files together.
AT_ONCE: Final = 8


class UntoldError(Exception):
    """Nobody tells these credentials what arrived, and so nothing can be sent in parts that are found again; nothing was."""


def refused(name: str, path: str, error: Exception, *, denied: bool) -> RemoteError:
    """Return what is said of an error that a provider's library has raised; `denied` where it is of the credentials."""
    text = str(error).strip() or type(error).__name__
    msg = f"{name}: {path}: {text.splitlines()[0][:300]}"
    fix = "correct or renew the credentials (they may have expired), and let them put objects there"
    fix = fix if denied else "publish again: what arrived is not sent once more"
    return RemoteError(msg, fix=fix, retryable=not denied)


class Upload(Protocol):
    """An object that is on its way. Its methods are called from several threads at once, but for `finish`."""

    def has(self, number: int, md5: bytes, size: int) -> bool:
        """Say whether a part is there with these bytes; parts count from 1."""
        ...

    def send(self, number: int, md5: bytes, part: bytes) -> None:
        """Send a part."""
        ...

    def finish(self) -> None:
        """Make an object of all parts that are there or were sent."""
        ...


class Uploads(Protocol):
    """Uploads at a provider."""

    @property
    def requests(self) -> int:
        """Say how many requests an object takes beside its parts."""
        ...

    def begin(self, path: str, size: int, attributes: Mapping[str, str]) -> Upload:
        """Go on with the upload of an object of `size` bytes, or begin one; `attributes` are its headers."""
        ...

    def errors(self, path: str) -> AbstractContextManager[None]:
        """Make the provider's errors ours; `path` is what they are about."""
        ...


class Parts:
    """Objects that are put in parts."""

    def __init__(self, uploads: Uploads) -> None:
        """Take what knows the provider."""
        self._uploads = uploads
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="parts")
        self._room = threading.Semaphore(AT_ONCE)

    @property
    def requests(self) -> int:
        """Say how many requests an object takes beside its parts."""
        return self._uploads.requests

    def put(self, path: str, chunks: Iterable[bytes], size: int, attributes: Mapping[str, str]) -> None:
        """Put an object of `size` bytes; `attributes` are its headers.

        Nothing is there before `chunks` has ended; what was sent when that raises waits for the next run.
        Raises UntoldError, RemoteError, UsageError where the provider's library is not installed, and what `chunks` raises.
        """
        with self._uploads.errors(path):
            upload = self._uploads.begin(path, size, attributes)
            self._send(upload, chunks)
            upload.finish()

    def _send(self, upload: Upload, chunks: Iterable[bytes]) -> None:
        """Send the parts that are not there with these bytes."""
        waiting: deque[Future[None]] = deque()
        try:
            for number, part in enumerate(_parts(chunks), 1):
                md5 = hashlib.md5(part, usedforsecurity=False).digest()
                if upload.has(number, md5, len(part)):
                    continue
                self._room.acquire()
                waiting.append(self._threads.submit(self._send_part, upload, number, md5, part))
                while waiting and waiting[0].done():
                    waiting.popleft().result()
            for sent in waiting:
                sent.result()
        except BaseException:
            wait(waiting)
            raise

    def _send_part(self, upload: Upload, number: int, md5: bytes, part: bytes) -> None:
        try:
            upload.send(number, md5, part)
        finally:
            self._room.release()


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield bytes in parts, all but the last one of the same size."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        while len(kept) > PART:
            yield bytes(kept[:PART])
            del kept[:PART]
    yield bytes(kept)
