"""A change is held against every rule, and decided by the policies of its base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace

from index_builder.dependencies import missing_dependencies
from index_builder.fetch.stage import Fetcher
from index_builder.judge.asked import Asked
from index_builder.judge.change import ProjectChange, actions_of, origin_of
from index_builder.judge.immutability import broken, wrong_times
from index_builder.judge.naming import confusion, look_alikes, newcomers
from index_builder.judge.provenance import provenance_problems
from index_builder.judge.releases import odd_releases
from index_builder.judge.verdict import Judged, Ruling, in_order, weigh
from index_builder.judge.visibility import narrowed
from index_builder.manifests.reader import read_manifest
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName
from index_builder.model.plan import Fetch
from index_builder.model.problem import Place, Problem
from index_builder.model.project import Hosting, IndexOrigin
from index_builder.model.releases import problems_of
from index_builder.model.requirement import parse_requirement
from index_builder.pipeline.check import Looked, look_into
from index_builder.pipeline.judge.effect import effect
from index_builder.pipeline.judge.evidence import Evidence, gather_evidence, is_evidence
from index_builder.pipeline.judge.origins import bumps, has_own_time, is_listed, new_upstreams, source_problems, unproved
from index_builder.pipeline.judge.reading import Change
from index_builder.pipeline.judge.resolve import resolutions
from index_builder.pipeline.judge.settings import house_problems, settings_problems, widenings
from index_builder.policy.decide import decide
from index_builder.policy.facts import Facts
from index_builder.policy.rules import Action, Policies
from index_builder.ports.evidence import Attestations
from index_builder.ports.repository import ReleaseFeed
from index_builder.ports.resolving import Resolver


def judge(
    change: Change, asked: Asked, fetcher: Fetcher, resolver: Callable[[], Resolver], attestations: Attestations,
    feed: ReleaseFeed, templates: Callable[[], Mapping[str, str]], executor: Executor | None = None, *, replayed: tuple[str, ...] = (),
) -> Judged:  # fmt: skip
    """Judge a change as `asked` says, fetching and looking into what is new; `replayed` is told with it.

    `resolver` and `templates`, the built-in ones, are made where they are needed.

    Raises StorageError, SourceError, InterruptedRunError.
    """
    outside = change.proposal.outside
    fetches = [Fetch(project=c.after, file=file) for c in change.projects if c.after for file in c.unproved_files()]
    known = (change.after.configuration or change.configuration).upstreams
    fetches = [fetch for fetch in fetches if not isinstance(fetch.origin, IndexOrigin) or fetch.origin.index in known]
    unchecked = [f"{outside} changed file{'s' if outside > 1 else ''} outside the index's folder"] if outside else []
    unchecked += [f"whether '{name}', an upstream that is new, has projects called as ours" for name in new_upstreams(change)]
    unproven = unproved(change, fetches, fetcher, unchecked)
    places = {problem.place for problem in unproven}
    looked = look_into([fetch for fetch in fetches if fetch.place not in places], fetcher, executor)
    evidence = gather_evidence(change, fetches, looked.licenses, fetcher.pool, attestations)
    unchecked += [f"{fetch.file.name.text}: its bytes" for fetch in looked.unchecked]
    found = [*change.found]
    found += [(_named(change, problem), problem) for problem in (*unproven, *looked.problems, *_closure(change, looked))]
    found += [(_named(change, problem), problem) for problem in _in_releases(change, fetches)]
    for project in change.projects:
        found += [(project.name, problem) for problem in _of_project(change, project, asked, fetcher, unchecked)]
        found += [(project.name, p) for p in provenance_problems(project, evidence.attested, had=project.name in evidence.had)]
        found += [(project.name, problem) for problem in source_problems(project, fetcher, feed, unchecked)]
    evidence = replace(evidence, bumps=bumps(change, asked, evidence, fetcher, feed))
    resolved = resolutions(change, fetcher, resolver)
    found += [(None, problem) for problem in (*settings_problems(change), *house_problems(change, templates), *resolved.problems)]
    return Judged(
        base=change.proposal.base.revision, head=change.proposal.head, asked=asked,
        findings=in_order(weigh(found, change.before.policies, asked)),
        rulings=tuple(rulings(change, change.before.policies, asked, evidence)),
        effect=(*effect(change), *resolved.effect),
        unchecked=(*unchecked, *evidence.unchecked, *resolved.unchecked), replayed=replayed,
    )  # fmt: skip


def rulings(change: Change, policies: Policies, asked: Asked, evidence: Evidence) -> Iterator[Ruling]:
    """Yield what policies say of each action of a change, `evidence` being what its new files prove."""
    for project in change.projects:
        facts = _facts(change, project, asked, evidence)
        paths = tuple(path for path in dict.fromkeys((project.path_before, project.path_after)) if path)
        for action in actions_of(project):
            yield Ruling(
                project=project.name, action=action, decision=decide(policies, asked.actor, action, project.name, facts), paths=paths
            )
    yield from widenings(change, policies, asked)
    digests = {file.sha256 for project in change.projects for file in project.new_files()}
    others = tuple(c.path for c in change.others if not is_evidence(c, digests))
    if others:
        facts = Facts(approved_by=asked.approved_by, opened=asked.opened, now=asked.now)
        decision = decide(policies, asked.actor, Action.ADMINISTER, None, facts)
        yield Ruling(project=None, action=Action.ADMINISTER, decision=decision, paths=others)


def _facts(change: Change, project: ProjectChange, asked: Asked, evidence: Evidence) -> Facts:
    """Return what decisions on a project rest on: owners as they were, everything else as it would be."""
    files = project.new_files()
    standing = project.after or project.before
    everyone = tuple(change.configuration.audiences)
    return Facts(
        owners=project.before.owners if project.before else (),
        audiences=(standing.audiences if standing else ()) or everyone,
        approved_by=asked.approved_by,
        origins=tuple(sorted({origin_of(file) for file in files})),
        hosting=standing.hosting if standing else None,
        licenses=evidence.licenses_of(files),
        is_published=evidence.is_published(project),
        is_bump=project.name in evidence.bumps,
        largest=max((file.size for file in files), default=0),
        opened=asked.opened, now=asked.now,
    )  # fmt: skip


def _in_releases(change: Change, fetches: list[Fetch]) -> Iterator[Problem]:
    """Yield new files that do not fit into the releases which hold an audience's files; whether those are full, `check` says."""
    configuration = change.after.configuration or change.configuration
    for audience in configuration.audiences.values():
        visible = configuration.visible_in(audience.name)
        seen = [f for f in fetches if not f.project.audiences or not visible.isdisjoint(f.project.audiences)]
        if audience.releases:
            yield from problems_of(audience.releases, [fetch for fetch in seen if fetch.project.hosting is not Hosting.LINKED])


def _named(change: Change, problem: Problem) -> NormalizedName | None:
    return next((project.name for project in change.projects if project.path == problem.place.path), None)


def _of_project(change: Change, project: ProjectChange, asked: Asked, fetcher: Fetcher, unchecked: list[str]) -> Iterator[Problem]:
    """Yield what one project's change breaks or asks."""
    yield from broken(project)
    yield from odd_releases(project)
    yield from newcomers(project)
    after = change.after.configuration or change.configuration
    if project.before and project.after and project.before.audiences != project.after.audiences:
        yield from narrowed(change.configuration, after, project.before, project.after, Place(path=project.path))
    excepted = {file.name.text for file in project.new_files() if has_own_time(file, project, fetcher)}
    yield from wrong_times(project, asked.now, max(change.proposal.when, asked.opened or change.proposal.when), excepted)
    if project.before is None:
        yield from look_alikes(project, change.names, change.before.policies.naming)
        for upstream in change.configuration.upstreams:
            if is_listed(project.name, upstream, fetcher, unchecked):
                yield from confusion(project, upstream)


def _closure(change: Change, looked: Looked) -> list[Problem]:
    """Return what new files need and their readers cannot get; only the manifests of what they need are read."""
    configuration = change.after.configuration
    if configuration is None or not looked.needs:
        return []
    projects = {project.name: project.after for project in change.projects if project.after}
    wanted = set(_required(text for need in looked.needs for text in need.requires)) - set(projects)
    # What changes is in `projects`: of all others, the base has what the merge will have.
    for entry in (entry for name in sorted(wanted) for entry in change.listing.manifests.get(name, ())):
        project, _ = read_manifest(entry.path, change.proposal.merged.read(entry), change.after)
        if project:
            projects[project.normalized] = project
    index = Index(revision="", configuration=configuration, projects={str(name): project for name, project in projects.items()})
    needs = [replace(need, project=projects[need.project.normalized]) for need in looked.needs]
    return missing_dependencies(index, needs)


def _required(texts: Iterable[str]) -> Iterator[NormalizedName]:
    for text in texts:
        try:
            yield NormalizedName.of(parse_requirement(text).name)
        except ValueError:
            continue  # inspection reports it
