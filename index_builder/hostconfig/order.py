"""What a host is to serve together: each audience apart, and none inside another's folder or paths."""

from __future__ import annotations

from itertools import permutations
from typing import Final

from index_builder.errors import UsageError
from index_builder.hostconfig.values import Order, Served
from index_builder.policy.readers import beyond_hosts
from index_builder.policy.rules import Policies

#: The first folders of a tree: an audience's path that begins so would hide a part of another's.
_TOPS: Final = frozenset(
    {
        "simple",
        "packages",
        "package-list",
        "provenance",
        "pypi",
        "state",
        "tuf",
        "log",
        "project",
        "owner",
        "all",
        "changes",
        "search",
        "status",
        "assets",
    }
)


def check_order(order: Order, policies: Policies) -> None:
    """Raise UsageError for audiences that one host cannot keep apart, and for rules that no host of files can keep."""
    for rule in beyond_hosts(policies):
        msg = f"the rule '{rule}' denies download of some projects, and whoever may read a tree gets all that is in it"
        raise UsageError(msg, fix="give those projects an audience of their own")
    for one, other in permutations(order.served, 2):
        _check_places(one, other)


def _check_places(inner: Served, outer: Served) -> None:
    if f"{inner.root}/".startswith(f"{outer.root}/"):
        msg = f"the tree of '{inner.audience}' is in {inner.root}, where readers of '{outer.audience}' would find it"
        raise UsageError(msg, fix=f"publish each into a folder of its own, and name it: --root {inner.audience}=DIR")
    if inner.address.host != outer.address.host:
        return
    if inner.address.prefix == outer.address.prefix:
        msg = f"'{inner.audience}' and '{outer.audience}' have the same `url:`"
        raise UsageError(msg, fix="give each its own path or host in index.yaml")
    rest = inner.address.prefix.removeprefix(outer.address.prefix)
    if inner.address.prefix.startswith(f"{outer.address.prefix}/") and rest.split("/")[1] in _TOPS:
        msg = f"the `url:` of '{inner.audience}' is among the pages of '{outer.audience}'"
        raise UsageError(msg, fix="give it another path or host in index.yaml")
