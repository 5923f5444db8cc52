"""`build`: a commit becomes the tree of each audience."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from index_builder import wiring
from index_builder.cli import options, urls
from index_builder.cli.console import stderr
from index_builder.cli.packagelist import NAMES, build_from_list, list_options
from index_builder.errors import UsageError
from index_builder.model.names import Word
from index_builder.render.legacy import ReleaseJson
from index_builder.wiring import fetchers, shipped
from index_builder.wiring import sites as places

if TYPE_CHECKING:
    from index_builder.model.index import Configuration
    from index_builder.pipeline.tree import Report
    from index_builder.ports.places import Site
    from index_builder.ports.trees import SourceTree


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
@options.connections
@options.jobs
@options.executor
@click.option(
    "--release-json", type=click.Choice([kind.value for kind in ReleaseJson]), default=ReleaseJson.VERSION.value, show_default=True,
    help="The legacy JSON of each release: none, its own files, or all releases' files.",
)  # fmt: skip
@click.option("--full", is_flag=True, help="Build all, whatever the last build left.")
@click.option("--verify", is_flag=True, help="Build all, read every file that is there once more, and repair what was altered.")
@click.option("--sparse", is_flag=True, help="Write only what differs from what is published, and beside it DIR/AUDIENCE.changes.json.")
@click.option("--published", metavar="WHERE", help="Where that is, a URL or folder, for --sparse [default: the audience's url].")
@options.no_web
@list_options
@options.dry_run_fetching
@options.quiet
@options.problem_format
@click.pass_context
def command(
    context: click.Context, /, repo: Path, commit: str, worktree: bool, output: Path | None, pool: Path | None, audiences: tuple[str, ...],
    connections: int, jobs: int | None, executor: str, release_json: str, full: bool, verify: bool, sparse: bool, published: str | None,
    no_web: bool, dry_run: bool, quiet: bool, output_format: str, **of_list: Any,
) -> None:  # fmt: skip
    """Build the index of each audience into a folder.

    The commit decides every byte of every page. Files that are missing are fetched into the pool and checked;
    what has not changed since the last build is neither read nor written. A dry run fetches and judges too; it writes
    into the pool only.

    With a package list instead of a repository, the index of that list, as dumb-pypi builds it.

    \b
    Examples:
      index-builder build
      index-builder build --commit v1.2 --output /srv/index
      index-builder build --worktree --audience internal
      index-builder build --package-list-json list.json --packages-url ../../packages/ --output-dir /srv/index
    """
    if _is_of_list(context):
        build_from_list(
            of_list, release_json=ReleaseJson(release_json), full=full or verify, no_web=no_web, dry_run=dry_run, jobs=jobs,
            executor=executor, quiet=quiet, output_format=output_format,
        )  # fmt: skip
        return
    from index_builder.pipeline.build import Order, build  # noqa: PLC0415 - a package list needs none of it
    from index_builder.pipeline.reading import configuration_of  # noqa: PLC0415 - as above

    root, tree = options.source(repo, commit, worktree=worktree)
    folder = output or root / "site"
    with options.problems_shown(tree, output_format):
        configuration = configuration_of(tree)
        options.check_output(folder, root, configuration)
        chosen = _chosen(configuration, audiences)
        if published and not sparse:
            raise UsageError("--published goes with --sparse", fix="add --sparse, or leave it out")
        where = _published(configuration, chosen, published, folder, dry_run=dry_run) if sparse else {}
        with (
            options.fetching(root, configuration, pool=pool, connections=connections, quiet=quiet) as fetcher,
            ExitStack() as stack,
            wiring.open_workers(jobs, executor) as workers,
        ):
            sparse_sites = stack.enter_context(places.open_sparse_sites(folder, where, fetcher, _roots(tree, where))) if sparse else {}
            sites: Mapping[Word, Site] = sparse_sites or stack.enter_context(places.open_sites(folder, chosen, dry_run=dry_run))
            order = Order(
                templates=shipped.templates(), release_json=ReleaseJson(release_json), builder=shipped.builder(), full=full, verify=verify,
                sparse=sparse, web=not no_web, executor=workers,
                fetch=_elsewhere(root, configuration, pool, connections) if executor else None,
            )  # fmt: skip
            built = build(tree, sites, fetcher, order)
            for report in built.reports if sparse else ():
                site = sparse_sites[Word(report.audience)]
                site.finish(_changes_file(report, tree.revision, is_whole=site.is_whole))
    options.show_problems(built.warnings, tree, "text" if output_format == "json" else output_format)
    if output_format == "json":
        result = {"output": str(folder), "commit": tree.revision, "dry_run": dry_run, "audiences": [_json(r) for r in built.reports]}
        click.echo(json.dumps(result, indent=2))
    elif not quiet:
        for report in built.reports:
            options.show_changes(report, folder / report.audience, dry_run=dry_run)
            if not report.projects:
                stderr().print("  [bold cyan]fix[/]: the index has no project yet: index-builder add --pypi NAME, then commit")
        _say_unsigned(tree, chosen)


#: What only a repository has: with a package list it means nothing.
_OF_REPOSITORY = ("repo", "commit", "worktree", "output", "pool", "audiences", "connections", "sparse", "published")


def _is_of_list(context: click.Context) -> bool:
    """Say whether the command is about a package list; raises UsageError where it is about both."""
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    is_list = not given.isdisjoint(("package_list", "package_list_json"))
    wrong = sorted(given.intersection(_OF_REPOSITORY) if is_list else given & NAMES)
    if wrong:
        name = f"--{wrong[0].replace('_', '-').replace('audiences', 'audience')}"
        if is_list:
            raise UsageError(f"{name} is for a repository, and a package list was given", fix=f"leave {name} out")
        raise UsageError(f"{name} goes with a package list", fix="name one: --package-list FILE, or --package-list-json FILE")
    return is_list


def _elsewhere(root: Path, configuration: Configuration, pool: Path | None, connections: int) -> fetchers.FetchElsewhere:
    absolute = pool.resolve() if pool else None
    return fetchers.FetchElsewhere(root=root.resolve(), configuration=configuration, pool=absolute, connections=connections)


def _published(
    configuration: Configuration, chosen: Sequence[Word], published: str | None, output: Path, *, dry_run: bool
) -> dict[Word, str | Path]:
    """Return where each audience is published: a URL, or a folder; raises UsageError."""
    if dry_run:
        raise UsageError("--sparse and --dry-run contradict each other", fix="a sparse build publishes nothing: look at what it writes")
    if published is None:
        lacking = [name for name in chosen if not configuration.audiences[name].url]
        if lacking:
            raise UsageError(f"index.yaml gives no url of '{lacking[0]}'", fix="say where it is published: --published WHERE")
        return {name: configuration.audiences[name].url for name in chosen}
    if "://" not in published:
        if not Path(published).is_dir():
            raise UsageError(f"--published {published} is no folder", fix="name the folder that has one folder an audience, or a URL")
        if Path(published).resolve() == output.resolve():
            raise UsageError("--published and --output are one folder", fix="write what differs into another: --output DIR")
        return {name: Path(published) / name for name in chosen}
    if len(chosen) > 1:
        raise UsageError("--published is the URL of one audience", fix=f"say which: --audience {chosen[0]}")
    return {chosen[0]: urls.https_url(published).rstrip("/") + "/"}


def _roots(tree: SourceTree, audiences: Iterable[Word]) -> dict[Word, bytes]:
    """Return the first root of each audience that has one: from there, every later one is followed."""
    from index_builder.pipeline.trust import first_root  # noqa: PLC0415 - TUF is slow to import, and few builds are sparse

    found = ((audience, first_root(tree, audience)) for audience in audiences)
    return {audience: root for audience, root in found if root is not None}


def _say_unsigned(tree: SourceTree, audiences: Sequence[Word]) -> None:
    """Say that what was built is not signed yet, and whether there is anybody who could."""
    signed = [audience for audience in audiences if any(entry.path.startswith(f"trust/{audience}/") for entry in tree.entries("trust"))]
    for audience in signed:
        stderr().print(f"  [bold cyan]next[/]: sign it: index-builder sign --audience {audience}")
    if unsigned := [audience for audience in audiences if audience not in signed]:
        have = "has no keys" if len(unsigned) == 1 else "have no keys"
        stderr().print(f"  [bold yellow]unsigned[/]: {', '.join(unsigned)} {have}, so that nobody can check what arrives")
        stderr().print("  [bold cyan]fix[/]: index-builder keys new NAME, then keys init; to try it: index-builder sign --development")


def _changes_file(report: Report, revision: str, *, is_whole: bool) -> bytes:
    """Return the list of changes. Where they are the whole tree, what else is published must go."""
    value = {
        "schema": 1, "audience": report.audience, "commit": revision, "since": report.since, "whole": is_whole,
        "written": list(report.changes.written), "deleted": list(report.changes.deleted),
    }  # fmt: skip
    return json.dumps(value, indent=1).encode() + b"\n"


def _chosen(configuration: Configuration, audiences: tuple[str, ...]) -> list[Word]:
    for name in audiences:
        options.check_audience(name, configuration)
    return [name for name in configuration.audiences if not audiences or name in audiences]


def _json(report: Report) -> dict[str, object]:
    return {
        "audience": report.audience, "projects": report.projects, "files": report.files, "built": report.built,
        "written": list(report.changes.written), "deleted": list(report.changes.deleted), "unchanged": report.changes.unchanged,
    }  # fmt: skip
