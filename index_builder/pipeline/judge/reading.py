"""What a proposal changes is read, on both sides, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from index_builder.judge.change import ProjectChange
from index_builder.manifests.reader import Settings, collision, folded, name_problems, read_manifest, read_settings, tree_problems
from index_builder.model.index import Configuration
from index_builder.model.names import NormalizedName
from index_builder.model.problem import Place, Problem, ProblemsFoundError
from index_builder.model.project import Project
from index_builder.model.source import CONFIGURATION, MANIFESTS, POLICIES, SETTINGS, PathChange, SourceEntry, is_manifest, stem_of
from index_builder.ports.trees import Proposal, SourceTree

Found = tuple[NormalizedName | None, Problem]


class Listing:
    """All manifests of a base. Of 100,000 it takes half a second: it is taken once, and where something is new only."""

    def __init__(self, base: SourceTree) -> None:
        """List nothing yet."""
        self._base = base
        self._projects: tuple[Project, ...] | None = None

    @cached_property
    def entries(self) -> list[SourceEntry]:
        """Every file under `packages.d/`."""
        return list(self._base.entries("packages.d"))

    @cached_property
    def manifests(self) -> dict[str, list[SourceEntry]]:
        """Those that are read as manifests, by what they are called: the normalized names of their projects."""
        found: dict[str, list[SourceEntry]] = {}
        for entry in self.entries:
            if is_manifest(entry):
                found.setdefault(stem_of(entry.path), []).append(entry)
        return found

    def projects(self, settings: Settings) -> tuple[Project, ...]:
        """Return every project of the base by its own settings; all manifests are read for that, once."""
        if self._projects is None:
            found = (
                read_manifest(entry.path, self._base.read(entry), settings)[0] for entries in self.manifests.values() for entry in entries
            )
            self._projects = tuple(project for project in found if project)
        return self._projects


@dataclass(frozen=True, slots=True, kw_only=True)
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
    listing: Listing

    @property
    def names(self) -> frozenset[str]:
        """The normalized names of all projects of the base."""
        return frozenset(self.listing.manifests)


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
    if after is not before and after.configuration is None and not after.problems:
        message = "the change leaves no index.yaml"
        found.append((None, Problem(rule="tree-missing", message=message, place=Place(path=CONFIGURATION), fix="keep it an ordinary file")))
    found += [(None, _torn(change)) for change in changes if change.is_torn]
    listing = Listing(proposal.base)
    found += [(None, problem) for problem in _misplaced(listing, changes)]
    manifests = [change for change in changes if any(entry and is_manifest(entry) for entry in (change.before, change.after))]
    projects, more = _projects(proposal, manifests, before, after, listing)
    seen = {change.path for change in manifests}
    return Change(
        proposal=proposal, before=before, after=after, configuration=before.configuration, projects=tuple(projects),
        others=tuple(change for change in changes if change.path not in seen), found=(*found, *more), listing=listing,
    )  # fmt: skip


def _is_setting(path: str) -> bool:
    return path == CONFIGURATION or path.startswith(POLICIES)


def _torn(change: PathChange) -> Problem:
    message = f"{change.path} was changed on the base meanwhile, in the same lines"
    return Problem(
        rule="merge-conflict", message=message, place=Place(path=change.path), fix="merge the base, or rebase onto it, and decide"
    )


def _misplaced(listing: Listing, changes: Sequence[PathChange]) -> Iterator[Problem]:
    """Yield what is wrong with the paths that come or change: their kind, where they are, and others that are the same somewhere."""
    inside = [c.after for c in changes if c.after and (c.path.startswith(MANIFESTS) or _is_setting(c.path))]
    yield from tree_problems(sorted(inside, key=lambda entry: entry.path))
    added = {folded(change.path): change.path for change in changes if change.before is None and change.after in inside}
    changed = {change.path for change in changes}
    for entry in listing.entries if added else ():
        if (one := folded(entry.path)) in added and entry.path not in changed:
            yield collision(added[one], entry.path)


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
    proposal: Proposal, changes: Sequence[PathChange], before: Settings, after: Settings, listing: Listing
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
            side = sides.get(stem_of(change.path), _Sides())
            if side.before is None and not any(stem_of(c.path) == stem_of(change.path) for c in changes if c.after):
                side.problems.append(_deleted_unread(change.path))
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
    found: list[Found] = [(None, problem) for problem in _twice(proposal, sides, changes, before, listing)]
    found += [(_name(name), problem) for name, side in sides.items() for problem in side.problems]
    return [
        ProjectChange(
            name=NormalizedName(name), before=side.before, after=side.after, path_before=side.path_before, path_after=side.path_after
        )
        for name, side in sorted(sides.items())
        if not side.is_broken and (side.before or side.after)
    ], found  # fmt: skip


def _deleted_unread(path: str) -> Problem:
    message = f"{path} is deleted, and nobody could read which files it listed"
    return Problem(rule="manifest-deleted", message=message, place=Place(path=path), fix="mend it in a change of its own first")


def _name(text: str) -> NormalizedName | None:
    try:
        return NormalizedName(text)
    except ValueError:
        return None


def _twice(
    proposal: Proposal, sides: Mapping[str, _Sides], changes: Sequence[PathChange], before: Settings, listing: Listing
) -> Iterator[Problem]:
    """Yield a problem for each project that gets a second manifest; the one that stays is what the project was before."""
    added = [change.after for change in changes if change.after and change.before is None and is_manifest(change.after)]
    if not added:
        return
    stems, changed = {stem_of(entry.path) for entry in added}, {change.path for change in changes}
    standing = [entry for stem in sorted(stems) for entry in listing.manifests.get(stem, ()) if entry.path not in changed]
    for entry in standing:
        project, _ = read_manifest(entry.path, proposal.base.read(entry), before)
        if project and (side := sides.get(project.normalized)) and side.before is None:
            side.before, side.path_before = project, entry.path
    # What is only edited was there first; what is added beside it is one too many.
    edited = [change.after for change in changes if change.after and change.before is not None and is_manifest(change.after)]
    places = [(stem_of(entry.path), Place(path=entry.path)) for entry in (*edited, *added)]
    yield from name_problems(places, {stem_of(entry.path): entry.path for entry in standing})
