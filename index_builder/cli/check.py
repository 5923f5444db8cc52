"""`check`: manifests, policies and bytes are judged."""

from __future__ import annotations

from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import count, stderr
from index_builder.model.problem import ProblemsFoundError
from index_builder.pipeline.check import Judgement, check
from index_builder.pipeline.reading import read_tree


@click.command("check")
@options.reading_options
@options.pool
@click.option("--offline", is_flag=True, help="Ask no other host; say what could not be looked at.")
@click.option("--strict", is_flag=True, help="Let warnings fail the command, as errors do.")
@options.connections
@options.jobs
@options.quiet
@options.problem_format
def command(
    repo: Path, commit: str, worktree: bool, pool: Path | None, offline: bool, strict: bool, connections: int, jobs: int | None,
    quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Judge manifests, policies and the bytes they pin.

    Every problem of every file is reported at once, with its line and what to do. The bytes of every listed file
    are fetched where the pool lacks them, looked into, and compared with what the manifest says.

    \b
    Examples:
      index-builder check --worktree
      index-builder check --offline --format github
      index-builder check --strict
    """
    root, tree = options.source(repo, commit, worktree=worktree)
    reading = read_tree(tree)
    if reading.index is None:
        judgement = Judgement(projects=0, files=0, unchecked=0, problems=reading.problems)
    else:
        configuration = reading.index.configuration
        with (
            options.fetching(root, configuration, pool=pool, connections=connections, quiet=quiet, offline=offline) as fetcher,
            wiring.open_workers(jobs) as workers,
        ):
            judgement = check(reading, reading.index, fetcher, workers)
    options.show_problems(judgement.problems, tree, output_format)
    if not quiet and output_format == "text":
        _show(judgement)
    if any(problem.severity == "error" or strict for problem in judgement.problems):
        raise ProblemsFoundError(judgement.problems)


def _show(judgement: Judgement) -> None:
    errors = sum(problem.severity == "error" for problem in judgement.problems)
    warnings = len(judgement.problems) - errors
    found = ", ".join(count(n, noun) for n, noun in ((errors, "error"), (warnings, "warning")) if n) or "no problems"
    console = stderr()
    console.print(f"{count(judgement.projects, 'project')}, {count(judgement.files, 'file')}: {found}")
    if judgement.unchecked:
        console.print(f"  not looked into, because of --offline: {count(judgement.unchecked, 'file')}")
