"""Whether what a policy grants can be done at all: a grant whose requirements nobody can meet is none."""

from __future__ import annotations

from dataclasses import replace

from index_builder.model.names import NormalizedName, Word
from index_builder.policy.decide import Decision, Verdict, able, decide
from index_builder.policy.facts import Facts
from index_builder.policy.requirements import Remedy
from index_builder.policy.rules import Action, Policies

#: What a project's next release, or another edit of it, may bring; a change of the index itself has no files.
_TO_COME = (Remedy.ATTESTATION, Remedy.CHANGE, Remedy.LOOK)


def in_reach(policies: Policies, action: Action, project: NormalizedName | None, facts: Facts) -> tuple[Word, ...]:
    """Return the people to whom some rule grants an action that can be done: somebody proposes it, and all others approve.

    Nobody approves what they propose, so who proposes it may matter: one of them, or somebody whom no policy names.
    """
    people = able(policies, action, project, facts)
    return people if people and any(_is_reached(policies, who, action, project, facts) for who in (None, *policies.people)) else ()


def _is_reached(policies: Policies, who: Word | None, action: Action, project: NormalizedName | None, facts: Facts) -> bool:
    decision = _decided(policies, who, action, project, facts)
    awaited = (Remedy.TIME, *(_TO_COME if project else ()))
    return decision.verdict in (Verdict.ALLOWED, Verdict.WAITING) and all(m.remedy in awaited for m in decision.missing)


def out_of_reach(policies: Policies, action: Action, project: NormalizedName | None, facts: Facts) -> str:
    """Return, in words, what keeps everybody together from an action, where something grants it; '' where nothing does."""
    lacking = _decided(policies, None, action, project, facts).missing
    return " and ".join(f"{missing.what}, for the rule {missing.rule}" for missing in lacking if missing.remedy is not Remedy.TIME)


def _decided(policies: Policies, who: Word | None, action: Action, project: NormalizedName | None, facts: Facts) -> Decision:
    everybody = frozenset(policies.people) - {who}
    return decide(policies, who, action, project, replace(facts, approved_by=everybody))
