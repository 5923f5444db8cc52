"""`pool`: bytes by digest are checked, cleared out, and handed in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.arguments import own_files
from index_builder.cli.console import count, human, progress, stderr
from index_builder.errors import IndexBuilderError
from index_builder.model.index import Index
from index_builder.model.names import Sha256
from index_builder.model.project import Hosting
from index_builder.wiring import fetchers


@click.group("pool")
def command() -> None:
    """Look after the pool: the folder of bytes by digest.

    \b
    Examples:
      index-builder pool check
      index-builder pool gc --dry-run
      index-builder pool push dist/
    """


@command.command("check")
@options.repo
@options.pool
@options.dry_run
@options.output_format
def check(repo: Path, pool: Path | None, dry_run: bool, output_format: str) -> None:
    """Read every entry and compare it with its digest; damaged ones are deleted.

    What a damaged entry held is fetched again by the next build; a hosted file must be put back.
    """
    root = wiring.find_root(repo)
    _, _, index = options.editable(root)
    opened = fetchers.open_pool(root, index.configuration, pool)
    damaged = [digest for digest in opened.entries() if not opened.is_genuine(digest)]
    names = dict(_names(index))
    if not dry_run:
        for digest in damaged:
            opened.drop(digest)
    if output_format == "json":
        click.echo(json.dumps([{"sha256": digest, "name": names.get(digest, "")} for digest in damaged], indent=2))
    else:
        for digest in damaged:
            click.echo(f"damaged{'' if dry_run else ', and deleted'}: {digest} {names.get(digest, '')}".rstrip())
        stderr().print(count(len(damaged), "damaged entry", "damaged entries"))
    if damaged:
        msg = "the pool is damaged" if dry_run else "the pool was damaged"
        raise IndexBuilderError(msg, fix="build again; put hosted files back with index-builder add --dist")


@command.command("gc")
@options.repo
@options.pool
@options.dry_run
@options.output_format
def gc(repo: Path, pool: Path | None, dry_run: bool, output_format: str) -> None:
    """Delete what no manifest needs: not in the working tree, nor at the tip of any branch or tag.

    Bytes of linked projects go too: pages do not need them, and `check` fetches them again.
    """
    root = wiring.find_root(repo)
    _, _, index = options.editable(root)
    needed = set(_needed(index))
    for revision in wiring.tips(root):
        needed |= set(_needed(options.readable(root, revision, worktree=False)))
    opened = fetchers.open_pool(root, index.configuration, pool)
    gone = [(digest, opened.size(digest) or 0) for digest in opened.entries() if digest not in needed]
    if not dry_run:
        for digest, _ in gone:
            opened.drop(digest)
    if output_format == "json":
        rows = [{"sha256": digest, "size": size} for digest, size in gone]
        click.echo(json.dumps({"dry_run": dry_run, "entries": rows}, indent=2))
        return
    for digest, size in gone:
        click.echo(f"{digest} {human(size)}")
    total = human(sum(size for _, size in gone))
    stderr().print(f"{count(len(gone), 'entry', 'entries')}, {total}, {'would be deleted' if dry_run else 'deleted'}")


@command.command("push")
@click.argument("what", nargs=-1, required=True, metavar="FILE|DIR...")
@options.repo
@options.dry_run
@options.output_format
def push(what: tuple[str, ...], repo: Path, dry_run: bool, output_format: str) -> None:
    """Hand in the bytes of hosted files: wheels and sdists go into the inbox, where builds look for them.

    The inbox of index.yaml is a folder, a prefix of a bucket, or a release of a GitHub repository (with GITHUB_TOKEN).
    """
    root = wiring.find_root(repo)
    _, _, index = options.editable(root)
    listed = dict(_names(index))
    inbox = fetchers.open_inbox(root, index.configuration)
    rows = []
    with fetchers.open_handed_in(index.configuration, progress(quiet=False)) as handed_in:
        for path in own_files(what):
            digest = inbox.digest_of(path)
            if not dry_run and handed_in:
                with path.open("rb") as stream:
                    handed_in.put(digest, stream, path.stat().st_size)
            elif not dry_run:
                inbox.take(path, digest)
            rows.append({"name": path.name, "sha256": digest, "listed": digest in listed})
    if output_format == "json":
        click.echo(json.dumps({"dry_run": dry_run, "files": rows}, indent=2))
        return
    for row in rows:
        said = "" if row["listed"] else "  (no manifest lists these bytes yet: index-builder add --dist)"
        stderr().print(f"  {row['name']} {row['sha256']}{said}", highlight=False)
    stderr().print(f"{count(len(rows), 'file')} {'would be' if dry_run else 'now'} in the inbox")


def _names(index: Index) -> Iterator[tuple[Sha256, str]]:
    for project in index.projects.values():
        for file in project.files:
            yield file.sha256, file.name.text


def _needed(index: Index) -> Iterator[Sha256]:
    for project in index.projects.values():
        for file in project.files:
            served = () if project.hosting is Hosting.LINKED else (file.sha256, file.metadata)
            yield from (digest for digest in (*served, file.provenance) if digest)
