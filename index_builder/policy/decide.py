"""Who may do what, and why: grants add up, requirements add up, a deny wins, and what nothing grants is not allowed.

Pure, and nothing of any host is in it: it judges pull requests as it will judge uploads and downloads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal

from index_builder.model.names import NormalizedName, Word
from index_builder.policy.facts import Facts
from index_builder.policy.requirements import Missing, is_reserved, missing, unreserved
from index_builder.policy.rules import ANYONE, OWNERS, PUBLISHERS, Action, Policies, Rule


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, with every reason. `able` are the people to whom some rule grants it; `anyone` where that is everybody.

    `lent_by` is who lent the grant: nothing grants it to the principal, but to somebody who approved it. `granted` are theirs then.
    `automatic` are the rules that want no person to merge it; `attesting` are those that grant it to the manifest's publishers.
    """

    verdict: Verdict
    granted: tuple[Reason, ...]
    lent_by: Word | None
    denied: tuple[Reason, ...]
    missing: tuple[Missing, ...]
    able: tuple[Word, ...]
    automatic: tuple[Word, ...] = ()
    attesting: tuple[Word, ...] = ()

    @property
    def is_final(self) -> bool:
        """Say whether nobody's word helps: it is denied, nobody has or could get a grant, or what is required nobody can give."""
        return self.verdict is Verdict.DENIED or self.is_nobodys or any(missing.is_final for missing in self.missing)

    @property
    def is_nobodys(self) -> bool:
        """Say whether there is nobody to whom anything grants it, and no publisher whose attestation would do."""
        return self.verdict is Verdict.NOT_GRANTED and not self.able and not self.attesting


def decide(policies: Policies, principal: Word | None, action: Action, project: NormalizedName | None, facts: Facts) -> Decision:
    """Decide whether a principal may do something to a project. No principal is somebody whom no policy names.

    No project is what is the same for all of them: only rules that select every project (`"*"`) speak of it.
    """
    rules = sorted(_selecting(policies, action, project, facts), key=lambda rule: rule.id)
    granted, lent_by = _granted(policies, principal, rules, action, facts)
    denied = _reasons(policies, principal, facts, _spoken(rules, "deny", action))
    needed = ((rule, requirement) for rule in rules for requirement in rule.require if action in requirement.actions)
    lacking = [m for rule, requirement in needed for m in missing(policies, principal, rule.id, requirement, facts)]
    if action is Action.CREATE:
        reserved = (reservation for reservation in policies.reserved if is_reserved(reservation, project))
        lacking += [m for reservation in reserved for m in unreserved(policies, principal, reservation, facts)]
    if denied:
        verdict = Verdict.DENIED
    elif not granted:
        verdict = Verdict.NOT_GRANTED
    else:
        verdict = Verdict.WAITING if lacking else Verdict.ALLOWED
    return Decision(
        verdict=verdict, granted=granted, lent_by=lent_by, denied=denied, missing=tuple(sorted(set(lacking))),
        able=able(policies, action, project, facts), automatic=tuple(rule.id for rule in rules if action in rule.merge),
        attesting=tuple(rule.id for rule in rules if action in rule.grant.get(PUBLISHERS, ())),
    )  # fmt: skip


def _granted(
    policies: Policies, principal: Word | None, rules: Sequence[Rule], action: Action, facts: Facts
) -> tuple[tuple[Reason, ...], Word | None]:
    """Return what grants an action to the principal, or to the first who approved it and is not denied it, and that one."""
    own = _reasons(policies, principal, facts, _spoken(rules, "grant", action))
    if own:
        return own, None
    for person in sorted(facts.approved_by):
        lent = _reasons(policies, person, facts, _spoken(rules, "grant", action))
        if lent and not _reasons(policies, person, facts, _spoken(rules, "deny", action)):
            return lent, person
    return (), None


def _spoken(rules: Sequence[Rule], key: Literal["grant", "deny"], action: Action) -> Iterator[tuple[Word, Word]]:
    """Yield each rule with whom it grants or denies an action."""
    return ((rule.id, who) for rule in rules for who, actions in getattr(rule, key).items() if action in actions)


def grants(policies: Policies, action: Action, project: NormalizedName | None, facts: Facts) -> tuple[Reason, ...]:
    """Return every rule that grants an action, and to whom as the rule says it."""
    rules = _selecting(policies, action, project, facts)
    return tuple(sorted(Reason(rule=rule.id, principal=who) for rule in rules for who, actions in rule.grant.items() if action in actions))


def able(policies: Policies, action: Action, project: NormalizedName | None, facts: Facts) -> tuple[Word, ...]:
    """Return the people to whom some rule grants an action, and none denies it; `anyone` where that is everybody."""
    rules = list(_selecting(policies, action, project, facts))
    granted = _named(policies, facts, (who for rule in rules for who, actions in rule.grant.items() if action in actions))
    denied = _named(policies, facts, (who for rule in rules for who, actions in rule.deny.items() if action in actions))
    if ANYONE in denied:
        return ()
    return (ANYONE,) if ANYONE in granted and not denied else tuple(sorted((granted | _everybody(policies, granted)) - denied - {ANYONE}))


def _everybody(policies: Policies, granted: Collection[Word]) -> frozenset[Word]:
    """Return all people that a policy names, where everybody is among those who are granted something."""
    return frozenset(policies.people) if ANYONE in granted else frozenset()


def _selecting(policies: Policies, action: Action, project: NormalizedName | None, facts: Facts) -> Iterator[Rule]:
    """Yield the rules that speak of a project: by its name, or, of downloads, by an audience that sees it."""
    for rule in policies.rules:
        by_name = any(pattern == "*" or (project is not None and fnmatchcase(project, pattern)) for pattern in rule.projects)
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
            found |= {person for owner in facts.owners for person in policies.people_in(owner)}
        else:
            found |= policies.people_in(name)
    return frozenset(found)


def _reasons(policies: Policies, principal: Word | None, facts: Facts, spoken: Iterable[tuple[Word, Word]]) -> tuple[Reason, ...]:
    """Return the rules, of those that speak of somebody, that speak of the principal."""
    found = {Reason(rule=rule, principal=name) for rule, name in spoken if _is_meant(policies, principal, facts, name)}
    return tuple(sorted(found))


def _is_meant(policies: Policies, principal: Word | None, facts: Facts, name: Word) -> bool:
    if name == ANYONE:
        return True
    if name == PUBLISHERS:
        # Whoever proposes it: what counts is who attested all that is new, and that nobody chose an old or early release of theirs.
        return facts.is_published is True and facts.is_bump is True
    if principal is None:
        return False
    if name == OWNERS:
        return any(principal == owner or principal in policies.people_in(owner) for owner in facts.owners)
    return principal == name or principal in policies.people_in(name)
