"""What a target has besides its tree: `status.json`, and what the host that deploys it is told by."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import BinaryIO

from index_builder.model.page import STATUS
from index_builder.model.publication import Publication, Record
from index_builder.pipeline.publish.difference import mark_of, put_of
from index_builder.pipeline.publish.order import Place
from index_builder.pipeline.publish.readback import content_of
from index_builder.pipeline.publish.standing import encode_status, said_commit
from index_builder.ports.places import Site
from index_builder.state import digest_of


def has_own(place: Place, record: Record | None, live: Site | None) -> bool:
    """Say whether a target has the files of its own that it is to have, and no others."""
    is_recorded = sorted(record.own if record else ()) == sorted(place.own)
    return is_recorded and not _lacking(place, live)


def _lacking(place: Place, live: Site | None) -> set[str]:
    return {path for path, content in place.own.items() if live is None or content_of(live, path) != content}


def with_own(place: Place, done: Publication, wanted: Site, record: Record | None, live: Site | None) -> tuple[Publication, Site]:
    """Add what is a target's own, and take away what was; return the tree in which that is, too.

    Where there are pages for people, it tells them of itself, if it does not say so already.
    """
    own, changed = dict(place.own), _lacking(place, live)
    deletes = {*done.deletes, *(record.own if record else ())} - own.keys()
    lost = deletes - {*done.deletes}
    done = replace(done, record=replace(done.record, own=tuple(sorted(own))))
    mark = mark_of(wanted)
    is_said = not (done.puts or changed or deletes) and said_commit(live) == done.record.commit
    if mark is not None and mark.web and not is_said:
        own[STATUS] = encode_status(done.record, place.host.limits, wanted)
        changed |= {STATUS}
    puts = {put for put in done.puts if put.path not in changed} | {put_of(path, digest_of(own[path])) for path in changed}
    begun = replace(done.begun, begun=tuple({*(done.begun.begun or ()), *changed, *lost})) if changed or lost else done.begun
    size = done.size + sum(len(own[path]) for path in changed)
    tree = _WithOwn(wanted, own) if own else wanted
    return replace(done, puts=tuple(sorted(puts)), deletes=tuple(sorted(deletes)), begun=begun, size=size), tree


class _WithOwn:
    """A tree with files that are a target's own; the tree itself stays as it is."""

    def __init__(self, tree: Site, own: Mapping[str, bytes]) -> None:
        """Take the tree and the files."""
        self._tree, self._own = tree, own

    def listing(self) -> Mapping[str, int | None]:
        """Return what is there."""
        return {**self._tree.listing(), **{path: len(content) for path, content in self._own.items()}}

    def size(self, path: str) -> int | None:
        """Return a file's size."""
        return len(self._own[path]) if path in self._own else self._tree.size(path)

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return self._own[path] if path in self._own else self._tree.read(path)

    def open(self, path: str) -> BinaryIO:
        """Open a file."""
        return io.BytesIO(self._own[path]) if path in self._own else self._tree.open(path)

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write into the tree."""
        self._tree.put(path, chunks)

    def delete(self, path: str) -> None:
        """Delete from the tree."""
        self._tree.delete(path)
