"""Previews at a place: a folder or a bucket, each pull request in a folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from index_builder.adapters.storage import storage, write_whole
from index_builder.errors import SourceError, StorageError
from index_builder.model.previews import LIST, decode, encode, folder_of

if TYPE_CHECKING:
    from index_builder.adapters.object_store import Bucket

#: Nothing of a preview stays as it is.
_CACHE: Final = "no-cache"


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file of a folder by its path in it, what installers ask for last; raises SourceError for what is no file."""
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    for path in found:
        if path.is_symlink() or not path.is_file():
            msg = f"{path.relative_to(folder)} is no ordinary file"
            raise SourceError(msg, fix="show what index-builder previews build has made")
    paths = [(path.relative_to(folder).as_posix(), path) for path in found]
    yield from sorted(paths, key=lambda item: (item[0].startswith("simple/"), item[0]))


def _decoded(content: bytes, called: str) -> dict[int, str]:
    try:
        return decode(content)
    except ValueError as error:
        msg = f"{called} is no list of previews: {error}"
        raise StorageError(msg, fix="delete it, and what lies beside it; each preview comes again with the next judgement") from error


class PreviewFolder:
    """Previews in a folder that something serves."""

    def __init__(self, root: Path) -> None:
        """Take the folder; it is made when something is shown."""
        self._root = root

    def shown(self) -> Mapping[int, str]:
        """Return the commits that are shown, by number; raises StorageError."""
        path = self._root / LIST
        with storage(path):
            return _decoded(path.read_bytes(), str(path)) if path.exists() else {}

    def put(self, number: int, head: str, folder: Path) -> None:
        """Show a pull request: what is copied takes the place of what was there. Raises StorageError, SourceError."""
        with storage(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
        self._note({**self.shown(), number: head})  # first, so that what breaks off is found again
        with storage(self._root), tempfile.TemporaryDirectory(prefix=".new-", dir=self._root) as scratch:
            for name, path in _files(folder):
                target = Path(scratch, "new", name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            there = self._root / folder_of(number)
            if there.exists():
                there.rename(Path(scratch, "old"))
            Path(scratch, "new").rename(there)

    def drop(self, number: int) -> None:
        """Show a pull request no more; raises StorageError."""
        with storage(self._root):
            if (there := self._root / folder_of(number)).exists():
                shutil.rmtree(there)
        self._note({n: head for n, head in self.shown().items() if n != number})

    def _note(self, shown: Mapping[int, str]) -> None:
        path = self._root / LIST
        write_whole(path, path.with_suffix(".new"), [encode(shown)])


class PreviewBucket:
    """Previews under a prefix of a bucket, which a website or CDN serves."""

    def __init__(self, root: Bucket, inside: Callable[[str], Bucket]) -> None:
        """Take the prefix, and what opens a folder in it."""
        self._root, self._inside = root, inside

    def shown(self) -> Mapping[int, str]:
        """Return the commits that are shown, by number; raises RemoteError, StorageError."""
        found = self._root.get(LIST)
        return _decoded(found[0], LIST) if found else {}

    def put(self, number: int, head: str, folder: Path) -> None:
        """Show a pull request, then take away what it had before and has no more. Raises RemoteError, SourceError."""
        self._note({**self.shown(), number: head})  # first, so that what breaks off is found again
        bucket, wanted = self._inside(f"{folder_of(number)}/"), dict(_files(folder))
        for name, path in wanted.items():
            bucket.put(name, path.read_bytes(), cache=_CACHE)
        self._delete(bucket, [name for name, _, _ in bucket.list() if name not in wanted])

    def drop(self, number: int) -> None:
        """Show a pull request no more; raises RemoteError."""
        bucket = self._inside(f"{folder_of(number)}/")
        self._delete(bucket, [name for name, _, _ in bucket.list()])
        self._note({n: head for n, head in self.shown().items() if n != number})

    @staticmethod
    def _delete(bucket: Bucket, names: list[str]) -> None:
        for first in range(0, len(names), 1000):
            bucket.delete(names[first : first + 1000])

    def _note(self, shown: Mapping[int, str]) -> None:
        self._root.put(LIST, encode(shown), cache=_CACHE)
