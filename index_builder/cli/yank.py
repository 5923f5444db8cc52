"""`yank`: a release stays for those who pin it, and is passed over by everyone else."""

from __future__ import annotations

from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import edits, options
from index_builder.cli.projects import find_project
from index_builder.errors import UsageError
from index_builder.manifests import changes
from index_builder.model.names import Timestamp
from index_builder.pipeline.add import Change


@click.command("yank")
@click.argument("project")
@click.argument("version")
@click.option("--reason", metavar="TEXT", help="Why; installers show it.")
@click.option("--undo", is_flag=True, help="Take the mark away.")
@options.repo
@options.dry_run
@options.output_format
def command(project: str, version: str, reason: str | None, undo: bool, repo: Path, dry_run: bool, output_format: str) -> None:
    """Mark a release as yanked, or take the mark away.

    Installers pass over a yanked release unless it is pinned (PEP 592). To take bytes away, use `remove`.

    \b
    Examples:
      index-builder yank acme-utils 1.2.0 --reason 'broken on Windows'
      index-builder yank acme-utils 1.2.0 --undo
    """
    if undo == bool(reason):
        msg = "give a --reason, or --undo" if not undo else "--undo takes no --reason"
        raise UsageError(msg, fix="for example: index-builder yank acme-utils 1.2.0 --reason 'broken on Windows'")
    root = wiring.find_root(repo)
    tree, found = find_project(root, project)
    before = options.texts_of(tree)[found.place.path]
    now = Timestamp.of(wiring.SystemClock().now())
    after = changes.unyank(before, found, version) if undo else changes.yank(before, found, version, reason or "", now)
    files = changes.find_release(found, version).files
    change = Change(path=found.place.path, before=before, after=after, project=found, files=files)
    edits.finish(tree, [change], dry_run=dry_run, output_format=output_format, done="no longer yanked" if undo else "yanked")
