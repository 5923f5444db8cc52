"""The tree that is to be published: built of a commit and signed, over what is published, without writing what stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol

from index_builder.errors import StorageError, TrustError
from index_builder.fetch.shelf import TreeShelf
from index_builder.fetch.stage import Fetcher
from index_builder.model.names import Word
from index_builder.model.problem import Problem
from index_builder.model.publication import Record
from index_builder.pipeline import build
from index_builder.pipeline.publish.difference import mark_of, record_of
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.ports.trees import SourceTree
from index_builder.state import MARK, digest_of
from index_builder.trust.layout import FOLDER

if TYPE_CHECKING:
    from index_builder.trust.committed import Committed
    from index_builder.trust.signing import OnlineSigners

# ruff: noqa: PLC0415 - TUF is slow to import, and an index that is not signed needs none of it


class Room(Protocol):
    """Gives an audience's tree a place."""

    def __call__(self, audience: Word, live: Site | None, *, full: bool) -> tuple[Site, Site, bool]:
        """Return where it is built, the tree as it is then to be published, and whether that is over what is published.

        With `full`, of what is published only signatures are seen.
        """
        ...


class Unsigned:
    """A tree without signatures, whatever shines through of what is published."""

    def __init__(self, tree: Site) -> None:
        """Take the tree."""
        self._tree = tree
        self.listing, self.put, self.delete = tree.listing, tree.put, tree.delete

    def size(self, path: str) -> int | None:
        """Return a file's size."""
        return None if path.startswith(FOLDER) else self._tree.size(path)

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        self._check(path)
        return self._tree.read(path)

    def open(self, path: str) -> BinaryIO:
        """Open a file."""
        self._check(path)
        return self._tree.open(path)

    def _check(self, path: str) -> None:
        if path.startswith(FOLDER):
            msg = f"{path} is not there: the tree is not signed"
            raise StorageError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What trees are made with.

    `folders` are where each audience's tree has its files, where it has them. `signing` gives what an audience is signed with,
    None where it has no keys. `renews` gives the commit that must be live where signatures are only renewed.
    """

    tree: SourceTree
    fetcher: Fetcher
    order: build.Order
    room: Room
    folders: Mapping[Word, str]
    signing: Callable[[Word], tuple[Committed, OnlineSigners] | None]
    renews: Callable[[Record | None], str]
    now: Callable[[], datetime]
    progress: Progress
    warn: Callable[[tuple[Problem, ...]], None]

    def make(self, audience: Word, live: Site | None) -> tuple[Site, str]:
        """Return a built and signed tree, and its commit. Raises as `build` and `sign_tree` do."""
        full = self.order.full or not self._is_as_signed(audience, live)
        site, wanted, is_sparse = self.room(audience, live, full=full)
        fetcher = self.fetcher
        if live is not None and (files := self.folders.get(audience)):
            fetcher = replace(fetcher, shelves=(*fetcher.shelves, TreeShelf(live, files)))
        built = build.build(self.tree, {audience: site}, fetcher, replace(self.order, sparse=is_sparse))
        self.warn(built.warnings)
        if self.signing(audience) is None:
            return Unsigned(wanted), self.tree.revision
        self._sign(audience, wanted, live, commit=self.tree.revision, heartbeat=False)
        return wanted, self.tree.revision

    def _is_as_signed(self, audience: Word, live: Site | None) -> bool:
        """Say whether the state of what is live is the one that was signed: from any other, forged pages would get signatures."""
        keys = self.signing(audience)
        if keys is None or live is None:
            return True
        from index_builder.trust.published import find_before

        try:
            before = find_before(keys[0], live.read)
            target = before.target(MARK) if before and before.same_bins else None
            return target is not None and digest_of(live.read(MARK)) == target.hashes["sha256"]
        except (TrustError, StorageError):
            return False

    def renew(self, audience: Word, live: Site | None) -> tuple[Site, str]:
        """Return what is published with its signatures renewed, and its commit."""
        mark = mark_of(live)
        if live is None or mark is None:
            msg = f"nothing is published for '{audience}' that could be renewed"
            raise StorageError(msg, fix="publish it first: index-builder publish")
        _, wanted, _ = self.room(audience, live, full=False)
        self._sign(audience, wanted, live, commit=self.renews(record_of(live)), heartbeat=True)
        return wanted, mark.source

    def _sign(self, audience: Word, site: Site, live: Site | None, *, commit: str, heartbeat: bool) -> None:
        keys = self.signing(audience)
        if keys is None:
            return
        from index_builder.pipeline import sign

        committed, signers = keys
        order = sign.Order(committed=committed, signers=signers, now=self.now(), heartbeat=heartbeat, commit=commit)
        sign.sign_tree(order, site, live if live is not None else site, self.progress)
