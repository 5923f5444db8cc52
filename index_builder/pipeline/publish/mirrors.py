"""Targets of one audience, compared byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from index_builder.errors import StorageError
from index_builder.model.publication import EDGE_FILES
from index_builder.model.releases import FOLDER
from index_builder.pipeline.publish.difference import difference, record_of
from index_builder.pipeline.publish.reconcile import own_of
from index_builder.ports.machine import Progress
from index_builder.ports.places import Depot, Site
from index_builder.publish.apply import verified
from index_builder.publish.record import is_ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How a tree stands to another one: how many paths are the same, which have other bytes, are not there, or are nobody's."""

    same: int
    differing: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Say whether the one has all that the other has, and nothing else."""
        return not self.differing and not self.missing and not self.extra


def compare(one: Site, other: Site, progress: Progress) -> Compared:
    """Read all that a whole tree has in both; raises StorageError where the first is not what it says itself."""
    puts = [put for put in difference(one, None).puts if not put.path.startswith(FOLDER)]
    beyond = extra(other)  # first: who lists all sees more than who asks after each
    same = 0
    differing: list[str] = []
    missing: list[str] = []
    progress.begin("Comparing", len(puts), 0)
    try:
        for put in puts:
            if other.size(put.path) is None:
                missing.append(put.path)
            elif _is_same(verified(one, put, progress), other, put.path):
                same += 1
            else:
                differing.append(put.path)
            progress.done(put.path)
    finally:
        progress.end()
    return Compared(same=same, differing=tuple(differing), missing=tuple(missing), extra=beyond)


def stocked(live: Site, depot: Depot) -> Compared:
    """Look for the files of a whole tree where its audience has them; raises RemoteError, StorageError where one has other bytes."""
    puts = [put for put in difference(live, None).puts if put.path.startswith(FOLDER)]
    missing = {put.path for put in depot.missing(puts, live)}
    return Compared(same=len(puts) - len(missing), differing=(), missing=tuple(sorted(missing)), extra=())


def extra(live: Site) -> tuple[str, ...]:
    """Return what is at a target, of the paths that publications write, and belongs neither to its tree nor to what is to go later.

    Raises StorageError where its tree is not whole.
    """
    record = record_of(live)
    wanted = {put.path for put in difference(live, None).puts} | own_of(live)
    known = {*record.gone, *(record.begun or ()), *EDGE_FILES} if record else set(EDGE_FILES)
    return tuple(sorted(path for path in live.listing() if is_ours(path) and path not in wanted and path not in known))


def _is_same(chunks: Iterator[bytes], other: Site, path: str) -> bool:
    try:
        with other.open(path) as stream:
            same = [stream.read(len(chunk)) == chunk for chunk in chunks]
            return all(same) and not stream.read(1)
    except StorageError:
        return False
