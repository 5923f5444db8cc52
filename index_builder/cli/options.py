"""Options and steps that several verbs share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from index_builder import wiring
from index_builder.cli import formats
from index_builder.cli.console import count, note, progress, stderr
from index_builder.errors import UsageError
from index_builder.model.names import NormalizedName, Word, one_line
from index_builder.model.problem import Place, Problem, ProblemsFoundError
from index_builder.model.source import EXECUTABLE, ORDINARY
from index_builder.wiring import fetchers

if TYPE_CHECKING:
    from index_builder.fetch.stage import Fetcher
    from index_builder.manifests.reader import Reading
    from index_builder.model.index import Audience, Configuration, Index
    from index_builder.model.project import Project
    from index_builder.pipeline.tree import Report
    from index_builder.policy.rules import Policies
    from index_builder.ports.trees import SourceTree

Command = Callable[..., Any]


def _manifests(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the projects that have a manifest and whose normalized name begins so, for a shell that completes."""
    folder = wiring.find_root(context.params.get("repo") or Path()) / "packages.d"
    return sorted(path.stem for path in folder.rglob("*.yaml") if path.stem.startswith(incomplete.lower()))


def _dask(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    """Return the HOST:PORT of a scheduler, or ''."""
    if value is None:
        return ""
    host, _, port = value.removeprefix("dask://").rpartition(":")
    if not value.startswith("dask://") or not host or not port.isdecimal():
        msg = f"{value!r} is not written as dask://HOST:PORT"
        raise click.BadParameter(msg)
    return f"{host}:{port}"


project = click.argument("project", shell_complete=_manifests)
repo = click.option(
    "--repo", type=click.Path(path_type=Path), default=Path(), metavar="DIR", help="The index repository [default: this folder's]."
)
commit = click.option("--commit", default="HEAD", metavar="REV", show_default=True, help="Read this revision.")
head = click.option("--head", metavar="REV", help="The change's last commit [default: HEAD; with --worktree the files as they are].")
worktree = click.option("--worktree", is_flag=True, help="Read the files as they are, committed or not.")
pool = click.option("--pool", type=click.Path(path_type=Path), metavar="DIR", help="The pool [default: as index.yaml says].")
quiet = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
dry_run = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
dry_run_fetching = click.option(
    "--dry-run", is_flag=True, help="Say what would change, and change nothing; what is fetched stays in the pool."
)
connections = click.option(
    "--connections", type=click.IntRange(1, 128), default=16, metavar="N", show_default=True, help="Connections at a time."
)
no_web = click.option("--no-web", is_flag=True, help="Leave out the pages for people; installers need none of them.")
jobs = click.option("--jobs", type=click.IntRange(1, 256), metavar="N", help="Processes to work in [default: one a processor].")
executor = click.option(
    "--executor", metavar="dask://HOST:PORT", callback=_dask, help="Work on a cluster; its workers must reach the pool."
)
output_format = click.option(
    "--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print the result."
)
problem_format = click.option(
    "--format", "output_format", type=click.Choice(["text", "json", "github", "sarif"]), default="text", show_default=True,
    help="How to print problems: github gives workflow annotations.",
)  # fmt: skip

report_format = click.option(
    "--format", "output_format", type=click.Choice(["text", "json", "github", "sarif", "markdown"]), default="text", show_default=True,
    help="How to print problems: github gives workflow annotations, markdown (with --base) the report.",
)  # fmt: skip


def plain_line(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Return a text of one plain line, as a click callback does."""
    try:
        return one_line(value) if value else value
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def reason(*, help_text: str, default: str | None = None, required: bool = False) -> Callable[[Command], Command]:
    """Return a --reason option: one plain line, as manifests hold it."""
    more: dict[str, Any] = {} if default is None else {"default": default}
    return click.option("--reason", required=required, metavar="TEXT", help=help_text, callback=plain_line, **more)


def title(command: Command) -> Command:
    """Add --title."""
    text = "The index's title [default: the folder's name]."
    decorated: Command = click.option("--title", metavar="TEXT", help=text, callback=plain_line)(command)
    return decorated


def new_projects(command: Command) -> Command:
    """Add --owner and --audience, for projects that have no manifest yet."""
    owner = click.option(
        "--owner", "owners", multiple=True, metavar="WHO", help="An owner of a new project [default: the only group or person there is]."
    )
    audience = click.option(
        "--audience", "audiences", multiple=True, metavar="NAME", help="Who may see a new project, where there are several audiences."
    )
    return owner(audience(command))


def normalized(name: str) -> NormalizedName:
    """Return the normalized form of a name from the command line; raises UsageError."""
    try:
        return NormalizedName.of(name)
    except ValueError as error:
        msg = f"{name!r} is no project name: {error}"
        raise UsageError(msg) from error


def reading_options(command: Command) -> Command:
    """Add --repo, --commit and --worktree."""
    return repo(commit(worktree(command)))


def source(repo: Path, commit: str, *, worktree: bool) -> tuple[Path, SourceTree]:
    """Return the repository's root and what should be read of it; raises SourceError."""
    context = click.get_current_context(silent=True)
    if worktree and context is not None and context.get_parameter_source("commit") is ParameterSource.COMMANDLINE:
        msg = "--commit and --worktree contradict each other"
        raise UsageError(msg, fix="leave one of them out")
    root = wiring.find_root(repo)
    tree = wiring.open_tree(root, commit, worktree=worktree)
    if not worktree and commit == "HEAD":
        note_uncommitted(root)
    return root, tree


def head_of(head: str | None, root: Path, *, worktree: bool) -> str | None:
    """Return the last commit of a change, None for the working tree; raises UsageError where both are asked for."""
    if worktree and head is not None:
        msg = "--head and --worktree contradict each other"
        raise UsageError(msg, fix="leave one of them out")
    if not worktree and head is None:
        note_uncommitted(root)
    return None if worktree else head or "HEAD"


def note_uncommitted(root: Path) -> None:
    """Say that there are files which are not as the last commit has them, to whom only that is read."""
    if changed := wiring.uncommitted(root):
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        differs = "are not as the last commit has them" if more else "is not as the last commit has it"
        note(f"{changed[0]}{more} {differs}; --worktree reads {'them' if more else 'it'}")


@contextmanager
def fetching(
    root: Path, configuration: Configuration, *, pool: Path | None, connections: int, quiet: bool, offline: bool = False
) -> Iterator[Fetcher]:
    """Yield a fetcher that shows its progress."""
    clock = wiring.SystemClock()
    with fetchers.open_fetcher(
        root, configuration, clock, progress(quiet=quiet), pool=pool, connections=connections, offline=offline
    ) as fetcher:
        yield fetcher


def show_problems(problems: Sequence[Problem], tree: SourceTree, output_format: str) -> None:
    """Print problems of a tree: text to stderr, the other formats to stdout."""
    print_problems(problems, line_of(tree) if problems and output_format == "text" else lambda _place: None, output_format)


def print_problems(problems: Sequence[Problem], line: formats.Line, output_format: str) -> None:
    """Print problems, in text with their lines."""
    if output_format == "json":
        click.echo(json.dumps({"problems": formats.to_json(problems)}, indent=2))
    elif output_format == "github":
        click.echo(formats.github(problems), nl=bool(problems))
    elif output_format == "sarif":
        click.echo(formats.sarif(problems))
    elif problems:
        click.echo(formats.text(problems, line) + "\n", err=True)


def line_of(tree: SourceTree) -> formats.Line:
    """Return a function from a place to its line, None for what is no text file of the tree."""

    @cache
    def lines(path: str) -> list[str]:
        if not path.endswith(".yaml"):
            return []
        found = next((entry for entry in tree.entries(path) if entry.path == path and entry.mode in (ORDINARY, EXECUTABLE)), None)
        return tree.read(found).decode("utf-8", "replace").splitlines() if found else []

    def line(place: Place) -> str | None:
        return lines(place.path)[place.line - 1] if 0 < place.line <= len(lines(place.path)) else None

    return line


@contextmanager
def problems_shown(tree: SourceTree, output_format: str) -> Iterator[None]:
    """Print the problems that end the command, then let them end it."""
    try:
        yield
    except ProblemsFoundError as error:
        show_problems(error.problems, tree, output_format)
        raise


def check_owners(names: Sequence[str], policies: Policies) -> None:
    """Raise UsageError for a name that no policy declares, where policies declare any."""
    for name in names:
        if policies.names() and name not in policies.names():
            near = get_close_matches(name, sorted(policies.names()), n=1)
            msg = f"nobody and no group is called '{name}'"
            raise UsageError(msg, fix=f"did you mean '{near[0]}'?" if near else f"policies.d/ has: {', '.join(sorted(policies.names()))}")


def readable(repo: Path, commit: str, *, worktree: bool) -> Index:
    """Return the index of a revision without errors, for a command that answers questions; raises SourceError."""
    _, tree = source(repo, commit, worktree=worktree)
    from index_builder.pipeline.reading import index_of, read_tree  # noqa: PLC0415 - with pydantic behind it, slow to import

    with problems_shown(tree, "text"):
        return index_of(read_tree(tree))


def check_audience(name: str, configuration: Configuration) -> None:
    """Raise UsageError for an audience that is not there, with the near ones."""
    known = configuration.audiences
    if name not in known:
        near = get_close_matches(name, known, n=1)
        msg = f"there is no audience '{name}'"
        raise UsageError(msg, fix=f"did you mean '{near[0]}'?" if near else f"the audiences are: {', '.join(known)}")


def chosen_audience(name: str | None, configuration: Configuration) -> Audience:
    """Return the audience that was named, or the only one; raises UsageError."""
    known = configuration.audiences
    if name is not None:
        check_audience(name, configuration)
        return known[Word(name)]
    if len(known) > 1:
        msg = f"there are several audiences: {', '.join(known)}"
        raise UsageError(msg, fix=f"say which: --audience {next(iter(known))}")
    return next(iter(known.values()))


def check_output(folder: Path, root: Path, configuration: Configuration) -> None:
    """Raise UsageError for a folder that is in what the index is made of."""
    sources = ("packages.d", "policies.d", "schemas", ".git", configuration.pool.path, configuration.inbox.path)
    for source in sources:
        if folder.resolve().is_relative_to((root / source).resolve()):
            msg = f"{folder} is inside {source}, which an index is made of"
            raise UsageError(msg, fix="build into a folder of its own, such as site/")


def seen_by(index: Index, audience: str | None) -> tuple[Project, ...]:
    """Return the projects that an audience sees (None: all), by name; raises UsageError."""
    if audience is not None:
        check_audience(audience, index.configuration)
        return index.seen_by(Word(audience))
    return tuple(project for _, project in sorted(index.projects.items()))


def editable(root: Path) -> tuple[wiring.WorkTree, Reading, Index]:
    """Return the working tree, its reading and its index, for a command that edits manifests.

    Only problems of `index.yaml` or `policies.d/` stop it here; `stop_at` is for those of the manifests themselves.
    """
    from index_builder.pipeline.reading import read_tree  # noqa: PLC0415 - with pydantic behind it, slow to import

    tree = wiring.WorkTree(root)
    reading = read_tree(tree)
    stop_at(tree, reading, lambda path: not path.startswith("packages.d/"))
    if reading.index is None:
        raise ProblemsFoundError(reading.problems)
    return tree, reading, reading.index


def stop_at(tree: SourceTree, reading: Reading, edited: Callable[[str], bool]) -> None:
    """Show and raise the errors of `edited` paths; that a project has no release yet does not stop an edit."""
    found = [p for p in reading.problems if p.severity == "error" and p.rule != "no-releases" and edited(p.place.path)]
    if found:
        show_problems(found, tree, "text")
        raise ProblemsFoundError(found)


def show_changes(report: Report, folder: Path, *, dry_run: bool) -> None:
    """Say what a build did to a tree, or would do."""
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
    name = f"[bold]{report.audience}[/]: " if report.audience else ""
    stderr().print(f"{name}{held}; {changed} in {folder}")


def owners_of_new(given: Sequence[str], policies: Policies) -> tuple[Word, ...]:
    """Return the owners of a new project: those that were given, or the only group or person that there is."""
    check_owners(given, policies)
    known = sorted(policies.groups) or sorted(policies.people)
    if given:
        return tuple(Word(name) for name in given)
    return tuple(known) if len(known) == 1 else ()


def audiences_of_new(given: Sequence[str], configuration: Configuration) -> tuple[Word, ...]:
    """Return who may see a new project; raises UsageError."""
    for name in given:
        check_audience(name, configuration)
    return tuple(Word(name) for name in given)
