"""What the other sides say of a change: that a file is theirs and since when, that a name is taken, that a source has releases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from index_builder.errors import NotFoundError, RemoteError
from index_builder.fetch.stage import Fetcher
from index_builder.judge.asked import Asked
from index_builder.judge.change import ProjectChange, origin_of
from index_builder.model.names import NormalizedName, Timestamp, Word
from index_builder.model.plan import Fetch
from index_builder.model.problem import Problem
from index_builder.model.project import File, IndexOrigin, StoredOrigin
from index_builder.pipeline.add.candidate import Defaults
from index_builder.pipeline.bump.look import Find, look, offered
from index_builder.pipeline.judge.evidence import Evidence
from index_builder.pipeline.judge.reading import Change
from index_builder.policy.rules import PUBLISHERS
from index_builder.ports.repository import ReleaseFeed


def unproved(change: Change, fetches: Sequence[Fetch], fetcher: Fetcher, unchecked: list[str]) -> list[Problem]:
    """Ask each origin itself for the files that are said to be new there; return a problem for each that is not, or cannot be asked.

    Anybody may put bytes into the inbox, and a pool has those of other projects too: policies that name origins would be
    deceived by them. Upstream indexes are asked at the address that the base has for them.
    """
    fresh = {file.name.text for project in change.projects for file in project.new_files()}
    wanted = [fetch for fetch in fetches if fetch.file.name.text in fresh and not isinstance(fetch.origin, StoredOrigin)]
    if fetcher.offline:
        for fetch in wanted:
            is_listed = isinstance(fetch.origin, IndexOrigin)
            unchecked.append(f"{fetch.file.name.text}: whether {origin_of(fetch.file)} has it{', and since when' if is_listed else ''}")
        return []
    return fetcher.proved(wanted)


def new_upstreams(change: Change) -> list[Word]:
    """Return the upstream indexes that the base does not have: to ask each for every name here would take hours."""
    return sorted((change.after.configuration or change.configuration).upstreams.keys() - change.configuration.upstreams.keys())


def has_own_time(file: File, project: ProjectChange, fetcher: Fetcher) -> bool:
    """Say whether a file's upload time is its upstream index's own to give; where nobody can say, that was told as unproved."""
    if not isinstance(file.origin, IndexOrigin) or project.after is None:
        return False
    try:
        return fetcher.offline or fetcher.listed(Fetch(project=project.after, file=file)).uploaded is not None
    except RemoteError:
        return True


def is_listed(name: NormalizedName, upstream: Word, fetcher: Fetcher, unchecked: list[str]) -> bool:
    """Say whether an upstream index has a project of a name; where nobody can say, it has none, and that is told."""
    question = f"{name}: whether '{upstream}' has a project of that name"
    if fetcher.offline:
        unchecked.append(question)
        return False
    try:
        return bool(fetcher.upstreams.listing(upstream, name).files)
    except NotFoundError:
        return False
    except RemoteError as error:
        unchecked.append(f"{question} ({error.message})")
        return False


def source_problems(project: ProjectChange, fetcher: Fetcher, feed: ReleaseFeed, unchecked: list[str]) -> Iterator[Problem]:
    """Try a source that is new or changed: whoever wrote it is still here to correct it."""
    after, before = project.after, project.before
    if after is None or after.source is None or (before and before.source == after.source):
        return
    if fetcher.offline:
        unchecked.append(f"{project.name}: whether its source has releases")
        return
    try:
        wrong = "" if offered(after, after.source, fetcher, feed).files else "it has no wheel or sdist of the project"
    except RemoteError as error:
        wrong = error.message
    if wrong:
        message = f"the source of {project.name} cannot be followed: {wrong}"
        fix = f"correct `source:`, and try it: index-builder bump {project.name} --dry-run"
        yield Problem(rule="source-empty", message=message, place=after.place, fix=fix)


def bumps(change: Change, asked: Asked, evidence: Evidence, fetcher: Fetcher, feed: ReleaseFeed) -> frozenset[str]:
    """Return the attested projects whose new files `bump` would add now, by the source and the bounds of the base.

    An attestation says who built a file, and not when it is to be released: somebody else may propose an old one, or one that
    is too young. Nobody is asked where no rule grants anything to publishers.
    """
    if fetcher.offline or not any(PUBLISHERS in rule.grant for rule in change.before.policies.rules):
        return frozenset()
    found: set[str] = set()
    for project in change.projects:
        if project.before is None or not evidence.is_published(project):
            continue
        defaults = Defaults(
            owners=(), audiences=(), hosting=None, environments=change.configuration.clients, now=Timestamp.of(asked.now),
            pre=bool(project.before.source and project.before.source.pre),
        )  # fmt: skip
        looked = look(project.before, fetcher, feed, defaults)
        if looked.find is Find.NEWER and {file.name.text for file in project.new_files()} <= {file.name.text for file in looked.files}:
            found.add(str(project.name))
    return frozenset(found)
