"""`search`: projects whose manifest has all the words."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder.cli import describe, options
from index_builder.cli.console import stderr, stdout
from index_builder.model.project import Project


@click.command("search")
@click.argument("words", nargs=-1, required=True)
@options.reading_options
@options.output_format
def command(words: tuple[str, ...], repo: Path, commit: str, worktree: bool, output_format: str) -> None:
    """Show the projects whose manifest has all the WORDS: in names, owners, hosting, status, reasons or origins.

    \b
    Examples:
      index-builder search acme team-web
      index-builder search archived
    """
    index = options.readable(repo, commit, worktree=worktree)
    wanted = [word.casefold() for word in words]
    found = [p for _, p in sorted(index.projects.items()) if all(word in _text(p) for word in wanted)]
    if output_format == "json":
        click.echo(json.dumps([describe.summary_json(project) for project in found], indent=2))
    elif found:
        stdout().print(describe.table(found))
    else:
        stderr().print(f"no manifest has {' and '.join(words)}")


def _text(project: Project) -> str:
    marks = [mark.reason for mark in (project.status, *project.removed, *(r.yanked for r in project.releases)) if mark]
    origins = {describe.origin(file) for file in project.files}
    words = [project.name, project.normalized, *project.owners, *project.audiences, project.hosting.value, describe.state(project)]
    return "\n".join([*words, *marks, *origins]).casefold()
