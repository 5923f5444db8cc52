"""Manifests before and after an edit: shown as a diff, or written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import count, stderr
from index_builder.cli.projects import find_project
from index_builder.model.names import Timestamp
from index_builder.model.project import File, Project
from index_builder.pipeline.add.edits import Change, unified

#: A project, its manifest's text and the time -> the text afterwards, and the files that this is about.
Edit = Callable[[Project, str, Timestamp], tuple[str, Sequence[File]]]


def edit(repo: Path, name: str, change: Edit, *, done: str, dry_run: bool, output_format: str) -> None:
    """Edit one project's manifest in the working tree; `done` is the verb, as in 'yanked'."""
    tree, reading, index = options.editable(wiring.find_root(repo))
    options.stop_at(tree, reading, lambda path: path.endswith(f"/{options.normalized(name)}.yaml"))
    project = find_project(index, name)
    path = project.place.path
    before = tree.text(path)
    after, files = change(project, before, Timestamp.of(wiring.SystemClock().now()))
    edited = Change(path=path, before=before, after=after, project=project, files=tuple(files))
    finish(tree, [edited], dry_run=dry_run, output_format=output_format, done=done)


def finish(
    tree: wiring.WorkTree, changes: Sequence[Change], *, dry_run: bool, output_format: str, done: str,
    beside: Mapping[str, bytes] | None = None,
) -> None:  # fmt: skip
    """Write what changed (or show it, with --dry-run), and files `beside` it by path; say so."""
    real = [change for change in changes if change.after != change.before]
    if not dry_run:
        tree.write({change.path: change.after for change in real} | {path: content.decode() for path, content in (beside or {}).items()})
    if output_format == "json":
        click.echo(json.dumps({"dry_run": dry_run, "manifests": [_json(change) for change in real]}, indent=2))
        return
    if dry_run:
        for change in real:
            click.echo(unified(change.path, change.before, change.after), nl=False)
    console = stderr()
    for change in changes:
        if change.after == change.before:
            console.print(f"{change.project.name}: nothing to do, {change.path} says so already")
            continue
        for file in change.files:
            console.print(f"  {file.name.text}")
        verb = f"would be {done}" if dry_run else done
        what = f"{count(len(change.files), 'file')} {verb}" if change.files else verb
        console.print(f"[bold]{change.project.name}[/]: {what} in {change.path}")


def _json(change: Change) -> dict[str, object]:
    files = [{"name": f.name.text, "version": str(f.name.version), "sha256": f.sha256, "size": f.size} for f in change.files]
    return {"path": change.path, "project": change.project.name, "files": files}
