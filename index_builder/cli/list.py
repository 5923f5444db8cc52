"""`list`: every project of an index, a line each."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder.cli import describe, options
from index_builder.cli.console import count, stderr, stdout


@click.command("list")
@options.reading_options
@click.option("--audience", metavar="NAME", help="Only what this audience sees.")
@options.output_format
def command(repo: Path, commit: str, worktree: bool, audience: str | None, output_format: str) -> None:
    """Show every project of an index, a line each.

    \b
    Examples:
      index-builder list
      index-builder list --commit v1.2 --format json
    """
    index = options.readable(repo, commit, worktree=worktree)
    projects = options.seen_by(index, audience)
    if output_format == "json":
        click.echo(json.dumps([describe.summary_json(project) for project in projects], indent=2))
        return
    if projects:
        stdout().print(describe.table(projects))
    files = sum(len(project.files) for project in projects)
    stderr().print(f"{count(len(projects), 'project')}, {count(files, 'file')}")
