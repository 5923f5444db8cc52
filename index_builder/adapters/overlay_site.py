"""A published tree with what changes of it: what was written is read from its folder, everything else from where it is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import BinaryIO

from index_builder.adapters.directory_site import DirectorySite
from index_builder.ports.places import Site, Writer
from index_builder.trust.layout import FOLDER


class OverlaySite:
    """A Site over a tree that is only read.

    A build that is not sparse writes all that it makes: from then on, of the published tree only signatures are seen.
    """

    def __init__(self, published: Site | None, written: DirectorySite, *, is_whole: bool = False) -> None:
        """Take the published tree, if there is one, and the folder for what changes, which begins empty or is whole."""
        self._published = published
        self._written = written
        self._is_whole = is_whole
        self._deleted: set[str] = set()

    def listing(self) -> Mapping[str, int | None]:
        """Return nothing: who asks what all is there is about to write all, and not to compare it with what is far away."""
        self._is_whole = True
        return {}

    def size(self, path: str) -> int | None:
        """Return a file's size."""
        found = self._written.size(path)
        return found if found is not None else self._of(path).size(path)

    def _of(self, path: str) -> Site:
        shines = path not in self._deleted and (not self._is_whole or path.startswith(FOLDER))
        return self._published if self._published and shines and self._written.size(path) is None else self._written

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return self._of(path).read(path)

    def open(self, path: str) -> BinaryIO:
        """Open a file."""
        return self._of(path).open(path)

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file into the folder."""
        self._deleted.discard(path)
        self._written.put(path, chunks)

    def delete(self, path: str) -> None:
        """Leave what is published, and do not see it any more: what has to go there is found by comparing states."""
        self._deleted.add(path)
        self._written.delete(path)

    def writer(self) -> Writer | None:
        """Return what writes into the folder."""
        return self._written.writer()
