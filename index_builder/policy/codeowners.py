"""A CODEOWNERS file from the policies: GitHub asks the right people for a review by it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from index_builder.model.names import Word
from index_builder.model.project import Project
from index_builder.policy.decide import able
from index_builder.policy.facts import Facts
from index_builder.policy.rules import ANYONE, OWNERS, PUBLISHERS, Action, Policies

HEADER: Final = "# Written by `index-builder policy codeowners`, from policies.d/ and the owners of packages.d/: edits are lost.\n"
#: Anything else in a path would be another pattern, another owner or another line; `check` refuses such paths.
_PLAIN: Final = re.compile(r"[A-Za-z0-9._+/-]+")
#: Where GitHub looks for the file.
PATH: Final = ".github/CODEOWNERS"
#: Whoever may do one of these to a project is asked about a change of its manifest.
_ASKED: Final = (Action.RELEASE, Action.EDIT)


def codeowners(policies: Policies, projects: Mapping[str, Project]) -> str:
    """Return the file. The last line that matches a path counts, so it goes from everything to one manifest."""
    administrators = _administrators(policies)
    lines = [HEADER.rstrip(), *([f"* {administrators}"] if administrators else [])]
    lines += [f"/packages.d/**/{pattern}.yaml {people}" for pattern, people in _patterns(policies)]
    lines += lines_of(policies, [project for _, project in sorted(projects.items())])
    return "\n".join(lines) + "\n"


def lines_of(policies: Policies, projects: Iterable[Project]) -> Iterator[str]:
    """Yield the lines of manifests, of those that have one: where the lines for patterns do not say the same already."""
    administrators, patterns = _administrators(policies), _patterns(policies)
    for project in projects:
        facts = Facts(owners=project.owners, audiences=project.audiences)
        people = _logins(policies, {person for action in _ASKED for person in able(policies, action, project.normalized, facts)})
        said = next((owners for pattern, owners in reversed(patterns) if fnmatchcase(project.normalized, pattern)), administrators)
        if people and people != said and _PLAIN.fullmatch(project.place.path):
            yield f"/{project.place.path} {people}"


def _administrators(policies: Policies) -> str:
    return _logins(policies, able(policies, Action.ADMINISTER, None, Facts()))


def _patterns(policies: Policies) -> list[tuple[str, str]]:
    patterns = _by_width({pattern for rule in policies.rules for pattern in rule.projects})
    return [(pattern, people) for pattern in patterns if (people := _logins(policies, _asked_of(policies, pattern)))]


def _asked_of(policies: Policies, pattern: str) -> set[Word]:
    """Return the people whom the rules for a pattern name themselves; owners are known only of a manifest."""
    rules = (rule for rule in policies.rules if pattern in rule.projects)
    names = {name for rule in rules for name, actions in rule.grant.items() if not set(actions).isdisjoint(_ASKED)}
    return {person for name in names - {OWNERS, PUBLISHERS, ANYONE} for person in policies.people_in(name)}


def _by_width(patterns: Iterable[str]) -> list[str]:
    """Return patterns, those that match more first: what has the fewest letters of its own."""
    return sorted(patterns, key=lambda pattern: (len(pattern.replace("*", "")), pattern))


def _logins(policies: Policies, people: Iterable[Word]) -> str:
    logins = {policies.people[person].github_login for person in people if person in policies.people}
    return " ".join(f"@{login}" for login in sorted(logins, key=str.casefold))
