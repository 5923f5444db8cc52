"""`show`: all that a manifest says of its project."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder.cli import describe, options
from index_builder.cli.console import stdout
from index_builder.cli.projects import find_project


@click.command("show")
@options.project
@options.reading_options
@options.output_format
def command(project: str, repo: Path, commit: str, worktree: bool, output_format: str) -> None:
    """Show a project: releases, files, where each comes from, marks, owners, tombstones.

    \b
    Examples:
      index-builder show acme-utils
      index-builder show acme-utils --worktree --format json
    """
    found = find_project(options.readable(repo, commit, worktree=worktree), project)
    if output_format == "json":
        click.echo(json.dumps(describe.to_json(found), indent=2))
    else:
        describe.show(stdout(), found)
