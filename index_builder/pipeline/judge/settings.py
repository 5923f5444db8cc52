"""What a change of `index.yaml`, `policies.d/` and what else is the same for all projects does to what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from index_builder.judge.asked import Asked
from index_builder.judge.policychange import policy_problems
from index_builder.judge.verdict import Ruling
from index_builder.judge.visibility import gains_readers, is_widened, withdrawn
from index_builder.manifests.reader import read_manifest
from index_builder.model.problem import Place, Problem
from index_builder.model.project import Project
from index_builder.model.source import CONFIGURATION, POLICIES, THEME, is_manifest
from index_builder.pipeline.codeowners import stale_codeowners, stale_lines
from index_builder.pipeline.judge.reading import Change
from index_builder.pipeline.theme import theme_problems
from index_builder.policy.decide import decide
from index_builder.policy.facts import Facts
from index_builder.policy.rules import Action, Policies


def widenings(change: Change, policies: Policies, asked: Asked) -> Iterator[Ruling]:
    """Yield the transfer that it is where settings alone show a project to more people: every manifest is read for that."""
    before, after = change.before.policies, change.after.configuration
    if after is None or not _may_widen(change):
        return
    for project in standing(change):
        if not is_widened(change.configuration, after, before, change.after.policies, project):
            continue
        facts = Facts(
            owners=project.owners, audiences=tuple(sorted(after.shown_to(project.audiences))), approved_by=asked.approved_by,
            hosting=project.hosting, opened=asked.opened, now=asked.now,
        )  # fmt: skip
        decision = decide(policies, asked.actor, Action.TRANSFER, project.normalized, facts)
        yield Ruling(project=project.normalized, action=Action.TRANSFER, decision=decision, paths=settings_paths(change))


def _may_widen(change: Change) -> bool:
    """Say whether settings could show anything to anybody: most new policies are of other things, and no manifest is read for them."""
    before, after = change.configuration.audiences, change.after.configuration
    if after is None or after.audiences != before:
        return after is not None
    return any(gains_readers(change.before.policies, (name,), change.after.policies, (name,)) for name in before)


def settings_paths(change: Change) -> tuple[str, ...]:
    """Return the files of a change that are settings."""
    return tuple(c.path for c in change.others if c.path == CONFIGURATION or c.path.startswith(POLICIES))


def house_problems(change: Change, templates: Callable[[], Mapping[str, str]]) -> Iterator[Problem]:
    """Yield what is wrong with keys and signatures, and with templates over the built-in ones, where a change touches them."""
    paths = {change.path.partition("/")[0] for change in change.others}
    if "trust" in paths:
        from index_builder.pipeline.trust import trust_problems  # noqa: PLC0415 - TUF is slow to import, and few changes touch it

        yield from trust_problems(change.proposal.merged)
    if any(other.path.startswith(THEME) for other in change.others):
        yield from theme_problems(change.proposal.merged, templates)


def settings_problems(change: Change) -> Iterator[Problem]:
    """Yield what new settings do to what is there: every manifest is read for that, and none where settings stay as they are."""
    before, after, tree = change.before, change.after, change.proposal.merged
    touched = {path for project in change.projects for path in (project.path_before, project.path_after)}
    if after is before or (after.policies, after.configuration) == (before.policies, before.configuration):
        yield from stale_lines(tree, after.policies, touched, [project.after for project in change.projects if project.after])
        return
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
        yield from withdrawn(change.configuration, after.configuration, {p.name: p for p in standing(change)}, Place(path=CONFIGURATION))
    if after.policies != before.policies:
        path = next((c.path for c in change.others if c.path.startswith(POLICIES)), CONFIGURATION)
        yield from policy_problems(before.policies, after.policies, projects, tuple(change.configuration.audiences), Place(path=path))


def standing(change: Change) -> Iterator[Project]:
    """Yield each project as the base has it, but for those whose own audiences change: that is a transfer by itself."""
    moved = {p.name for p in change.projects if p.before and p.after and p.before.audiences != p.after.audiences}
    yield from (project for project in change.listing.projects(change.before) if project.normalized not in moved)
