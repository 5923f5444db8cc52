"""A publication at a host that takes all of a tree each time: what readers may still be on the way to goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import BinaryIO

from index_builder.model.publication import Publication
from index_builder.pipeline.publish.difference import difference, put_of
from index_builder.pipeline.publish.order import Place
from index_builder.ports.places import Site


def whole(place: Place, done: Publication, wanted: Site, live: Site | None) -> tuple[Publication, Site]:
    """Return a publication that puts all of a tree, and of the live one what lingers; and the tree in which all that is.

    What is recorded as gone, and is not there any more, is forgotten. Raises what reading the live tree raises.
    """
    here = {path for path in done.record.gone if place.has(path)}
    missing = {path for path in here if wanted.size(path) is None}
    found = {path: size for path in missing if live and (size := live.size(path)) is not None}
    lost = missing - found.keys()
    tree = _WithLingering(wanted, live, found) if live and found else wanted
    puts = tuple(sorted({*difference(wanted, None).puts, *map(put_of, here - lost)}))
    size = sum(tree.size(put.path) or 0 for put in puts if place.has(put.path))
    gone = {path: time for path, time in done.record.gone.items() if path not in lost}
    record = replace(done.record, gone=gone, size=size if place.host.limits.total is not None else 0, begun=None)
    return replace(done, puts=puts, record=record, size=size), tree


class _WithLingering:
    """A tree with paths of another one, by their sizes; the tree itself stays as it is."""

    def __init__(self, tree: Site, other: Site, paths: Mapping[str, int]) -> None:
        """Take the tree, the other one, and which of its paths there are."""
        self._tree, self._other, self._paths = tree, other, paths

    def _of(self, path: str) -> Site:
        return self._other if path in self._paths else self._tree

    def listing(self) -> Mapping[str, int | None]:
        """Return what is there."""
        return {**self._tree.listing(), **self._paths}

    def size(self, path: str) -> int | None:
        """Return a file's size."""
        return self._paths[path] if path in self._paths else self._tree.size(path)

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return self._of(path).read(path)

    def open(self, path: str) -> BinaryIO:
        """Open a file."""
        return self._of(path).open(path)

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write into the tree."""
        self._tree.put(path, chunks)

    def delete(self, path: str) -> None:
        """Delete from the tree."""
        self._tree.delete(path)
