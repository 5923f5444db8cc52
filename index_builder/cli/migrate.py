"""`migrate`: old forms of the YAML files become the present one."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import count, stderr
from index_builder.manifests.loader import load
from index_builder.manifests.migrations import is_outdated, is_present, migrate
from index_builder.model.problem import Problem, ProblemsFoundError
from index_builder.model.source import ORDINARY
from index_builder.pipeline.add.edits import unified


@click.command("migrate")
@options.repo
@options.dry_run
@options.output_format
def command(repo: Path, dry_run: bool, output_format: str) -> None:
    """Bring manifests, policies and index.yaml to the present form of the files.

    Older forms are read too, with a warning; this rewrites them. Comments, order and indentation stay, and all
    files change or none.

    \b
    Examples:
      index-builder migrate --dry-run
      index-builder migrate
    """
    tree = wiring.WorkTree(wiring.find_root(repo))
    before: dict[str, str] = {}
    problems = []
    for entry in tree.entries():
        if entry.mode == ORDINARY and entry.path.endswith(".yaml"):
            document, found = load(entry.path, tree.read(entry))
            problems += found
            if document is not None and is_outdated(entry.path, document.value):
                before[entry.path] = document.text
            elif document is not None and not is_present(entry.path, document.value):
                message = f"{entry.path} has no form that this builder knows"
                place = document.place(("schema",))
                problems.append(Problem(rule="schema-version", message=message, place=place, fix="use the newest index-builder"))
    if problems:
        options.show_problems(problems, tree, "text")
        raise ProblemsFoundError(problems)
    after = {path: migrate(path, text) for path, text in before.items()}
    if not dry_run:
        tree.write(after)
    if output_format == "json":
        click.echo(json.dumps({"dry_run": dry_run, "files": sorted(after)}, indent=2))
        return
    if dry_run:
        for path, text in before.items():
            click.echo(unified(path, text, after[path]), nl=False)
    console = stderr()
    for path in after:
        console.print(f"  {path}")
    verb = "would be migrated" if dry_run else "migrated"
    console.print(f"{count(len(after), 'file')} {verb}" if after else "nothing to do: every file has the present form")
