"""Problems as text with the line shown, JSON, workflow annotations, or SARIF."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

import click

from index_builder import __version__
from index_builder.model.plain import plain
from index_builder.model.problem import Place, Problem
from index_builder.model.rules import RULES, page_of

_COLOURS: Final = {"error": "red", "warning": "yellow", "question": "magenta"}
#: What annotations and SARIF call what neither knows: something to look at, that stops nothing by itself.
_LEVELS: Final = {"error": "error", "warning": "warning", "question": "warning"}

#: From a place to the line that stands there, or None where there is none to show.
Line = Callable[[Place], str | None]


def text(problems: Sequence[Problem], line: Line) -> str:
    """Return the problems as a compiler would show them: rule, place, the line itself, the fix, and the page that says why."""
    return "\n\n".join(_shown(problem, line(problem.place)) for problem in problems)


def _shown(problem: Problem, written: str | None) -> str:
    place = problem.place
    colour = _COLOURS[problem.severity]
    head = click.style(f"{problem.severity}[{problem.rule}]", fg=colour, bold=True)
    shown = [f"{head}: {plain(problem.message)}", f"  --> {plain(place.path)}:{place.line}:{place.column}"]
    if written is not None:
        gutter = " " * len(str(place.line))
        line = plain(written.expandtabs(1))
        start = max(0, place.column - 81)
        cut = line[start : start + 120]
        shown += [
            f" {gutter} |",
            f" {place.line} | {cut}",
            f" {gutter} | {' ' * (place.column - 1 - start)}{click.style('^', fg=colour, bold=True)}",
        ]
    if problem.fix:
        shown.append(f"  {click.style('fix', fg='cyan', bold=True)}: {plain(problem.fix)}")
    shown.append(f"  {click.style('why', fg='cyan', bold=True)}: {page_of(problem.rule)}")
    return "\n".join(shown)


def to_json(problems: Sequence[Problem]) -> list[dict[str, object]]:
    """Return the problems as JSON values."""
    return [
        {
            "rule": p.rule, "severity": p.severity, "message": p.message, "fix": p.fix,
            "path": p.place.path, "line": p.place.line, "column": p.place.column, "url": page_of(p.rule),
        }
        for p in problems
    ]  # fmt: skip


def github(problems: Sequence[Problem]) -> str:
    """Return workflow commands, which GitHub shows as annotations at their lines."""
    return "\n".join(
        f"::{_LEVELS[p.severity]} file={_property(p.place.path)},line={p.place.line},col={p.place.column},title={_property(p.rule)}::"
        + escaped(plain(p.message) + (f"\nfix: {plain(p.fix)}" if p.fix else "") + f"\nwhy: {page_of(p.rule)}")
        for p in problems
    )


def escaped(message: str) -> str:
    """Return a message as a workflow command holds it."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return escaped(value).replace(":", "%3A").replace(",", "%2C")


def sarif(problems: Sequence[Problem]) -> str:
    """Return a SARIF 2.1.0 log."""
    used = sorted({problem.rule for problem in problems})
    rules = [
        {
            "id": rule,
            "shortDescription": {"text": RULES[rule].demands},
            "fullDescription": {"text": RULES[rule].why},
            "helpUri": page_of(rule),
            "help": {"text": RULES[rule].how, "markdown": RULES[rule].how},
        }
        for rule in used
    ]
    results = [
        {
            "ruleId": p.rule,
            "ruleIndex": used.index(p.rule),
            "level": _LEVELS[p.severity],
            "message": {"text": p.message + (f"\nfix: {p.fix}" if p.fix else "")},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": p.place.path},
                        "region": {"startLine": p.place.line, "startColumn": p.place.column},
                    }
                }
            ],
        }
        for p in problems
    ]
    driver = {"name": "index-builder", "version": __version__, "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=2)
