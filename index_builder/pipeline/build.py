"""A commit becomes a tree for each audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from index_builder import __version__
from index_builder.errors import CorruptEntryError
from index_builder.fetch.stage import Fetcher
from index_builder.model.index import Index
from index_builder.model.names import Word
from index_builder.model.page import JSON, Page, Tier
from index_builder.model.plan import Plan
from index_builder.model.problem import Problem, ProblemsFoundError, in_order
from index_builder.pipeline.examine import examine, is_examined
from index_builder.pipeline.snapshot import blobs_of, take
from index_builder.plan import plan
from index_builder.ports import Site
from index_builder.publish import MARK, Changes, publish
from index_builder.render.legacy import ReleaseJson, render_legacy
from index_builder.render.simple import dump, environment, render_simple


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a build of one audience did."""

    audience: Word
    projects: int
    files: int
    changes: Changes
    warnings: tuple[Problem, ...]


def build(index: Index, audience: Word, site: Site, fetcher: Fetcher, templates: Mapping[str, str], release_json: ReleaseJson) -> Report:
    """Build one audience's tree. Raises ProblemsFoundError, StorageError, InterruptedRunError.

    Where an entry of the pool proves wrong on the way, it was dropped: everything is done once more with it fetched anew.
    """
    planned = plan(index, audience)
    try:
        return _build(index, planned, site, fetcher, templates, release_json)
    except CorruptEntryError as error:
        fetcher.downloader.progress.note(f"{error.message}; fetching it anew")
        return _build(index, planned, site, fetcher, templates, release_json)


def _build(index: Index, planned: Plan, site: Site, fetcher: Fetcher, templates: Mapping[str, str], release_json: ReleaseJson) -> Report:
    warnings = _gathered(planned, fetcher)
    snapshot = take(index, planned, fetcher.pool)
    pages = [*render_simple(snapshot, environment(templates)), *render_legacy(snapshot, release_json)]
    blobs = blobs_of(index, planned, fetcher.pool)
    changes = publish(site, fetcher.pool, blobs, pages, _mark(index, planned.audience), fetcher.downloader.progress)
    return Report(audience=planned.audience, projects=len(snapshot.projects), files=len(planned.served), changes=changes, warnings=warnings)


def _gathered(planned: Plan, fetcher: Fetcher) -> tuple[Problem, ...]:
    """Bring what is missing into the pool, look into what was not examined yet, and return the warnings."""
    problems = fetcher.files(planned.served) + fetcher.provenance(planned.listed) + fetcher.links(planned.located)
    if problems:
        raise ProblemsFoundError(in_order(problems))
    for fetch in planned.served:
        if not is_examined(fetch, fetcher.pool):
            problems += examine(fetch, fetcher).problems
    if any(problem.severity == "error" for problem in problems):
        raise ProblemsFoundError(in_order(problems))
    return in_order(problems)


def _mark(index: Index, audience: Word) -> Page:
    value = {"schema": 1, "builder": __version__, "audience": audience, "commit": index.revision}
    return Page(path=MARK, content_type=JSON, content=dump(value) + b"\n", tier=Tier.LIST)
