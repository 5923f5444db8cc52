"""A pool and a site in folders. Every write is whole or not there."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from index_builder.errors import CorruptEntryError, StorageError
from index_builder.model.names import Sha256
from index_builder.ports import Note
from index_builder.publish import MARK

_CHUNK = 1024 * 1024


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fix = f"look at the owner and mode of {path}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = "free some space, or choose another --pool or --output; what is there is whole, and the next run goes on from it"
        msg = f"{path}: {error.strerror or error}"
        raise StorageError(msg, fix=fix) from error


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
        with _storage(self.path(digest)):
            try:
                return self.path(digest).stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                return None

    def open(self, digest: Sha256) -> BinaryIO:
        """Open an entry."""
        with _storage(self.path(digest)):
            return self.path(digest).open("rb")

    def receive(self, digest: Sha256) -> DirectoryEntry:
        """Take up the partial entry, or begin one of our own where another process is writing it."""
        partial = self.root / "partial" / digest
        with _storage(partial):
            partial.parent.mkdir(parents=True, exist_ok=True)
            stream = _locked(partial)
            if stream is None:
                own = partial.with_name(f"{digest}.{secrets.token_hex(4)}")
                return DirectoryEntry(digest, own, self.path(digest), own.open("a+b"), kept=False)
            return DirectoryEntry(digest, partial, self.path(digest), stream)

    def drop(self, digest: Sha256) -> None:
        """Delete an entry."""
        with _storage(self.path(digest)):
            self.path(digest).unlink(missing_ok=True)

    def entries(self) -> Iterator[Sha256]:
        """Yield every entry's digest, in order."""
        with _storage(self.root):
            for path in sorted((self.root / "sha256").glob("*/*/*")):
                with suppress(ValueError):
                    yield Sha256("".join(path.parts[-3:]))

    def is_genuine(self, digest: Sha256) -> bool:
        """Say whether an entry holds the bytes of its digest."""
        return self.digest_of(self.path(digest)) == digest

    @staticmethod
    def digest_of(path: Path) -> Sha256:
        """Return the digest of a file."""
        with _storage(path), path.open("rb") as stream:
            return Sha256(hashlib.file_digest(stream, "sha256").hexdigest())

    def take(self, path: Path, digest: Sha256) -> None:
        """Copy a file of this digest into the pool, unless it is there; raises StorageError, CorruptEntryError."""
        if self.size(digest) is not None and self.is_genuine(digest):
            return
        entry = self.receive(digest)
        try:
            entry.discard()
            with _storage(path), path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    entry.write(chunk)
            entry.commit()
        finally:
            entry.close()

    def note(self, kind: Note, digest: Sha256) -> str | None:
        """Read a note."""
        path = self.root / kind / digest.path
        with _storage(path):
            try:
                return path.read_text("utf-8").strip() or None
            except (FileNotFoundError, UnicodeDecodeError):
                return None

    def set_note(self, kind: Note, digest: Sha256, text: str) -> None:
        """Write a note, whole or not at all. A note lost in a power cut is made again, so it is not synced."""
        path = self.root / kind / digest.path
        with _storage(path):
            _write_whole(path, path.with_name(f"{path.name}.{secrets.token_hex(4)}"), [text.encode() + b"\n"])


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
        with _storage(self._partial):
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
        with _storage(self._final):
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._final.parent.mkdir(parents=True, exist_ok=True)
            self._partial.replace(self._final)
        self._committed = True

    def discard(self) -> None:
        """Empty the entry; it may be written anew."""
        with _storage(self._partial):
            self._stream.truncate(0)
        self._hash, self.written = hashlib.sha256(), 0

    def close(self) -> None:
        """Keep for later what was written, and no empty file."""
        with _storage(self._partial):
            try:
                # Deleted while it is locked, so that nobody else has begun to write to it.
                if not self._committed and not (self._kept and self.written):
                    self._partial.unlink(missing_ok=True)
            finally:
                self._stream.close()


def _write_whole(path: Path, temporary: Path, chunks: Iterable[bytes]) -> None:
    temporary.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Keep other builds out of a folder, which is made where there is none; raises StorageError where one is at work.

    The lock is the kernel's, on the folder itself: a killed build leaves none.
    """
    with _storage(root):
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another build is writing to {root}"
            raise StorageError(msg, fix="wait until it is done, or choose another --output") from error
        yield
    finally:
        os.close(descriptor)


class DirectorySite:
    """A published tree in a folder, which holds nothing else of ours or of yours."""

    _TOPS = ("simple", "packages", "provenance", "pypi", "state", "packages.json")
    _INCOMING = "state/incoming"
    #: The first thing written; a folder with content but without it was not made by a build.

    def __init__(self, root: Path) -> None:
        """Take the folder; raises StorageError where it holds something that no build wrote."""
        self.root = root
        with _storage(root):
            if not self._ours():
                msg = f"{root} is not empty, and was not written by a build"
                raise StorageError(msg, fix="choose a new folder with --output; a build deletes what does not belong")
            self._folder(root / self._INCOMING)
            shutil.rmtree(root / self._INCOMING)
            self._folder(root / self._INCOMING)

    def _ours(self) -> bool:
        """Say whether a build may write here: a new folder, one with the mark, or one whose build was stopped before it."""
        if not self.root.exists() or (self.root / MARK).is_file():
            return True
        inside = {path.name for path in self.root.iterdir()}
        state = self.root / "state"
        return not inside or (inside == {"state"} and state.is_dir() and {path.name for path in state.iterdir()} <= {"incoming"})

    def _folder(self, path: Path) -> None:
        """Make a folder; whatever else stands in its way, such as a link out of the tree, is replaced."""
        if path != self.root:
            self._folder(path.parent)
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                path.unlink()
        path.mkdir(parents=path == self.root, exist_ok=True)

    def listing(self) -> dict[str, int]:
        """Walk the folders that builds write; what else lies beside them is not ours."""
        found: dict[str, int] = {}
        with _storage(self.root):
            for top in self._TOPS:
                self._walk(self.root / top, top, found)
        return found

    def _walk(self, path: Path, name: str, found: dict[str, int]) -> None:
        if path.is_file() or path.is_symlink():
            found[name] = path.lstat().st_size if not path.is_symlink() else -1
            return
        if not path.is_dir() or name == self._INCOMING:
            return
        with os.scandir(path) as inner:
            for entry in inner:
                if entry.is_dir(follow_symlinks=False):
                    self._walk(path / entry.name, f"{name}/{entry.name}", found)
                else:
                    found[f"{name}/{entry.name}"] = -1 if entry.is_symlink() else entry.stat().st_size

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        with _storage(self.root / path):
            return (self.root / path).read_bytes()

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write beside, then rename."""
        target = self.root / path
        with _storage(target):
            self._folder(target.parent)
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            _write_whole(target, self.root / self._INCOMING / secrets.token_hex(8), chunks)

    def delete(self, path: str) -> None:
        """Delete, and the folders that this leaves empty."""
        target = self.root / path
        with _storage(target):
            if target.is_dir() and not target.is_symlink():
                return  # a link or file was here until `put` needed a folder
            with suppress(FileNotFoundError, NotADirectoryError):
                target.unlink()
            for parent in target.parents:
                if parent == self.root:
                    break
                try:
                    parent.rmdir()
                except OSError:
                    break
