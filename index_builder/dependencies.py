"""Which dependencies the readers of an audience cannot get here: ours is meant to be a client's only index."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from index_builder.model.environment import EVERYWHERE, Environment
from index_builder.model.index import Index
from index_builder.model.names import Word
from index_builder.model.problem import Place, Problem
from index_builder.model.project import File, Hosting, Project, State
from index_builder.model.requirement import parse_requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The requirements (Requires-Dist) of a file, as its core metadata writes them."""

    project: Project
    file: File
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missing:
    """A dependency that some audience lacks, at the newest file that has it."""

    needs: Needs
    requirement: Requirement
    audiences: tuple[Word, ...]


def missing_dependencies(index: Index, needs: Sequence[Needs]) -> list[Problem]:
    """Return a warning for each dependency of a project that readers of it cannot get, once a project.

    Only what applies in an environment of `clients:` counts (or, without that key, in one that is in wide use); what an
    extra adds does not, nor what yanked releases need.
    """
    environments = index.configuration.clients or EVERYWHERE
    found: dict[tuple[str, str], _Missing] = {}
    names = tuple(index.configuration.audiences)
    offers: dict[Word, dict[str, Project]] = {
        name: {project.normalized: project for project in index.seen_by(name) if _is_offered(project)} for name in names
    }
    for need in sorted(needs, key=lambda n: (n.project.normalized, n.file.name.version, n.file.name.text), reverse=True):
        if need.project.is_yanked(need.file):
            continue
        for requirement in _requirements(need):
            lacking = tuple(n for n in names if need.project.normalized in offers[n] and not _is_met(requirement, offers[n]))
            key = (need.project.normalized, canonicalize_name(requirement.name))
            if lacking and key not in found and _may_apply(requirement, need, environments):
                found[key] = _Missing(needs=need, requirement=requirement, audiences=lacking)
    return [_problem(index, gap) for _, gap in sorted(found.items())]


def _is_offered(project: Project) -> bool:
    return bool(project.releases) and not (project.status and project.status.state is State.QUARANTINED)


def _requirements(need: Needs) -> Iterator[Requirement]:
    for text in need.requires:
        try:
            requirement = parse_requirement(text)
        except ValueError:
            continue  # inspection reports it, as metadata-invalid
        if requirement.url is None:
            yield requirement


def _is_met(requirement: Requirement, offered: Mapping[str, Project]) -> bool:
    project = offered.get(canonicalize_name(requirement.name))
    if project is None:
        return False
    pinned = _is_pinned(requirement)
    versions = [r.version for r in project.releases if pinned or not all(project.is_yanked(file) for file in r.files)]
    return any(True for _ in requirement.specifier.filter(versions))


def _is_pinned(requirement: Requirement) -> bool:
    return any(s.operator in ("==", "===") and not s.version.endswith(".*") for s in requirement.specifier)


def _may_apply(requirement: Requirement, need: Needs, environments: tuple[Environment, ...]) -> bool:
    if requirement.marker is None:
        return True
    return _is_true_somewhere(str(requirement.marker), need.file.requires_python, environments)


@lru_cache(maxsize=4096)
def _is_true_somewhere(marker: str, requires_python: str, environments: tuple[Environment, ...]) -> bool:
    """Say whether a marker is true, without extras, in one of the environments that the file supports."""
    if re.search("platform_(release|version)", marker):
        return True  # nobody knows these of a client
    parsed, supported = Marker(marker), SpecifierSet(requires_python)
    try:
        return any(parsed.evaluate(e.markers) for e in environments if any(supported.contains(f"{e.python}.{n}") for n in (0, 99)))
    except (UndefinedComparison, UndefinedEnvironmentName):
        return True


def _problem(index: Index, gap: _Missing) -> Problem:
    project, requirement = gap.needs.project, gap.requirement
    everybody = len(gap.audiences) == len(index.configuration.audiences)
    readers = "nobody can get here" if everybody else f"readers of {' and '.join(gap.audiences)} cannot get here"
    written = f"{requirement.name}{requirement.specifier}"
    marker = f" (where {requirement.marker})" if requirement.marker else ""
    message = f"{project.name} {gap.needs.file.name.version} needs {written}{marker}, which {readers}"
    place = gap.needs.file.place if gap.needs.file.place.path else Place(path=project.place.path)
    return Problem(rule="dependency-missing", message=message, place=place, fix=_fix(index, gap.needs, requirement), severity="warning")


def _fix(index: Index, needs: Needs, requirement: Requirement) -> str:
    project, version = needs.project, needs.file.name.version
    known = index.projects.get(canonicalize_name(requirement.name))
    upstream = next(iter(index.configuration.upstreams), "pypi")
    add = f"index-builder add --index {upstream} {shlex.quote(f'{requirement.name}{requirement.specifier}')} --with-dependencies"
    if known is None and project.hosting is Hosting.HOSTED:
        # Advice that is followed without a thought must not fetch a stranger's project under a private name.
        return f"if {requirement.name} is your own, add its wheel with --dist; if not: {add}"
    if known is None:
        whole = shlex.quote(f"{project.name}=={version}")
        return f"index-builder add --index {upstream} {whole} --with-dependencies brings all that it needs"
    if known.status and known.status.state is State.QUARANTINED:
        return f"{known.name} is here, and quarantined: decide whether to release it, or to remove what needs it"
    usable = [r for r in known.releases if not all(known.is_yanked(file) for file in r.files)]
    if not any(True for _ in requirement.specifier.filter([release.version for release in usable])):
        versions = ", ".join(release.written for release in usable[-5:]) or "no release that is not yanked"
        return f"the index has {versions} of {known.name}; add another one" + ("" if known.hosting is Hosting.HOSTED else f": {add}")
    return f"let more readers see {known.name}: {known.place.path} says audiences: [{', '.join(known.audiences)}]"
