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

from index_builder.adapters.directory_site import DirectorySite, UntouchedSite
from index_builder.adapters.storage import storage, write_whole
from index_builder.errors import LostRaceError, StorageError
from index_builder.model.publication import RECORD, Limits, Publication
from index_builder.ports import Progress, Site
from index_builder.publish.apply import apply


class DirectoryHost:
    """A target's folder. Whoever publishes holds its lock from before the comparison until after the switch."""

    limits = Limits()
    is_immediate = True
    is_whole = False

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

    def stage(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Make the other tree what the live one is, then change it."""
        live = self._compared
        other = self._other(live)
        changes = {put.path for put in publication.puts} | {*publication.deletes, RECORD}
        with storage(other):
            earlier = self._differing()
            if live is None:
                if other.exists():
                    shutil.rmtree(other)
            elif earlier is None or not other.is_dir():
                self._note(None)
                _cloned(live, other, self.trees / "new")
            else:
                self._note(earlier | changes)
                for path in sorted(earlier):
                    _same(live / path, other / path)
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
        except (OSError, ValueError):
            return None
        return {path for path in found if isinstance(path, str)} if isinstance(found, list) else None

    def _note(self, paths: Iterable[str] | None) -> None:
        path = self.trees / _DIFFERING
        if paths is None:
            path.unlink(missing_ok=True)
        else:
            write_whole(path, path.with_suffix(".new"), [json.dumps(sorted(paths)).encode()])


_TREES = ("a", "b")
_DIFFERING = "differing.json"


class PublishedTree(UntouchedSite):
    """A tree of a target: with its signatures, which a build leaves alone."""

    _TOPS = (*UntouchedSite._TOPS, "tuf")  # noqa: SLF001 - of the base class


def _cloned(live: Path, other: Path, beside: Path) -> None:
    """Make a tree of the same files; one that is there is whole."""
    for path in (beside, other):
        if path.exists():
            shutil.rmtree(path)
    shutil.copytree(live, beside, copy_function=_link)
    beside.rename(other)


def _same(source: Path, target: Path) -> None:
    """Make one path the same in both trees."""
    target.unlink(missing_ok=True)
    if source.is_file():
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
