"""The tree that is to be published: built of a commit and signed, over what is published, without writing what stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from index_builder.errors import StorageError, TrustError
from index_builder.fetch.stage import Fetcher
from index_builder.model.names import Word
from index_builder.model.problem import Problem
from index_builder.pipeline import build, sign
from index_builder.pipeline.publish.difference import mark_of, record_of
from index_builder.ports import Progress, Site, SourceTree
from index_builder.trust.committed import Committed
from index_builder.trust.layout import POINTER
from index_builder.trust.signing import OnlineSigners


class Room(Protocol):
    """Gives an audience's tree a place."""

    def __call__(self, audience: Word, live: Site | None, *, full: bool) -> tuple[Site, Site, bool]:
        """Return where it is built, the tree as it is then to be published, and whether that is over what is published.

        With `full`, of what is published only signatures are seen.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What trees are made with.

    `signing` gives what an audience is signed with, None where it has no keys.
    """

    tree: SourceTree
    fetcher: Fetcher
    order: build.Order
    room: Room
    signing: Callable[[Word], tuple[Committed, OnlineSigners] | None]
    now: Callable[[], datetime]
    progress: Progress
    warn: Callable[[tuple[Problem, ...]], None]

    def make(self, audience: Word, live: Site | None) -> tuple[Site, str]:
        """Return a built and signed tree, and its commit. Raises as `build` and `sign_tree` do."""
        site, wanted, is_sparse = self.room(audience, live, full=self.order.full)
        built = build.build(self.tree, {audience: site}, self.fetcher, replace(self.order, sparse=is_sparse))
        self.warn(built.warnings)
        self._sign(audience, wanted, live, commit=self.tree.revision, heartbeat=False)
        return wanted, self.tree.revision

    def renew(self, audience: Word, live: Site | None) -> tuple[Site, str]:
        """Return what is published with its signatures renewed, and its commit."""
        mark = mark_of(live)
        if live is None or mark is None:
            msg = f"nothing is published for '{audience}' that could be renewed"
            raise StorageError(msg, fix="publish it first: index-builder publish")
        record = record_of(live)
        commit = record.hold.commit if record and record.hold else self.tree.revision
        _, wanted, _ = self.room(audience, live, full=False)
        self._sign(audience, wanted, live, commit=commit, heartbeat=True)
        return wanted, mark.source

    def _sign(self, audience: Word, site: Site, live: Site | None, *, commit: str, heartbeat: bool) -> None:
        keys = self.signing(audience)
        if keys is None:
            if live is not None and live.size(POINTER) is not None:
                msg = f"what is published for '{audience}' is signed, and trust/{audience}/ is not there"
                raise TrustError(msg, fix="bring it back from git: nobody who checks the index would believe an unsigned one")
            return
        committed, signers = keys
        order = sign.Order(committed=committed, signers=signers, now=self.now(), heartbeat=heartbeat, commit=commit)
        sign.sign_tree(order, site, live if live is not None else site, self.progress)
