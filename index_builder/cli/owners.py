"""`owners`: who owns a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import edits, options
from index_builder.manifests import changes
from index_builder.model.names import Timestamp
from index_builder.model.project import File, Project


@click.command("owners")
@options.project
@click.argument("action", type=click.Choice(["add", "remove"]))
@click.argument("who")
@options.repo
@options.dry_run
@options.output_format
def command(project: str, action: str, who: str, repo: Path, dry_run: bool, output_format: str) -> None:
    """Add or remove an owner of a project: a person or group of policies.d/.

    \b
    Examples:
      index-builder owners acme-utils add team-web
      index-builder owners acme-utils remove alice
    """
    if action == "add":
        options.check_owners([who], options.editable(wiring.find_root(repo))[1].policies)

    def change(found: Project, text: str, _now: Timestamp) -> tuple[str, Sequence[File]]:
        edited = changes.add_owner if action == "add" else changes.remove_owner
        return edited(text, found, who), ()

    done = f"{who} {'added' if action == 'add' else 'removed'}"
    edits.edit(repo, project, change, done=done, dry_run=dry_run, output_format=output_format)
