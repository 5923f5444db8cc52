"""What was published stays: names keep their bytes, and what goes leaves a tombstone."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from index_builder.judge.change import ProjectChange
from index_builder.model.names import Timestamp
from index_builder.model.problem import Place, Problem
from index_builder.model.project import File, Project

#: A time of adding may lie so long before the base commit: a change waits for review.
_WAITED: Final = timedelta(days=7)
#: Clocks differ a little.
_AHEAD: Final = timedelta(minutes=5)


def broken(change: ProjectChange) -> Iterator[Problem]:
    """Yield a problem for each thing that was published and is not as it was."""
    before, after = change.before, change.after
    if before is None:
        return
    if after is None:
        if before.files or before.removed:
            message = f"{change.path_before} is deleted, and it listed files: their names could come back with other bytes"
            fix = f"take it back from the base, then: index-builder remove {before.name} --reason TEXT"
            yield Problem(rule="manifest-deleted", message=message, place=Place(path=change.path_before), fix=fix)
        return
    yield from _files(before, after)
    yield from _tombstones(before, after)


def _files(before: Project, after: Project) -> Iterator[Problem]:
    listed = {file.name.text: file for file in after.files}
    tombstones = {tombstone.name: tombstone for tombstone in after.removed}
    for old in before.files:
        name = old.name.text
        if new := listed.get(name):
            yield from _changed(old, new)
        elif name not in tombstones:
            fix = f"put it back, then: index-builder remove {before.name} {old.name.version} --reason TEXT"
            yield Problem(rule="file-removed", message=f"{name} is gone without a tombstone", place=after.place, fix=fix)
        elif tombstones[name].sha256 != old.sha256:
            message = f"the tombstone of {name} has another sha256 than the file had"
            yield Problem(rule="file-removed", message=message, place=after.place, fix=f"write `sha256: {old.sha256}` there")
        elif old.provenance and tombstones[name].provenance != old.provenance:
            message = f"{name} had provenance, and its tombstone does not say so"
            yield Problem(rule="provenance-lost", message=message, place=after.place, fix=f"write `provenance: {old.provenance}` there")


def _changed(old: File, new: File) -> Iterator[Problem]:
    """Yield the pinned facts of a file that differ; core metadata may begin to be served, and never changes."""
    for key in ("sha256", "size", "uploaded", "metadata"):
        was, now = getattr(old, key), getattr(new, key)
        if was != now and not (key == "metadata" and was is None):
            message = f"{new.name.text}: {key} was {was}, and is {now or 'gone'}"
            fix = f"write `{key}: {was}` again; other bytes need another version"
            yield Problem(rule="file-immutable", message=message, place=new.place, fix=fix)
    if old.provenance and not new.provenance:
        message = f"{new.name.text} had provenance, and has none any more"
        yield Problem(rule="provenance-lost", message=message, place=new.place, fix=f"write `provenance: {old.provenance}` again")


def _tombstones(before: Project, after: Project) -> Iterator[Problem]:
    kept = {tombstone.name: tombstone for tombstone in after.removed}
    listed = {file.name.text: file for file in after.files}
    for old in before.removed:
        if file := listed.get(old.name):
            message = f"{old.name} was removed ({old.reason}), and comes back"
            fix = "release a new version; a name that was removed never returns"
            yield Problem(rule="tombstone-returns", message=message, place=file.place, fix=fix)
        elif old.name not in kept:
            message = f"the tombstone of {old.name} is gone: its name could come back with other bytes"
            fix = f"put it back under removed: `{old.name}: {{version: {old.version}, sha256: {old.sha256}, …}}`"
            yield Problem(rule="tombstone-kept", message=message, place=after.place, fix=fix)
        elif replace(kept[old.name], reason=old.reason) != old:
            message = f"the tombstone of {old.name} is not as it was"
            provenance = f"provenance: {old.provenance}, " if old.provenance else ""
            fix = f"write `version: {old.version}, sha256: {old.sha256}, {provenance}at: {old.at}` again; only the reason may change"
            yield Problem(rule="tombstone-kept", message=message, place=after.place, fix=fix)


def wrong_times(change: ProjectChange, now: datetime, since: datetime, excepted: Container[str]) -> Iterator[Problem]:
    """Yield the new files whose upload time cannot be the time of adding; `excepted` names those whose upstream index gives it.

    `since` is the base commit's time, or when the change was proposed, whichever is later: in an index where nothing happened
    for a year, the base alone would let a new file look a year old.
    """
    known = {file.name.text for file in change.before.files} if change.before else set()
    for file in change.after.files if change.after else ():
        if file.name.text in known:
            continue
        moment = file.uploaded.moment
        fix = "set it to now: index-builder stamp, with the same --base"
        if moment > now + _AHEAD:
            message = f"{file.name.text}: uploaded {file.uploaded} is in the future"
            yield Problem(rule="uploaded-future", message=message, place=file.place, fix=fix)
        elif moment < since - _WAITED and file.name.text not in excepted:
            message = f"{file.name.text}: uploaded {file.uploaded} is more than 7 days before the change ({Timestamp.of(since)})"
            yield Problem(rule="uploaded-old", message=message, place=file.place, fix=fix)
