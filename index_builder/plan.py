"""Projects, configuration and an audience become a plan."""

from __future__ import annotations

from index_builder.model.index import Index
from index_builder.model.names import Word
from index_builder.model.plan import Fetch, Plan
from index_builder.model.project import Hosting, IndexOrigin, Project, State


def plan(index: Index, audience: Word) -> Plan:
    """Return what a build for `audience` must do.

    Files of quarantined projects are not listed, so they are neither served nor looked for (PEP 792).
    A project that only has tombstones has no page.
    """
    projects = tuple(project for project in index.seen_by(audience) if project.releases)
    listed = [Fetch(project=p, file=file) for p in projects if not _is_quarantined(p) for file in p.files]
    linked = [fetch for fetch in listed if fetch.project.hosting is Hosting.LINKED]
    return Plan(
        audience=audience,
        projects=projects,
        listed=tuple(listed),
        served=tuple(fetch for fetch in listed if fetch.project.hosting is not Hosting.LINKED),
        located=tuple(fetch for fetch in linked if isinstance(fetch.origin, IndexOrigin)),
    )


def every_file(index: Index) -> tuple[Fetch, ...]:
    """Return all listed files of all audiences, which is what `check` looks at."""
    return tuple(Fetch(project=p, file=file) for _, p in sorted(index.projects.items()) for file in p.files)


def _is_quarantined(project: Project) -> bool:
    return project.status is not None and project.status.state is State.QUARANTINED
