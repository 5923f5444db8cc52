"""Who sees a project before and after a change: to show it to more is a transfer, to show it to fewer takes nothing back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from index_builder.model.index import Configuration
from index_builder.model.names import Word
from index_builder.model.problem import Place, Problem
from index_builder.model.project import Project
from index_builder.policy.decide import grants
from index_builder.policy.facts import Facts
from index_builder.policy.readers import readers_of
from index_builder.policy.rules import Action, Policies

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
    """Say whether settings alone show a project to more people: through an audience that was there, or to more readers."""
    if not set(project.audiences) <= set(after.audiences):
        return False
    shown, showing = before.shown_to(project.audiences), after.shown_to(project.audiences)
    return bool((showing - shown) & set(before.audiences)) or gains_readers(old, shown, new, showing)


def gains_readers(old: Policies, shown: Collection[Word], new: Policies, showing: Collection[Word]) -> bool:
    """Say whether somebody may read one of the audiences `showing`, by new policies, who could read none of `shown` by the old ones.

    Everybody, a person, and a group that was not granted it before are. Who joins a group that could read already is not: whom
    a group holds is for those who administer it, and whoever let the group read meant whom it would hold. So a group that is
    granted something counts though nobody is in it yet.
    """
    known = [readers_of(old, name) for name in shown]
    if any(readers.is_open for readers in known):
        return False
    as_they_were = replace(new, people={**new.people, **old.people}, groups={**new.groups, **old.groups})
    fresh = [readers_of(as_they_were, name) for name in showing]
    people = {person for readers in known for person in readers.people}
    return (
        any(readers.is_open or not people.issuperset(readers.people) for readers in fresh)
        or not _groups(old, shown) >= _groups(new, showing)
    )  # fmt: skip


def _groups(policies: Policies, audiences: Iterable[Word]) -> set[Word]:
    """Return the groups to which rules grant the reading of audiences."""
    found = {reason.principal for name in audiences for reason in grants(policies, Action.DOWNLOAD, None, Facts(audiences=(name,)))}
    return found & policies.groups.keys()


def readers_changed(audience: Word, old: Policies, new: Policies) -> Iterator[str]:
    """Yield, in words, who may read an audience from now on, and who no longer."""
    was, now = readers_of(old, audience), readers_of(new, audience)
    if was.is_open != now.is_open:
        some = _listed(was.people if now.is_open else now.people)
        told = f"only by {some}" if some else "by nobody"
        yield (
            f"{audience} may be read by anyone, until now {told}" if now.is_open else f"{audience} may be read {told}, until now by anyone"
        )
        return
    for what, people in (("gains", set(now.people) - set(was.people)), ("loses", set(was.people) - set(now.people))):
        if people:
            yield f"{audience} {what} the reader{'s' if len(people) > 1 else ''} {_listed(people)}"


def projects_moved(before: Configuration, after: Configuration, projects: Collection[Project]) -> Iterator[str]:
    """Yield, in words, which projects an audience shows from now on, and no longer, though nothing of their own changed."""
    for name in sorted(after.audiences):
        shown = {p.name for p in projects if name in before.shown_to(p.audiences)}
        showing = {p.name for p in projects if name in after.shown_to(p.audiences)}
        for what, names in (("shows", showing - shown), ("no longer shows", shown - showing)):
            if names:
                yield f"{name} {what} {_listed(names)}"


def _listed(names: Collection[str]) -> str:
    told = sorted(names)[:_TOLD]
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(told) + more
