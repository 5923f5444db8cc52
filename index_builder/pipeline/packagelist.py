"""A package list becomes a tree; with the list of the last build, only what differs between the two does."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from index_builder.model.problem import Place, Problem, ProblemsFoundError
from index_builder.model.profile import Event, Profile
from index_builder.model.snapshot import ListedProject
from index_builder.packagelists.changes import ListChanges, changes_between, digest_of_list, line_numbers
from index_builder.packagelists.group import PackageList, group
from index_builder.packagelists.line import BadLineError, filename_of, project_of
from index_builder.packagelists.listing import listed
from index_builder.pipeline.items import Item, pack
from index_builder.pipeline.pages import Layout
from index_builder.pipeline.previous import Previous, find_previous
from index_builder.pipeline.rows import lines_of
from index_builder.pipeline.spool import Spool
from index_builder.pipeline.spread import spread
from index_builder.pipeline.tree import Report, Tree, build_tree
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.render.simple import Logo
from index_builder.state import Mark, OutdatedStateError

_MOST_LINES: Final = 1000
_NOWHERE: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrder:
    """What to build with, and where the files are: a URL that ends in a slash, absolute or relative to a project's page."""

    packages_url: str
    title: str
    logo: Logo
    layout: Layout
    builder: str
    full: bool = False
    keep_going: bool = False
    executor: Executor | None = None

    @property
    def inputs(self) -> str:
        """The digest of all that any page can depend on besides the list."""
        value = [self.builder, self.layout, self.packages_url, self.title, self.logo]
        return hashlib.sha256(orjson.dumps(value, default=list)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBuilt:
    """What was built, and the lines that were passed over with `keep_going`."""

    report: Report
    problems: tuple[Problem, ...]


class BadLine(NamedTuple):
    """A line that cannot be listed, by the byte at which it begins."""

    position: int
    message: str
    fix: str


class ListPart(NamedTuple):
    """Some projects' lines, as JSON, each with the byte at which it begins."""

    packages_url: str
    projects: list[tuple[str, list[tuple[int, bytes]]]]
    for_people: bool = False


def build_list(
    name: str, listing: PackageList, previous: PackageList | None, site: Site, order: ListOrder, progress: Progress
) -> ListBuilt:
    """Build the tree of a list, which is called `name`, in its site.

    Raises ProblemsFoundError for lines that cannot be listed, unless the order is to keep going; StorageError.
    """
    work = _Build(name, listing, order, site, progress)
    if not order.full:
        try:
            if (last := find_previous(site, "", order.inputs)) and (changes := work.changes(last, previous)):
                return work.changed(last, changes)
        except OutdatedStateError as error:
            progress.note(f"{error}; building all")
    return work.whole()


def gather_lines(part: ListPart) -> tuple[list[BadLine], bytes]:
    """Return the lines of a part that cannot be listed, and its projects, packed. This is the work of a worker."""
    wrong: list[BadLine] = []
    items: list[Item] = []
    for name, lines in part.projects:
        project = listed(name, lines, part.packages_url, lambda position, error: wrong.append(BadLine(position, error.message, error.fix)))
        if project:
            items.append(Item(project, profile=_profile(project) if part.for_people else None))
    return wrong, pack(items)


def _profile(project: ListedProject) -> Profile:
    """Return what a list tells people: when which release came. Of yanked files it does not say since when."""
    times: dict[str, str] = {}
    for file in project.files:
        if file.uploaded:
            times[file.version] = min(file.uploaded, times.get(file.version, file.uploaded))
    return Profile(events=tuple(sorted(Event(at, "release", version) for version, at in times.items())))


def problems_of(name: str, wrong: Iterable[BadLine], numbers: Mapping[int, int]) -> tuple[Problem, ...]:
    """Return the bad lines of a list as problems, in order; `numbers` has the number of each by its position."""
    return tuple(
        Problem(rule="package-list", message=message, fix=fix, place=Place(path=name, line=numbers.get(position, 1)))
        for position, message, fix in sorted(wrong)
    )


class _Build:
    """One run of `build_list`."""

    def __init__(self, name: str, listing: PackageList, order: ListOrder, site: Site, progress: Progress) -> None:
        self._name, self._listing, self._order = name, listing, order
        self._site, self._progress = site, progress
        self._source = digest_of_list(listing.stream)
        self._wrong: list[BadLine] = []

    def changes(self, last: Previous, previous: PackageList | None) -> ListChanges | None:
        """Return what differs from the list of the last build, or None where that is not at hand."""
        if last.mark.source == self._source:
            return ListChanges(removed=(), added=())
        if previous is None:
            return None
        if digest_of_list(previous.stream) != last.mark.source:
            self._progress.note("the tree was built from another list than the previous one that is named; building all")
            return None
        return changes_between(previous.stream, self._listing.stream)

    def whole(self) -> ListBuilt:
        """Build everything."""
        groups = group(self._listing, self._bad)
        with Spool() as spool:
            for _, (wrong, packed) in spread(self._order.executor, gather_lines, self._parts(groups)):
                self._wrong += wrong
                spool.add(packed)
            problems = self._problems()
            return self._built(Tree(
                mark=self._mark(problems), title=self._order.title, layout=self._order.layout, parts=spool.pieces(), logo=self._order.logo,
            ), problems)  # fmt: skip

    def changed(self, last: Previous, changes: ListChanges) -> ListBuilt:
        """Build the projects of the lines that differ: what the tree lists of them, without what went, with what came."""
        lines: dict[str, list[tuple[int, bytes]]] = {}
        for position, line in changes.added:
            self._sort_in(lines, position, line)
        gone: dict[str, set[str]] = {}
        for line in changes.removed:
            try:
                json = self._listing.as_json(line)
                gone.setdefault(project_of(json), set()).add(filename_of(json))
            except BadLineError as error:
                raise OutdatedStateError from error  # the list before is of another kind
        self._find_again(lines, {name for names in gone.values() for name in names})
        kept = self._kept(last, gone, gone.keys() | lines.keys())
        for name in gone.keys() | lines.keys():
            lines[name] = [*kept.get(name, []), *lines.get(name, [])]
        wrong, packed = gather_lines(self._part(sorted(lines.items())))
        self._wrong += wrong
        problems = self._problems()
        return self._built(Tree(
            mark=self._mark(problems), title=self._order.title, layout=self._order.layout, parts=[packed] if lines else [],
            logo=self._order.logo,
            previous=last, touched=frozenset(lines),
        ), problems)  # fmt: skip

    def _find_again(self, lines: dict[str, list[tuple[int, bytes]]], gone: set[str]) -> None:
        """Sort in the lines that still speak of a file of which some line went: it may stand there in another spelling."""
        if not gone:
            return
        known = {position for found in lines.values() for position, _ in found}
        for position, line in self._listing.lines():
            if position not in known and filename_of(self._listing.as_json(line)) in gone:
                self._sort_in(lines, position, line)

    def _sort_in(self, lines: dict[str, list[tuple[int, bytes]]], position: int, line: bytes) -> None:
        try:
            json = self._listing.as_json(line)
            lines.setdefault(project_of(json), []).append((position, json))
        except BadLineError as error:
            self._bad(position, error)

    def _kept(self, last: Previous, gone: Mapping[str, set[str]], names: Collection[str]) -> dict[str, list[tuple[int, bytes]]]:
        """Return the lines that projects had in the tree's package list, and keep; raises OutdatedStateError."""
        kept: dict[str, list[tuple[int, bytes]]] = {}
        old = {name: built for name in names if (built := last.built(name))}
        for name, lines in lines_of(last, old.values()):
            kept[name] = [(_NOWHERE, line) for line in lines if orjson.loads(line)["filename"] not in gone.get(name, ())]
        return kept

    def _parts(self, groups: Mapping[str, array[int]]) -> Iterator[ListPart]:
        projects: list[tuple[str, list[tuple[int, bytes]]]] = []
        count = 0
        for name in sorted(groups):
            lines = [(position, self._listing.as_json(line)) for position, line in self._listing.lines_at(groups[name])]
            projects.append((name, lines))
            count += len(lines)
            if count >= _MOST_LINES:
                yield self._part(projects)
                projects, count = [], 0
        yield self._part(projects)

    def _part(self, projects: list[tuple[str, list[tuple[int, bytes]]]]) -> ListPart:
        return ListPart(self._order.packages_url, projects, self._order.layout.house is not None)

    def _bad(self, position: int, error: BadLineError) -> None:
        self._wrong.append(BadLine(position, error.message, error.fix))

    def _problems(self) -> tuple[Problem, ...]:
        """Return what is wrong, in the order of lines; raises it, unless the order is to keep going."""
        numbers = line_numbers(self._listing.stream, {position for position, _, _ in self._wrong if position != _NOWHERE})
        problems = problems_of(self._name, self._wrong, numbers)
        if problems and not self._order.keep_going:
            raise ProblemsFoundError(problems)
        return problems

    def _mark(self, problems: tuple[Problem, ...]) -> Mark:
        """A tree that lacks lines of its list was built from nothing that a later build could go on from."""
        return Mark(audience="", builder=self._order.builder, source="" if problems else self._source, inputs=self._order.inputs)

    def _built(self, tree: Tree, problems: tuple[Problem, ...]) -> ListBuilt:
        return ListBuilt(report=build_tree(tree, self._site, None, self._order.executor, self._progress), problems=problems)
