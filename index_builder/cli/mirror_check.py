"""`mirror-check`: what the targets of an audience serve, compared byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder.cli import options, publishing
from index_builder.cli.console import count, stderr
from index_builder.errors import AnsweredError


@click.command("mirror-check")
@options.repo
@options.commit
@publishing.target_option
@options.connections
@options.quiet
@options.output_format
def command(repo: Path, commit: str, targets: tuple[str, ...], connections: int, quiet: bool, output_format: str) -> None:
    """Read all that the targets of each audience serve, and compare it byte for byte.

    The first target of an audience is what the others are compared with; its own bytes are compared with their digests.
    A line begins with ! where bytes differ, with - where a file is missing, with + where there is one that belongs to nothing.

    \b
    Example:
      index-builder mirror-check --target pages --target bucket
    """
    work = publishing.Work.of(repo, commit, targets, connections=connections, quiet=quiet)
    found = list(work.compared())
    if output_format == "json":
        value = [
            {
                "target": name,
                "with": first,
                "same": one.same,
                "differing": list(one.differing),
                "missing": list(one.missing),
                "extra": list(one.extra),
            }
            for first, name, one in found
        ]
        click.echo(json.dumps({"compared": value}, indent=2))
    else:
        for first, name, one in found:
            for path in one.differing:
                click.echo(f"! {name} {path}")
            for path in one.missing:
                click.echo(f"- {name} {path}")
            for path in one.extra:
                click.echo(f"+ {name} {path}")
            stderr().print(
                f"[bold]{name}[/]: {len(one.extra):,} that no publication left there"
                if name == first
                else f"[bold]{name}[/] with {first}: {count(one.same, 'file')} the same, "
                f"{len(one.differing):,} other, {len(one.missing):,} missing, {len(one.extra):,} that no publication left there"
            )
            if not one.is_same:
                stderr().print(f"  [bold cyan]fix[/]: index-builder publish --target {name} --reconcile")
    if not all(one.is_same for _, _, one in found):
        raise AnsweredError
