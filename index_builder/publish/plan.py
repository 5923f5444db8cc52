"""What differs between two trees becomes a publication: in which order it is put, what may go, and whether the host takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from index_builder.errors import StorageError, UsageError
from index_builder.model.page import FOR_PEOPLE, STATUS
from index_builder.model.publication import Hold, Kind, Limits, Publication, Put, Record

_TOPS: Final = {
    "assets": Kind.FILE, "packages": Kind.FILE, "provenance": Kind.PROVENANCE, "tuf": Kind.SIGNED, "state": Kind.STATE,
    **dict.fromkeys({*FOR_PEOPLE, STATUS} - {"assets", "project"}, Kind.WEB),
}  # fmt: skip


def kind_of(path: str, *, mark: str, mutable: frozenset[str], pointer: str) -> Kind:
    """Return when a path may appear. `mark`, `pointer` and other `mutable` paths of signatures are what they are called."""
    top, _, rest = path.partition("/")
    if path == mark:
        return Kind.MARK
    if path == pointer:
        return Kind.POINTER
    if path in mutable:
        return Kind.STATE
    if top == "packages" and path.endswith(".metadata"):
        return Kind.CORE_METADATA
    if top in _TOPS:
        return _TOPS[top]
    return Kind.PROJECT if "/" in rest else Kind.LIST


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a target lacks, and what it has that is not wanted any more. `projects` and `files` count what was there and what goes."""

    puts: tuple[Put, ...]
    gone: tuple[str, ...]
    projects: int = 0
    files: int = 0
    projects_gone: int = 0
    files_gone: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a publication is to be done. `previous` is the commit that is to be gone back to, `now` is aware, in UTC.

    `grace` is how long what nothing leads to stays, `signed` how long signatures and what they name do.
    """

    commit: str
    previous: str
    now: datetime
    grace: timedelta
    signed: timedelta
    most: int
    hold: Hold | None = None

    def grace_of(self, path: str) -> timedelta:
        """Return how long a path stays that nothing leads to."""
        return self.signed if path.startswith("tuf/") else self.grace


def publication(
    difference: Difference, before: Record | None, terms: Terms, *, is_wanted: Callable[[str], bool],
    sizes: Callable[[str], tuple[int, int]],
) -> Publication:  # fmt: skip
    """Return what must be done.

    `sizes` tells of a path how many bytes are wanted of it, and how many are there. Raises StorageError where more would go than
    `most` per cent of the projects or files, UsageError where the clock cannot be right.
    """
    if before and before.at > terms.now + _SKEW:
        msg = f"the target was published at {before.at:%Y-%m-%d %H:%M} UTC, and here it is {terms.now:%Y-%m-%d %H:%M}: a clock is wrong"
        fix = "set this machine's clock; where it is right, and the other one was ahead: index-builder publish --reconcile"
        raise UsageError(msg, fix=fix)
    _check_share(difference, terms.most)
    put = {put.path for put in difference.puts}
    waiting = {path: time for path, time in (before.gone.items() if before else ()) if path not in put}
    immediate = {path for path in difference.gone if not _may_linger(path)}
    waiting |= {path: terms.now for path in difference.gone if path not in waiting and path not in immediate}
    due = {path for path, time in waiting.items() if time <= terms.now - terms.grace_of(path)}
    taken_back = {path for path in due if is_wanted(path)}
    deletes = sorted((due | immediate) - taken_back - put)
    kept = {path: time for path, time in waiting.items() if path not in due}
    changes = [sizes(item.path) for item in difference.puts]
    lost = sum(sizes(path)[1] for path in deletes)
    size = max(0, (before.size if before else 0) + sum(new - old for new, old in changes) - lost)
    record = Record(commit=terms.commit, previous=terms.previous, at=terms.now, size=size, gone=kept, hold=terms.hold)
    journal = (*(item.path for item in difference.puts if not item.kind.is_immutable), *deletes)
    earlier = before.begun or () if before else ()
    begun = replace(before, begun=tuple({*journal, *earlier})) if before else replace(record, commit="", gone={}, begun=journal)
    return Publication(
        puts=tuple(sorted(difference.puts)), deletes=tuple(deletes), record=record, begun=begun, size=sum(n for n, _ in changes)
    )


#: Clocks of two machines may differ by so much.
_SKEW: Final = timedelta(minutes=5)


def _may_linger(path: str) -> bool:
    """Say whether a reader may be on the way to a path by its digest or version; a page that is not wanted goes at once.

    So does a root: those that people signed stay for ever, and with any other one there clients refuse the index.
    """
    return path.partition("/")[0] in ("assets", "packages", "provenance", "tuf") and not path.endswith(".root.json")


def _check_share(difference: Difference, most: int) -> None:
    for what, gone, there in (
        ("projects", difference.projects_gone, difference.projects),
        ("files", difference.files_gone, difference.files),
    ):
        if gone * 100 > most * there and gone:
            msg = f"{gone:,} of {there:,} {what} would go, more than {most} per cent"
            raise StorageError(msg, fix=f"if that is meant: --max-delete {-(-gone * 100 // there) if there else 100}")


def check_limits(limits: Limits, sizes: Iterable[tuple[str, int]], total: int, name: str) -> None:
    """Raise StorageError where a host does not take so much in all, or one of these files."""
    for path, size in sizes:
        if limits.file is not None and size > limits.file:
            msg = f"target '{name}': {path} has {_human(size)}, and this host takes {_human(limits.file)} a file"
            raise StorageError(msg, fix=limits.ways_out)
    if limits.total is not None and total > limits.total:
        msg = f"target '{name}': the tree would have {_human(total)}, and this host takes {_human(limits.total)}"
        raise StorageError(msg, fix=limits.ways_out)


def _human(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
