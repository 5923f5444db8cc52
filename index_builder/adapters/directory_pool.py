"""A pool in a folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from index_builder.adapters.storage import storage, write_whole
from index_builder.errors import CorruptEntryError
from index_builder.model.names import Sha256
from index_builder.ports.pool import Note

_CHUNK = 1024 * 1024


class DirectoryPool:
    """Bytes by digest under `sha256/aa/bb/<60 hex>`; unfinished ones under `partial/`."""

    def __init__(self, root: Path) -> None:
        """Take the folder; it is made when something is put into it."""
        self.root = root

    def path(self, digest: Sha256) -> Path:
        """Return where an entry lies, whether it is there or not."""
        return self.root / "sha256" / digest.path

    def size(self, digest: Sha256) -> int | None:
        """Return an entry's size."""
        path = f"{self.root}/sha256/{digest.path}"
        with storage(path):
            try:
                return os.stat(path).st_size  # noqa: PTH116 - asked for each file of an index: a Path costs more than the answer
            except (FileNotFoundError, NotADirectoryError):
                return None

    def open(self, digest: Sha256) -> BinaryIO:
        """Open an entry."""
        with storage(self.path(digest)):
            return self.path(digest).open("rb")

    def receive(self, digest: Sha256) -> DirectoryEntry:
        """Take up the partial entry, or begin one of our own where another process is writing it."""
        partial = self.root / "partial" / digest
        with storage(partial):
            partial.parent.mkdir(parents=True, exist_ok=True)
            stream = _locked(partial)
            if stream is None:
                own = partial.with_name(f"{digest}.{secrets.token_hex(4)}")
                return DirectoryEntry(digest, own, self.path(digest), own.open("a+b"), kept=False)
            return DirectoryEntry(digest, partial, self.path(digest), stream)

    def drop(self, digest: Sha256) -> None:
        """Delete an entry."""
        with storage(self.path(digest)):
            self.path(digest).unlink(missing_ok=True)

    def entries(self) -> Iterator[Sha256]:
        """Yield every entry's digest, in order."""
        with storage(self.root):
            for path in sorted((self.root / "sha256").glob("*/*/*")):
                with suppress(ValueError):
                    yield Sha256("".join(path.parts[-3:]))

    def is_genuine(self, digest: Sha256) -> bool:
        """Say whether an entry holds the bytes of its digest."""
        return self.digest_of(self.path(digest)) == digest

    @staticmethod
    def digest_of(path: Path) -> Sha256:
        """Return the digest of a file."""
        with storage(path), path.open("rb") as stream:
            return Sha256(hashlib.file_digest(stream, "sha256").hexdigest())

    def take(self, path: Path, digest: Sha256) -> None:
        """Copy a file of this digest into the pool, unless it is there; raises StorageError, CorruptEntryError."""
        if self.size(digest) is not None and self.is_genuine(digest):
            return
        entry = self.receive(digest)
        try:
            entry.discard()
            with storage(path), path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    entry.write(chunk)
            entry.commit()
        finally:
            entry.close()

    def note(self, kind: Note, digest: Sha256) -> str | None:
        """Read a note."""
        path = f"{self.root}/{kind}/{digest.path}"
        with storage(path):
            try:
                with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - as in `size`
                    return stream.read().strip() or None
            except (FileNotFoundError, UnicodeDecodeError):
                return None

    def set_note(self, kind: Note, digest: Sha256, text: str) -> None:
        """Write a note, whole or not at all. A note lost in a power cut is made again, so it is not synced."""
        path = self.root / kind / digest.path
        with storage(path):
            write_whole(path, path.with_name(f"{path.name}.{secrets.token_hex(4)}"), [text.encode() + b"\n"])


def _locked(partial: Path) -> BinaryIO | None:
    """Open and lock a partial file, or return None where another process has the lock."""
    while True:
        stream = partial.open("a+b")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking, its writer may have committed or deleted it: then what we hold is a visible
            # entry, or nothing.
            if os.path.samestat(os.fstat(stream.fileno()), partial.stat()):
                return stream
        except BlockingIOError:
            stream.close()
            return None
        except FileNotFoundError:
            pass
        except BaseException:
            stream.close()
            raise
        stream.close()


class DirectoryEntry:
    """A partial file; its digest is computed as it grows. Unless `kept`, no later try will find it."""

    def __init__(self, digest: Sha256, partial: Path, final: Path, stream: BinaryIO, *, kept: bool = True) -> None:
        """Hash what an earlier run left."""
        self._digest, self._partial, self._final, self._stream, self._kept = digest, partial, final, stream, kept
        self._hash = hashlib.sha256()
        self._committed = False
        self.written = 0
        stream.seek(0)
        while chunk := stream.read(_CHUNK):
            self._hash.update(chunk)
            self.written += len(chunk)

    def write(self, chunk: bytes) -> None:
        """Append."""
        with storage(self._partial):
            self._stream.write(chunk)
        self._hash.update(chunk)
        self.written += len(chunk)

    def commit(self) -> None:
        """Flush to the disk, compare, rename."""
        if self._hash.hexdigest() != self._digest:
            found = self._hash.hexdigest()
            self.discard()
            msg = f"expected sha256 {self._digest}, got {found}"
            raise CorruptEntryError(msg)
        with storage(self._final):
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._final.parent.mkdir(parents=True, exist_ok=True)
            self._partial.replace(self._final)
        self._committed = True

    def discard(self) -> None:
        """Empty the entry; it may be written anew."""
        with storage(self._partial):
            self._stream.truncate(0)
        self._hash, self.written = hashlib.sha256(), 0

    def close(self) -> None:
        """Keep for later what was written, and no empty file."""
        with storage(self._partial):
            try:
                # Deleted while it is locked, so that nobody else has begun to write to it.
                if not self._committed and not (self._kept and self.written):
                    self._partial.unlink(missing_ok=True)
            finally:
                self._stream.close()
