"""`build`: a commit becomes the tree of each audience."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import count, stderr
from index_builder.errors import UsageError
from index_builder.model.index import Index
from index_builder.model.names import Word
from index_builder.pipeline.build import Report, build
from index_builder.pipeline.reading import index_of, read_tree
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
@options.dry_run_fetching
@options.quiet
@options.problem_format
def command(
    repo: Path, commit: str, worktree: bool, output: Path | None, pool: Path | None, audiences: tuple[str, ...], jobs: int,
    release_json: str, dry_run: bool, quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Build the index of each audience into a folder.

    The commit decides every byte of every page. Files that are missing are fetched into the pool and checked;
    what is already built and still right is left as it is. A dry run fetches and judges too; it writes into the pool only.

    \b
    Examples:
      index-builder build
      index-builder build --commit v1.2 --output /srv/index
      index-builder build --worktree --audience internal
    """
    root, tree = options.source(repo, commit, worktree=worktree)
    with options.problems_shown(tree, output_format):
        reading = read_tree(tree)
        index = index_of(reading)
        chosen = _chosen(index, audiences)
        templates = wiring.templates()
        folder = output or root / "site"
        _check_output(folder, root, index)
        reports: list[Report] = []
        with options.fetching(root, index.configuration, pool=pool, jobs=jobs, quiet=quiet) as fetcher:
            for audience in chosen:
                with wiring.open_site(folder, audience, dry_run=dry_run) as site:
                    reports.append(build(index, audience, site, fetcher, templates, ReleaseJson(release_json)))
    options.show_problems([w for r in reports for w in r.warnings], tree, "text" if output_format == "json" else output_format)
    if output_format == "json":
        result = {"output": str(folder), "commit": index.revision, "dry_run": dry_run, "audiences": [_json(r) for r in reports]}
        click.echo(json.dumps(result, indent=2))
    elif not quiet:
        for report in reports:
            _show(report, folder, dry_run=dry_run)


def _check_output(folder: Path, root: Path, index: Index) -> None:
    """Refuse to build into what the index is made of."""
    configuration = index.configuration
    sources = ("packages.d", "policies.d", "schemas", ".git", configuration.pool.path, configuration.inbox.path)
    for source in sources:
        if folder.resolve().is_relative_to((root / source).resolve()):
            msg = f"{folder} is inside {source}, which an index is made of"
            raise UsageError(msg, fix="build into a folder of its own, such as site/")


def _chosen(index: Index, audiences: tuple[str, ...]) -> list[Word]:
    known = index.configuration.audiences
    for name in audiences:
        options.check_audience(name, index.configuration)
    return [name for name in known if not audiences or name in audiences]


def _json(report: Report) -> dict[str, object]:
    return {
        "audience": report.audience, "projects": report.projects, "files": report.files,
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
    held = f"{count(report.projects, 'project')}, {count(report.files, 'served file')}; {changes.unchanged:,} unchanged"
    done = f"{len(changes.written):,} {would}written, {len(changes.deleted):,} {would}deleted"
    console.print(f"[bold]{report.audience}[/]: {held}, {done} in {folder / report.audience}")
    if not report.projects:
        console.print("  [bold cyan]fix[/]: the index has no project yet: index-builder add --pypi NAME, then commit")
