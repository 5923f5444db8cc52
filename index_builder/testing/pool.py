"""A Pool of bytes, with the digest of bytes."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterable
from typing import BinaryIO

from index_builder.errors import CorruptEntryError, StorageError
from index_builder.model.names import Sha256
from index_builder.ports.pool import Note


def sha256(content: bytes) -> Sha256:
    """Return the digest of bytes."""
    return Sha256(hashlib.sha256(content).hexdigest())


class MemoryPool:
    """A Pool of bytes. After `capacity` bytes, counting unfinished entries, its disk is full.

    `entries` and `notes` may be looked into and changed, as one may damage a folder.
    """

    def __init__(self, contents: Iterable[bytes] = (), *, capacity: int | None = None) -> None:
        """Take what the pool holds from the beginning."""
        self.entries: dict[Sha256, bytes] = {sha256(content): content for content in contents}
        self.partial: dict[Sha256, bytes] = {}
        self.notes: dict[tuple[Note, Sha256], str] = {}
        self.capacity = capacity
        self._busy: set[Sha256] = set()
        self._lock = threading.Lock()

    def size(self, digest: Sha256) -> int | None:
        """Return an entry's size."""
        content = self.entries.get(digest)
        return None if content is None else len(content)

    def open(self, digest: Sha256) -> BinaryIO:
        """Open an entry."""
        try:
            return io.BytesIO(self.entries[digest])
        except KeyError as error:
            msg = f"{digest}: no such entry"
            raise StorageError(msg) from error

    def receive(self, digest: Sha256) -> MemoryEntry:
        """Take up the partial entry, or begin one of our own where another is being written."""
        with self._lock:
            owner = digest not in self._busy
            self._busy.add(digest)
        return MemoryEntry(self, digest, owner=owner)

    def drop(self, digest: Sha256) -> None:
        """Delete an entry."""
        self.entries.pop(digest, None)

    def note(self, kind: Note, digest: Sha256) -> str | None:
        """Return what was noted."""
        return self.notes.get((kind, digest))

    def set_note(self, kind: Note, digest: Sha256, text: str) -> None:
        """Note something of a file."""
        self.notes[kind, digest] = text

    def release(self, digest: Sha256, content: bytes) -> None:
        """Keep what an entry's owner had written, and let another own it."""
        with self._lock:
            self._busy.discard(digest)
            self.partial.pop(digest, None)
            if content:
                self.partial[digest] = content

    def has_room(self, size: int) -> bool:
        """Say whether `size` more bytes fit."""
        used = sum(map(len, [*self.entries.values(), *self.partial.values()]))
        return self.capacity is None or used + size <= self.capacity


class MemoryEntry:
    """Bytes on their way into a MemoryPool."""

    def __init__(self, pool: MemoryPool, digest: Sha256, *, owner: bool) -> None:
        """Go on from what an earlier owner left."""
        self._pool, self._digest, self._owner = pool, digest, owner
        self._content = pool.partial.pop(digest, b"") if owner else b""
        self._closed = False

    @property
    def written(self) -> int:
        """The bytes so far."""
        return len(self._content)

    def write(self, chunk: bytes) -> None:
        """Append."""
        if not self._pool.has_room(len(self._content) + len(chunk)):
            msg = f"{self._digest}: no space left"
            raise StorageError(msg, fix="free some space")
        self._content += chunk

    def commit(self) -> None:
        """Compare, then make it visible."""
        found = sha256(self._content)
        if found != self._digest:
            self.discard()
            msg = f"expected sha256 {self._digest}, got {found}"
            raise CorruptEntryError(msg)
        self._pool.entries[self._digest] = self._content
        self._content = b""

    def discard(self) -> None:
        """Forget what was written."""
        self._content = b""

    def close(self) -> None:
        """Keep what was written."""
        if self._owner and not self._closed:
            self._pool.release(self._digest, self._content)
        self._closed = True
