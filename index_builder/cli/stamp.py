"""`stamp`: new files get the present as their upload time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import edits, options
from index_builder.manifests.changes import stamp
from index_builder.model.index import Index
from index_builder.model.names import Timestamp
from index_builder.model.project import IndexOrigin
from index_builder.pipeline.add.edits import Change


@click.command("stamp")
@click.option("--base", default="HEAD", metavar="REV", show_default=True, help="Files that this revision lists are not new.")
@options.repo
@options.dry_run
@options.output_format
def command(base: str, repo: Path, dry_run: bool, output_format: str) -> None:
    """Set the upload time of new files to now.

    A change that waited for its review for weeks would otherwise look old to clients that wait before they install
    something new. Files of an upstream index keep the time that the index gives.

    \b
    Example:
      index-builder stamp --base origin/main
    """
    root = wiring.find_root(repo)
    tree, reading, index = options.editable(root)
    known = options.readable(root, base, worktree=False)
    now = Timestamp.of(wiring.SystemClock().now())
    changes = list(_changes(tree, index, known, now))
    options.stop_at(tree, reading, {change.path for change in changes}.__contains__)
    edits.finish(tree, changes, dry_run=dry_run, output_format=output_format, done="stamped")


def _changes(tree: wiring.WorkTree, index: Index, known: Index, now: Timestamp) -> Iterator[Change]:
    for name, project in sorted(index.projects.items()):
        listed = {file.name.text for file in known.projects[name].files} if name in known.projects else set()
        new = tuple(f for f in project.files if f.name.text not in listed and not isinstance(f.origin, IndexOrigin))
        if new:
            before = tree.text(project.place.path)
            yield Change(path=project.place.path, before=before, after=stamp(before, project, new, now), project=project, files=new)
