"""Files of a tree in a folder, each written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from index_builder.adapters.storage import storage
from index_builder.errors import StorageError


class FolderWriter:
    """Writes each file beside, in a folder of the tree for what is incoming, then renames it to its path.

    An index has a million pages: plain strings and descriptors, here, are twice as fast as paths and streams. Several processes may
    have one for the same folder, each for files of its own: sent to another process, it begins there anew.
    """

    def __init__(self, root: Path, incoming: str) -> None:
        """Take the tree's folder, and the path in it of the folder for what is incoming."""
        self._root, self._incoming = root, incoming
        self._made: set[str] = set()
        self._count = 0

    def __reduce__(self) -> tuple[type[FolderWriter], tuple[Path, str]]:
        """Leave behind what this process has made."""
        return FolderWriter, (self._root, self._incoming)

    def begin(self) -> None:
        """Make the folder for what is incoming, empty; raises OSError."""
        self.folder(self._incoming)
        shutil.rmtree(self._root / self._incoming)
        self._made.clear()
        self.folder(self._incoming)

    def forget(self, path: str | None = None) -> None:
        """Look at a folder, or at all of them, once more before something is put there: somebody else may have been there."""
        if path is None:
            self._made.clear()
        else:
            self._made.discard(path)

    def folder(self, path: str) -> None:
        """Make a folder of the tree, once; whatever else stands in its way, such as a link out of the tree, is replaced."""
        if path in self._made:
            return
        if path:
            self.folder(path.rpartition("/")[0])
        try:
            if path:
                os.mkdir(f"{self._root}/{path}")  # noqa: PTH102 - as the class says
            else:
                self._root.mkdir(parents=True)
        except FileExistsError:
            target = self._root / path
            if path and (target.is_symlink() or not target.is_dir()):
                with suppress(OSError):  # another process may have been here since: what counts is that a folder can be made
                    target.unlink()
                target.mkdir(exist_ok=True)
        self._made.add(path)

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file; raises StorageError."""
        if ".." in path:
            check_inside(path)
        target = f"{self._root}/{path}"
        self._count += 1
        beside = f"{self._root}/{self._incoming}/{os.getpid()}-{self._count}"
        with storage(target):
            self.folder(path.rpartition("/")[0])
            try:
                descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
                try:
                    for chunk in chunks:
                        _write(descriptor, chunk)
                finally:
                    os.close(descriptor)
                _rename(beside, target)
            except BaseException:
                with suppress(OSError):
                    Path(beside).unlink()
                raise


def check_inside(path: str) -> None:
    """Raise StorageError where a path leads out of the tree."""
    if ".." in path.split("/") or "\0" in path:
        msg = f"{path!r} is not in the tree"
        raise StorageError(msg)


def _write(descriptor: int, chunk: bytes) -> None:
    written = os.write(descriptor, chunk)
    while written < len(chunk):
        written += os.write(descriptor, memoryview(chunk)[written:])


def _rename(beside: str, target: str) -> None:
    """Rename a file to where an ordinary file, a link, nothing, or a folder is, which goes with all that it holds."""
    try:
        os.replace(beside, target)  # noqa: PTH105 - a Path for each page is what takes the time
    except IsADirectoryError:
        shutil.rmtree(target)
        Path(beside).replace(target)
