"""What a proposal changes is read, on both sides, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from index_builder.judge.change import ProjectChange
from index_builder.manifests.reader import Settings, name_problems, read_manifest, read_settings, tree_problems
from index_builder.model.index import Configuration
from index_builder.model.names import NormalizedName
from index_builder.model.problem import Place, Problem, ProblemsFoundError
from index_builder.model.project import Project
from index_builder.model.source import CONFIGURATION, MANIFESTS, POLICIES, SETTINGS, PathChange, is_manifest, stem_of
from index_builder.ports import Proposal, SourceTree

Found = tuple[NormalizedName | None, Problem]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A proposal, read: both sides' settings, each project that changes, and every other path. `found` is what is wrong with them.

    `configuration` is the base's; `broken` are the names of projects whose new manifest cannot be read.
    """

    proposal: Proposal
    before: Settings
    after: Settings
    configuration: Configuration
    projects: tuple[ProjectChange, ...]
    others: tuple[PathChange, ...]
    found: tuple[Found, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """The normalized names of all projects of the base."""
        return frozenset(stem_of(entry.path) for entry in self.proposal.base.entries("packages.d") if is_manifest(entry))


def base_settings(base: SourceTree) -> Settings:
    """Read what the base says for all its manifests; raises ProblemsFoundError where that is broken: nothing could be decided."""
    settings = read_settings(sorted(base.entries(*SETTINGS), key=lambda entry: entry.path), base.read)
    errors = [problem for problem in settings.problems if problem.severity == "error"]
    if errors or settings.configuration is None:
        missing = Problem(
            rule="tree-missing", message="the base has no index.yaml", place=Place(path=CONFIGURATION), fix="name another --base"
        )
        raise ProblemsFoundError(errors or [missing])
    return settings


def read_change(proposal: Proposal, before: Settings) -> Change:
    """Read what a proposal changes, and nothing else. Raises SourceError."""
    assert before.configuration is not None  # noqa: S101 - for the type checker: base_settings has seen to it
    changes = proposal.changes()
    after = before
    if any(_is_setting(change.path) for change in changes):
        entries = sorted(proposal.merged.entries(*SETTINGS), key=lambda entry: entry.path)
        after = read_settings(entries, proposal.merged.read)
    found: list[Found] = [(None, problem) for problem in after.problems if after is not before]
    found += [(None, _torn(change)) for change in changes if change.is_torn]
    found += _misplaced(proposal, changes)
    manifests = [change for change in changes if any(entry and is_manifest(entry) for entry in (change.before, change.after))]
    projects, more = _projects(proposal, manifests, before, after)
    seen = {change.path for change in manifests}
    return Change(
        proposal=proposal, before=before, after=after, configuration=before.configuration, projects=tuple(projects),
        others=tuple(change for change in changes if change.path not in seen), found=(*found, *more),
    )  # fmt: skip


def _is_setting(path: str) -> bool:
    return path == CONFIGURATION or path.startswith(POLICIES)


def _torn(change: PathChange) -> Problem:
    message = f"{change.path} was changed on the base meanwhile, in the same lines"
    return Problem(
        rule="merge-conflict", message=message, place=Place(path=change.path), fix="git merge BASE, or git rebase BASE, and decide"
    )


def _misplaced(proposal: Proposal, changes: Sequence[PathChange]) -> list[Found]:
    """Return what is wrong with the paths that come or change: their kind, and where they are."""
    inside = [change for change in changes if change.after and (change.path.startswith(MANIFESTS) or _is_setting(change.path))]
    paths = {change.path for change in inside}
    added = any(change.before is None for change in inside)
    entries = proposal.merged.entries() if added else [change.after for change in inside if change.after]
    problems = tree_problems(sorted(entries, key=lambda entry: entry.path))
    return [(None, problem) for problem in problems if problem.place.path in paths or _names_one(problem, paths)]


def _names_one(problem: Problem, paths: set[str]) -> bool:
    """Say whether a collision is with a changed path, whichever of the two it is reported at."""
    return problem.rule == "tree-collision" and any(path in problem.message for path in paths)


@dataclass(slots=True, kw_only=True)
class _Sides:
    """What is known of a name on its way: a manifest of each side, with its path; `is_broken` where nobody can say what the new one is."""

    before: Project | None = None
    after: Project | None = None
    path_before: str = ""
    path_after: str = ""
    problems: list[Problem] = field(default_factory=list)
    is_broken: bool = False


def _projects(
    proposal: Proposal, changes: Sequence[PathChange], before: Settings, after: Settings
) -> tuple[list[ProjectChange], list[Found]]:
    """Return each project of the changed manifests, and what is wrong with these."""
    sides: dict[str, _Sides] = {}
    for change in changes:
        if change.before and is_manifest(change.before):
            project, problems = read_manifest(change.path, proposal.base.read(change.before), before)
            side = sides.setdefault(project.normalized if project else stem_of(change.path), _Sides())
            side.before, side.path_before = project, change.path
            if project is None:
                message = f"the base's {change.path} cannot be read: {problems[0].message}"
                side.problems.append(
                    Problem(rule="base-unreadable", message=message, place=Place(path=change.path), fix="mend it by itself first")
                )
    for change in changes:
        if change.after is None:
            continue
        project, problems = None, list[Problem]()
        if is_manifest(change.after) and not change.is_torn:
            project, problems = read_manifest(change.path, proposal.merged.read(change.after), after)
        side = sides.setdefault(project.normalized if project else stem_of(change.path), _Sides())
        side.problems += problems
        if project is None:
            side.is_broken = True
        elif side.after is None:
            side.after, side.path_after = project, change.path
    found: list[Found] = [(None, problem) for problem in _twice(proposal, sides, changes, before)]
    found += [(_name(name), problem) for name, side in sides.items() for problem in side.problems]
    return [
        ProjectChange(
            name=NormalizedName(name), before=side.before, after=side.after, path_before=side.path_before, path_after=side.path_after
        )
        for name, side in sorted(sides.items())
        if not side.is_broken and (side.before or side.after)
    ], found  # fmt: skip


def _name(text: str) -> NormalizedName | None:
    try:
        return NormalizedName(text)
    except ValueError:
        return None


def _twice(proposal: Proposal, sides: Mapping[str, _Sides], changes: Sequence[PathChange], before: Settings) -> Iterator[Problem]:
    """Yield a problem for each project that gets a second manifest; the one that stays is what the project was before."""
    added = [change.after for change in changes if change.after and change.before is None and is_manifest(change.after)]
    if not added:
        return
    stems, changed = {stem_of(entry.path) for entry in added}, {change.path for change in changes}
    standing = [e for e in proposal.base.entries("packages.d") if is_manifest(e) and stem_of(e.path) in stems and e.path not in changed]
    for entry in standing:
        project, _ = read_manifest(entry.path, proposal.base.read(entry), before)
        if project and (side := sides.get(project.normalized)) and side.before is None:
            side.before, side.path_before = project, entry.path
    places = [(stem_of(entry.path), Place(path=entry.path)) for entry in sorted(added, key=lambda entry: entry.path)]
    yield from name_problems(places, {stem_of(entry.path): entry.path for entry in standing})
