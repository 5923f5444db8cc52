"""All that was found of a change, and what follows: it may be merged, somebody's word is missing, or it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from index_builder.judge.asked import Asked
from index_builder.model.names import NormalizedName, Word
from index_builder.model.problem import Problem
from index_builder.policy.decide import Decision, Verdict, able
from index_builder.policy.facts import Facts
from index_builder.policy.rules import ANYONE, Action, Policies

#: Errors that an administrator may let pass: what is wrong is not what clients rely on.
OVERRIDABLE: Final = frozenset({"uploaded-old", "base-unreadable", "provenance-lost", "provenance-publisher"})


class Outcome(StrEnum):
    """What may be done with a change."""

    MERGES = "may be merged"
    WAITS = "somebody's word is missing"
    REFUSED = "refused"

    @property
    def word(self) -> str:
        """The one word by which programs know it."""
        return {Outcome.MERGES: "merges", Outcome.WAITS: "waits", Outcome.REFUSED: "refused"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the policy says of one action of a change: on a project, or (None) on what is the same for all. `paths` are the files."""

    project: NormalizedName | None
    action: Action
    decision: Decision
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem of a change; `people` could let it pass, where somebody can, and `passed_by` did."""

    problem: Problem
    project: NormalizedName | None = None
    people: tuple[Word, ...] = ()
    passed_by: Word | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A change and what was found of it, in order. `unchecked` says in words what could not be looked at, `effect` what it does."""

    base: str
    head: str
    asked: Asked
    findings: tuple[Finding, ...]
    rulings: tuple[Ruling, ...]
    effect: tuple[str, ...]
    unchecked: tuple[str, ...]
    replayed: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What follows: broken rules and denies refuse, open questions and missing words wait."""
        severities = {finding.problem.severity for finding in self.findings}
        has_open_question = any(finding.problem.severity == "question" and not finding.people for finding in self.findings)
        verdicts = {ruling.decision.verdict for ruling in self.rulings}
        if "error" in severities or has_open_question or any(ruling.decision.is_final for ruling in self.rulings):
            return Outcome.REFUSED
        if "question" in severities or verdicts - {Verdict.ALLOWED} or self.asked.objecting:
            return Outcome.WAITS
        return Outcome.MERGES

    @property
    def is_automatic(self) -> bool:
        """Say whether rules want no person to merge it, once nothing is missing."""
        return bool(self.rulings) and all(ruling.decision.automatic for ruling in self.rulings)

    @property
    def merges_by_itself(self) -> bool:
        """Say whether it may be merged, rules want no person for that, and all of it was looked at.

        Whatever is unchecked keeps it from that, be it a sample's line: what nobody looked at may be what a change is about.
        """
        return self.outcome is Outcome.MERGES and self.is_automatic and not self.unchecked


def weigh(problems: Iterable[tuple[NormalizedName | None, Problem]], policies: Policies, asked: Asked) -> list[Finding]:
    """Return the problems with those who can let each pass; what somebody has let pass is a warning from then on.

    Who administers a project may, by proposing the change or by approving it.
    """
    return [_weighed(project, problem, policies, asked) for project, problem in problems]


def _weighed(project: NormalizedName | None, problem: Problem, policies: Policies, asked: Asked) -> Finding:
    if problem.severity != "question" and problem.rule not in OVERRIDABLE:
        return Finding(problem=problem, project=project)
    people = tuple(name for name in able(policies, Action.ADMINISTER, project, Facts()) if name != ANYONE)
    words = sorted(asked.approved_by | ({asked.actor} if asked.actor else set()))
    passed_by = next((name for name in words if name in people), None)
    if passed_by:
        problem = replace(problem, severity="warning", message=f"{problem.message}; {passed_by} lets it pass")
    return Finding(problem=problem, project=project, people=people, passed_by=passed_by)


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings by place, each once."""
    unique = {(f.problem.place, f.problem.rule, f.problem.message): f for f in findings}
    return tuple(unique[key] for key in sorted(unique))
