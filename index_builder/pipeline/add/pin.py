"""Candidates are fetched and looked into, and what pages show of them is filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

from index_builder.dependencies import Needs
from index_builder.errors import EditError
from index_builder.fetch.entries import check_entry
from index_builder.fetch.stage import Fetcher
from index_builder.inspection.inspect import inspect, problems_of
from index_builder.model.names import NormalizedName, ProjectName
from index_builder.model.plan import Fetch
from index_builder.model.problem import Place, Problem, ProblemsFoundError, in_order
from index_builder.model.project import File, Hosting, Project
from index_builder.pipeline.add.candidate import Candidate
from index_builder.pipeline.examine import keep_metadata, requires_of
from index_builder.pipeline.spread import batches, spread
from index_builder.ports.pool import Pool

#: So many files are looked into by a worker at a time.
_BATCH: Final = 32
#: A file's project and itself as they should be written, what is wrong with it, and what it requires.
_Inspected = tuple[Project, File, list[Problem], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """Files by the project whose manifest they go into, what each requires, and the warnings on the way."""

    groups: list[tuple[Project, list[File]]]
    needs: list[Needs]
    warnings: list[Problem]


def pin(candidates: Sequence[Candidate], fetcher: Fetcher, executor: Executor | None = None) -> Pinned:
    """Fetch and inspect what was chosen, the latter over `executor`, and fill in what pages show.

    Raises ProblemsFoundError where a file is bad, EditError where two have one name, StorageError, InterruptedRunError.
    """
    once: dict[str, Candidate] = {}
    for candidate in candidates:
        name, digest = candidate.file.name.text.casefold(), candidate.file.sha256
        if once.setdefault(name, candidate).file.sha256 != digest:
            msg = f"{candidate.file.name.text} was given twice with other bytes: sha256 {once[name].file.sha256} and {digest}"
            raise EditError(msg, fix="give the one that is meant")
    fetches = [Fetch(project=c.project, file=replace(c.file, place=Place(path=c.file.name.text))) for c in once.values()]
    problems = fetcher.files(fetches)
    if problems:
        raise ProblemsFoundError(in_order(problems))
    grouped: dict[NormalizedName, tuple[Project, list[File]]] = {}
    needs = []
    tasks = ((fetcher.pool, batch) for batch in batches(fetches, _BATCH))
    for fetch, (project, file, found, requires) in _each(spread(executor, _inspected_batch, tasks)):
        problems += found
        needs.append(Needs(project=project, file=replace(file, place=Place(path="")), requires=requires))
        grouped.setdefault(fetch.project.normalized, (project, []))[1].append(file)
    if any(problem.severity == "error" for problem in problems):
        raise ProblemsFoundError(in_order(problems))
    return Pinned(groups=list(grouped.values()), needs=needs, warnings=problems)


def _each(done: Iterable[tuple[tuple[Pool, tuple[Fetch, ...]], list[_Inspected]]]) -> Iterator[tuple[Fetch, _Inspected]]:
    for (_, batch), results in done:
        yield from zip(batch, results, strict=True)


def _inspected_batch(task: tuple[Pool, tuple[Fetch, ...]]) -> list[_Inspected]:
    """Look into some files. This is the work of a worker."""
    pool, batch = task
    return [_inspected(fetch, pool) for fetch in batch]


def _inspected(fetch: Fetch, pool: Pool) -> _Inspected:
    file, project = fetch.file, fetch.project
    check_entry(pool, file.sha256)
    with pool.open(file.sha256) as stream:
        inspection = inspect(stream, file.size, file.name)
    problems = problems_of(inspection, file.name, project.hosting, fetch.place)
    refused = any(problem.severity == "error" for problem in problems)
    if refused or inspection.metadata is None or inspection.metadata_digest is None:
        return project, file, problems, ()
    served = project.hosting is not Hosting.LINKED
    digest = inspection.metadata_digest
    metadata = digest if file.name.kind == "wheel" and (served or file.metadata == digest) else None
    if metadata:
        keep_metadata(inspection, pool)
    written = inspection.metadata.raw.get("name", "")
    if not project.releases and NormalizedName.of(written or project.name) == project.normalized:
        project = replace(project, name=ProjectName(written or project.name))
    file = replace(file, requires_python=inspection.metadata.requires_python, metadata=metadata)
    return project, file, problems, requires_of(inspection)
