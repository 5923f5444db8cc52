"""The tree that is to be published: built of a commit and signed, over what is published, without writing what stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from index_builder.errors import StorageError
from index_builder.fetch.stage import Fetcher
from index_builder.model.names import Word
from index_builder.model.problem import Problem
from index_builder.pipeline import build, sign
from index_builder.pipeline.publish.difference import mark_of
from index_builder.ports import Progress, Site, SourceTree
from index_builder.trust.committed import Committed
from index_builder.trust.signing import OnlineSigners


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What trees are made with.

    `room` gives where an audience is built, and the tree as it is then to be published: over a published one, where it is not
    one that must be whole.
    `signing` gives what an audience is signed with, None where it has no keys.
    """

    tree: SourceTree
    fetcher: Fetcher
    order: build.Order
    room: Callable[[Word, Site | None], tuple[Site, Site]]
    is_whole: Callable[[Word], bool]
    signing: Callable[[Word], tuple[Committed, OnlineSigners] | None]
    now: Callable[[], datetime]
    progress: Progress
    warn: Callable[[tuple[Problem, ...]], None]

    def make(self, audience: Word, live: Site | None) -> tuple[Site, str]:
        """Return a built and signed tree, and its commit. Raises as `build` and `sign_tree` do."""
        whole = self.is_whole(audience)
        site, wanted = self.room(audience, live)
        built = build.build(self.tree, {audience: site}, self.fetcher, replace(self.order, sparse=live is not None and not whole))
        self.warn(built.warnings)
        self._sign(audience, wanted, live, heartbeat=False)
        return wanted, self.tree.revision

    def renew(self, audience: Word, live: Site | None) -> tuple[Site, str]:
        """Return what is published with its signatures renewed, and its commit."""
        mark = mark_of(live)
        if live is None or mark is None:
            msg = f"nothing is published for '{audience}' that could be renewed"
            raise StorageError(msg, fix="publish it first: index-builder publish")
        _, wanted = self.room(audience, live)
        self._sign(audience, wanted, live, heartbeat=True)
        return wanted, mark.source

    def _sign(self, audience: Word, site: Site, live: Site | None, *, heartbeat: bool) -> None:
        keys = self.signing(audience)
        if keys is None:
            return
        committed, signers = keys
        order = sign.Order(committed=committed, signers=signers, now=self.now(), heartbeat=heartbeat)
        sign.sign_tree(order, site, live if live is not None else site, self.progress)
