"""`check`: manifests, policies and bytes are judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import count, stderr
from index_builder.errors import UsageError
from index_builder.model.problem import Problem, ProblemsFoundError
from index_builder.pipeline.check import Judgement, check
from index_builder.pipeline.codeowners import stale_codeowners
from index_builder.pipeline.kept import kept_in
from index_builder.pipeline.reading import read_tree
from index_builder.pipeline.theme import theme_problems
from index_builder.ports.trees import SourceTree
from index_builder.wiring import shipped


@click.command("check")
@click.option("--base", metavar="REV", help="Judge the change from here: what would merging it do, and may it?")
@options.head
@click.option("--actor", metavar="WHO", help="Who proposes the change: a person of policies.d/, or a GitHub login.")
@click.option("--approved-by", "approvals", multiple=True, metavar="WHO", help="Somebody who has approved it; may be repeated.")
@click.option(
    "--facts", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="What the change's host knows of it, as JSON."
)
@options.reading_options
@options.pool
@click.option("--offline", is_flag=True, help="Ask no other host; say what could not be looked at.")
@click.option("--strict", is_flag=True, help="Let warnings fail the command, as errors do.")
@options.connections
@options.jobs
@options.quiet
@options.report_format
def command(
    base: str | None, head: str | None, actor: str | None, approvals: tuple[str, ...], facts: Path | None,
    repo: Path, commit: str, worktree: bool, pool: Path | None, offline: bool, strict: bool, connections: int, jobs: int | None,
    quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Judge manifests, policies and the bytes they pin; or with --base a change, by the policies of its base.

    Every problem of every file is reported at once, with its line and what to do. The bytes of every listed file
    are fetched where the pool lacks them, looked into, and compared with what the manifest says.

    With --base only what a change changes is looked at, as merging it would leave it. Exit codes: 0 it may be merged,
    10 nothing is wrong and somebody's word is missing, which the report names, 1 it breaks a rule or is denied.

    \b
    Examples:
      index-builder check --worktree
      index-builder check --offline --format github
      index-builder check --strict
      index-builder check --base origin/main
      index-builder check --base origin/main --actor alice --approved-by bob --format markdown
    """
    if base is not None:
        from index_builder.cli import judge  # noqa: PLC0415 - it is half as much again to import

        root = wiring.find_root(repo)
        last = options.head_of(head, root, worktree=worktree)
        question = judge.Question(base=base, head=last, actor=actor, approved_by=approvals, facts=facts)
        judge.run(
            question, root, pool=pool, offline=offline, strict=strict, connections=connections, jobs=jobs, quiet=quiet,
            output_format=output_format,
        )  # fmt: skip
        return
    alone = {
        "--head": head,
        "--actor": actor,
        "--approved-by": approvals,
        "--facts": facts,
        "--format markdown": output_format == "markdown",
    }
    if given := [name for name, value in alone.items() if value]:
        msg = f"{given[0]} is about a change, and no --base is given"
        raise UsageError(msg, fix="add --base, for example --base origin/main")
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
            extra = [*stale_codeowners(tree, reading.policies, reading.index.projects), *_of_trust(tree)]
            extra += theme_problems(tree, shipped.templates)
            judgement = check(reading, reading.index, replace(fetcher, kept=kept_in(tree)), workers, extra=extra)
    options.show_problems(judgement.problems, tree, output_format)
    if not quiet and output_format == "text":
        _show(judgement)
    if any(problem.severity == "error" or strict for problem in judgement.problems):
        raise ProblemsFoundError(judgement.problems)


def _of_trust(tree: SourceTree) -> list[Problem]:
    if not any(True for _ in tree.entries("trust")):
        return []
    from index_builder.pipeline.trust import trust_problems  # noqa: PLC0415 - TUF is slow to import

    return list(trust_problems(tree))


def _show(judgement: Judgement) -> None:
    errors = sum(problem.severity == "error" for problem in judgement.problems)
    warnings = len(judgement.problems) - errors
    found = ", ".join(count(n, noun) for n, noun in ((errors, "error"), (warnings, "warning")) if n) or "no problems"
    console = stderr()
    console.print(f"{count(judgement.projects, 'project')}, {count(judgement.files, 'file')}: {found}")
    if judgement.unchecked:
        console.print(f"  not looked into, because of --offline: {count(judgement.unchecked, 'file')}")
