"""A CODEOWNERS file from the policies: GitHub asks the right people for a review by it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
    """Return the file. The last line that matches a path counts, so it goes from everything to one manifest.

    A manifest has a line of its own only where the lines for patterns do not say the same already.
    """
    lines = [HEADER.rstrip()]
    administrators = _logins(policies, able(policies, Action.ADMINISTER, None, Facts()))
    if administrators:
        lines.append(f"* {administrators}")
    patterns: list[tuple[str, str]] = []
    for pattern in _by_width({pattern for rule in policies.rules for pattern in rule.projects}):
        people = _logins(policies, _asked_of(policies, pattern))
        if people:
            patterns.append((pattern, people))
            lines.append(f"/packages.d/**/{pattern}.yaml {people}")
    for name, project in sorted(projects.items()):
        facts = Facts(owners=project.owners, audiences=project.audiences)
        people = _logins(policies, {person for action in _ASKED for person in able(policies, action, project.normalized, facts)})
        said = next((owners for pattern, owners in reversed(patterns) if fnmatchcase(name, pattern)), administrators)
        if people and people != said and _PLAIN.fullmatch(project.place.path):
            lines.append(f"/{project.place.path} {people}")
    return "\n".join(lines) + "\n"


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
