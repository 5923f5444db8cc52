"""The working tree as a SourceTree, and edits of it that happen whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from index_builder.adapters.limits import MAX_READ, TOPS, check_depth
from index_builder.errors import SourceError
from index_builder.model.source import EXECUTABLE, ORDINARY, SUBMODULE, SYMLINK, SourceEntry


class WorkTree:
    """The files of a folder as they are, committed or not."""

    revision = ""

    def __init__(self, folder: Path) -> None:
        """Take the folder; nothing is read yet."""
        self._root = folder

    def entries(self, *tops: str) -> Iterator[SourceEntry]:
        """Yield the index's files, with the modes that git would give them."""
        for top in tops or TOPS:
            path = self._root / top
            if os.path.lexists(path):
                yield from self._walk(path, top)

    def _walk(self, path: Path, name: str) -> Iterator[SourceEntry]:
        # `name` is for people and may be written with escapes; `blob` is the path as the system has it.
        blob = str(path.relative_to(self._root))
        try:
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode):
                yield SourceEntry(path=name, mode=_git_mode(mode), blob=blob)
            elif (path / ".git").exists():
                yield SourceEntry(path=name, mode=SUBMODULE, blob=blob)
            else:
                check_depth(name)
                for inner in sorted(os.listdir(os.fsencode(path))):  # noqa: PTH208 - names as bytes, whatever they hold
                    text = inner.decode("utf-8", "backslashreplace")
                    yield from self._walk(path / os.fsdecode(inner), f"{name}/{text}")
        except OSError as error:
            msg = f"{name} cannot be read: {error.strerror}"
            raise SourceError(msg, fix=f"look at the owner and mode of {path}") from error

    def read(self, entry: SourceEntry) -> bytes:
        """Return a file's bytes, at most a little more than the loader takes."""
        path = self._root / entry.blob
        try:
            with open(path, "rb", opener=_plain_file) as stream:
                return stream.read(MAX_READ)
        except OSError as error:
            msg = f"{entry.path} cannot be read: {error.strerror}"
            raise SourceError(msg, fix=f"look at the owner and mode of {path}") from error

    def identity(self, entry: SourceEntry) -> str:
        """Return the id that git would give the file's content."""
        content = self.read(entry)
        return hashlib.sha1(b"blob %d\x00%b" % (len(content), content), usedforsecurity=False).hexdigest()

    def changed_since(self, revision: str) -> None:
        """Return None: what a working tree was is not known."""

    def text(self, path: str) -> str:
        """Return a file as text, '' where there is none; raises SourceError where it cannot be read."""
        if not (self._root / path).exists():
            return ""
        return self.read(SourceEntry(path=path, mode=ORDINARY, blob=path)).decode("utf-8", "replace")

    def write(self, texts: Mapping[str, str]) -> None:
        """Write files: all of them, or none. Raises SourceError, leaving everything as it was."""
        edit = _Edit()
        try:
            for name, text in texts.items():
                edit.lay_ready(self._root / name, text.encode())
            edit.apply()
        except OSError as error:
            edit.undo()
            msg = f"{error.filename or self._root} cannot be written: {error.strerror}"
            raise SourceError(msg, fix="nothing was changed; look at the folder's owner, mode and free space") from error
        except BaseException:
            edit.undo()
            raise
        finally:
            edit.clear()


class _Edit:
    """Several files that change together.

    Whatever needs space (the new files, and copies of the old ones) is written before the first rename,
    so that going back is renaming too.
    """

    def __init__(self) -> None:
        self._ready: list[tuple[Path, Path]] = []
        self._before: dict[Path, Path | None] = {}
        self._folders: list[Path] = []
        self._applied: list[Path] = []

    def lay_ready(self, path: Path, content: bytes) -> None:
        """Write what `path` is to hold, and keep what it holds, beside it."""
        self._make_folder(path.parent)
        new, old = (path.with_name(f".{path.name}.{secrets.token_hex(4)}") for _ in range(2))
        self._ready.append((new, path))
        new.write_bytes(content)
        self._before[path] = None
        if os.path.lexists(path):
            self._before[path] = old
            shutil.copy2(path, old, follow_symlinks=False)
            if not path.is_symlink():
                shutil.copymode(path, new)

    def _make_folder(self, path: Path) -> None:
        if not path.exists():
            self._make_folder(path.parent)
            path.mkdir()
            self._folders.append(path)

    def apply(self) -> None:
        """Rename everything into its place."""
        for new, path in self._ready:
            new.replace(path)
            self._applied.append(path)

    def undo(self) -> None:
        """Put back what was there before."""
        for path in reversed(self._applied):
            before = self._before[path]
            if before is None:
                path.unlink(missing_ok=True)
            else:
                before.replace(path)
        self.clear()
        for folder in reversed(self._folders):
            with suppress(OSError):
                folder.rmdir()

    def clear(self) -> None:
        """Delete what lies beside."""
        for path in [*(new for new, _ in self._ready), *(old for old in self._before.values() if old)]:
            path.unlink(missing_ok=True)


def _plain_file(path: str, flags: int) -> int:
    """Open without following a link at the end, or waiting for a pipe's other side."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not an ordinary file", path)
    return descriptor


def _git_mode(mode: int) -> int:
    if stat.S_ISLNK(mode):
        return SYMLINK
    if not stat.S_ISREG(mode):
        return stat.S_IFMT(mode)
    return EXECUTABLE if mode & stat.S_IXUSR else ORDINARY
