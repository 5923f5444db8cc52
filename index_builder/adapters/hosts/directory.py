"""A target in a folder, also on a mounted share: two trees in turn, and a link to the one that readers get.

    published/public -> .public/a
    published/.public/a         what readers get
    published/.public/b         the same, but for the paths in differing.json; the next publication changes it, then the link
    published/.public/differing.json

So what a publication costs follows what changed, and readers change over at one moment. Both trees share their files by hard
links, where the file system has them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from index_builder.adapters.directory_site import DirectorySite, UntouchedSite
from index_builder.adapters.storage import storage, write_whole
from index_builder.errors import LostRaceError, StorageError
from index_builder.model.publication import RECORD, Limits, Publication
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.publish.apply import apply
from index_builder.publish.record import is_ours


class DirectoryHost:
    """A target's folder. Whoever publishes holds its lock from before the comparison until after the switch."""

    limits = Limits()
    is_immediate = True
    is_whole = False
    is_gradual = False

    def __init__(self, path: Path, audience: str) -> None:
        """Take where the link is, or is to be. Raises StorageError where something else is there."""
        self._path, self._audience = path, audience
        self._compared: Path | None = None
        self.trees = path.with_name(f".{path.name}")
        with storage(path):
            if not path.is_symlink() and path.exists() and (not path.is_dir() or any(path.iterdir())):
                msg = f"{path} is there already, and no publication made it"
                raise StorageError(msg, fix="choose another path for the target in index.yaml, or move that away")

    def live(self) -> Site | None:
        """Return the tree that the link leads to."""
        self._compared = self._live()
        return PublishedTree(self._compared, self._audience) if self._compared else None

    def _live(self) -> Path | None:
        with storage(self._path):
            if not self._path.is_symlink():
                return None
            found = self._path.resolve()
            if found.parent != self.trees.resolve() or found.name not in _TREES:
                msg = f"{self._path} leads to {found}, which is no tree of this target"
                raise StorageError(msg, fix="choose another path for the target in index.yaml")
            return self.trees / found.name

    def _other(self, live: Path | None) -> Path:
        return self.trees / next(name for name in _TREES if live is None or name != live.name)

    def requests(self, publication: Publication, wanted: Site) -> int:
        """Return none: a folder is not asked."""
        return 0

    def stage(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Make the other tree what the live one is, then change it."""
        live = self._compared
        other = self._other(live)
        changes = {put.path for put in publication.puts} | {*publication.deletes, RECORD}
        with storage(other):
            earlier = None if publication.repairs else self._differing()
            if live is None:
                if other.exists():
                    shutil.rmtree(other)
            elif earlier is None or not other.is_dir():
                self._note(None)
                _cloned(live, other, self.trees / "new")
            else:
                self._note(earlier | changes)
                for path in sorted(earlier):
                    _same(live / path, other / path, live, other)
            self._note(changes)
        site = DirectorySite(other, self._audience)
        apply(publication, wanted, site, progress)
        site.tidy()

    def switch(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Rename a link over the link."""
        live = self._live()
        if live != self._compared:
            msg = f"{self._path} was published by somebody else meanwhile"
            raise LostRaceError(msg)
        with storage(self._path):
            beside = self.trees / "link"
            beside.unlink(missing_ok=True)
            beside.symlink_to(os.path.relpath(self._other(live), self._path.parent))
            if self._path.is_dir() and not self._path.is_symlink():
                self._path.rmdir()
            beside.replace(self._path)
        if live is None:
            with storage(self.trees):  # now, where all was new anyway, so that the next one costs what it changes
                _cloned(self.trees / _TREES[0], self.trees / _TREES[1], self.trees / "new")
                self._note(())

    def _differing(self) -> set[str] | None:
        """Return the paths in which both trees may differ; None where that is not known."""
        try:
            found = json.loads((self.trees / _DIFFERING).read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        good = isinstance(found, list) and all(isinstance(path, str) and is_ours(path) for path in found)
        return set(found) if good else None

    def _note(self, paths: Iterable[str] | None) -> None:
        path = self.trees / _DIFFERING
        if paths is None:
            path.unlink(missing_ok=True)
        else:
            write_whole(path, path.with_suffix(".new"), [json.dumps(sorted(paths)).encode()])


_TREES = ("a", "b")
_DIFFERING = "differing.json"
#: `packages.json` of a million files is smaller.
_MOST_READ = 1024 * 1024 * 1024


class PublishedTree(UntouchedSite):
    """A tree of a target: with its signatures, which a build leaves alone."""

    _TOPS = (*UntouchedSite._TOPS, "tuf")  # noqa: SLF001 - of the base class

    def open(self, path: str) -> BinaryIO:
        """Open an ordinary file in the tree: whoever may write there could have put a link to something private, or a pipe."""
        size = self.size(path)
        if size is None:
            msg = f"{self.root / path} is no ordinary file"
            raise StorageError(msg, fix="find out who else writes there; repair it: index-builder publish --reconcile")
        with storage(self.root / path):
            return os.fdopen(os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")

    def read(self, path: str) -> bytes:
        """Return such a file's bytes."""
        with self.open(path) as stream:
            content = stream.read(_MOST_READ + 1)
        if len(content) > _MOST_READ:
            msg = f"{self.root / path} is larger than anything that is read there"
            raise StorageError(msg, fix="find out who else writes there; repair it: index-builder publish --reconcile")
        return content


def _cloned(live: Path, other: Path, beside: Path) -> None:
    """Make a tree of the same files; one that is there is whole."""
    for path in (beside, other):
        if path.exists():
            shutil.rmtree(path)
    shutil.copytree(live, beside, copy_function=_link, ignore=_links)
    beside.rename(other)


def _links(folder: str, names: list[str]) -> list[str]:
    """Return what no publication made: it would lead out of the tree."""
    return [name for name in names if (Path(folder) / name).is_symlink()]


def _is_plain(tree: Path, path: Path) -> bool:
    """Say whether no folder on the way to a path of a tree is a link."""
    return not any(folder.is_symlink() for folder in path.parents if folder != tree and folder.is_relative_to(tree))


def _same(source: Path, target: Path, live: Path, other: Path) -> None:
    """Make one path the same in both trees; raises StorageError where a link leads out of one."""
    if not _is_plain(live, source) or not _is_plain(other, target):
        msg = f"{target} is behind a link, which no publication made"
        raise StorageError(msg, fix=f"delete {other} and {other.parent / _DIFFERING}: they are made again")
    target.unlink(missing_ok=True)
    if source.is_file() and not source.is_symlink():
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(f"{source}", f"{target}")
        return
    with suppress(OSError):
        for folder in target.parents:
            folder.rmdir()  # ends at the first that holds something: the tree itself always does


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
