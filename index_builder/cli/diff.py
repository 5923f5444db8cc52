"""`diff`: what an index gains and loses between two revisions, in words."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder.cli import options
from index_builder.cli.console import stderr
from index_builder.diff import Difference, compare

_MARKS = {"gains": ("+", "green"), "loses": ("-", "red"), "changes": ("~", "yellow")}


@click.command("diff")
@click.argument("old", metavar="REV")
@click.argument("new", metavar="[REV]", default="")
@options.repo
@options.output_format
def command(old: str, new: str, repo: Path, output_format: str) -> None:
    """Show what an index gains and loses between two revisions; without a second one, up to the working tree.

    \b
    Examples:
      index-builder diff HEAD
      index-builder diff v1.2 main --format json
    """
    before = options.readable(repo, old, worktree=False)
    after = options.readable(repo, new, worktree=not new)
    differences = list(compare(before, after))
    if output_format == "json":
        rows = [{"kind": d.kind, "project": d.project, "what": d.what} for d in differences]
        click.echo(json.dumps(rows, indent=2))
        return
    for difference in differences:
        click.echo(_line(difference))
    if not differences:
        stderr().print("no difference")


def _line(difference: Difference) -> str:
    mark, colour = _MARKS[difference.kind]
    return f"{click.style(mark, fg=colour, bold=True)} {click.style(difference.project, bold=True)}: {difference.what}"
