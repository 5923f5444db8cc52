"""Sample sets of requirements (`resolve.d/*.txt`) are resolved against the index before and after a change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from packaging.requirements import Requirement

from index_builder.errors import IndexBuilderError, NotFoundError, ResolutionError
from index_builder.fetch.entries import check_entry
from index_builder.fetch.stage import Fetcher
from index_builder.inspection.inspect import inspect
from index_builder.manifests.reader import Settings, read_manifest
from index_builder.model.environment import Environment
from index_builder.model.names import NormalizedName, Word
from index_builder.model.offer import OfferedFile, Pin
from index_builder.model.plan import Fetch
from index_builder.model.problem import Place, Problem, ProblemsFoundError
from index_builder.model.project import Project, State
from index_builder.model.requirement import parse_requirement
from index_builder.model.source import ORDINARY, SourceEntry, is_manifest, stem_of
from index_builder.pipeline.judge.reading import Change
from index_builder.ports.resolving import Resolver
from index_builder.ports.trees import SourceTree

FOLDER: Final = "resolve.d"
#: Where `index.yaml` names no clients.
_USUAL: Final = (Environment.of("3.12", "linux_x86_64"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolutions:
    """What resolves differently, in words; a warning for each sample that no longer does; and what could not be tried."""

    effect: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    unchecked: tuple[str, ...] = ()


def resolutions(change: Change, fetcher: Fetcher, resolver: Callable[[], Resolver]) -> Resolutions:
    """Resolve every sample for every audience and client, before and after, by a resolver that is made where there is a sample.

    Raises StorageError, SourceError.
    """
    before, after = change.configuration, change.after.configuration
    base, merged = _samples(change.proposal.base), _samples(change.proposal.merged)
    is_same = after is None or (before.audiences, before.clients) == (after.audiences, after.clients)
    if after is None or not merged or (is_same and not change.projects and base == merged):
        return Resolutions()
    sides = (_Side(change.proposal.base, change.before), _Side(change.proposal.merged, change.after))
    changed = frozenset(project.name for project in change.projects)
    work = _Work(changed=changed, is_same=before.audiences == after.audiences, sides=sides, fetcher=fetcher, resolver=resolver())
    known = before.clients or _USUAL
    for path, sample in merged.items():
        wanted = work.read(sample, change.proposal.merged)
        wanted_before = work.read(base[path], change.proposal.base) if path in base and base[path] != sample else wanted
        for audience in after.audiences:
            for environment in after.clients or _USUAL:
                is_new = path not in base or audience not in before.audiences or environment not in known
                work.compare(path, wanted_before, wanted, audience, environment, is_new=is_new)
    return Resolutions(effect=tuple(work.effect), problems=tuple(work.problems), unchecked=tuple(dict.fromkeys(work.unchecked)))


def _samples(tree: SourceTree) -> dict[str, SourceEntry]:
    found = (entry for entry in tree.entries(FOLDER) if entry.path.endswith(".txt") and entry.mode == ORDINARY)
    return {entry.path: entry for entry in found}


class _Side:
    """The index of one side, of which manifests are read when they are asked for."""

    def __init__(self, tree: SourceTree, settings: Settings) -> None:
        self._tree, self.settings = tree, settings
        self._entries: Mapping[str, SourceEntry] | None = None
        self._known: dict[str, Project | None] = {}

    def project(self, name: str) -> Project | None:
        if self._entries is None:
            self._entries = {stem_of(entry.path): entry for entry in self._tree.entries("packages.d") if is_manifest(entry)}
        if name not in self._known:
            entry = self._entries.get(name)
            self._known[name] = read_manifest(entry.path, self._tree.read(entry), self.settings)[0] if entry else None
        return self._known[name]


class SideOffer:
    """The wheels of one side that an audience sees and an environment takes. Fills the port `Offer`; `asked` are the projects."""

    def __init__(self, side: _Side, audience: Word, environment: Environment, fetcher: Fetcher) -> None:
        self._side, self._environment, self._fetcher = side, environment, fetcher
        configuration = side.settings.configuration
        seen = configuration is not None and audience in configuration.audiences
        self._visible = configuration.visible_in(audience) if configuration and seen else frozenset[Word]()
        self._fetches: dict[str, Fetch] = {}
        self.asked: set[NormalizedName] = set()
        self.failed: IndexBuilderError | None = None

    def files(self, project: NormalizedName) -> Sequence[OfferedFile]:
        """Return a project's wheels; raises NotFoundError."""
        self.asked.add(project)
        known = self._side.project(project)
        if known is None or (known.audiences and self._visible.isdisjoint(known.audiences)):
            msg = f"there is no project {project}"
            raise NotFoundError(msg)
        if known.status and known.status.state is State.QUARANTINED:
            return []
        fitting = [Fetch(project=known, file=file) for file in known.files if self._environment.fits(file.name)]
        self._fetches |= {fetch.file.name.text: fetch for fetch in fitting}
        return [
            OfferedFile(name=f.file.name, sha256=f.digest, requires_python=f.file.requires_python, is_yanked=known.is_yanked(f.file))
            for f in fitting
        ]

    def metadata(self, name: str) -> bytes:
        """Return the core metadata of a wheel, out of the wheel itself; raises NotFoundError, StorageError."""
        fetch = self._fetches[name]
        try:
            if problems := self._fetcher.files([fetch]):
                raise ProblemsFoundError(problems)
            check_entry(self._fetcher.pool, fetch.digest)
        except IndexBuilderError as error:
            self.failed = self.failed or error
            raise
        with self._fetcher.pool.open(fetch.digest) as stream:
            metadata = inspect(stream, fetch.file.size, fetch.file.name).metadata
        if metadata is None:
            msg = f"{name} has no core metadata that can be read"
            raise NotFoundError(msg)
        return metadata.content


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is compared: projects that change, and `is_same` says whether audiences show the same ones."""

    changed: frozenset[NormalizedName]
    is_same: bool
    sides: tuple[_Side, _Side]
    fetcher: Fetcher
    resolver: Resolver
    effect: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def read(self, sample: SourceEntry, tree: SourceTree) -> list[Requirement]:
        """Return a sample's requirements: one a line, of names and versions only."""
        found = []
        for number, line in enumerate(tree.read(sample).decode("utf-8", "replace").splitlines(), 1):
            text = line.partition("#")[0].strip()
            try:
                requirement = parse_requirement(text) if text else None
            except ValueError:
                requirement = None
            if requirement and requirement.url is None:
                found.append(requirement)
            elif text:
                self.unchecked.append(f"{sample.path}, line {number}: no requirement by name and version")
        return found

    def compare(
        self, path: str, before: Sequence[Requirement], after: Sequence[Requirement], audience: Word, environment: Environment,
        *, is_new: bool,
    ) -> None:  # fmt: skip
        """Note what differs for one sample, or all of what is new to be asked; what asks for nothing that changes, cannot differ."""
        is_same = before == after and self.is_same and not is_new
        if not after or (is_same and not self.changed):
            return
        where = f"{path} for {audience} ({environment})"
        old = self._resolved(self.sides[0], before, audience, environment)
        if isinstance(old, IndexBuilderError) and not isinstance(old, ResolutionError):
            self.unchecked.append(f"{where}: {old.message}")
            return
        if not isinstance(old, ResolutionError) and is_same and self.changed.isdisjoint(old[1]):
            return
        new = self._resolved(self.sides[1], after, audience, environment)
        if isinstance(new, ResolutionError):
            if is_new or not isinstance(old, ResolutionError):
                fix = "add what it needs, or change the sample if nobody needs it any more"
                message = f"{where} {'does not resolve' if is_new else 'no longer resolves'}: {new.message}"
                self.problems.append(
                    Problem(rule="sample-unresolved", message=message, place=Place(path=path), fix=fix, severity="warning")
                )
        elif isinstance(new, IndexBuilderError):
            self.unchecked.append(f"{where}: {new.message}")
        elif isinstance(old, ResolutionError) or (is_new and old[0] == new[0]):
            self.effect.append(f"{where} resolves now, to {', '.join(f'{name} {version}' for name, version in new[0].items())}")
        elif old[0] != new[0]:
            self.effect.append(f"{where} resolves differently: {', '.join(_differences(old[0], new[0]))}")

    def _resolved(
        self, side: _Side, requirements: Sequence[Requirement], audience: Word, environment: Environment
    ) -> tuple[dict[str, str], set[NormalizedName]] | IndexBuilderError:
        offer = SideOffer(side, audience, environment, self.fetcher)
        try:
            pins = self.resolver.resolve(requirements, environment, offer, preferred=(), excluded=(), pre=False)
        except IndexBuilderError as error:
            return offer.failed or error
        return _by_name(pins), offer.asked


def _by_name(pins: Sequence[Pin]) -> dict[str, str]:
    return {str(pin.project): str(pin.version) for pin in sorted(pins)}


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was != now:
            yield f"{name} {was} → {now}" if was and now else f"{name} {now} comes" if now else f"{name} {was} goes"
