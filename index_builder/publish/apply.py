"""A publication is done in a tree: what nothing leads to first, and what readers begin with last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from index_builder.errors import StorageError
from index_builder.model.publication import RECORD, Publication, Put
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.publish.record import encode
from index_builder.publish.writing import hashed


def apply(publication: Publication, wanted: Site, site: Site, progress: Progress) -> None:
    """Do all of a publication in a tree, so that it can be stopped anywhere and begun anew. Raises StorageError."""
    immutable = [put for put in publication.puts if put.kind.is_immutable]
    write(immutable, wanted, site, progress)
    site.put(RECORD, [encode(publication.begun)])
    write([put for put in publication.puts if not put.kind.is_immutable], wanted, site, progress)
    for path in publication.deletes:
        site.delete(path)
    site.put(RECORD, [encode(publication.record)])


def write(puts: Sequence[Put], wanted: Site, site: Site, progress: Progress) -> None:
    """Copy paths from the wanted tree, in order; raises StorageError where bytes are not those of their digest."""
    for put in puts:
        site.put(put.path, verified(wanted, put, progress))
        progress.done(put.path)


def verified(wanted: Site, put: Put, progress: Progress) -> Iterator[bytes]:
    """Yield a path's bytes, and raise at their end, before they count, if they are not those of the digest."""
    with wanted.open(put.path) as stream:
        digest = yield from hashed(stream, progress)
    if put.digest and digest != put.digest:
        msg = f"{put.path} is not what was built"
        raise StorageError(msg, fix="build the tree again: index-builder build --verify")
