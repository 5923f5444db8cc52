"""A judged change as text, JSON or markdown."""

from __future__ import annotations

from collections.abc import Iterator

import click

from index_builder.cli import formats
from index_builder.judge.explain import needs, pardons, reasons, subject, verdict_line
from index_builder.judge.markdown import advice, code, escaped
from index_builder.judge.verdict import Finding, Judged, Outcome, Ruling
from index_builder.model.plain import plain
from index_builder.model.rules import RULES, page_of

_COLOURS = {Outcome.MERGES: "green", Outcome.WAITS: "yellow", Outcome.REFUSED: "red"}
_MARKS = {Outcome.MERGES: "✅", Outcome.WAITS: "⏳", Outcome.REFUSED: "❌"}


def text(judged: Judged) -> str:
    """Return the report as a terminal shows it; the findings are told elsewhere, with their lines."""
    return "\n".join(_text(judged))


def _text(judged: Judged) -> Iterator[str]:
    head = judged.head[:12] or "the working tree"
    yield f"{head} into {judged.base[:12]}, proposed by {plain(judged.asked.shown)}"
    for title, lines in _parts(judged):
        yield f"\n{click.style(title, bold=True)}"
        yield from (f"  {plain(line)}" for line in lines)
    yield ""
    yield click.style(verdict_line(judged), fg=_COLOURS[judged.outcome], bold=True)


def _parts(judged: Judged) -> Iterator[tuple[str, list[str]]]:
    """Yield the parts that have something to say."""
    rulings = [f"{r.action} {subject(r)}: {r.decision.verdict.value}, {reasons(r)}{_paths(r)}" for r in judged.rulings]
    parts = {
        "What it does to the index": list(judged.effect),
        "What the policies of the base say": rulings,
        "Past merges that the new policies would decide otherwise": list(judged.replayed),
        "Approvals of earlier commits, which do not count": [str(person) for person in judged.asked.stale],
        "Not looked at": list(judged.unchecked),
        "What is missing": [str(need) for need in needs(judged)],
        "Errors that somebody's approval lets pass": list(dict.fromkeys(pardons(judged))),
    }
    yield from ((title, lines) for title, lines in parts.items() if lines)


def _paths(ruling: Ruling) -> str:
    """Return the files of a ruling on the index itself: which of them makes it necessary, its name does not say."""
    if ruling.project:
        return ""
    more = f" and {len(ruling.paths) - 5} more" if len(ruling.paths) > 5 else ""  # noqa: PLR2004 - enough to see it
    return f" ({', '.join(ruling.paths[:5])}{more})"


def to_json(judged: Judged) -> dict[str, object]:
    """Return the report as JSON values."""
    return {
        "verdict": judged.outcome.word, "says": verdict_line(judged), "merges_by_itself": judged.merges_by_itself,
        "base": judged.base, "head": judged.head, "actor": judged.asked.actor, "approved_by": sorted(judged.asked.approved_by),
        "problems": [
            {**formats.to_json([f.problem])[0], "project": f.project, "people": list(f.people), "passed_by": f.passed_by}
            for f in judged.findings
        ],
        "decisions": [
            {
                "project": r.project, "action": r.action.value, "verdict": r.decision.verdict.value, "paths": list(r.paths),
                "granted": [{"rule": reason.rule, "as": reason.principal} for reason in r.decision.granted],
                "denied": [{"rule": reason.rule, "as": reason.principal} for reason in r.decision.denied],
                "missing": [{"rule": m.rule, "what": m.what, "people": list(m.people)} for m in r.decision.missing],
                "lent_by": r.decision.lent_by, "able": list(r.decision.able),
            }
            for r in judged.rulings
        ],
        "missing": [
            {"what": need.what, "people": list(need.people), "until": need.until or None, "instead": need.instead} for need in needs(judged)
        ],
        "effect": list(judged.effect), "unchecked": list(judged.unchecked), "replayed": list(judged.replayed),
        "stale_approvals": list(judged.asked.stale), "objecting": list(judged.asked.objecting),
    }  # fmt: skip


def github(judged: Judged) -> str:
    """Return the verdict, and what is missing, as one annotation: those of findings have their lines, and this has none."""
    lines = [verdict_line(judged), *(f"missing: {need}" for need in needs(judged))]
    return "::notice title=verdict::" + formats.escaped("\n".join(map(plain, lines)))


def markdown(judged: Judged, again: str) -> str:
    """Return the report as a comment of a pull request shows it; `again` is the command that makes it once more.

    What comes from the change cannot format, link or mention.
    """
    return "\n".join(_markdown(judged, again)) + "\n"


def _markdown(judged: Judged, again: str) -> Iterator[str]:
    yield f"## {_MARKS[judged.outcome]} {escaped(verdict_line(judged))}"
    if judged.findings:
        yield "\n### Findings\n"
        for finding in judged.findings:
            yield from _finding(finding)
    for title, lines in _parts(judged):
        yield f"\n### {title}\n"
        yield from (f"- {escaped(line)}" for line in lines)
    base, head = judged.base[:12], judged.head[:12] or "the working tree"
    yield (
        f"\n<sub>{escaped(head)}, proposed by {escaped(judged.asked.shown)}, judged against {escaped(base)}; "
        f"the same on your machine: {code(again)}</sub>"
    )


def _finding(finding: Finding) -> Iterator[str]:
    problem = finding.problem
    place = code(f"{problem.place.path}:{problem.place.line}")
    yield f"- **{problem.severity}** [`{problem.rule}`]({page_of(problem.rule)}) at {place}: {escaped(problem.message)}"
    if problem.fix:
        yield f"  - fix: {advice(problem.fix)}"
    yield f"  - why: {RULES[problem.rule].why}"
