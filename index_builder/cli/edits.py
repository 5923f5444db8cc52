"""Manifests before and after an edit: shown as a diff, or written."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence

import click

from index_builder.cli.console import count, stderr
from index_builder.pipeline.add import Change
from index_builder.wiring import WorkTree


def finish(tree: WorkTree, changes: Sequence[Change], *, dry_run: bool, output_format: str, done: str) -> None:
    """Write what changed (or show it, with --dry-run) and say so; `done` is the verb, as in 'added'."""
    real = [change for change in changes if change.after != change.before]
    if not dry_run:
        tree.write({change.path: change.after for change in real})
    if output_format == "json":
        click.echo(json.dumps({"dry_run": dry_run, "manifests": [_json(change) for change in real]}, indent=2))
        return
    if dry_run:
        for change in real:
            click.echo(_diff(change), nl=False)
    console = stderr()
    for change in changes:
        if change.after == change.before:
            console.print(f"{change.project.name}: nothing to do, {change.path} lists it already")
            continue
        for file in change.files:
            console.print(f"  {file.name.text}")
        verb = f"would be {done}" if dry_run else done
        console.print(f"[bold]{change.project.name}[/]: {count(len(change.files), 'file')} {verb} in {change.path}")


def _diff(change: Change) -> str:
    before, after = change.before.splitlines(keepends=True), change.after.splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after, f"a/{change.path}", f"b/{change.path}"))


def _json(change: Change) -> dict[str, object]:
    files = [{"name": f.name.text, "version": str(f.name.version), "sha256": f.sha256, "size": f.size} for f in change.files]
    return {"path": change.path, "project": change.project.name, "files": files}
