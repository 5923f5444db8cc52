"""`remove`: files go, and their names never come back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from index_builder.cli import edits, options
from index_builder.manifests import changes
from index_builder.model.names import Timestamp
from index_builder.model.project import File, Project


@click.command("remove")
@options.project
@click.argument("what", required=False, default="", metavar="[VERSION|FILE]")
@options.reason(required=True, help_text="Why; it stands in the manifest for good.")
@options.repo
@options.dry_run
@options.output_format
def command(project: str, what: str, reason: str, repo: Path, dry_run: bool, output_format: str) -> None:
    """Take a project, release or file away for good.

    Each file leaves a tombstone: no other bytes can ever be listed under its name. To keep a release for those
    who pin it, use `yank`.

    \b
    Examples:
      index-builder remove acme-utils 1.1.0 --reason 'leaked a key'
      index-builder remove acme-utils acme_utils-1.1.0.tar.gz --reason 'leaked a key'
      index-builder remove acme-utils --reason 'moved into acme-core'
    """

    def change(found: Project, text: str, now: Timestamp) -> tuple[str, Sequence[File]]:
        return changes.remove(text, found, what, reason, now)

    edits.edit(repo, project, change, done="removed", dry_run=dry_run, output_format=output_format)
