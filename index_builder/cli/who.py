"""`who`: everybody who may do something, and by which rule."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from index_builder.cli import options, rights
from index_builder.cli.console import escape, stdout
from index_builder.model.names import Word
from index_builder.policy.decide import Decision, able, decide, grants
from index_builder.policy.rules import ANYONE, PUBLISHERS, Action


@click.command("who")
@click.argument("action", type=click.Choice([action.value for action in Action]))
@click.argument("project", required=False)
@options.reading_options
@options.output_format
def command(action: str, project: str | None, repo: Path, commit: str, worktree: bool, output_format: str) -> None:
    """Say who may do something to a project, by which rules, and what else these require.

    \b
    Examples:
      index-builder who release acme-utils
      index-builder who create acme-new --format json
      index-builder who administer --commit v1.2
    """
    _, tree = options.source(repo, commit, worktree=worktree)
    with options.problems_shown(tree, "text"):
        question = rights.ask(tree, Action(action), project)
    policies, facts = question.policies, question.facts
    decisions = {
        name: decide(policies, None if name == ANYONE else name, question.action, question.project, facts)
        for name in able(policies, question.action, question.project, facts)
    }
    attested = decide(policies, None, question.action, question.project, replace(facts, is_published=True, is_bump=True))
    if attested.attesting:
        granted = tuple(reason for reason in attested.granted if reason.principal == PUBLISHERS)
        decisions[PUBLISHERS] = replace(attested, granted=granted)
    if output_format == "json":
        value = {
            "action": action,
            "project": question.project,
            "owners": list(facts.owners),
            "who": [_json(n, d) for n, d in decisions.items()],
        }
        click.echo(json.dumps(value, indent=2))
        return
    console = stdout()
    if not decisions:
        console.print(f"nobody may {action} {question.project or 'the index'}")
        for grant in grants(policies, question.action, question.project, facts):
            console.print(f"  the rule {grant.rule} grants it to {grant.principal}: nobody is that, or all are denied it")
    for name, decision in decisions.items():
        rules = ", ".join(f"{reason.rule} as {reason.principal}" for reason in decision.granted)
        how = ", with an attestation of a publisher that the manifest declares" if name == PUBLISHERS else ""
        console.print(f"[bold]{name}[/]: by {rules}{how}")
        for missing in decision.missing:
            people = f": {', '.join(missing.people)}" if missing.people else ""
            console.print(f"  with {escape(missing.what + people)}, for the rule {missing.rule}")


def _json(name: Word, decision: Decision) -> dict[str, object]:
    return {
        "name": name,
        "granted": [{"rule": reason.rule, "as": reason.principal} for reason in decision.granted],
        "missing": [{"rule": missing.rule, "what": missing.what, "people": list(missing.people)} for missing in decision.missing],
    }
