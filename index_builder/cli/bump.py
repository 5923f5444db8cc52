"""`bump`: each project's source is looked at, and newer releases go into manifests, or into pull requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import count, progress, stderr
from index_builder.cli.projects import find_project
from index_builder.errors import AnsweredError, RemoteError, UsageError
from index_builder.model.names import Timestamp
from index_builder.model.project import Project
from index_builder.model.pull import Standing
from index_builder.pipeline.add.edits import unified
from index_builder.pipeline.bump.bump import Bumped, Workbench
from index_builder.pipeline.bump.look import Find
from index_builder.pipeline.bump.propose import propose
from index_builder.wiring import github

if TYPE_CHECKING:
    from index_builder.adapters.github.repository import GitHubRepository
    from index_builder.model.index import Index

#: The workflow that judges what is proposed: a pull request that a workflow opens starts none.
_JUDGE: Final = "judge.yml"


class _SourceFailedError(AnsweredError):
    exit_code = 3


@click.command("bump")
@click.argument("projects", nargs=-1, metavar="[PROJECT]...")
@click.option("--pr", "proposing", is_flag=True, help="Open or update one pull request a project, and change nothing here.")
@click.option("--branch", "base", default="main", show_default=True, metavar="NAME", help="With --pr: what they are to be merged into.")
@options.repo
@options.pool
@options.connections
@options.dry_run_fetching
@options.quiet
@options.output_format
def command(
    projects: tuple[str, ...], proposing: bool, base: str, repo: Path, pool: Path | None, connections: int,
    dry_run: bool, quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Look where each manifest's `source` says, and add the newest release if it is newer than what is here.

    Only versions in `versions:` count, those that are older than `cooldown:`, and pre-releases with `pre: true`. What fails for one
    project holds up no other; the exit code is 3 then. GITHUB_TOKEN is used where it is set.

    \b
    Examples:
      index-builder bump
      index-builder bump acme-utils --dry-run
      index-builder bump --pr
    """
    root = wiring.find_root(repo)
    parent = _committed(root) if proposing else ""
    tree, reading, index = options.editable(root)
    chosen = _chosen(projects, index)
    now = Timestamp.of(wiring.SystemClock().now())
    shown = progress(quiet=quiet)
    with ExitStack() as stack:
        repository = stack.enter_context(github.open_repository(shown)) if proposing and not dry_run else None
        feed = stack.enter_context(github.open_feed(shown))
        fetcher = stack.enter_context(
            options.fetching(root, index.configuration, pool=pool, connections=connections, quiet=quiet)
        )  # fmt: skip
        bench = Workbench(index=index, fetcher=fetcher, feed=feed, attestations=wiring.attestations(), now=now)
        bumped = [bench.bump(project, tree.text(project.place.path)) for project in chosen]
        paths = {one.change.path for one in bumped if one.change}
        options.stop_at(tree, reading, lambda path: path in paths)
        done = [_proposed(one, repository, base, parent) if repository else (one, None) for one in bumped]
    if not proposing and not dry_run:
        files = {path: content.decode() for one, _ in done for path, content in one.attestations.items()}
        tree.write({one.change.path: one.change.after for one, _ in done if one.change} | files)
    if output_format == "json":
        click.echo(json.dumps({"dry_run": dry_run, "projects": [_json(*one) for one in done]}, indent=2))
    else:
        _say(done, dry_run=dry_run, quiet=quiet)
    if any(one.error for one, _ in done):
        raise _SourceFailedError


def _committed(root: Path) -> str:
    """Return the commit that pull requests begin from; raises UsageError where something is not in it."""
    if changed := wiring.uncommitted(root):
        msg = f"{changed[0]} is not as the last commit has it, and --pr proposes what follows from that commit"
        raise UsageError(msg, fix="commit it, or put it aside: git stash")
    return wiring.open_tree(root, "HEAD", worktree=False).revision


def _chosen(names: Sequence[str], index: Index) -> list[Project]:
    """Return the projects that are named, or all that have a source; raises UsageError."""
    if not names:
        found = [project for _, project in sorted(index.projects.items()) if project.source]
        if not found:
            msg = "no manifest has a `source:`, so there is nowhere to look"
            raise UsageError(msg, fix="say where, in a manifest: source: {index: pypi}, or source: {github: acme/utils}")
        return found
    found = [find_project(index, name) for name in dict.fromkeys(names)]
    for project in found:
        if project.source is None:
            msg = f"{project.name} has no `source:`"
            raise UsageError(msg, fix=f"say in {project.place.path} where to look, as source: {{index: pypi}}")
    return found


def _proposed(one: Bumped, repository: GitHubRepository, base: str, parent: str) -> tuple[Bumped, tuple[int, Standing] | None]:
    """Propose one; that another one cannot be proposed holds it up as little as anything else."""
    try:
        return one, propose(one, base, parent, repository, repository, _JUDGE)
    except RemoteError as error:
        return replace(one, error=error), None


def _say(done: Sequence[tuple[Bumped, tuple[int, Standing] | None]], *, dry_run: bool, quiet: bool) -> None:
    console = stderr()
    for one, proposed in done:
        if one.error:
            console.print(f"[bold]{one.looked.project.name}[/]: [bold red]failed[/]: ", end="")
            console.print(one.error.message, markup=False, highlight=False)
            if one.error.fix:
                console.print(f"  fix: {one.error.fix}", markup=False, highlight=False)
        elif not quiet:
            console.print(f"[bold]{one.looked.project.name}[/]: {_sentence(one, proposed, dry_run=dry_run)}", highlight=False)
        if dry_run and not quiet:
            for found in one.differences:
                told = (", ".join(values) or "nothing" for values in (found.before, found.after))
                console.print(f"  {found.field}: {' → '.join(told)}", markup=False, highlight=False)
        if dry_run and one.change:
            click.echo(unified(one.change.path, one.change.before, one.change.after), nl=False)


def _sentence(one: Bumped, proposed: tuple[int, Standing] | None, *, dry_run: bool) -> str:
    looked = one.looked
    if looked.find is Find.CURRENT:
        return f"nothing newer than {looked.before}" if looked.before else "nothing there"
    if looked.find is Find.COOLING:
        when = f"until {Timestamp.of(looked.until)}" if looked.until else "because nobody says when it was released"
        return f"{looked.version} waits {when}"
    files = count(len(one.change.files), "file") if one.change else ""
    if proposed:
        number, standing = proposed
        return f"{looked.version} ({files}), #{number} {standing.value}"
    return f"{looked.before or 'nothing'} → {looked.version}, {files} {'would be added' if dry_run else 'added'}"


def _json(one: Bumped, proposed: tuple[int, Standing] | None) -> dict[str, object]:
    looked, error = one.looked, one.error
    return {
        "project": looked.project.normalized, "result": str(Find.FAILED if error else looked.find),
        "before": str(looked.before) if looked.before else None, "version": str(looked.version) if looked.version else None,
        "until": looked.until.isoformat() if looked.until else None, "notes": looked.notes or None,
        "path": one.change.path if one.change else None, "files": [file.name.text for file in one.change.files] if one.change else [],
        "metadata": [{"field": d.field, "before": list(d.before), "after": list(d.after)} for d in one.differences],
        "attestations": sorted(one.attestations), "pull_request": proposed[0] if proposed else None,
        "standing": proposed[1].value if proposed else None, "error": error.message if error else None,
    }  # fmt: skip
