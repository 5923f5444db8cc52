"""A commit becomes a tree for each audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from index_builder import __version__
from index_builder.errors import CorruptEntryError
from index_builder.fetch.stage import Fetcher
from index_builder.inspection.inspect import compare, inspect, problems_of
from index_builder.model.index import Index
from index_builder.model.names import Sha256, Word
from index_builder.model.page import JSON, Page, Tier
from index_builder.model.plan import Fetch, Plan
from index_builder.model.problem import Problem, ProblemsFoundError, in_order
from index_builder.model.snapshot import Blob
from index_builder.pipeline.snapshot import blobs_of, take
from index_builder.plan import plan
from index_builder.ports import Pool, Progress, Site
from index_builder.publish import Changes, publish
from index_builder.render.legacy import ReleaseJson, render_legacy
from index_builder.render.simple import dump, environment, render_simple

MARK: Final = "state/build.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a build of one audience did."""

    audience: Word
    projects: int
    files: int
    changes: Changes
    warnings: tuple[Problem, ...]


def build(index: Index, audience: Word, site: Site, fetcher: Fetcher, templates: Mapping[str, str], release_json: ReleaseJson) -> Report:
    """Build one audience's tree. Raises ProblemsFoundError, StorageError, InterruptedRunError."""
    planned = plan(index, audience)
    warnings = _fetched(planned, fetcher)
    snapshot = take(index, planned, fetcher.pool)
    env = environment(templates)
    pages = [*render_simple(snapshot, env), *render_legacy(snapshot, release_json)]
    blobs = blobs_of(index, planned, fetcher.pool)
    changes = _published(site, fetcher, planned, blobs, pages, _mark(index, audience))
    return Report(audience=audience, projects=len(snapshot.projects), files=len(planned.served), changes=changes, warnings=warnings)


def _fetched(planned: Plan, fetcher: Fetcher) -> tuple[Problem, ...]:
    """Bring what is missing into the pool and look into it; return the warnings."""
    new = {fetch.digest for fetch in fetcher.missing(planned.served)}
    problems = fetcher.files(planned.served) + fetcher.links(planned.located)
    if problems:
        raise ProblemsFoundError(in_order(problems))
    for fetch in planned.served:
        metadata = fetch.file.metadata
        if fetch.digest in new or (metadata and fetcher.pool.size(metadata) is None):
            problems += examine(fetch, fetcher.pool, fetcher.downloader.progress)
    if any(problem.severity == "error" for problem in problems):
        raise ProblemsFoundError(in_order(problems))
    return in_order(problems)


def examine(fetch: Fetch, pool: Pool, progress: Progress) -> list[Problem]:
    """Look into a file of the pool, keep its core metadata there, and compare it with the manifest."""
    with pool.open(fetch.digest) as stream:
        inspection = inspect(stream, fetch.file.size, fetch.file.name)
    if inspection.metadata is not None and inspection.metadata_digest is not None:
        store(pool, inspection.metadata_digest, inspection.metadata.content)
    progress.advance(0)
    problems = problems_of(inspection, fetch.file.name, fetch.project.hosting, fetch.place)
    return problems + compare(inspection, fetch.file, fetch.project.hosting, fetch.place)


def store(pool: Pool, digest: Sha256, content: bytes) -> None:
    """Put bytes into the pool, unless they are there."""
    if pool.size(digest) == len(content):
        return
    entry = pool.receive(digest)
    try:
        entry.discard()
        entry.write(content)
        entry.commit()
    finally:
        entry.close()


def _published(site: Site, fetcher: Fetcher, planned: Plan, blobs: list[Blob], pages: list[Page], mark: Page) -> Changes:
    """Publish; where the pool proves wrong on the way, fetch that entry once more."""
    progress = fetcher.downloader.progress
    progress.begin("Writing", len(blobs), sum(blob.size for blob in blobs))
    try:
        return publish(site, fetcher.pool, blobs, pages, mark, progress)
    except CorruptEntryError as error:
        progress.note(f"{error.message}; fetching it anew")
        _fetched(planned, fetcher)
        return publish(site, fetcher.pool, blobs, pages, mark, progress)
    finally:
        progress.end()


def _mark(index: Index, audience: Word) -> Page:
    value = {"schema": 1, "builder": __version__, "audience": audience, "commit": index.revision}
    return Page(path=MARK, content_type=JSON, content=dump(value) + b"\n", tier=Tier.LIST)
