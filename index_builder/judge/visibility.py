"""Who sees a project before and after a change: to show it to more is a transfer, to show it to fewer takes nothing back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from index_builder.model.index import Configuration
from index_builder.model.problem import Place, Problem
from index_builder.model.project import Project
from index_builder.policy.readers import readers_of
from index_builder.policy.rules import Policies

_FIX: Final = "treat what it held as known to them; only what was never published is secret"
#: What a message ends with.
_STAY: Final = "; files stay where they are until the target's `grace:` is over and a publication ran after that"
#: So many names are told.
_TOLD: Final = 10


def narrowed(before: Configuration, after: Configuration, old: Project | None, new: Project | None, place: Place) -> Iterator[Problem]:
    """Yield a warning where readers of an audience lose sight of a project that goes on being listed."""
    if old is None or new is None or not old.files:
        return
    if lost := before.shown_to(old.audiences) - after.shown_to(new.audiences):
        message = f"readers of {_listed(lost)} saw {old.name} until now: it is withdrawn from them, and cannot be made secret again{_STAY}"
        yield Problem(rule="audience-narrowed", message=message, place=place, fix=_FIX, severity="warning")


def withdrawn(before: Configuration, after: Configuration, projects: Mapping[str, Project], place: Place) -> Iterator[Problem]:
    """Yield a warning for each audience that goes or loses projects through `index.yaml`, and for each target that is left behind."""
    for name in before.audiences:
        shown = {p.name for p in projects.values() if p.files and name in before.shown_to(p.audiences)}
        lost = shown - {p.name for p in projects.values() if name in after.audiences and name in after.shown_to(p.audiences)}
        if lost:
            message = f"readers of {name} saw {_listed(lost)} until now: withdrawn from them, and cannot be made secret again{_STAY}"
            yield Problem(rule="audience-narrowed", message=message, place=place, fix=_FIX, severity="warning")
    kept = {(target.kind, target.path, target.repository, target.branch, target.url) for target in after.publish}
    for target in before.publish:
        where = (target.kind, target.path, target.repository, target.branch, target.url)
        if where not in kept:
            message = f"the target '{target.name}' of {target.audience} is not published to any more, and goes on serving what it has"
            fix = f"delete what is there ({target.url or target.repository or target.path or target.kind}), history and versions too"
            yield Problem(rule="target-left", message=message, place=place, fix=fix, severity="warning")


def is_widened(before: Configuration, after: Configuration, old: Policies, new: Policies, project: Project) -> bool:
    """Say whether `index.yaml` alone shows a project to more people: through an audience that was there, or to readers of a new one."""
    if not set(project.audiences) <= set(after.audiences):
        return False
    shown = before.shown_to(project.audiences)
    gained = after.shown_to(project.audiences) - shown
    if gained & set(before.audiences):
        return True
    known = [readers_of(old, name) for name in shown]
    if any(readers.is_open for readers in known):
        return False
    people = {person for readers in known for person in readers.people}
    fresh = [readers_of(new, name) for name in gained]
    return any(readers.is_open or not set(readers.people) <= people for readers in fresh)


def _listed(names: Collection[str]) -> str:
    told = sorted(names)[:_TOLD]
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(told) + more
