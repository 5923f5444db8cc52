"""A part of an index's manifests is read and judged, its bytes are looked into, and what pages will show is packed.

This is the work of a worker: it asks no other host. What the pool lacks is named, to be fetched; then the part is gathered again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from index_builder.manifests.reader import Settings, read_manifest
from index_builder.model.index import Index
from index_builder.model.names import Word
from index_builder.model.plan import Fetch, Plan
from index_builder.model.problem import Place, Problem
from index_builder.model.profile import Profile
from index_builder.model.project import Project
from index_builder.model.snapshot import Blob, ListedProject
from index_builder.pipeline.examine import examine, is_examined
from index_builder.pipeline.items import Item, pack
from index_builder.pipeline.snapshot import blobs_of, take
from index_builder.plan import plan
from index_builder.ports.pool import Pool


class ManifestFile(NamedTuple):
    """A manifest that is to be read: its path, its bytes, and the id of their blob in git."""

    path: str
    content: bytes
    blob: str


class Part(NamedTuple):
    """Manifests, and what they are read against; with `web`, what people are told of their projects is looked up too."""

    settings: Settings
    audiences: tuple[Word, ...]
    pool: Pool
    manifests: tuple[ManifestFile, ...]
    web: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """Files whose bytes, whose provenance, or whose place on their index must still be had."""

    files: tuple[Fetch, ...] = ()
    provenance: tuple[Fetch, ...] = ()
    links: tuple[Fetch, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.provenance or self.links)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What became of a part.

    `places` have the name of each project and where its manifest says it. With errors, or with something lacking, there is
    nothing else; otherwise, by audience, `items` are packed and `blobs` are the pool's bytes that the tree serves.
    """

    problems: tuple[Problem, ...]
    places: tuple[tuple[str, Place], ...]
    lacking: Lacking = field(default_factory=Lacking)
    items: Mapping[Word, bytes] = field(default_factory=dict)
    blobs: Mapping[Word, list[Blob]] = field(default_factory=dict)


def gather(part: Part) -> Gathered:
    """Gather a part. Raises CorruptEntryError for an entry of the pool that proves wrong (it is dropped); StorageError."""
    problems: list[Problem] = []
    projects: dict[str, Project] = {}
    blobs: dict[str, str] = {}
    places: list[tuple[str, Place]] = []
    for path, content, blob in part.manifests:
        project, found = read_manifest(path, content, part.settings)
        problems += found
        if project:
            places.append((project.name, project.place))
            projects.setdefault(project.normalized, project)
            blobs[path] = blob
    configuration = part.settings.configuration
    if configuration is None or _has_error(problems):
        return Gathered(problems=tuple(problems), places=tuple(places))
    index = Index(revision="", configuration=configuration, projects=projects)
    plans = [plan(index, audience) for audience in part.audiences]
    lacking = _lacking(plans, part.pool)
    if lacking:
        return Gathered(problems=tuple(problems), places=tuple(places), lacking=lacking)
    for fetch in _once(fetch for planned in plans for fetch in planned.served):
        if not is_examined(fetch, part.pool):
            problems += examine(fetch, part.pool).problems
    if _has_error(problems):
        return Gathered(problems=tuple(problems), places=tuple(places))
    served = {p.audience: blobs_of(configuration.audiences[p.audience], p, part.pool) for p in plans}
    return Gathered(
        problems=tuple(problems),
        places=tuple(places),
        items={p.audience: _packed(p, served[p.audience], index, blobs, part) for p in plans},
        blobs={audience: [blob for group in by_project.values() for blob in group] for audience, by_project in served.items()},
    )


def _has_error(problems: list[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def _profiled(project: Project, listed: ListedProject, part: Part) -> Profile | None:
    if not part.web:
        return None
    from index_builder.pipeline.profile import profile_of  # noqa: PLC0415 - renders READMEs, which only pages for people show

    return profile_of(project, listed, part.settings.policies, part.pool)


def _packed(planned: Plan, served: Mapping[str, list[Blob]], index: Index, blobs: Mapping[str, str], part: Part) -> bytes:
    items = []
    for listed in take(index.configuration.audiences[planned.audience], planned, part.pool):
        project = index.projects[listed.normalized]
        path, paths = project.place.path, tuple(sorted(blob.path for blob in served[listed.normalized]))
        items.append(Item(listed, path, blobs[path], paths, _profiled(project, listed, part)))
    return pack(items)


def _lacking(plans: list[Plan], pool: Pool) -> Lacking:
    served = _once(fetch for planned in plans for fetch in planned.served)
    listed = _once(fetch for planned in plans for fetch in planned.listed)
    located = _once(fetch for planned in plans for fetch in planned.located)
    return Lacking(
        files=tuple(fetch for fetch in served if pool.size(fetch.digest) != fetch.file.size),
        provenance=tuple(fetch for fetch in listed if fetch.file.provenance and pool.size(fetch.file.provenance) is None),
        links=tuple(fetch for fetch in located if pool.note("links", fetch.digest) is None),
    )


def _once(fetches: Iterable[Fetch]) -> list[Fetch]:
    """Return each file once, however many audiences see it."""
    return list({(fetch.project.normalized, fetch.file.name.text): fetch for fetch in fetches}.values())
