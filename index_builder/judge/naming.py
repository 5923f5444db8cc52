"""A new project's name: what it may be taken for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import cache
from importlib.resources import files
from typing import Final

from rapidfuzz.distance import DamerauLevenshtein
from rapidfuzz.process import extract

from index_builder.judge.change import ProjectChange
from index_builder.model.names import NormalizedName
from index_builder.model.problem import Problem
from index_builder.model.project import IndexOrigin, Project
from index_builder.policy.rules import Naming

#: Characters that many fonts show alike, and separators that nobody remembers (as PyPI's ultranormalize_name does).
_ALIKE: Final = str.maketrans({"0": "o", "1": "i", "l": "i", "-": None})
#: Pairs that look like one character in most fonts; `c1` is `cl` to readers.
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("c1", "d"))


def look_alikes(change: ProjectChange, others: Iterable[str], naming: Naming) -> Iterator[Problem]:
    """Yield what a new name may be taken for; `others` are the normalized names of this index, as it was before."""
    project = change.after
    if project is None or change.before is not None:
        return
    name = change.name
    if name in _bundled("stdlib.txt"):
        message = f"{name} is a module of the standard library: who asks for it here expects that"
        yield _question("name-stdlib", message, project)
    here = set(others) - {name}
    known = (_bundled("popular.txt") | set(naming.known)) - here - {name}
    for where, names in (("of this index", here), ("that many people know", known)):
        if near := _near(name, names, naming):
            listed = ", ".join(near[:3]) + (f" and {len(near) - 3} more" if len(near) > 3 else "")  # noqa: PLR2004 - enough to see it
            yield _question("name-similar", f"{name} is easily taken for {listed}, {where}", project)


def _near(name: NormalizedName, names: AbstractSet[str], naming: Naming) -> list[str]:
    shown, starts = _seen(name), _starts(name)
    alike = {other for other in names if other[0] in starts and _seen(other) == shown}
    if naming.distance and len(name) >= naming.min_length:
        found = extract(name, names, scorer=DamerauLevenshtein.distance, score_cutoff=naming.distance, limit=None)
        alike |= {other for other, _, _ in found if len(other) >= naming.min_length}
    return sorted(alike)


def _seen(name: str) -> str:
    """Return a name as a hasty reader sees it: the same for all that look alike."""
    for pair, one in _PAIRS:
        name = name.replace(pair, one)
    return name.translate(_ALIKE)


def _starts(name: str) -> frozenset[str]:
    """Return the characters with which a name begins that looks like this one: most names need no other look."""
    first = _seen(name)[:1]
    pairs = {pair[0] for pair, one in _PAIRS if one == first}
    return frozenset(pairs | {first} | {chr(code) for code, one in _ALIKE.items() if one == first})


def confusion(change: ProjectChange, upstream: str) -> Iterator[Problem]:
    """Yield a problem where an upstream index has a project of a new name, and ours is another one.

    Who installs with both indexes could get either (dependency confusion).
    """
    project = change.after
    if project is None or change.before is not None or _is_from(project, upstream, change.name):
        return
    message = f"the upstream index '{upstream}' has a project {change.name} too: who uses both indexes may get either"
    yield _question("name-upstream", message, project)


def newcomers(change: ProjectChange) -> Iterator[Problem]:
    """Yield the files that a project is to take from an upstream index from which it has none: who is called so there may be another."""
    before = change.before
    if before is None:
        return
    known = {file.origin for file in before.files if isinstance(file.origin, IndexOrigin)}
    for file in change.new_files():
        if isinstance(file.origin, IndexOrigin) and file.origin not in known:
            where = f"the project {file.origin.project} of the upstream index '{file.origin.index}'"
            message = f"{file.name.text} comes from {where}, from which {before.name} has no file: it may be another one"
            fix = "release your own, or let somebody who administers the index say that the two are one project"
            yield Problem(rule="name-upstream", message=message, place=file.place, fix=fix, severity="question")


def _is_from(project: Project, upstream: str, name: str) -> bool:
    return bool(project.files) and all(
        isinstance(file.origin, IndexOrigin) and file.origin.index == upstream and file.origin.project == name for file in project.files
    )


def _question(rule: str, message: str, project: Project) -> Problem:
    fix = "choose another name, or let somebody who administers the index say that it is meant so"
    return Problem(rule=rule, message=message, place=project.place, fix=fix, severity="question")


@cache
def _bundled(name: str) -> frozenset[str]:
    """Return the names in a list that comes with the builder: the same on every machine and Python."""
    return frozenset(files("index_builder.judge").joinpath(name).read_text("utf-8").split())
