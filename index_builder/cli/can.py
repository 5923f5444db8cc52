"""`can`: may somebody do something, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from index_builder.cli import options, rights
from index_builder.cli.console import escape, stdout
from index_builder.errors import HumanNeededError, PolicyError
from index_builder.policy.decide import Decision, Verdict, decide
from index_builder.policy.rules import Action

_SAID: Final = {
    Verdict.ALLOWED: "[bold green]yes[/]: {who} may {action} {project}",
    Verdict.WAITING: "[bold yellow]not yet[/]: {who} may {action} {project} as soon as nothing is missing",
    Verdict.NOT_GRANTED: "[bold yellow]not alone[/]: nothing grants {who} to {action} {project}",
    Verdict.DENIED: "[bold red]no[/]: {who} must not {action} {project}, and nobody's word helps",
}
_NOBODY: Final = "[bold red]no[/]: nothing grants anybody to {action} {project}"
_UNMET: Final = "[bold red]no[/]: to {action} {project} takes what no approval of anybody brings"


@click.command("can")
@click.argument("who", metavar="WHO")
@click.argument("action", type=click.Choice([action.value for action in Action]))
@click.argument("project", required=False)
@click.option("--approved-by", "approvals", multiple=True, metavar="WHO", help="Somebody who has approved it; may be repeated.")
@options.reading_options
@options.output_format
def command(
    who: str, action: str, project: str | None, approvals: tuple[str, ...], repo: Path, commit: str, worktree: bool, output_format: str
) -> None:
    """Say whether somebody may do something to a project, by which rules, and what is missing.

    WHO is a person or group of policies.d/, a GitHub login, or `anyone`, who stands for everybody whom no policy names.
    Exit codes: 0 yes, 10 with somebody else's word, 1 no.

    \b
    Examples:
      index-builder can alice release acme-utils
      index-builder can alice administer
      index-builder can anyone create acme-new --format json
      index-builder can alice transfer acme-utils --approved-by bob
    """
    _, tree = options.source(repo, commit, worktree=worktree)
    with options.problems_shown(tree, "text"):
        question = rights.ask(tree, Action(action), project)
    principal = rights.principal(who, question.policies)
    approved_by = frozenset(name for text in approvals if (name := rights.principal(text, question.policies)))
    facts = replace(question.facts, approved_by=approved_by)
    decision = decide(question.policies, principal, question.action, question.project, facts)
    if output_format == "json":
        click.echo(json.dumps(_json(who, question, decision), indent=2))
    else:
        _show(who, question, decision)
    if decision.is_final:
        raise PolicyError
    if decision.verdict is not Verdict.ALLOWED:
        raise HumanNeededError


def _json(who: str, question: rights.Question, decision: Decision) -> dict[str, object]:
    return {
        "who": who, "action": question.action.value, "project": question.project, "verdict": decision.verdict.value,
        "granted": [{"rule": reason.rule, "as": reason.principal} for reason in decision.granted], "lent_by": decision.lent_by,
        "denied": [{"rule": reason.rule, "as": reason.principal} for reason in decision.denied],
        "missing": [{"rule": missing.rule, "what": missing.what, "people": list(missing.people)} for missing in decision.missing],
        "able": list(decision.able),
    }  # fmt: skip


def _show(who: str, question: rights.Question, decision: Decision) -> None:
    console = stdout()
    is_unmet = decision.is_final and not decision.denied
    said = _NOBODY if decision.is_nobodys else _UNMET if is_unmet else _SAID[decision.verdict]
    console.print(said.format(who=escape(who), action=question.action.value, project=question.project or "the index"))
    for kind, reasons in (("granted", decision.granted), ("denied", decision.denied)):
        for reason in reasons:
            lent = f", by {decision.lent_by}'s word" if kind == "granted" and decision.lent_by else ""
            console.print(f"  {kind} by the rule {reason.rule}, as {reason.principal}{lent}")
    for missing in decision.missing:
        people = f": {', '.join(missing.people)}" if missing.people else ""
        console.print(f"  missing for the rule {missing.rule}: {escape(missing.what + people)}")
    if not decision.granted and not decision.denied:
        able = [*decision.able, *(["publishers, by an attestation"] if decision.attesting else [])]
        console.print(f"  who may: {', '.join(able) or 'nobody'}")
