"""`preview`: the index as it would be with a change merged, to be installed from."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import note, progress, stderr
from index_builder.cli.serve import serve
from index_builder.errors import SourceError, UsageError
from index_builder.model.index import Configuration
from index_builder.model.names import Word
from index_builder.pipeline.build import Order, build
from index_builder.pipeline.reading import configuration_of
from index_builder.ports.trees import SourceTree
from index_builder.render.legacy import ReleaseJson
from index_builder.wiring import shipped, sites

#: Where a change is served on loopback.
PORT: Final = 8000


@click.command("preview")
@click.option("--base", metavar="REV", help="What the change would be merged into, for example origin/main.")
@click.option("--pr", "number", type=click.IntRange(1), metavar="N", help="An open pull request on GitHub, instead of --base.")
@click.option(
    "--artifact", is_flag=True, help="With --pr: do not build it, but take what the pull request's own workflow has built; see above."
)
@options.head
@options.worktree
@click.option("--audience", metavar="NAME", help="Whose index, where there are several.")
@click.option("--all-audiences", is_flag=True, help="With --output: the index of each.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write it here, and serve nothing.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 takes a free one.")
@options.repo
@options.pool
@options.connections
@options.jobs
@options.quiet
@options.output_format
def command(
    base: str | None, number: int | None, artifact: bool, head: str | None, worktree: bool, audience: str | None, all_audiences: bool,
    output: Path | None, host: str, port: int, repo: Path,
    pool: Path | None, connections: int, jobs: int | None, quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Show the index as it would be with a change merged: what it adds is there, what it removes is not.

    It is one whole index, so that what the change adds installs together with what is there already. It is not signed, and
    every page says that it is a preview. Without --output it is served on this machine until Ctrl-C.

    With --artifact nothing is built here, and no file fetched but the artifact: quick where the index is large, or its files
    are out of reach. But a pull request can rewrite the workflow that makes it, so anything may be in it: trust it as you
    trust whoever opened the pull request. GitHub asks for a token, in GITHUB_TOKEN.

    \b
    Examples:
      index-builder preview --base origin/main
      index-builder preview --base main --worktree --port 8080
      index-builder preview --base main --head add-acme-utils --output preview/
      index-builder preview --pr 12
      index-builder preview --pr 12 --artifact
    """
    if output is None and output_format == "json":
        raise UsageError("--format json tells what was written, and needs --output", fix="add --output DIR")
    if all_audiences and (output is None or audience is not None):
        raise UsageError("--all-audiences writes each index to a folder of --output", fix="add --output DIR, and leave --audience out")
    root = wiring.find_root(repo)
    if artifact:
        if number is None or base is not None or head is not None or worktree:
            raise UsageError("--artifact is of a pull request", fix="give --pr NUMBER, and nothing else that says what to build")
        _show_artifact(root, number, audience, output, host, port, quiet=quiet, output_format=output_format)
        return
    base, head = _fetched(root, number, quiet=quiet) if number else (base, options.head_of(head, root, worktree=worktree))
    if base is None:
        raise UsageError(
            "--base is missing: nothing says what the change would be merged into", fix="add --base origin/main, or --pr NUMBER"
        )
    proposal = wiring.open_proposal(root, base, head)
    tree = proposal.merged
    if torn := [change.path for change in proposal.changes() if change.is_torn]:
        msg = f"{torn[0]} was changed on both sides, in the same lines: there is no merge to show"
        raise SourceError(msg, fix=f"decide first: git merge {base}")
    with options.problems_shown(proposal.base, "text"):
        # Where bytes are kept is not for the change to say: credentials would go there.
        before = configuration_of(proposal.base)
        pool = pool or root / before.pool.path
    with options.problems_shown(tree, "text"):
        configuration = replace(configuration_of(tree), inbox=before.inbox)
        chosen = [*configuration.audiences] if all_audiences else [options.chosen_audience(audience, configuration).name]
        if output is not None:
            options.check_output(output, root, configuration)
        with _folder(output) as folder:
            for name in chosen:
                write_preview(tree, root, folder / name, name, configuration, pool=pool, connections=connections, jobs=jobs, quiet=quiet)
            if output is None:
                serve(folder / chosen[0], f"a preview of '{chosen[0]}'", host, port, quiet=quiet)
                return
    for name in chosen:
        _say(output, name, output_format)


def _fetched(root: Path, number: int, *, quiet: bool) -> tuple[str, str]:
    """Fetch a pull request, and return its base and its head."""
    from index_builder.wiring import github  # noqa: PLC0415 - git and HTTP are slow to import

    with github.open_repository(progress(quiet=quiet), root) as repository:
        pull = repository.pull(number)
    github.fetch_pull(root, pull.base, number)
    return github.BASE, github.HEAD


def _show_artifact(
    root: Path, number: int, audience: str | None, output: Path | None, host: str, port: int, *, quiet: bool, output_format: str
) -> None:
    """Unpack what a pull request's workflow has built, and serve it, or leave it in `output`."""
    from index_builder.wiring import github  # noqa: PLC0415 - git and HTTP are slow to import

    if output is not None and output.exists() and any(output.iterdir()):
        msg = f"{output} is not empty"
        raise UsageError(msg, fix="choose a new folder: of an artifact, only what is in it is to be there")
    showing = progress(quiet=quiet)
    with github.open_artifacts(showing, root) as artifacts, _scratch(output) as folder:
        with github.open_repository(showing, root) as repository:
            commit = repository.pull(number).head
        found = artifacts.unpack(artifacts.find(commit), folder, showing)
        chosen = [name for name in found if audience in (None, name)]
        if not chosen:
            msg = f"the preview has no audience '{audience}'"
            raise UsageError(msg, fix=f"it has: {', '.join(found)}")
        if output is None and len(chosen) > 1:
            raise UsageError("the preview has several audiences", fix=f"choose with --audience: {', '.join(found)}")
        if not quiet:
            note(f"made by the workflow of pull request #{number} itself, of {commit[:12]}: trust it as you trust who opened that")
        if output is None:
            serve(folder / chosen[0], f"a preview of '{chosen[0]}'", host, port, quiet=quiet, inert=True)
            return
        output.mkdir(exist_ok=True)
        for name in chosen:
            (folder / name).rename(output / name)
            _say(output, name, output_format)


@contextmanager
def _scratch(output: Path | None) -> Iterator[Path]:
    """Yield a folder that goes afterwards, from which what is good can be moved to `output`."""
    if output is None:
        with _folder(None) as folder:
            yield folder
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".preview-", dir=output.parent)
    except OSError as error:
        msg = f"{output.parent} cannot be written: {error.strerror}"
        raise UsageError(msg, fix="choose another folder with --output") from error
    with scratch as folder:
        yield Path(folder)


def _say(output: Path, audience: Word, output_format: str) -> None:
    simple = f"{(output / audience).resolve().as_uri()}/simple/"
    if output_format == "json":
        click.echo(json.dumps({"output": str(output / audience), "audience": audience, "index_url": simple}, indent=2))
        return
    console = stderr()
    console.print(f"A preview of '{audience}' is in {output / audience}")
    console.print(f"  pip install --index-url {simple} PROJECT\n  uv pip install --index-url {simple} PROJECT")


def write_preview(
    tree: SourceTree, root: Path, folder: Path, audience: Word, configuration: Configuration, *, pool: Path | None, connections: int,
    jobs: int | None, quiet: bool,
) -> None:  # fmt: skip
    """Write an audience's index as a preview, into `folder`, which is called as the audience. Raises as `build`."""
    with (
        options.fetching(root, configuration, pool=pool, connections=connections, quiet=quiet) as fetcher,
        sites.open_site(folder.parent, audience) as site,
        wiring.open_workers(jobs) as workers,
    ):
        order = Order(
            templates=shipped.templates(),
            release_json=ReleaseJson.NONE,
            builder=f"{shipped.builder()} preview",
            preview=True,
            web=True,
            executor=workers,
        )
        built = build(tree, {audience: site}, fetcher, order)
    options.show_problems(built.warnings, tree, "text")


@contextmanager
def _folder(output: Path | None) -> Iterator[Path]:
    """Yield where to write: the folder that is named, or one that goes when it has been served."""
    if output is not None:
        yield output
        return
    with tempfile.TemporaryDirectory(prefix="index-builder-preview-") as folder:
        yield Path(folder)
