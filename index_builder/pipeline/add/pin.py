"""Candidates are fetched and looked into, and what pages show of them is filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from index_builder.dependencies import Needs
from index_builder.errors import EditError
from index_builder.fetch.stage import Fetcher, check_entry
from index_builder.inspection.inspect import inspect, problems_of
from index_builder.model.names import NormalizedName, ProjectName
from index_builder.model.plan import Fetch
from index_builder.model.problem import Place, Problem, ProblemsFoundError, in_order
from index_builder.model.project import File, Hosting, Project
from index_builder.pipeline.add.candidate import Candidate
from index_builder.pipeline.examine import keep_metadata, requires_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """Files by the project whose manifest they go into, what each requires, and the warnings on the way."""

    groups: list[tuple[Project, list[File]]]
    needs: list[Needs]
    warnings: list[Problem]


def pin(candidates: Sequence[Candidate], fetcher: Fetcher) -> Pinned:
    """Fetch and inspect what was chosen, and fill in what pages show.

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
    for fetch in fetches:
        project, file, found, requires = _inspected(fetch, fetcher)
        problems += found
        needs.append(Needs(project=project, file=replace(file, place=Place(path="")), requires=requires))
        grouped.setdefault(project.normalized, (project, []))[1].append(file)
    if any(problem.severity == "error" for problem in problems):
        raise ProblemsFoundError(in_order(problems))
    return Pinned(groups=list(grouped.values()), needs=needs, warnings=problems)


def _inspected(fetch: Fetch, fetcher: Fetcher) -> tuple[Project, File, list[Problem], tuple[str, ...]]:
    file, project = fetch.file, fetch.project
    check_entry(fetcher.pool, file.sha256)
    with fetcher.pool.open(file.sha256) as stream:
        inspection = inspect(stream, file.size, file.name)
    problems = problems_of(inspection, file.name, project.hosting, fetch.place)
    refused = any(problem.severity == "error" for problem in problems)
    if refused or inspection.metadata is None or inspection.metadata_digest is None:
        return project, file, problems, ()
    served = project.hosting is not Hosting.LINKED
    digest = inspection.metadata_digest
    metadata = digest if file.name.kind == "wheel" and (served or file.metadata == digest) else None
    if metadata:
        keep_metadata(inspection, fetcher.pool)
    written = inspection.metadata.raw.get("name", "")
    if not project.releases and NormalizedName.of(written or project.name) == project.normalized:
        project = replace(project, name=ProjectName(written or project.name))
    file = replace(file, requires_python=inspection.metadata.requires_python, metadata=metadata)
    return project, file, problems, requires_of(inspection)
