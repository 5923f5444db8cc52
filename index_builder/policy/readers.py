"""Who may read an audience's tree, as the policies grant `download`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from index_builder.model.names import Word
from index_builder.policy.decide import Verdict, able, decide
from index_builder.policy.facts import Facts
from index_builder.policy.rules import ANYONE, Action, Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """`is_open`: everybody, without saying who they are. Otherwise `people` are those who may, which can be nobody."""

    is_open: bool
    people: tuple[Word, ...] = ()


def readers_of(policies: Policies, audience: Word) -> Readers:
    """Return who may read the tree of an audience.

    A host that only serves files cannot tell who somebody is that does not say it: where a rule denies download to one person,
    all others must say who they are too.
    """
    facts = Facts(audiences=(audience,))
    if able(policies, Action.DOWNLOAD, None, facts) == (ANYONE,) and _may(policies, None, facts):
        return Readers(is_open=True)
    return Readers(is_open=False, people=tuple(name for name in sorted(policies.people) if _may(policies, name, facts)))


def _may(policies: Policies, person: Word | None, facts: Facts) -> bool:
    return decide(policies, person, Action.DOWNLOAD, None, facts).verdict is Verdict.ALLOWED


def beyond_hosts(policies: Policies) -> Iterator[Word]:
    """Yield the rules that keep some projects from somebody who may read the rest of a tree: no host of files can do that."""
    for rule in policies.rules:
        by_name = any(pattern != "*" for pattern in rule.projects)
        if by_name and "*" not in rule.projects and any(Action.DOWNLOAD in actions for actions in rule.deny.values()):
            yield rule.id
