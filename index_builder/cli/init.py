"""`init`: a new index repository that passes `check` at once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from index_builder.cli import options
from index_builder.cli.console import stderr
from index_builder.errors import SourceError
from index_builder.manifests.scalar import scalar
from index_builder.manifests.schema import MODELS, json_schema
from index_builder.wiring import WorkTree, is_in_repository, start_repository
from index_builder.wiring.shipped import workflows

_INDEX = """\
# yaml-language-server: $schema=schemas/index.schema.json
schema: 1
title: {title}
upstreams: {{pypi: default}}
audiences:
  public: {{files: packages/}}    # add `url:` once you know where the index is published, ending in a slash
# The machines that install from here; without this, `add` takes the wheels of every platform.
# clients: {{python: ["3.12"], platform: [linux_x86_64]}}
"""
_POLICY = """\
# yaml-language-server: $schema=../schemas/policy.schema.json
schema: 2
people: {}    # alice: {github: {login: alice, id: 1001}}
groups:
  maintainers: []
rules:
  - id: maintainers
    projects: ["*"]
    grant: {maintainers: [create, release, yank, edit, transfer, remove, administer]}
  - id: readers
    audiences: [public]
    grant: {anyone: [download]}
"""
_README = """\
# {title}

A Python package index, built from the manifests in `packages.d/` by index-builder.

    index-builder add --pypi NAME     # a project of PyPI
    index-builder add --dist DIR      # wheels and sdists of our own
    index-builder check --worktree
    index-builder build --worktree
    index-builder serve
"""
_MANIFESTS = """\
# Manifests

One file a project, `<normalized-name>.yaml`, here or in any subfolder. `index-builder add` writes them.
"""
_IGNORED = "/site/\n/.pool/\n/.inbox/\n/.development-keys/\n/.publish/\n/published/\n"


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@options.title
@click.option(
    "--github", metavar="OWNER/REPOSITORY@COMMIT", callback=lambda _context, _option, text: _action(text),
    help="Write the workflows too, which use the builder of that repository, at that commit.",
)  # fmt: skip
@options.dry_run
@options.output_format
def command(folder: Path, title: str | None, github: str | None, dry_run: bool, output_format: str) -> None:
    """Start an index repository: configuration, policies, schemas, and `git init` where there is none.

    What is already in the folder stays as it is; a folder that is an index already is refused.

    \b
    Examples:
      index-builder init my-index
      index-builder init my-index --github index-builder/index-builder@0c3e5f7a9b1d2c4e6f8091a2b3c4d5e6f7081929
    """
    if (folder / "index.yaml").exists():
        msg = f"{folder} is an index repository already: it has index.yaml"
        raise SourceError(msg, fix="choose another folder")
    name = title or folder.resolve().name
    texts = {
        "index.yaml": _INDEX.format(title=scalar(name)),
        "policies.d/maintainers.yaml": _POLICY,
        "packages.d/README.md": _MANIFESTS,
        ".gitignore": _IGNORED,
        "README.md": _README.format(title=name),
        **{f"schemas/{schema}": json_schema(schema) for schema in MODELS},
        **(
            {f".github/workflows/{name}": text.replace("uses: ./", f"uses: {github}") for name, text in workflows().items()}
            if github
            else {}
        ),
    }
    fresh = {path: text for path, text in texts.items() if not (folder / path).exists()}
    ignored = WorkTree(folder).text(".gitignore").splitlines()
    if missing := [line for line in _IGNORED.splitlines() if line not in ignored and line.strip("/") + "/" not in ignored]:
        fresh[".gitignore"] = "".join(line + "\n" for line in [*ignored, *missing])
    started = not is_in_repository(folder)
    if not dry_run:
        _write(folder, fresh)
    if output_format == "json":
        click.echo(json.dumps({"dry_run": dry_run, "folder": str(folder), "written": sorted(fresh), "git": started}, indent=2))
        return
    console = stderr()
    for path in sorted(fresh):
        console.print(f"  {path}")
    git = ", with git started in it" if started else ""
    if dry_run:
        console.print(f"[bold]{folder}[/] would be an index repository{git}")
        return
    console.print(f"[bold]{folder}[/] is an index repository now{git}. Next:")
    console.print(f"  cd {folder}\n  index-builder add --pypi six\n  index-builder build --worktree\n  index-builder serve")


def _action(text: str | None) -> str | None:
    """Return which builder workflows use: a name can be moved to other code, a commit cannot."""
    if text is not None and not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+@[0-9a-f]{40}", text):
        raise click.BadParameter("write it as OWNER/REPOSITORY@ and the 40 digits of a commit: a branch or tag can be moved to other code")
    return text


def _workflows(action: str) -> dict[str, str]:
    return {f".github/workflows/{name}": text.replace("uses: ./", f"uses: {action}") for name, text in workflows().items()}


def _write(folder: Path, texts: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder} cannot be made: {error.strerror}"
        raise SourceError(msg, fix="choose another folder") from error
    WorkTree(folder).write(texts)
    if not is_in_repository(folder):
        start_repository(folder)
