"""What a publication changes at a target, and what is written down there of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final, NamedTuple

#: What a target says of itself: it is published with the tree, and no build makes or reads it.
RECORD: Final = "state/publication.json"
#: What a host that deploys a target is told by: of no tree, but a target's own.
EDGE_FILES: Final = frozenset({"_headers", "_redirects", "404.html"})


class Kind(IntEnum):
    """The order in which what is new may appear: nothing before what it leads to. Up to SIGNED, a path never changes its bytes."""

    FILE = 0
    CORE_METADATA = 1
    PROVENANCE = 2
    SIGNED = 3
    PROJECT = 4
    LIST = 5
    WEB = 6
    STATE = 7
    MARK = 8
    POINTER = 9

    @property
    def is_immutable(self) -> bool:
        """Say whether a path of this kind has the same bytes for ever."""
        return self <= Kind.SIGNED


class Put(NamedTuple):
    """A path that is to be written; `digest` is the SHA-256 of its bytes in hexadecimal, or '' where nothing says it."""

    kind: Kind
    path: str
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A target that stays at a commit until somebody lets it go. `at` is aware, in UTC."""

    commit: str
    reason: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a target says of itself.

    `commit` is what it serves, `previous` what it served before that ('' while it is held), `newest` the latest commit of which it
    was published or whose tombstones count in what it serves ('' means `commit`), `at` when it was published (aware, UTC). `gone` are paths
    that nothing leads to any more, by the time since when; they stay for readers who are on their way. `size` is in bytes, of
    all that is there, where the host has a limit, else 0. `begun` are paths that a publication may have changed which did not
    end; None where there was none. `own` are those of EDGE_FILES that a publication wrote.
    """

    commit: str
    at: datetime
    previous: str = ""
    newest: str = ""
    size: int = 0
    gone: Mapping[str, datetime] = field(default_factory=dict)
    hold: Hold | None = None
    begun: tuple[str, ...] | None = None
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What must be done at a target: what is put, in order; what is deleted after that; and the record of it.

    `begun` is the record while it is under way, `size` the bytes of what is put. Where it `repairs`, what a host remembers of what it
    has is not believed.
    """

    puts: tuple[Put, ...]
    deletes: tuple[str, ...]
    record: Record
    begun: Record
    size: int
    repairs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a host takes: bytes in all, and bytes of one file; None where it does not say."""

    total: int | None = None
    file: int | None = None
    ways_out: str = ""
