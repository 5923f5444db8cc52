"""A published tree in a folder."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from index_builder.adapters.folder_writer import FolderWriter, check_inside
from index_builder.adapters.storage import storage
from index_builder.errors import StorageError
from index_builder.model.page import FOR_PEOPLE
from index_builder.model.rows import ROW_SHARDS, ROWS
from index_builder.ports.places import Writer
from index_builder.render.web.books import BOOKS, is_shared
from index_builder.state import MARK, SHARDS, audience_of, is_shard


@contextmanager
def exclusive(root: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Keep others out of a folder, which is made where there is none; wait `patience` seconds for whoever is at work there.

    The lock is the kernel's, on the folder itself: a killed run leaves none. Raises StorageError.
    """
    made = [folder for folder in (root, *root.parents) if not folder.exists()]
    with storage(root):
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, root, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)
        with suppress(OSError):
            for folder in made:
                folder.rmdir()  # only where it is empty: what a failed build made ready, it takes away


def _lock(descriptor: int, root: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() < deadline:
                time.sleep(_PAUSE)
                continue
            msg = f"another build is writing to {root}"
            raise StorageError(msg, fix="wait until it is done, or choose another --output") from error
        return


_PAUSE = 0.05


class DirectorySite:
    """A published tree in a folder, which holds nothing else of ours or of yours."""

    _TOPS: tuple[str, ...] = ("simple", "packages", "provenance", "pypi", "state", ROWS, ROW_SHARDS, *FOR_PEOPLE)
    _INCOMING = "state/incoming"

    def __init__(self, root: Path, audience: str = "") -> None:
        """Take the folder for an audience's tree; raises StorageError where it holds something that no build of it wrote."""
        self.root = root
        self._audience = audience
        self._writer = FolderWriter(root, self._INCOMING)
        with storage(root):
            if not self._ours():
                msg = f"{root} is not empty, and was not written by a build"
                raise StorageError(msg, fix="choose a new folder with --output; a build deletes what does not belong")
            self._prepare()

    def _prepare(self) -> None:
        self._writer.begin()

    def tidy(self) -> None:
        """Take away the folders that were made ready and hold nothing."""
        with suppress(OSError):
            shutil.rmtree(self.root / self._INCOMING)
            (self.root / "state").rmdir()

    def _ours(self) -> bool:
        """Say whether a build may write here: a new folder, one with the mark of this audience, or one whose mark was lost."""
        state = self.root / "state"
        if not self.root.exists():
            return True
        if (self.root / MARK).is_file():
            return audience_of((self.root / MARK).read_bytes()) in (self._audience, None)
        if not state.is_dir():
            return self._is_free()
        inside = {path.name for path in state.iterdir()}
        if inside <= {"incoming"}:
            return self._is_free()  # a first build was stopped before it wrote anything
        shards = list((state / "projects").iterdir()) if (state / "projects").is_dir() else []
        return inside <= {"incoming", "projects"} and bool(shards) and all(is_shard(f"{SHARDS}{path.name}") for path in shards)

    def _is_free(self) -> bool:
        """Say whether nothing is in the folder but a state."""
        return {path.name for path in self.root.iterdir()} <= {"state"}

    def listing(self) -> dict[str, int]:
        """Walk the folders that builds write; what else lies beside them is not ours."""
        found: dict[str, int] = {}
        self._writer.forget()
        with storage(self.root):
            for top in self._TOPS:
                if top not in FOR_PEOPLE or self._has_pages_for_people():
                    self._walk(self.root / top, top, found)
        return found

    def _has_pages_for_people(self) -> bool:
        """Say whether a build has begun to write any: without them, an `index.html` that is there is somebody's own."""
        assets = self.root / "assets"
        return (self.root / BOOKS).is_file() or (assets.is_dir() and any(is_shared(f"assets/{path.name}") for path in assets.iterdir()))

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

    def size(self, path: str) -> int | None:
        """Return a file's size."""
        target = f"{self.root}/{path}"
        with storage(target):
            try:
                found = os.lstat(target)
            except (FileNotFoundError, NotADirectoryError):
                return None
            return found.st_size if stat.S_ISREG(found.st_mode) and self._is_inside(path) else None

    def _is_inside(self, path: str) -> bool:
        """Say whether no folder on the way to a file is a link. A publication asks of every file: strings are faster, as in its writer."""
        while path := path.rpartition("/")[0]:
            if os.path.islink(f"{self.root}/{path}"):  # noqa: PTH114 - as above
                return False
        return True

    def open(self, path: str) -> BinaryIO:
        """Open a file; a later `put` renames another one into its place."""
        with storage(self.root / path):
            return (self.root / path).open("rb")

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        target = f"{self.root}/{path}"
        with storage(target), open(target, "rb") as stream:  # noqa: PTH123 - as above
            return stream.read()

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write beside, then rename."""
        self._writer.put(path, chunks)

    def writer(self) -> Writer | None:
        """Return what writes into this folder, for another process."""
        return self._writer

    def delete(self, path: str) -> None:
        """Delete, and the folders that this leaves empty."""
        target = self.root / path
        check_inside(path)
        with storage(target):
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
                self._writer.forget(parent.relative_to(self.root).as_posix())


_OF_A_PROJECT = re.compile(r"project/[a-z0-9-]+/(?:index\.html|feed\.xml)")


class ListSite(DirectorySite):
    """A tree of a package list, written where dumb-pypi writes one: the files may lie in the same folder, and are not ours."""

    _FOR_INSTALLERS = ("simple", "pypi", "state", ROWS)
    _TOPS = (*_FOR_INSTALLERS, *FOR_PEOPLE)

    def listing(self) -> dict[str, int]:
        """Walk as any tree does; of what lies where pages for people do, only what is called as they are is ours."""
        found = super().listing()
        return {
            path: size for path, size in found.items()
            if path.partition("/")[0] not in FOR_PEOPLE or path == BOOKS or is_shared(path) or _OF_A_PROJECT.fullmatch(path)
        }  # fmt: skip

    def _ours(self) -> bool:
        """Say whether a build may write here: as for any tree, or dumb-pypi wrote it, which has no state."""
        is_dumb_pypis = (self.root / ROWS).is_file() and (self.root / "simple" / "index.html").is_file()
        return super()._ours() or (is_dumb_pypis and not (self.root / "state").exists())

    def _is_free(self) -> bool:
        """Say whether none of the names that a build writes is taken."""
        return not any(os.path.lexists(self.root / top) for top in self._FOR_INSTALLERS if top != "state")


class UntouchedSite(DirectorySite):
    """A published tree that is read, and stays as it is: for --dry-run."""

    def _prepare(self) -> None:
        """Make nothing ready."""

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write nothing."""

    def delete(self, path: str) -> None:
        """Delete nothing."""

    def writer(self) -> None:
        """Let nobody write."""


class UntouchedListSite(UntouchedSite, ListSite):
    """A package list's tree for --dry-run."""
