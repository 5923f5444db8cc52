"""What the verbs that configure others share: what index.yaml and the policies say, who may read what, files printed or written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from index_builder.cli import options
from index_builder.cli.console import note, stderr
from index_builder.errors import UsageError
from index_builder.wiring import configuring

if TYPE_CHECKING:
    from index_builder.hostconfig.values import ConfigFile
    from index_builder.model.index import Configuration
    from index_builder.model.names import Word
    from index_builder.policy.readers import Readers
    from index_builder.policy.rules import Policies


def settings_of(repo: Path, commit: str, *, worktree: bool) -> tuple[Path, Configuration, Policies]:
    """Return the repository's root, and what index.yaml and the policies say; no manifest is read for that."""
    from index_builder.pipeline.judge.reading import base_settings  # noqa: PLC0415 - with pydantic behind it, slow to import

    root, tree = options.source(repo, commit, worktree=worktree)
    with options.problems_shown(tree, "text"):
        settings = base_settings(tree)
    assert settings.configuration is not None  # noqa: S101 - for the type checker: base_settings has seen to it
    return root, settings.configuration, settings.policies


@contextmanager
def usage() -> Iterator[None]:
    """Turn what a value refuses into wrong usage."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error), fix="write it otherwise: see --help, and `url:` and `path:` in index.yaml") from error


def readers_told(audience: Word, readers: Readers) -> str:
    """Say who may read an audience."""
    return f"{audience}: {'everybody' if readers.is_open else ', '.join(readers.people) or 'nobody'} may read it"


def give(
    files: Sequence[ConfigFile], output: Path | None, output_format: str, *, dry_run: bool, readers: Mapping[Word, Readers] | None = None,
    folder: str = "",
) -> None:  # fmt: skip
    """Write those files that differ, or print them; with `folder`, the first alone, which reads the others there."""
    changed = configuring.write_changed(output, files, dry_run=dry_run) if output else []
    if output_format == "json":
        told = {name: {"open": found.is_open, "people": list(found.people)} for name, found in (readers or {}).items()}
        shown = [{"name": file.name, "text": None if file.is_secret else file.text} for file in files]
        click.echo(json.dumps({"dry_run": dry_run, "audiences": told, "files": shown, "written": changed}, indent=2))
    elif output is None:
        _print(files, folder)
    elif changed:
        stderr().print(f"{', '.join(changed)} {'would be ' if dry_run else ''}written into {output}")
    else:
        stderr().print(f"nothing has changed in {output}")


def _print(files: Sequence[ConfigFile], folder: str) -> None:
    first, *others = files
    if folder:
        click.echo(first.text, nl=False)
        if others:
            note(f"it reads {', '.join(f'{folder}/{file.name}' for file in others)}: --output DIR writes them too")
        return
    for number, file in enumerate(files):
        click.echo(("\n" if number else "") + (f"# ---- {file.name}\n" if others else "") + file.text, nl=False)
