"""Targets of one audience, compared byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from index_builder.errors import StorageError
from index_builder.model.releases import FOLDER
from index_builder.pipeline.publish.difference import difference
from index_builder.ports import Progress, Site
from index_builder.publish.apply import verified


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How a tree stands to another one: how many paths are the same, which have other bytes, and which are not there."""

    same: int
    differing: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Say whether the one has all that the other has."""
        return not self.differing and not self.missing


def compare(one: Site, other: Site, progress: Progress) -> Compared:
    """Read all that a whole tree has in both; raises StorageError where the first is not what it says itself."""
    puts = [put for put in difference(one, None).puts if not put.path.startswith(FOLDER)]
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
    return Compared(same=same, differing=tuple(differing), missing=tuple(missing))


def _is_same(chunks: Iterator[bytes], other: Site, path: str) -> bool:
    try:
        with other.open(path) as stream:
            same = [stream.read(len(chunk)) == chunk for chunk in chunks]
            return all(same) and not stream.read(1)
    except StorageError:
        return False
