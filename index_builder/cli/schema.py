"""`schema`: the JSON Schemas of the YAML files."""

from __future__ import annotations

from pathlib import Path

import click

from index_builder.cli import options
from index_builder.cli.console import stderr
from index_builder.manifests.schema import MODELS, json_schema
from index_builder.wiring import WorkTree

_NAMES = [name.partition(".")[0] for name in MODELS]


@click.command("schema")
@click.argument("name", type=click.Choice(_NAMES), required=False)
@click.option("--write", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write all of them into this folder.")
@options.dry_run
def command(name: str | None, write: Path | None, dry_run: bool) -> None:
    """Print the JSON Schema of manifests, of index.yaml or of policies, or write all of them.

    \b
    Examples:
      index-builder schema manifest
      index-builder schema --write schemas
    """
    if (name is None) == (write is None):
        msg = f"give one of {', '.join(_NAMES)}, or --write DIR"
        raise click.UsageError(msg)
    if write is not None:
        if not dry_run:
            WorkTree(write).write({schema: json_schema(schema) for schema in MODELS})
        stderr().print(f"{len(MODELS)} schemas {'would be ' if dry_run else ''}written into {write}")
    else:
        click.echo(json_schema(f"{name}.schema.json"), nl=False)
