"""`policy`: what the policies would have decided, and what follows from them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import count, stderr
from index_builder.model.plain import plain
from index_builder.pipeline.judge.evidence import evidence_at_hand
from index_builder.pipeline.judge.reading import base_settings
from index_builder.pipeline.judge.replay import replay
from index_builder.pipeline.reading import configuration_of, index_of, read_tree
from index_builder.policy.codeowners import PATH, codeowners
from index_builder.wiring.fetchers import open_pool


@click.group("policy")
def command() -> None:
    """Look at the policies: what they would have decided, whom they make reviewers.

    \b
    Examples:
      index-builder policy replay --since v1.0
      index-builder policy codeowners --write
    """


@command.command("replay")
@click.option("--since", metavar="REV", required=True, help="Judge the merges after this revision.")
@options.pool
@options.reading_options
@options.output_format
def replay_(since: str, pool: Path | None, repo: Path, commit: str, worktree: bool, output_format: str) -> None:
    """Judge the past merges of the repository by its present policies, and show each decision that flips.

    With --worktree by the policies as they are in the folder, committed or not. Each merge is a commit against its first
    parent; who proposed it is known where its mail address has the number of a GitHub account. Approvals are not in git:
    what waited for one then, waits for it now. Licenses and attestations of past files count where the pool or the repository
    has them; nothing is fetched.
    """
    root, tree = options.source(repo, commit, worktree=worktree)
    with options.problems_shown(tree, "text"):
        policies = base_settings(tree).policies
        files = open_pool(root, configuration_of(tree), pool)
    known = partial(evidence_at_hand, pool=files, attestations=wiring.attestations())
    found = replay(wiring.open_history(root, commit).merges(since=since), policies, known)
    if output_format == "json":
        flips = [
            {
                "commit": flip.commit, "title": flip.title, "actor": flip.actor, "action": flip.action, "subject": flip.subject,
                "was": flip.was.value, "now": flip.now.value,
            }
            for flip in found.flips
        ]  # fmt: skip
        click.echo(json.dumps({"merges": found.merges, "skipped": found.skipped, "flips": flips}, indent=2))
        return
    for flip in found.flips:
        click.echo(plain(str(flip)))
    skipped = f", {found.skipped} not judged: their base's policies cannot be read" if found.skipped else ""
    stderr().print(f"{count(found.merges, 'merge')}{skipped}; {count(len(found.flips), 'decision')} would be another")


@command.command("codeowners")
@click.option("--write", is_flag=True, help=f"Write it to {PATH}.")
@options.reading_options
@options.dry_run
def codeowners_(write: bool, repo: Path, commit: str, worktree: bool, dry_run: bool) -> None:
    """Print a CODEOWNERS file: GitHub asks those for a review who may release or edit a project, and administrators else.

    `check` says when the file that --write wrote is no longer what the policies say.
    """
    root, tree = options.source(repo, commit, worktree=worktree or write)
    with options.problems_shown(tree, "text"):
        reading = read_tree(tree)
        text = codeowners(reading.policies, index_of(reading).projects)
    if not write:
        click.echo(text, nl=False)
        return
    if not dry_run:
        wiring.WorkTree(root).write({PATH: text})
    stderr().print(f"{count(text.count(chr(10)) - 1, 'line')} {'would be ' if dry_run else ''}written to {PATH}")
