"""What is missing for a change, and whose word would do: the question that everybody who proposes one asks first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from index_builder.judge.verdict import Judged, Outcome, Ruling
from index_builder.model.names import Word
from index_builder.policy.decide import Verdict
from index_builder.policy.requirements import Remedy

_INSTEAD: Final = {
    Remedy.NOBODY: "nobody is left to give it: let somebody else propose the same",
    Remedy.CHANGE: "no approval brings that: change what is proposed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that is missing, in words, and those who can give it; `until` is when it comes by itself, or ''.

    `instead` is what to do where nobody's word brings it, or ''.
    """

    what: str
    people: tuple[Word, ...] = ()
    until: str = ""
    instead: str = ""

    def __str__(self) -> str:
        """Return it as one sentence."""
        said = f"{self.what}: {' or '.join(self.people)}" if self.people else self.what
        return f"{said} ({self.instead})" if self.instead else said


def verdict_line(judged: Judged) -> str:
    """Return the whole in one line."""
    errors = sum(finding.problem.severity == "error" for finding in judged.findings)
    final = [ruling for ruling in judged.rulings if ruling.decision.is_final]
    denied = [f"policy denies {r.action} {subject(r)}" for r in final if r.decision.denied]
    denied += [f"policy lets nobody {r.action} {subject(r)}" for r in final if r.decision.is_nobodys]
    denied += [f"to {r.action} {subject(r)} takes {lacking}" for r in final if (lacking := _lacking(r))]
    if not judged.rulings and judged.outcome is Outcome.MERGES:
        return "nothing changes: the base has it all"
    if judged.outcome is Outcome.MERGES:
        return f"may be merged as it stands: nothing is missing; {_merger(judged)}"
    if judged.outcome is Outcome.WAITS:
        missing = len(needs(judged))
        if all(need.until for need in needs(judged)):
            until = max(need.until for need in needs(judged))
            return f"nothing is wrong: it may be merged from {until} on, with nobody's word; then {_merger(judged)}"
        return f"nothing is wrong, and {missing} thing{'s are' if missing > 1 else ' is'} missing; then {_merger(judged)}"
    open_ones = sorted({f.problem.rule for f in judged.findings if f.problem.severity == "question" and not f.people})
    denied += [f"policy lets nobody answer {rule}" for rule in open_ones]
    pardon = ", which an administrator may let pass" if not denied and len(pardons(judged)) == errors else ""
    said = [f"{errors} error{'s' if errors > 1 else ''}{pardon}"] * bool(errors) + denied
    return f"refused: {', '.join(said)}"


def _merger(judged: Judged) -> str:
    """Return who merges what may be merged."""
    if not judged.is_automatic:
        return "somebody who may write to the repository merges it"
    return "it merges by itself" + (", once all of it can be looked at" if judged.unchecked else "")


def pardons(judged: Judged) -> tuple[str, ...]:
    """Return, in words, whose word would let which errors pass."""
    found = [f for f in judged.findings if f.problem.severity == "error" and f.people]
    return tuple(f"{f.problem.rule} ({f.problem.place.path}): {' or '.join(f.people)}" for f in found)


def needs(judged: Judged) -> tuple[Need, ...]:
    """Return what is missing, each thing once: grants, what rules require, words on open questions, objections to be withdrawn."""
    return tuple(dict.fromkeys(_needs(judged)))


def _needs(judged: Judged) -> Iterator[Need]:
    for ruling in judged.rulings:
        decision = ruling.decision
        if decision.denied or decision.is_nobodys:
            continue
        if decision.verdict is Verdict.NOT_GRANTED and decision.able:
            yield Need(what=f"an approval of somebody who may {ruling.action} {subject(ruling)}", people=decision.able)
        elif decision.verdict is Verdict.NOT_GRANTED:
            what = "attestations of a publisher that the manifest declares, for what its `source` has now"
            yield Need(what=f"{what}, for the rule {' or '.join(decision.attesting)}")
        for missing in decision.missing:
            what = f"{missing.what}, for the rule {missing.rule}"
            yield Need(what=what, people=missing.people, until=missing.until, instead=_INSTEAD.get(missing.remedy, ""))
    for finding in judged.findings:
        if finding.problem.severity == "question" and finding.people:
            yield Need(what=f"a word on {finding.problem.rule} ({finding.problem.place.path})", people=finding.people)
    yield from (Need(what=f"{person} asks for changes, and has not approved them") for person in judged.asked.objecting)


def _lacking(ruling: Ruling) -> str:
    """Return what a ruling wants that no word brings, in words; '' where it is refused for something else."""
    decision = ruling.decision
    return "" if decision.denied or decision.is_nobodys else " and ".join(missing.what for missing in decision.missing if missing.is_final)


def reasons(ruling: Ruling) -> str:
    """Return why a ruling is as it is, in words."""
    decision = ruling.decision
    if decision.denied:
        return "denied by " + ", ".join(f"{reason.rule} (as {reason.principal})" for reason in decision.denied)
    if not decision.granted:
        return "no rule grants it"
    lent = f", by {decision.lent_by}'s approval" if decision.lent_by else ""
    return "granted by " + ", ".join(f"{reason.rule} (as {reason.principal})" for reason in decision.granted) + lent


def subject(ruling: Ruling) -> str:
    """Return what a ruling is about."""
    return str(ruling.project) if ruling.project else "the index"
