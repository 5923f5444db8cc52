"""`rule`: what a rule demands, why, and what to do."""

from __future__ import annotations

import json
from difflib import get_close_matches

import click

from index_builder.cli import options
from index_builder.errors import UsageError
from index_builder.model.rules import RULES


def _rules(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in RULES if name.startswith(incomplete)]


@click.command("rule")
@click.argument("name", required=False, shell_complete=_rules)
@options.output_format
def command(name: str | None, output_format: str) -> None:
    """Explain a rule that a finding names: what it demands, why it exists, and what to do. Without a name, list all rules.

    \b
    Examples:
      index-builder rule
      index-builder rule file-immutable
      index-builder rule --format json
    """
    if name is not None and name not in RULES:
        near = get_close_matches(name, RULES, n=1)
        msg = f"there is no rule '{name}'"
        raise UsageError(msg, fix=f"did you mean '{near[0]}'?" if near else "index-builder rule lists them")
    if output_format == "json":
        chosen = [name] if name else list(RULES)
        click.echo(json.dumps([{"rule": rule, **RULES[rule]._asdict()} for rule in chosen], indent=2))
    elif name is None:
        width = max(map(len, RULES))
        click.echo("\n".join(f"{click.style(rule.ljust(width), bold=True)}  {text.demands}" for rule, text in RULES.items()))
    else:
        rule = RULES[name]
        click.echo(f"{click.style(name, bold=True)}: {rule.demands}\n")
        click.echo(f"  {click.style('why', fg='cyan', bold=True)}: {rule.why}\n  {click.style('fix', fg='cyan', bold=True)}: {rule.how}")
