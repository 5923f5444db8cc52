"""`prune`: old pre-releases go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from index_builder.cli import edits, options
from index_builder.manifests import changes
from index_builder.model.names import Timestamp
from index_builder.model.project import File, Project


@click.command("prune")
@options.project
@click.option("--keep", type=click.IntRange(0), required=True, metavar="N", help="How many of the newest pre-releases stay.")
@options.reason(default="an old pre-release", help_text="Why; it stands in the tombstones.")
@options.repo
@options.dry_run
@options.output_format
def command(project: str, keep: int, reason: str, repo: Path, dry_run: bool, output_format: str) -> None:
    """Remove old pre-releases (alphas, betas, candidates, nightlies) of a project; final releases stay.

    Each file leaves a tombstone, as with `remove`.

    \b
    Examples:
      index-builder prune acme-nightly --keep 14 --dry-run
    """

    def change(found: Project, text: str, now: Timestamp) -> tuple[str, Sequence[File]]:
        return changes.prune(text, found, keep, reason, now)

    edits.edit(repo, project, change, done="removed", dry_run=dry_run, output_format=output_format)
