"""A published tree whose state and pages count only as far as they are signed: what a builder goes on from."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from index_builder.client.index import VerifiedIndex
from index_builder.errors import NotFoundError, StorageError, TrustError
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site

_SIGNED = ("simple/", "state/")


class SignedSite:
    """A Site that is only read. What its signatures do not cover is read as it is: nothing that is signed later is made of that."""

    def __init__(self, index: VerifiedIndex, published: Site, progress: Progress) -> None:
        """Take the index and the same tree as it is."""
        self._index, self._published, self._progress = index, published, progress

    def listing(self) -> Mapping[str, int | None]:
        """Return what is there, as far as anybody says."""
        return self._published.listing()

    def size(self, path: str) -> int | None:
        """Return the size that is signed; of what is not, the one it has."""
        if not path.startswith(_SIGNED):
            return self._published.size(path)
        try:
            target = self._index.target(path)
        except TrustError as error:
            self._progress.note(error.message)
            return None
        return target.length if target else None

    def read(self, path: str) -> bytes:
        """Return the bytes that are signed; raises StorageError where none are, or others: then all is built anew."""
        if not path.startswith(_SIGNED):
            return self._published.read(path)
        try:
            return self._index.read(path)
        except TrustError as error:
            self._progress.note(error.message)
            raise StorageError(error.message) from error
        except NotFoundError as error:
            raise StorageError(error.message) from error

    def open(self, path: str) -> BinaryIO:
        """Open what `read` returns."""
        return self._published.open(path) if not path.startswith(_SIGNED) else io.BytesIO(self.read(path))

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Refuse: a published tree is changed by its publication."""
        self._published.put(path, chunks)

    def delete(self, path: str) -> None:
        """Refuse, as `put` does."""
        self._published.delete(path)
