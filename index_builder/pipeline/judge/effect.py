"""What the index will have after a change that it has not now, and the other way round: in words."""

from __future__ import annotations

from collections.abc import Iterator

from index_builder.diff import Difference, compare
from index_builder.judge.visibility import projects_moved, readers_changed
from index_builder.model.index import Index
from index_builder.model.project import Project
from index_builder.pipeline.judge.reading import Change
from index_builder.pipeline.judge.settings import standing


def effect(change: Change) -> Iterator[str]:
    """Yield, in words, what the index will have that it has not, and the other way round."""
    before: dict[str, Project] = {p.name: p.before for p in change.projects if p.before}
    after: dict[str, Project] = {p.name: p.after for p in change.projects if p.after}
    sides = (Index(revision="", configuration=change.configuration, projects=projects) for projects in (before, after))
    yield from (_sentence(difference) for difference in compare(*sides))
    if change.after.policies != change.before.policies:
        for audience in (change.after.configuration or change.configuration).audiences:
            yield from readers_changed(audience, change.before.policies, change.after.policies)
    if change.after.configuration and change.after.configuration.audiences != change.configuration.audiences:
        yield from projects_moved(change.configuration, change.after.configuration, list(standing(change)))


def _sentence(difference: Difference) -> str:
    return f"{difference.project} {difference.kind} {difference.what}".replace(" gains is new", " is new").replace(
        " loses has no", " has no"
    )
