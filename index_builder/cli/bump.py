"""`bump`: each project's source is looked at, and newer releases go into manifests, or into pull requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from index_builder import wiring
from index_builder.cli import edits, options
from index_builder.cli.console import count, progress, stderr
from index_builder.cli.projects import find_project
from index_builder.errors import AnsweredError, IndexBuilderError, UsageError
from index_builder.model.names import Timestamp
from index_builder.model.problem import ProblemsFoundError
from index_builder.model.project import Project
from index_builder.model.pull import Draft, Standing
from index_builder.pipeline import bump
from index_builder.pipeline.add.candidate import Defaults
from index_builder.pipeline.add.edits import Change
from index_builder.pipeline.add.edits import edits as edits_of
from index_builder.pipeline.add.pin import pin
from index_builder.pipeline.bump import Find, Looked
from index_builder.wiring import github

if TYPE_CHECKING:
    from index_builder.adapters.github.repository import GitHubRepository
    from index_builder.fetch.stage import Fetcher
    from index_builder.model.index import Index
    from index_builder.ports import ReleaseFeed

#: The workflow that judges what is proposed: a pull request that a workflow opens starts none.
_JUDGE = "judge.yml"


class _SourceFailedError(AnsweredError):
    exit_code = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bumped:
    """What became of a project: what was found, its manifest before and after, and what goes beside it."""

    looked: Looked
    change: Change | None = None
    attestations: dict[str, bytes] = field(default_factory=dict)
    error: IndexBuilderError | None = None
    proposed: tuple[int, Standing] | None = None


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
        done = [_bumped(project, index, tree, fetcher, feed, now) for project in chosen]
        paths = {one.change.path for one in done if one.change}
        options.stop_at(tree, reading, lambda path: path in paths)
        if repository:
            done = [_proposed(one, repository, base, parent) for one in done]
    changes = [one.change for one in done if one.change]
    if not proposing and not dry_run:
        files = {path: content.decode() for one in done for path, content in one.attestations.items()}
        tree.write({change.path: change.after for change in changes} | files)
    if output_format == "json":
        click.echo(json.dumps({"dry_run": dry_run, "projects": [_json(one) for one in done]}, indent=2))
    else:
        _say(done, dry_run=dry_run, quiet=quiet)
    if any(one.error or one.looked.error for one in done):
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


def _bumped(project: Project, index: Index, tree: wiring.WorkTree, fetcher: Fetcher, feed: ReleaseFeed, now: Timestamp) -> _Bumped:
    """Look at one project, and make of what is newer an edit of its manifest."""
    defaults = Defaults(
        owners=project.owners, audiences=project.audiences, hosting=None, environments=index.configuration.clients,
        pre=bool(project.source and project.source.pre), now=now,
    )  # fmt: skip
    looked = bump.look(project, fetcher, feed, defaults)
    if looked.find is not Find.NEWER:
        return _Bumped(looked=looked)
    try:
        pinned = pin(bump.candidates(looked, index, fetcher, defaults), fetcher)
        path = project.place.path
        change = next(edits_of(index, pinned.groups, {path: tree.text(path)}))
        return _Bumped(looked=looked, change=change, attestations=bump.bundles(project, change.files, feed, wiring.attestations()))
    except ProblemsFoundError as error:
        first = next(problem for problem in error.problems if problem.severity == "error")
        more = f", and {len(error.problems) - 1} more problems" if len(error.problems) > 1 else ""
        return _Bumped(looked=looked, error=IndexBuilderError(f"{first.message} ({first.rule}){more}", fix=first.fix))
    except IndexBuilderError as error:
        if error.exit_code == 130:  # noqa: PLR2004 - it was stopped
            raise
        return _Bumped(looked=looked, error=error)


def _proposed(one: _Bumped, repository: GitHubRepository, base: str, parent: str) -> _Bumped:
    """Open a pull request, or bring it up to date, and let it be judged."""
    if one.change is None:
        return one
    name, version = one.change.project.normalized, one.looked.version
    files = {one.change.path: one.change.after.encode(), **one.attestations}
    title = f"Bump {one.change.project.name} to {version}"
    draft = Draft(
        branch=f"bump/{name}", base=base, parent=parent, title=title, body=_body(one), files=files,
        mark=f"<!-- index-builder: bump {name} {version} -->",
    )  # fmt: skip
    try:
        number, standing = repository.propose(draft)
        if standing in (Standing.OPENED, Standing.UPDATED):
            repository.dispatch(_JUDGE, base, number=str(number))
    except IndexBuilderError as error:
        return _Bumped(looked=one.looked, change=one.change, attestations=one.attestations, error=error)
    return _Bumped(looked=one.looked, change=one.change, attestations=one.attestations, proposed=(number, standing))


def _body(one: _Bumped) -> str:
    """Return what a pull request says: what is new, where its notes are, and what differs from the release before."""
    assert one.change  # noqa: S101 - for the type checker
    looked, change = one.looked, one.change
    lines = [f"{change.project.name} {looked.version} follows {looked.before}." if looked.before else f"{looked.version} is the first."]
    if looked.notes:
        lines.append(f"Its notes: {looked.notes}")
    lines += ["", "| file | size | requires Python | attested |", "|---|---|---|---|"]
    kept = {path.partition("/")[2].partition(".")[0] for path in one.attestations}
    for file in change.files:
        attested = "yes" if file.provenance or file.sha256 in kept else "no"
        lines.append(f"| `{file.name.text}` | {file.size:,} | `{file.requires_python or 'any'}` | {attested} |")
    old = next((release for release in change.project.releases if release.version == looked.before), None)
    if old and old.files:
        before, after = ({file.requires_python for file in files} for files in (old.files, change.files))
        if before != after:
            said = " and ".join(sorted(f"`{text or 'any'}`" for text in before))
            lines += ["", f"Before, it required Python {said}."]
    lines += ["", "```diff", edits.unified(change.path, change.before, change.after).replace("```", "` ` `").rstrip(), "```"]
    return "\n".join(lines)


def _say(done: Sequence[_Bumped], *, dry_run: bool, quiet: bool) -> None:
    console = stderr()
    for one in done:
        error = one.error or one.looked.error
        if error:
            console.print(f"[bold]{one.looked.project.name}[/]: [bold red]failed[/]: ", end="")
            console.print(error.message, markup=False, highlight=False)
            if error.fix:
                console.print(f"  fix: {error.fix}", markup=False, highlight=False)
        elif not quiet:
            console.print(f"[bold]{one.looked.project.name}[/]: {_sentence(one, dry_run=dry_run)}", highlight=False)
        if dry_run and one.change:
            click.echo(edits.unified(one.change.path, one.change.before, one.change.after), nl=False)


def _sentence(one: _Bumped, *, dry_run: bool) -> str:
    looked = one.looked
    if looked.find is Find.CURRENT:
        return f"nothing newer than {looked.before}" if looked.before else "nothing there"
    if looked.find is Find.COOLING:
        when = f"until {Timestamp.of(looked.until)}" if looked.until else "because nobody says when it was released"
        return f"{looked.version} waits {when}"
    files = count(len(one.change.files), "file") if one.change else ""
    if one.proposed:
        number, standing = one.proposed
        return f"{looked.version} ({files}), #{number} {standing.value}"
    return f"{looked.before or 'nothing'} → {looked.version}, {files} {'would be added' if dry_run else 'added'}"


def _json(one: _Bumped) -> dict[str, object]:
    looked, error = one.looked, one.error or one.looked.error
    return {
        "project": looked.project.normalized, "result": str(Find.FAILED if error else looked.find),
        "before": str(looked.before) if looked.before else None, "version": str(looked.version) if looked.version else None,
        "until": looked.until.isoformat() if looked.until else None, "notes": looked.notes or None,
        "path": one.change.path if one.change else None, "files": [file.name.text for file in one.change.files] if one.change else [],
        "attestations": sorted(one.attestations), "pull_request": one.proposed[0] if one.proposed else None,
        "standing": one.proposed[1].value if one.proposed else None, "error": error.message if error else None,
    }  # fmt: skip
