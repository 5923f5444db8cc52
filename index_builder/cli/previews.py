"""`previews`: pull requests, shown to others at a place of their own. The workflow preview.yml's verb."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import progress, stderr
from index_builder.cli.preview import write_preview
from index_builder.errors import SourceError, UsageError
from index_builder.model.index import Configuration
from index_builder.model.previews import Previews
from index_builder.pipeline.pulls.previews import tidy
from index_builder.pipeline.reading import configuration_of
from index_builder.wiring import github


@click.group("previews")
def command() -> None:
    """Show pull requests to others, at the place that `previews:` in index.yaml names.

    It is a place of its own, of another origin than what is published, and nothing in it is signed. Without `previews:`, nothing
    is shown anywhere. To try a pull request on your own machine, use `index-builder preview --pr N`.

    \b
    Examples:
      index-builder previews build 12 --head "$HEAD" --output shown/
      index-builder previews show 12 shown/ --head "$HEAD"
      index-builder previews tidy
    """


def _whole(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch("[0-9a-f]{40}", value):
        msg = f"--head {value} is no whole id of a commit, and others could begin alike"
        raise UsageError(msg, fix="git ls-remote origin refs/pull/NUMBER/head says it")
    return value


def _head_option(function: click.decorators.FC) -> click.decorators.FC:
    return click.option("--head", metavar="COMMIT", required=True, callback=_whole, help="The commit that may be shown: its whole id.")(
        function
    )


@command.command("build")
@click.argument("number", type=click.IntRange(1))
@_head_option
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", required=True, help="Write it here.")
@options.repo
@options.pool
@options.connections
@options.jobs
@options.quiet
def build_(number: int, head: str, output: Path, repo: Path, pool: Path | None, connections: int, jobs: int | None, quiet: bool) -> None:
    """Build what a pull request would publish; a commit that was pushed meanwhile is refused.

    The change is fetched as git objects, and read; nothing of it is run.
    """
    root, configuration, previews = _settled(repo)
    with github.open_repository(progress(quiet=quiet)) as repository:
        pull = repository.pull(number)
    github.fetch_pull(root, pull.base, number)
    proposal = wiring.open_proposal(root, github.BASE, github.HEAD)
    if proposal.head != head:
        msg = f"#{number} is at {proposal.head[:12]} by now, and {head[:12]} may be shown"
        raise SourceError(msg, fix="what was pushed is judged first")
    with options.problems_shown(proposal.merged, "text"):
        merged = replace(configuration_of(proposal.merged), inbox=configuration.inbox)
        options.check_output(output, root, merged)
        folder = output / previews.audience
        pool = pool or root / configuration.pool.path
        write_preview(proposal.merged, root, folder, previews.audience, merged, pool=pool, connections=connections, jobs=jobs, quiet=quiet)


@command.command("show")
@click.argument("number", type=click.IntRange(1))
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@_head_option
@options.dry_run
@options.repo
@options.quiet
@options.output_format
def show(number: int, folder: Path, head: str, dry_run: bool, repo: Path, quiet: bool, output_format: str) -> None:
    """Put what `previews build` wrote where others see it."""
    root, _, previews = _settled(repo)
    tree = folder / previews.audience
    if not (tree / "simple").is_dir():
        msg = f"{folder} has no preview of '{previews.audience}'"
        raise UsageError(msg, fix=f"make it: index-builder previews build {number} --head {head} --output {folder}")
    if not dry_run:
        wiring.open_previews(root, previews).put(number, head, tree)
    where = previews.address(number)
    if output_format == "json":
        click.echo(json.dumps({"number": number, "head": head, "url": where}))
    elif not quiet:
        stderr().print(f"#{number} {'would be' if dry_run else 'is'} shown at {where}", highlight=False)


@command.command("tidy")
@options.dry_run
@options.repo
@options.quiet
@options.output_format
def tidy_(dry_run: bool, repo: Path, quiet: bool, output_format: str) -> None:
    """Take away the previews of pull requests that are closed, or were pushed to since."""
    root, _, previews = _settled(repo)
    with github.open_repository(progress(quiet=quiet)) as repository:
        gone = tidy(wiring.open_previews(root, previews), repository, dry_run=dry_run)
    if output_format == "json":
        click.echo(json.dumps({"gone": list(gone)}))
    elif not quiet:
        verb = "would go" if dry_run else "shown no more"
        stderr().print(f"{verb}: {', '.join(f'#{number}' for number in gone) or 'none'}", highlight=False)


def _settled(repo: Path) -> tuple[Path, Configuration, Previews]:
    """Return the repository, what its last commit says, and where previews go; raises UsageError where that is nowhere."""
    root, tree = options.source(repo, "HEAD", worktree=False)
    with options.problems_shown(tree, "text"):
        configuration = configuration_of(tree)
    if configuration.previews is None:
        msg = "index.yaml has no `previews:`, so pull requests are shown nowhere"
        raise UsageError(msg, fix="add a place of its own: previews: {audience: …, kind: bucket, url: …, site: https://…/}")
    return root, configuration, configuration.previews
