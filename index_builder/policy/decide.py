"""Who may do what, and why: grants add up, requirements add up, a deny wins, and what nothing grants is not allowed.

Pure, and nothing of any host is in it: it judges pull requests as it will judge uploads and downloads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from index_builder.model.names import NormalizedName, Word
from index_builder.policy.rules import ANYONE, OWNERS, Action, Policies, Requirement, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a project and of what is about to be done, beside its name.

    `owners` and `audiences` are those of the manifest as it was before; `approved_by` are people. `origins` say where the bytes
    come from (`github:owner/repository`, `index:name`, `url:https://…`, `stored`); `is_published` says whether a declared
    publisher attested all files. None is not known yet.
    """

    owners: tuple[Word, ...] = ()
    audiences: tuple[Word, ...] = ()
    approved_by: frozenset[Word] = frozenset()
    origins: tuple[str, ...] | None = None
    is_published: bool | None = None


class Verdict(StrEnum):
    """`allowed`: may be done. `denied`: nobody's word helps. `not granted`, `waiting`: somebody else's word would do."""

    ALLOWED = "allowed"
    WAITING = "waiting"
    NOT_GRANTED = "not granted"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reason:
    """A rule that speaks of the principal, and as what: by name, as one of a group, as an owner, or as anyone."""

    rule: Word
    principal: Word


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Missing:
    """What a rule requires and is not there yet, in words, and the people who could give it."""

    rule: Word
    what: str
    people: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, with every reason. `able` are the people to whom some rule grants it; `anyone` where that is everybody."""

    verdict: Verdict
    granted: tuple[Reason, ...]
    denied: tuple[Reason, ...]
    missing: tuple[Missing, ...]
    able: tuple[Word, ...]


def decide(policies: Policies, principal: Word | None, action: Action, project: NormalizedName, facts: Facts) -> Decision:
    """Decide whether a principal may do something to a project. None is somebody whom no policy names."""
    rules = sorted(_selecting(policies, action, project, facts), key=lambda rule: rule.id)
    granted = _reasons(
        policies, principal, facts, ((rule.id, who) for rule in rules for who, actions in rule.grant.items() if action in actions)
    )
    denied = _reasons(
        policies, principal, facts, ((rule.id, who) for rule in rules for who, actions in rule.deny.items() if action in actions)
    )
    needed = ((rule, requirement) for rule in rules for requirement in rule.require if action in requirement.actions)
    missing = tuple(sorted(m for rule, requirement in needed for m in _missing(policies, principal, rule, requirement, facts)))
    if denied:
        verdict = Verdict.DENIED
    elif not granted:
        verdict = Verdict.NOT_GRANTED
    else:
        verdict = Verdict.WAITING if missing else Verdict.ALLOWED
    return Decision(verdict=verdict, granted=granted, denied=denied, missing=missing, able=able(policies, action, project, facts))


def grants(policies: Policies, action: Action, project: NormalizedName, facts: Facts) -> tuple[Reason, ...]:
    """Return every rule that grants an action, and to whom as the rule says it."""
    rules = _selecting(policies, action, project, facts)
    return tuple(sorted(Reason(rule=rule.id, principal=who) for rule in rules for who, actions in rule.grant.items() if action in actions))


def able(policies: Policies, action: Action, project: NormalizedName, facts: Facts) -> tuple[Word, ...]:
    """Return the people to whom some rule grants an action, and none denies it; `anyone` where that is everybody."""
    rules = list(_selecting(policies, action, project, facts))
    granted = _named(policies, facts, (who for rule in rules for who, actions in rule.grant.items() if action in actions))
    denied = _named(policies, facts, (who for rule in rules for who, actions in rule.deny.items() if action in actions))
    if ANYONE in denied:
        return ()
    return (ANYONE,) if ANYONE in granted and not denied else tuple(sorted((granted | _everybody(policies, granted)) - denied - {ANYONE}))


def people_in(policies: Policies, name: Word) -> frozenset[Word]:
    """Return the people that a name stands for: itself, or the members of a group and of the groups in it."""
    found: set[Word] = set()
    waiting, seen = [name], set[Word]()
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        if here in policies.people:
            found.add(here)
        elif here in policies.groups:
            waiting += policies.groups[here].members
    return frozenset(found)


def _everybody(policies: Policies, granted: Collection[Word]) -> frozenset[Word]:
    """Return all people that a policy names, where everybody is among those who are granted something."""
    return frozenset(policies.people) if ANYONE in granted else frozenset()


def _selecting(policies: Policies, action: Action, project: NormalizedName, facts: Facts) -> Iterator[Rule]:
    """Yield the rules that speak of a project: by its name, or, of downloads, by an audience that sees it."""
    for rule in policies.rules:
        by_name = any(fnmatchcase(project, pattern) for pattern in rule.projects)
        by_audience = action is Action.DOWNLOAD and not set(rule.audiences).isdisjoint(facts.audiences)
        if by_name or by_audience:
            yield rule


def _named(policies: Policies, facts: Facts, names: Iterable[Word]) -> frozenset[Word]:
    """Return the people whom names of rules stand for, and `anyone` where it is among them."""
    found: set[Word] = set()
    for name in names:
        if name == ANYONE:
            found.add(ANYONE)
        elif name == OWNERS:
            found |= {person for owner in facts.owners for person in people_in(policies, owner)}
        else:
            found |= people_in(policies, name)
    return frozenset(found)


def _reasons(policies: Policies, principal: Word | None, facts: Facts, spoken: Iterable[tuple[Word, Word]]) -> tuple[Reason, ...]:
    """Return the rules, of those that speak of somebody, that speak of the principal."""
    found = {Reason(rule=rule, principal=name) for rule, name in spoken if _is_meant(policies, principal, facts, name)}
    return tuple(sorted(found))


def _is_meant(policies: Policies, principal: Word | None, facts: Facts, name: Word) -> bool:
    if name == ANYONE:
        return True
    if principal is None:
        return False
    if name == OWNERS:
        return any(principal == owner or principal in people_in(policies, owner) for owner in facts.owners)
    return principal == name or principal in people_in(policies, name)


def _missing(policies: Policies, principal: Word | None, rule: Rule, requirement: Requirement, facts: Facts) -> Iterator[Missing]:
    """Yield what a requirement wants and does not have. Nobody approves what they do themselves."""
    if requirement.approvals:
        group = people_in(policies, requirement.approvals.group)
        others = group - {principal} if principal else group
        given = others & facts.approved_by
        left = requirement.approvals.count - len(given)
        if left > 0:
            what = f"{left} more approval{'s' if left > 1 else ''} of {requirement.approvals.group}"
            yield Missing(rule=rule.id, what=what, people=tuple(sorted(others - given)))
    if requirement.origins:
        patterns = " or ".join(requirement.origins)
        if not facts.origins:
            yield Missing(rule=rule.id, what=f"files from {patterns}")
        for origin in facts.origins or ():
            if not any(fnmatchcase(origin, pattern) for pattern in requirement.origins):
                yield Missing(rule=rule.id, what=f"files from {patterns}, not from {origin}")
    if requirement.publisher and not facts.is_published:
        yield Missing(rule=rule.id, what="attestations of a publisher that the manifest declares")
