"""`yank`: a release stays for those who pin it, and is passed over by everyone else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from index_builder.cli import edits, options
from index_builder.errors import UsageError
from index_builder.manifests import changes
from index_builder.model.names import Timestamp
from index_builder.model.project import File, Project


@click.command("yank")
@options.project
@click.argument("version")
@options.reason(help_text="Why; installers show it.")
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

    def change(found: Project, text: str, now: Timestamp) -> tuple[str, Sequence[File]]:
        after = changes.unyank(text, found, version) if undo else changes.yank(text, found, version, reason or "", now)
        return after, changes.find_release(found, version).files

    done = "no longer yanked" if undo else "yanked"
    edits.edit(repo, project, change, done=done, dry_run=dry_run, output_format=output_format)
