"""`import`: what another tool was fed with becomes manifests."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click

from index_builder import wiring
from index_builder.cli import edits, options, packagelist, urls
from index_builder.dependencies import missing_dependencies
from index_builder.errors import UsageError
from index_builder.fetch.stage import Fetcher
from index_builder.model.names import Timestamp
from index_builder.model.problem import Problem, ProblemsFoundError
from index_builder.model.project import Hosting
from index_builder.packagelists.changes import line_numbers
from index_builder.packagelists.group import PackageList
from index_builder.packagelists.line import BadLineError
from index_builder.pipeline.add.candidate import Candidate, Defaults
from index_builder.pipeline.add.edits import edits as edits_of
from index_builder.pipeline.add.edits import with_groups
from index_builder.pipeline.add.packagelist import from_package_list
from index_builder.pipeline.add.pin import Pinned, pin
from index_builder.pipeline.packagelist import BadLine, problems_of


@click.group("import")
def command() -> None:
    """Turn what another tool was fed with into manifests."""


@command.command("dumb-pypi")
@click.argument("file", type=packagelist.FILE)
@click.option("--packages-url", metavar="URL", help="The files are under this https URL.")
@click.option("--dist", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR", help="The files are in this folder.")
@click.option("--hosting", type=click.Choice(["linked", "mirrored"]), help="How new projects of a URL are hosted [default: mirrored].")
@options.new_projects
@click.option("--keep-going", is_flag=True, help="Pass over bad lines, write the rest, and exit with 1.")
@options.repo
@options.pool
@options.connections
@options.jobs
@options.dry_run_fetching
@options.quiet
@options.output_format
def dumb_pypi(
    file: Path, packages_url: str | None, dist: Path | None, hosting: str | None, owners: tuple[str, ...], audiences: tuple[str, ...],
    keep_going: bool, repo: Path, pool: Path | None, connections: int, jobs: int | None, dry_run: bool, quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Turn a package list, of file names or JSON objects, into manifests.

    Each file is brought into the pool and looked into, as `add` does it; what the list says of its digest must be true. Upload
    times and yanked files are kept. Nothing is written unless all is good.

    \b
    Examples:
      index-builder import dumb-pypi list.json --dist /srv/packages/
      index-builder import dumb-pypi list.json --packages-url https://files.example.org/ --hosting linked
    """
    if (packages_url is None) == (dist is None):
        raise UsageError("say where the files are, once: --packages-url URL, or --dist DIR")
    if hosting and dist:
        raise UsageError("--hosting is for files at a URL: those of a folder are hosted", fix="leave it out")
    where = partial(_open, dist) if dist else urls.https_url(str(packages_url), fix=urls.IN_MANIFESTS).rstrip("/") + "/"
    root = wiring.find_root(repo)
    tree, reading, index = options.editable(root)
    defaults = Defaults(
        owners=options.owners_of_new(owners, reading.policies), audiences=options.audiences_of_new(audiences, index.configuration),
        hosting=Hosting(hosting) if hosting else None, now=Timestamp.of(wiring.SystemClock().now()),
    )  # fmt: skip
    wrong: list[BadLine] = []

    def bad(position: int, error: BadLineError) -> None:
        wrong.append(BadLine(position, error.message, error.fix))

    with (
        packagelist.opened(file) as stream,
        options.fetching(root, index.configuration, pool=pool, connections=connections, quiet=quiet) as fetcher,
    ):
        listing = PackageList(stream=stream, is_json=_is_json(stream))
        candidates = from_package_list(index, listing, where, defaults, fetcher, bad)
        problems = problems_of(str(file), wrong, line_numbers(stream, {line.position for line in wrong}))
        if problems:
            packagelist.show_problems(problems, stream, "text", most=None if keep_going else packagelist.MOST_SHOWN)
            if not keep_going:
                raise ProblemsFoundError(problems)
        with options.problems_shown(tree, "text"), wiring.open_workers(jobs) as workers:
            pinned, refused = _pinned(candidates, fetcher, workers, keep_going=keep_going)
        if refused:
            options.show_problems(refused, tree, "text")
            problems = (*problems, *refused)
    paths = {project.place.path for project, _ in pinned.groups}
    options.stop_at(tree, reading, lambda path: path in paths)
    changes = list(edits_of(index, pinned.groups, {path: tree.text(path) for path in paths}))
    options.show_problems([*pinned.warnings, *missing_dependencies(with_groups(index, pinned.groups), pinned.needs)], tree, "text")
    edits.finish(tree, changes, dry_run=dry_run, output_format=output_format, done="imported")
    if problems:
        raise ProblemsFoundError(problems)


def _pinned(
    candidates: list[Candidate], fetcher: Fetcher, workers: Executor | None, *, keep_going: bool
) -> tuple[Pinned, tuple[Problem, ...]]:
    """Return what was looked into, and, with `keep_going`, the problems of files that are passed over."""
    try:
        return pin(candidates, fetcher, workers), ()
    except ProblemsFoundError as error:
        refused = {problem.place.path for problem in error.problems if problem.severity == "error"}
        left = [candidate for candidate in candidates if candidate.file.name.text not in refused]
        if not keep_going or len(left) == len(candidates):
            raise
        return pin(left, fetcher, workers), error.problems


def _open(folder: Path, name: str) -> BinaryIO:
    return (folder / name).open("rb")


def _is_json(stream: BinaryIO) -> bool:
    """Say whether a list is one of JSON objects: its first line begins like one."""
    stream.seek(0)
    first = next((line for line in stream if line.strip()), b"")
    return first.lstrip().startswith(b"{")
