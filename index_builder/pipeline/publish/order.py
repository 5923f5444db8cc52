"""How to publish, where, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from index_builder.errors import IndexBuilderError
from index_builder.model.index import Target
from index_builder.model.names import Word
from index_builder.model.publication import Hold, Limits, Publication, Record
from index_builder.model.releases import FOLDER
from index_builder.ports.places import Depot, Host, Site


class Relation(StrEnum):
    """How a commit stands to the one that is live."""

    SAME = "same"
    NEWER = "newer"
    OLDER = "older"
    UNRELATED = "unrelated"


class Result(StrEnum):
    """What became of a target."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    NEWER_LIVE = "newer-live"
    HELD = "held"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How many projects installers got from a tree, and which of those that changed could not be tried.

    `missing` are installers that are not here, and so did not try.
    """

    count: int
    untried: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a publication would ask of a host: requests, bytes in all where that is limited, and of the largest file that is put."""

    requests: int
    total: int
    largest: int
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a publication did, or with a dry run would do, at one target. `size` is in bytes, of what is put.

    Where it is not `is_immediate`, somebody else deploys it later. `assets` counts the files that a dry run would upload to
    releases, `forecast` is what it expects besides; `tried` says what the gate let installers try.
    """

    target: Word
    audience: Word
    result: Result
    commit: str = ""
    before: str = ""
    puts: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    lingering: int = 0
    size: int = 0
    assets: int = 0
    tried: Tried | None = None
    forecast: Forecast | None = None
    is_immediate: bool = True
    hold: Hold | None = None
    error: IndexBuilderError | None = None


#: Makes the tree of an audience from what is published, if anything is; and says of which commit it is.
Make = Callable[[Word, Site | None], tuple[Site, str]]

#: Lets installers try a tree; raises an error where they do not get from it what they should.
Gate = Callable[[Word, Site, Sequence[str]], Tried]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How to publish. `now` is aware, in UTC. `hold` is to be recorded; `release` takes one away.

    With a `hold`, `known` is the commit whose tombstones count in the earlier one, so that nothing later may be live; `rewritten`
    says that it need not come after what is.

    With `heartbeat` the commit that is live stays; only its signatures are renewed. With `reconcile` each target is asked for
    all that it has, and every byte is compared. `others` gives the targets of an audience that nothing is published to now.
    """

    make: Make
    relation: Callable[[str, str], Relation]
    others: Callable[[Word], Sequence[Place]]
    now: Callable[[], datetime]
    most: int
    hold: Hold | None = None
    known: str = ""
    rewritten: bool = False
    release: bool = False
    heartbeat: bool = False
    reconcile: bool = False
    dry_run: bool = False
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A target and what serves it; and where its audience's files are, if the target does not have them.

    `own` are EDGE_FILES that it is to have besides the tree, by their paths.
    """

    target: Target
    host: Host
    depot: Depot | None = None
    own: Mapping[str, bytes] = field(default_factory=dict)

    def has(self, path: str) -> bool:
        """Say whether the target has a path of the tree."""
        return self.depot is None or not path.startswith(FOLDER)

    def is_unseen(self, live: Site | None) -> bool:
        """Say whether nobody can tell what readers get: somebody else deploys it, and where is not known."""
        return live is None and not self.host.is_immediate


def forecast(place: Place, done: Publication, wanted: Site) -> Forecast:
    """Return what a publication would ask of a target."""
    largest = max((wanted.size(put.path) or 0 for put in done.puts), default=0)
    return Forecast(requests=place.host.requests(done, wanted), total=done.record.size, largest=largest, limits=place.host.limits)


def outcome_of(place: Place, result: Result, record: Record | None, **more: object) -> Outcome:
    """Return what became of a target whose record was this one; `more` is what else there is to say."""
    before = record.commit if record else ""
    values: dict[str, object] = {"commit": before, "before": before, **more}
    values["is_immediate"] = place.host.is_immediate
    return Outcome(target=place.target.name, audience=place.target.audience, result=result, **values)  # type: ignore[arg-type]


def failed(place: Place, error: IndexBuilderError) -> Outcome:
    """Return that a target failed, and why."""
    return Outcome(target=place.target.name, audience=place.target.audience, result=Result.FAILED, error=error)
