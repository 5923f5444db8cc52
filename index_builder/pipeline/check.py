"""A commit is judged: what it says, and whether the bytes say the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from index_builder.dependencies import Needs, missing_dependencies
from index_builder.errors import CorruptEntryError, DigestMismatchError, RemoteError
from index_builder.fetch.stage import Fetcher
from index_builder.fetch.upstream import ListedFile
from index_builder.manifests.reader import Reading
from index_builder.model.index import Index
from index_builder.model.names import Sha256
from index_builder.model.plan import Fetch
from index_builder.model.problem import Problem, in_order
from index_builder.model.project import Hosting, IndexOrigin, UrlOrigin
from index_builder.model.releases import problems_of
from index_builder.pipeline.examine import Examination, examine
from index_builder.pipeline.spread import batches, spread
from index_builder.plan import every_file, plan
from index_builder.ports.pool import Pool

#: So many files are looked into by a worker at a time.
_BATCH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What `check` found. `unchecked` counts files whose bytes could not be looked at because of --offline."""

    projects: int
    files: int
    unchecked: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the bytes of some files say. `licenses` are the license expressions by file name, '' where a file gives none."""

    problems: list[Problem]
    needs: list[Needs]
    licenses: dict[str, str]
    unchecked: list[Fetch]


def check(
    reading: Reading, index: Index, fetcher: Fetcher, executor: Executor | None = None, *, extra: Sequence[Problem] = ()
) -> Judgement:
    """Judge everything; files that are missing are fetched, linked ones too, and looked into over `executor`.

    `extra` are problems of files that are no part of the index.

    Raises StorageError, InterruptedRunError.
    """
    fetches = [f for f in every_file(index) if not isinstance(f.origin, IndexOrigin) or f.origin.index in index.configuration.upstreams]
    looked = look_into(fetches, fetcher, executor)
    problems = [*extra, *reading.problems, *looked.problems, *missing_dependencies(index, looked.needs), *_in_releases(index)]
    return Judgement(projects=len(index.projects), files=len(fetches), unchecked=len(looked.unchecked), problems=in_order(problems))


def _in_releases(index: Index) -> Iterator[Problem]:
    """Find what does not fit into the releases that hold an audience's files."""
    for audience in index.configuration.audiences.values():
        if audience.releases:
            yield from problems_of(audience.releases, plan(index, audience.name).served)


def look_into(fetches: Sequence[Fetch], fetcher: Fetcher, executor: Executor | None = None) -> Looked:
    """Fetch files where the pool lacks them, and hold each against its manifest. Raises StorageError, InterruptedRunError."""
    missing = {fetch.digest for fetch in fetcher.missing(fetches)} if fetcher.offline else ()
    held = [fetch for fetch in fetches if fetch.digest not in missing or fetch.project.hosting is Hosting.HOSTED]
    problems = fetcher.files(held)
    problems += fetcher.provenance(
        [f for f in fetches if not fetcher.offline or f.project.hosting is Hosting.HOSTED or fetcher.makes_provenance(f)]
    )
    if not fetcher.offline:
        fetcher.listings(held)
    needs: list[Needs] = []
    licenses: dict[str, str] = {}
    progress = fetcher.downloader.progress
    progress.begin("Inspecting", len(held), 0)
    try:
        tasks = ((fetcher.pool, batch) for batch in batches(held, _BATCH))
        done = spread(executor, _examined_batch, tasks)
        for fetch, examination in ((f, e) for (_, batch), results in done for f, e in zip(batch, results, strict=True)):
            if examination:
                problems += examination.problems
                needs.append(Needs(project=fetch.project, file=fetch.file, requires=examination.requires))
                licenses[fetch.file.name.text] = examination.license
            if not fetcher.offline:
                problems += _against_source(fetch, fetcher)
            progress.done(fetch.file.name.text)
    finally:
        progress.end()
    looked_at = {id(fetch) for fetch in held}
    unchecked = [fetch for fetch in fetches if id(fetch) not in looked_at]
    return Looked(problems=problems, needs=needs, licenses=licenses, unchecked=unchecked)


def _examined_batch(task: tuple[Pool, tuple[Fetch, ...]]) -> list[Examination | None]:
    """Look into those of some files that the pool has. This is the work of a worker."""
    pool, batch = task
    return [_examined(fetch, pool) if pool.size(fetch.digest) == fetch.file.size else None for fetch in batch]


def _examined(fetch: Fetch, pool: Pool) -> Examination:
    try:
        return examine(fetch, pool)
    except CorruptEntryError as error:
        message = f"{fetch.file.name.text}: {error.message}"
        problem = Problem(rule="digest-differs", message=message, place=fetch.place, fix=error.fix)
        return Examination(problems=[problem], requires=())


def _against_source(fetch: Fetch, fetcher: Fetcher) -> list[Problem]:
    """Compare with what the other side says of a file.

    That an index lists other bytes is always a problem; that it is gone or silent only where we link to it.
    """
    linked = fetch.project.hosting is Hosting.LINKED
    try:
        if isinstance(fetch.origin, UrlOrigin):
            served = fetcher.digest_of(f"{fetch.origin.url}.metadata") if linked and fetch.file.metadata else None
            return _linked_metadata(fetch, served) if linked else []
        if not isinstance(fetch.origin, IndexOrigin):
            return []
        listed = fetcher.listed(fetch)
    except DigestMismatchError as error:
        return [Problem(rule="digest-differs", message=error.message, place=fetch.place, fix=error.fix)]
    except RemoteError as error:
        if not linked:
            return []
        return [Problem(rule="bytes-not-reachable", message=error.message, place=fetch.place, fix=error.fix)]
    return _uploaded(fetch, listed) + (_linked_metadata(fetch, listed.metadata) if linked else [])


def _uploaded(fetch: Fetch, listed: ListedFile) -> list[Problem]:
    if listed.uploaded is None or listed.uploaded.moment == fetch.file.uploaded.moment:
        return []
    message = f"{fetch.file.name.text}: the manifest says uploaded {fetch.file.uploaded}, the index {listed.uploaded}"
    return [Problem(rule="uploaded-differs", message=message, place=fetch.place, fix=f"write `uploaded: {listed.uploaded}`")]


def _linked_metadata(fetch: Fetch, served: Sha256 | None) -> list[Problem]:
    """A linked file's core metadata is advertised only where the other side serves it."""
    if fetch.file.metadata is None or fetch.file.metadata == served:
        return []
    message = f"{fetch.file.name.text}: the manifest says metadata {fetch.file.metadata}, the other side serves {served or 'none'}"
    return [Problem(rule="core-metadata-differs", message=message, place=fetch.place, fix="delete `metadata:`")]
