"""A commit is judged: what it says, and whether the bytes say the same."""

from __future__ import annotations

from dataclasses import dataclass

from index_builder.errors import DigestMismatchError, RemoteError
from index_builder.fetch.stage import Fetcher
from index_builder.manifests.reader import Reading
from index_builder.model.plan import Fetch
from index_builder.model.problem import Problem, in_order
from index_builder.model.project import Hosting, IndexOrigin
from index_builder.pipeline.build import examine
from index_builder.plan import every_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What `check` found. `unchecked` counts files whose bytes could not be looked at because of --offline."""

    projects: int
    files: int
    unchecked: int
    problems: tuple[Problem, ...]


def check(reading: Reading, fetcher: Fetcher) -> Judgement:
    """Judge everything; files that are missing are fetched, linked ones too. Raises StorageError, InterruptedRunError."""
    problems = list(reading.problems)
    if reading.index is None:
        return Judgement(projects=len(reading.manifests), files=0, unchecked=0, problems=in_order(problems))
    known = reading.index.configuration.upstreams
    fetches = [f for f in every_file(reading.index) if not isinstance(f.origin, IndexOrigin) or f.origin.index in known]
    held = fetches
    if fetcher.offline:
        missing = {fetch.digest for fetch in fetcher.missing(fetches)}
        held = [fetch for fetch in fetches if fetch.digest not in missing or fetch.project.hosting is Hosting.HOSTED]
    problems += fetcher.files(held)
    progress = fetcher.downloader.progress
    progress.begin("Inspecting", len(held), 0)
    try:
        for fetch in held:
            if fetcher.pool.size(fetch.digest) == fetch.file.size:
                problems += examine(fetch, fetcher.pool, progress)
            if not fetcher.offline:
                problems += _against_upstream(fetch, fetcher)
            progress.done(fetch.file.name.text)
    finally:
        progress.end()
    return Judgement(
        projects=len(reading.index.projects), files=len(fetches), unchecked=len(fetches) - len(held), problems=in_order(problems)
    )


def _against_upstream(fetch: Fetch, fetcher: Fetcher) -> list[Problem]:
    """Compare what the upstream index itself says of a file that is found there.

    That it lists other bytes is always a problem; that it is gone or silent only where we link to it.
    """
    if not isinstance(fetch.origin, IndexOrigin):
        return []
    try:
        listed = fetcher.listed(fetch)
    except DigestMismatchError as error:
        return [Problem(rule="digest-differs", message=error.message, place=fetch.place, fix=error.fix)]
    except RemoteError as error:
        if fetch.project.hosting is not Hosting.LINKED:
            return []
        return [Problem(rule="bytes-not-reachable", message=error.message, place=fetch.place, fix=error.fix)]
    if listed.uploaded is None or listed.uploaded.moment == fetch.file.uploaded.moment:
        return []
    message = f"{fetch.file.name.text}: the manifest says uploaded {fetch.file.uploaded}, the index {listed.uploaded}"
    return [Problem(rule="uploaded-differs", message=message, place=fetch.place, fix=f"write `uploaded: {listed.uploaded}`")]
