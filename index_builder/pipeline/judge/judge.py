"""A change is held against every rule, and decided by the policies of its base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import replace

from index_builder.dependencies import missing_dependencies
from index_builder.diff import Difference, compare
from index_builder.errors import NotFoundError, RemoteError
from index_builder.fetch.stage import Fetcher
from index_builder.judge.asked import Asked
from index_builder.judge.change import ProjectChange, actions_of, origin_of
from index_builder.judge.immutability import broken, wrong_times
from index_builder.judge.naming import confusion, look_alikes
from index_builder.judge.policychange import policy_problems
from index_builder.judge.provenance import provenance_problems
from index_builder.judge.releases import odd_releases
from index_builder.judge.verdict import Judged, Ruling, in_order, weigh
from index_builder.judge.visibility import is_widened, narrowed, withdrawn
from index_builder.manifests.reader import read_manifest
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName, Timestamp, Word
from index_builder.model.plan import Fetch
from index_builder.model.problem import Place, Problem
from index_builder.model.project import File, Hosting, IndexOrigin, Project
from index_builder.model.releases import problems_of
from index_builder.model.requirement import parse_requirement
from index_builder.model.source import CONFIGURATION, POLICIES, is_manifest, stem_of
from index_builder.pipeline.add.candidate import Defaults
from index_builder.pipeline.bump.look import Find, look, offered
from index_builder.pipeline.check import Looked, look_into
from index_builder.pipeline.codeowners import stale_codeowners
from index_builder.pipeline.judge.evidence import Evidence, gather_evidence, is_evidence
from index_builder.pipeline.judge.reading import Change
from index_builder.pipeline.judge.resolve import resolutions
from index_builder.policy.decide import decide
from index_builder.policy.facts import Facts
from index_builder.policy.rules import PUBLISHERS, Action, Policies
from index_builder.ports import Attestations, ReleaseFeed, Resolver


def judge(
    change: Change, asked: Asked, fetcher: Fetcher, resolver: Callable[[], Resolver], attestations: Attestations,
    feed: ReleaseFeed, executor: Executor | None = None, *, replayed: tuple[str, ...] = (),
) -> Judged:  # fmt: skip
    """Judge a change as `asked` says, fetching and looking into what is new; `replayed` is told with it.

    Raises StorageError, SourceError, InterruptedRunError.
    """
    fetches = [Fetch(project=c.after, file=file) for c in change.projects if c.after for file in c.unproved_files()]
    known = (change.after.configuration or change.configuration).upstreams
    fetches = [fetch for fetch in fetches if not isinstance(fetch.origin, IndexOrigin) or fetch.origin.index in known]
    looked = look_into(fetches, fetcher, executor)
    evidence = gather_evidence(change, fetches, looked, fetcher, attestations)
    outside = change.proposal.outside
    unchecked = [f"{outside} changed file{'s' if outside > 1 else ''} outside the index's folder"] if outside else []
    unchecked += [f"{fetch.file.name.text}: its bytes" for fetch in looked.unchecked]
    found = [*change.found]
    found += [(_named(change, problem), problem) for problem in (*looked.problems, *_closure(change, looked))]
    found += [(_named(change, problem), problem) for problem in _in_releases(change, fetches)]
    for project in change.projects:
        found += [(project.name, problem) for problem in _of_project(change, project, asked, fetcher, unchecked)]
        found += [(project.name, p) for p in provenance_problems(project, evidence.attested, had=project.name in evidence.had)]
        found += [(project.name, problem) for problem in _of_source(project, fetcher, feed, unchecked)]
    evidence = replace(evidence, bumps=_bumps(change, asked, evidence, fetcher, feed))
    resolved = resolutions(change, fetcher, resolver)
    found += [(None, problem) for problem in (*_of_settings(change), *resolved.problems)]
    return Judged(
        base=change.proposal.base.revision, head=change.proposal.head, asked=asked,
        findings=in_order(weigh(found, change.before.policies, asked)),
        rulings=tuple(rulings(change, change.before.policies, asked, evidence)),
        effect=(*_effect(change), *resolved.effect),
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
    yield from _widenings(change, policies, asked)
    digests = {file.sha256 for project in change.projects for file in project.new_files()}
    others = tuple(c.path for c in change.others if not is_evidence(c, digests))
    if others:
        facts = Facts(approved_by=asked.approved_by, opened=asked.opened, now=asked.now)
        decision = decide(policies, asked.actor, Action.ADMINISTER, None, facts)
        yield Ruling(project=None, action=Action.ADMINISTER, decision=decision, paths=others)


def _widenings(change: Change, policies: Policies, asked: Asked) -> Iterator[Ruling]:
    """Yield the transfer that it is where index.yaml alone shows a project to more people: every manifest is read for that."""
    after = change.after.configuration
    if after is None or after.audiences == change.configuration.audiences:
        return
    for project in _standing(change):
        if not is_widened(change.configuration, after, policies, change.after.policies, project):
            continue
        facts = Facts(
            owners=project.owners, audiences=tuple(sorted(after.shown_to(project.audiences))), approved_by=asked.approved_by,
            hosting=project.hosting, opened=asked.opened, now=asked.now,
        )  # fmt: skip
        decision = decide(policies, asked.actor, Action.TRANSFER, project.normalized, facts)
        yield Ruling(project=project.normalized, action=Action.TRANSFER, decision=decision, paths=(CONFIGURATION,))


def _standing(change: Change) -> Iterator[Project]:
    """Yield each project as the base has it, but for those whose own audiences change: that is a transfer by itself."""
    moved = {p.name for p in change.projects if p.before and p.after and p.before.audiences != p.after.audiences}
    yield from (project for project in change.listing.projects(change.before) if project.normalized not in moved)


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
    after = change.after.configuration or change.configuration
    if project.before and project.after and project.before.audiences != project.after.audiences:
        yield from narrowed(change.configuration, after, project.before, project.after, Place(path=project.path))
    excepted = {file.name.text for file in project.new_files() if _has_own_time(file, project, fetcher, unchecked)}
    yield from wrong_times(project, asked.now, max(change.proposal.when, asked.opened or change.proposal.when), excepted)
    if project.before is None:
        yield from look_alikes(project, change.names, change.before.policies.naming)
        for upstream in change.configuration.upstreams:
            if _is_listed(project.name, upstream, fetcher, unchecked):
                yield from confusion(project, upstream)


def _of_source(project: ProjectChange, fetcher: Fetcher, feed: ReleaseFeed, unchecked: list[str]) -> Iterator[Problem]:
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


def _bumps(change: Change, asked: Asked, evidence: Evidence, fetcher: Fetcher, feed: ReleaseFeed) -> frozenset[str]:
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


def _has_own_time(file: File, project: ProjectChange, fetcher: Fetcher, unchecked: list[str]) -> bool:
    """Say whether a file's upload time is its upstream index's own to give; where nobody can say, it is."""
    if not isinstance(file.origin, IndexOrigin) or project.after is None:
        return False
    if fetcher.offline:
        unchecked.append(f"{file.name.text}: its upload time on '{file.origin.index}'")
        return True
    try:
        return fetcher.listed(Fetch(project=project.after, file=file)).uploaded is not None
    except RemoteError:
        return True  # looking into the file has said so


def _is_listed(name: NormalizedName, upstream: Word, fetcher: Fetcher, unchecked: list[str]) -> bool:
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


def _closure(change: Change, looked: Looked) -> list[Problem]:
    """Return what new files need and their readers cannot get; only the manifests of what they need are read."""
    configuration = change.after.configuration
    if configuration is None or not looked.needs:
        return []
    projects = {project.name: project.after for project in change.projects if project.after}
    wanted = set(_required(text for need in looked.needs for text in need.requires)) - set(projects)
    # What changes is in `projects`: of all others, the base has what the merge will have.
    for entry in change.listing.manifests if wanted else ():
        if stem_of(entry.path) not in wanted:
            continue
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


def _of_settings(change: Change) -> Iterator[Problem]:
    """Yield what new settings do to what is there: every manifest is read for that."""
    before, after = change.before, change.after
    if after is before or (after.policies, after.configuration) == (before.policies, before.configuration):
        return
    tree = change.proposal.merged
    touched = {path for project in change.projects for path in (project.path_before, project.path_after)}
    projects: dict[str, Project] = {}
    for entry in tree.entries("packages.d"):
        if is_manifest(entry):
            project, problems = read_manifest(entry.path, tree.read(entry), after)
            yield from (problem for problem in problems if problem.severity == "error" and entry.path not in touched)
            if project:
                projects[project.normalized] = project
    if any(problem.severity == "error" for problem in after.problems):
        return  # what cannot be read whole would look as if it took rights away
    yield from stale_codeowners(tree, after.policies, projects)
    if after.configuration and after.configuration != before.configuration:
        yield from withdrawn(change.configuration, after.configuration, {p.name: p for p in _standing(change)}, Place(path=CONFIGURATION))
    if after.policies != before.policies:
        path = next((c.path for c in change.others if c.path.startswith(POLICIES)), CONFIGURATION)
        yield from policy_problems(before.policies, after.policies, projects, tuple(change.configuration.audiences), Place(path=path))


def _effect(change: Change) -> Iterator[str]:
    """Yield, in words, what the index will have that it has not, and the other way round."""
    before: dict[str, Project] = {p.name: p.before for p in change.projects if p.before}
    after: dict[str, Project] = {p.name: p.after for p in change.projects if p.after}
    sides = (Index(revision="", configuration=change.configuration, projects=projects) for projects in (before, after))
    yield from (_sentence(difference) for difference in compare(*sides))


def _sentence(difference: Difference) -> str:
    return f"{difference.project} {difference.kind} {difference.what}".replace(" gains is new", " is new").replace(
        " loses has no", " has no"
    )
