"""`status`: a project's status marker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from index_builder.cli import edits, options
from index_builder.manifests import changes
from index_builder.model.names import Timestamp
from index_builder.model.project import File, Project, State


@click.command("status")
@options.project
@click.argument("state", type=click.Choice([state.value for state in State]))
@options.reason(default="", help_text="Why; pages show it.")
@options.repo
@options.dry_run
@options.output_format
def command(project: str, state: str, reason: str, repo: Path, dry_run: bool, output_format: str) -> None:
    """Mark a project as archived, deprecated, quarantined or active (PEP 792).

    A quarantined project keeps its page and offers no file; the others are told to people and tools.

    \b
    Examples:
      index-builder status acme-utils deprecated --reason 'use acme-core'
      index-builder status acme-utils active
    """

    def change(found: Project, text: str, now: Timestamp) -> tuple[str, Sequence[File]]:
        return changes.set_status(text, found, State(state), reason.strip(), now), ()

    edits.edit(repo, project, change, done=state, dry_run=dry_run, output_format=output_format)
