"""`build`: a commit becomes the tree of each audience."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import count, stderr
from index_builder.errors import UsageError
from index_builder.model.index import Configuration
from index_builder.model.names import Word
from index_builder.pipeline.audience import Report
from index_builder.pipeline.build import Order, build
from index_builder.pipeline.reading import configuration_of
from index_builder.render.legacy import ReleaseJson


@click.command("build")
@options.reading_options
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to build, one folder an audience [default: site/ of the repository].",
)
@options.pool
@click.option("--audience", "audiences", multiple=True, metavar="NAME", help="Build this audience only; may be repeated.")
@options.jobs
@click.option(
    "--release-json", type=click.Choice([kind.value for kind in ReleaseJson]), default=ReleaseJson.VERSION.value, show_default=True,
    help="The legacy JSON of each release: none, its own files, or all releases' files.",
)  # fmt: skip
@click.option("--full", is_flag=True, help="Build all, whatever the last build left.")
@click.option("--verify", is_flag=True, help="Build all, read every file that is there once more, and repair what was altered.")
@options.dry_run_fetching
@options.quiet
@options.problem_format
def command(
    repo: Path, commit: str, worktree: bool, output: Path | None, pool: Path | None, audiences: tuple[str, ...], jobs: int,
    release_json: str, full: bool, verify: bool, dry_run: bool, quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Build the index of each audience into a folder.

    The commit decides every byte of every page. Files that are missing are fetched into the pool and checked;
    what has not changed since the last build is neither read nor written. A dry run fetches and judges too; it writes
    into the pool only.

    \b
    Examples:
      index-builder build
      index-builder build --commit v1.2 --output /srv/index
      index-builder build --worktree --audience internal
    """
    root, tree = options.source(repo, commit, worktree=worktree)
    folder = output or root / "site"
    with options.problems_shown(tree, output_format):
        configuration = configuration_of(tree)
        _check_output(folder, root, configuration)
        chosen = _chosen(configuration, audiences)
        with (
            options.fetching(root, configuration, pool=pool, jobs=jobs, quiet=quiet) as fetcher,
            wiring.open_sites(folder, chosen, dry_run=dry_run) as sites,
        ):
            order = Order(
                templates=wiring.templates(), release_json=ReleaseJson(release_json), builder=wiring.builder(), full=full, verify=verify
            )
            built = build(tree, sites, fetcher, order)
    options.show_problems(built.warnings, tree, "text" if output_format == "json" else output_format)
    if output_format == "json":
        result = {"output": str(folder), "commit": tree.revision, "dry_run": dry_run, "audiences": [_json(r) for r in built.reports]}
        click.echo(json.dumps(result, indent=2))
    elif not quiet:
        for report in built.reports:
            _show(report, folder, dry_run=dry_run)


def _check_output(folder: Path, root: Path, configuration: Configuration) -> None:
    """Refuse to build into what the index is made of."""
    sources = ("packages.d", "policies.d", "schemas", ".git", configuration.pool.path, configuration.inbox.path)
    for source in sources:
        if folder.resolve().is_relative_to((root / source).resolve()):
            msg = f"{folder} is inside {source}, which an index is made of"
            raise UsageError(msg, fix="build into a folder of its own, such as site/")


def _chosen(configuration: Configuration, audiences: tuple[str, ...]) -> list[Word]:
    for name in audiences:
        options.check_audience(name, configuration)
    return [name for name in configuration.audiences if not audiences or name in audiences]


def _json(report: Report) -> dict[str, object]:
    return {
        "audience": report.audience, "projects": report.projects, "files": report.files, "built": report.built,
        "written": list(report.changes.written), "deleted": list(report.changes.deleted), "unchanged": report.changes.unchanged,
    }  # fmt: skip


def _show(report: Report, folder: Path, *, dry_run: bool) -> None:
    console = stderr()
    changes = report.changes
    if dry_run:
        for mark, paths in (("+", changes.written), ("-", changes.deleted)):
            for path in paths:
                click.echo(f"{mark} {path}")
    would = "would be " if dry_run else ""
    held = f"{count(report.projects, 'project')}, {count(report.files, 'file')}"
    done = f"{count(len(changes.written), 'file')} {would}written, {len(changes.deleted):,} {would}deleted"
    changed = (
        f"{count(report.built, 'project')} built, {done}" if report.built or changes.written or changes.deleted else "nothing has changed"
    )
    console.print(f"[bold]{report.audience}[/]: {held}; {changed} in {folder / report.audience}")
    if not report.projects:
        console.print("  [bold cyan]fix[/]: the index has no project yet: index-builder add --pypi NAME, then commit")
