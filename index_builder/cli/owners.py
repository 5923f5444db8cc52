"""`owners`: who owns a project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import edits, options
from index_builder.cli.projects import find_project
from index_builder.errors import UsageError
from index_builder.manifests import changes
from index_builder.model.names import Timestamp
from index_builder.model.project import File, Project


@click.command("owners")
@options.project
@click.argument("action", type=click.Choice(["add", "remove"]), required=False)
@click.argument("who", required=False)
@options.reading_options
@options.dry_run
@options.output_format
def command(
    project: str, action: str | None, who: str | None, repo: Path, commit: str, worktree: bool, dry_run: bool, output_format: str
) -> None:
    """Show who owns a project, or add or remove an owner: a person or group of policies.d/.

    \b
    Examples:
      index-builder owners acme-utils
      index-builder owners acme-utils --commit v1.0 --format json
      index-builder owners acme-utils add team-web
      index-builder owners acme-utils remove alice
    """
    if action is None:
        _show(project, repo, commit, worktree=worktree, output_format=output_format)
        return
    if who is None:
        raise UsageError("WHO is missing", fix=f"name a person or group: index-builder owners {project} {action} WHO")
    if action == "add":
        options.check_owners([who], options.editable(wiring.find_root(repo))[1].policies)

    def change(found: Project, text: str, _now: Timestamp) -> tuple[str, Sequence[File]]:
        edited = changes.add_owner if action == "add" else changes.remove_owner
        return edited(text, found, who), ()

    done = f"{who} {'added' if action == 'add' else 'removed'}"
    edits.edit(repo, project, change, done=done, dry_run=dry_run, output_format=output_format)


def _show(name: str, repo: Path, commit: str, *, worktree: bool, output_format: str) -> None:
    """Print the owners, with the people that each group stands for."""
    _, tree = options.source(repo, commit, worktree=worktree)
    from index_builder.pipeline.reading import index_of, read_tree  # noqa: PLC0415 - with pydantic behind it, slow to import

    with options.problems_shown(tree, "text"):
        reading = read_tree(tree)
        owned = find_project(index_of(reading), name)
    people = {owner: sorted(reading.policies.people_in(owner)) for owner in owned.owners}
    if output_format == "json":
        click.echo(json.dumps({"project": owned.name, "owners": people}, indent=2))
        return
    for owner, members in people.items():
        click.echo(f"{owner}: {', '.join(members) or 'nobody'}" if members != [owner] else owner)
