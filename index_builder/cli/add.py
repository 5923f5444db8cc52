"""`add`: files of an index, a lock file, a URL or a folder become lines of manifests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from packaging.requirements import Requirement

from index_builder import wiring
from index_builder.cli import arguments, edits, options, urls
from index_builder.cli.console import note, progress
from index_builder.dependencies import missing_dependencies
from index_builder.errors import RemoteError, SourceError, UsageError
from index_builder.fetch.stage import Fetcher
from index_builder.inspection.attestation import provenance_of
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName, Timestamp, Word
from index_builder.model.project import File, Hosting, Project, UrlOrigin
from index_builder.pipeline.add.candidate import Candidate, Defaults
from index_builder.pipeline.add.closure import from_closure
from index_builder.pipeline.add.edits import edits as edits_of
from index_builder.pipeline.add.edits import with_groups
from index_builder.pipeline.add.locked import from_lock
from index_builder.pipeline.add.own import from_dist, from_urls
from index_builder.pipeline.add.pin import pin
from index_builder.pipeline.add.upstream import from_index
from index_builder.pipeline.kept import kept_path, with_provenance
from index_builder.wiring import github


@click.command("add")
@click.argument("what", nargs=-1, metavar="[WHAT]...")
@click.option("--index", "upstream", metavar="NAME", help="WHAT are projects of this upstream index, each PROJECT or PROJECT==1.2 …")
@click.option("--pypi", is_flag=True, help="Short for --index pypi.")
@click.option("--url", is_flag=True, help="WHAT are https URLs of wheels or sdists.")
@click.option("--dist", is_flag=True, help="WHAT are files or folders of your own; their bytes go into the pool.")
@click.option(
    "--from", "lock_files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Take what a pylock.toml, uv.lock or requirements.txt locks, with its digests, or a folder of wheels; may be repeated.",
)  # fmt: skip
@click.option("--with-dependencies", is_flag=True, help="Take all that it depends on too, as uv resolves it from wheels.")
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="X.Y",
    help="Take wheels that fit this Python; may be repeated [default: as `clients:` says; for dependencies, else this one].",
)
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="TAG",
    help="Take wheels that fit this platform, as linux_x86_64; may be repeated [default: as for --python].",
)
@click.option("--exclude", multiple=True, metavar="NAME", help="Leave out this project of a lock file or closure; may be repeated.")
@click.option("--only", multiple=True, metavar="GLOB", help="Take only files whose name matches, as '*-none-any.whl'; may be repeated.")
@click.option("--all", "all_versions", is_flag=True, help="Take every release that is asked for, not only the newest.")
@click.option("--pre", is_flag=True, help="Let pre-releases count.")
@click.option(
    "--hosting", type=click.Choice(["linked", "mirrored"]), help="How a new project is hosted [default: mirrored; hosted with --dist]."
)
@options.new_projects
@options.repo
@options.pool
@options.connections
@options.jobs
@options.dry_run_fetching
@options.quiet
@options.output_format
def command(
    what: tuple[str, ...], upstream: str | None, pypi: bool, url: bool, dist: bool, lock_files: tuple[Path, ...],
    with_dependencies: bool, pythons: tuple[str, ...], platforms: tuple[str, ...], exclude: tuple[str, ...],
    only: tuple[str, ...], all_versions: bool, pre: bool, hosting: str | None, owners: tuple[str, ...],
    audiences: tuple[str, ...], repo: Path, pool: Path | None, connections: int, jobs: int | None, dry_run: bool,
    quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Add files to manifests, pinned by digest.

    Each file is fetched into the pool and looked into; digest, size, upload time, requires-python and core
    metadata are written down. A manifest that exists changes only where it must; nothing is written unless all is good.

    \b
    Examples:
      index-builder add --pypi six 'requests>=2.31'
      index-builder add --pypi flask --with-dependencies --python 3.11 --python 3.13 --platform linux_x86_64
      index-builder add --from uv.lock
      index-builder add --pypi numpy --only '*cp312*manylinux*x86_64*' --only '*.tar.gz'
      index-builder add --index corp acme-core --hosting linked
      index-builder add --url https://files.example.org/acme_utils-1.0-py3-none-any.whl
      index-builder add --dist dist/
    """
    asked = _asked(what, upstream, pypi=pypi, url=url, dist=dist, lock_files=lock_files)
    _check_closure(asked, with_dependencies=with_dependencies, all_versions=all_versions, only=only, exclude=exclude)
    root = wiring.find_root(repo)
    tree, reading, index = options.editable(root)
    if with_dependencies:
        # A project whose manifest cannot be read would count as unknown, and be looked for elsewhere.
        options.stop_at(tree, reading, lambda _path: True)
    environments = arguments.environments(pythons, platforms, index.configuration.clients, needed=with_dependencies)
    defaults = Defaults(
        owners=options.owners_of_new(owners, reading.policies), audiences=options.audiences_of_new(audiences, index.configuration),
        hosting=Hosting(hosting) if hosting else None, only=only, all_versions=all_versions, pre=pre,
        environments=environments, now=Timestamp.of(wiring.SystemClock().now()),
    )  # fmt: skip
    with (
        options.fetching(root, index.configuration, pool=pool, connections=connections, quiet=quiet) as fetcher,
        options.problems_shown(tree, "text"),
        wiring.open_workers(jobs) as workers,
    ):
        candidates = _candidates(asked, index, exclude, defaults, fetcher, with_dependencies=with_dependencies)
        pinned = pin(candidates, fetcher, workers)
        bundles = _attestations(pinned.groups, quiet=quiet)
    groups = [(project, with_provenance(files, bundles)) for project, files in pinned.groups]
    paths = {project.place.path for project, _ in pinned.groups}
    names = {project.normalized for project, _ in pinned.groups}
    options.stop_at(tree, reading, lambda path: path in paths or path.rpartition("/")[2].removesuffix(".yaml") in names)
    texts = {project.place.path: tree.text(project.place.path) for project, _ in pinned.groups}
    changes = list(edits_of(index, groups, texts))
    lacking = missing_dependencies(with_groups(index, pinned.groups), pinned.needs)
    options.show_problems([*pinned.warnings, *lacking], tree, "text")
    edits.finish(tree, changes, dry_run=dry_run, output_format=output_format, done="added", beside=bundles)


def _attestations(groups: Sequence[tuple[Project, Sequence[File]]], *, quiet: bool) -> dict[str, bytes]:
    """Return what repositories on GitHub attested of files that are in their releases, as a repository keeps it, by path.

    Of several of a file, one that can be published is kept. That nobody could be asked is said: provenance is worth another try.
    """
    origins = [(file, file.origin.url) for _, files in groups for file in files if isinstance(file.origin, UrlOrigin)]
    asked = [(file, repository) for file, url in origins if (repository := github.released_by(url))]
    kept: dict[str, bytes] = {}
    if not asked:
        return kept
    with github.open_feed(progress(quiet=quiet)) as feed:
        for file, repository in asked:
            try:
                found = feed.attestations(repository, file.sha256)
            except RemoteError as error:
                note(f"what {repository} attests of {file.name.text} could not be asked for: {error.message}")
                continue
            if found:
                kept[kept_path(file.sha256)] = next((each for each in found if provenance_of(each, file.sha256)), found[0])
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What should be added: names, paths or URLs, and of which kind; `upstream` is a name of `upstreams:`, or None."""

    kind: str
    what: tuple[str, ...]
    upstream: str | None


def _asked(what: tuple[str, ...], upstream: str | None, *, pypi: bool, url: bool, dist: bool, lock_files: tuple[Path, ...]) -> _Asked:
    indexes = [name for name, on in (("--index", upstream), ("--pypi", pypi)) if on]
    kinds = [name for name, on in (("--url", url), ("--dist", dist), ("--from", lock_files)) if on]
    example = "for example: index-builder add --pypi six"
    named = upstream or ("pypi" if pypi else None)
    # An index may be named beside a lock file: it says where the locked files are.
    if len(indexes) > 1 or len(kinds) > 1 or (indexes and kinds and kinds != ["--from"]) or not indexes + kinds:
        given = " and ".join(indexes + kinds) or "none of --index, --pypi, --url, --dist, --from"
        msg = f"say where from, once: {given} was given"
        is_file = bool(what) and not indexes + kinds and Path(what[0]).is_file()
        raise UsageError(msg, fix=f"did you mean --from {what[0]}, or --dist {what[0]}?" if is_file else example)
    if lock_files and what:
        msg = f"--from takes one FILE, and {what[0]!r} stands there too"
        raise UsageError(msg, fix=f"write --from {what[0]}" if Path(what[0]).exists() else "add other projects in a command of their own")
    if not lock_files and not what:
        msg = f"{(indexes + kinds)[0]} was given, and nothing to add"
        raise UsageError(msg, fix=example)
    return _Asked(kind=(kinds or ["--index"])[0], what=tuple(map(str, lock_files)) or what, upstream=named)


def _check_closure(asked: _Asked, *, with_dependencies: bool, all_versions: bool, only: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    if with_dependencies and all_versions:
        msg = "--all and --with-dependencies contradict each other: dependencies are resolved for one release of each"
        raise UsageError(msg, fix="leave one of them out")
    if with_dependencies and only:
        msg = "--only and --with-dependencies contradict each other: what is left out might be what an installer needs"
        raise UsageError(msg, fix="choose with --python and --platform")
    if exclude and not with_dependencies and asked.kind != "--from":
        msg = "--exclude says nothing here"
        raise UsageError(msg, fix="it goes with --with-dependencies, and with --from")


def _candidates(
    asked: _Asked, index: Index, exclude: Sequence[str], defaults: Defaults, fetcher: Fetcher, *, with_dependencies: bool,
) -> list[Candidate]:  # fmt: skip
    chosen: dict[NormalizedName, Word] = {}
    named = arguments.upstream(asked.upstream, index.configuration) if asked.upstream else None
    if asked.kind == "--index":
        assert named is not None  # noqa: S101 - for the type checker: this kind has a name
        roots = [arguments.requirement(text) for text in asked.what]
        own = [] if with_dependencies else from_index(index, named, roots, defaults, fetcher)
        chosen = {options.normalized(root.name): named for root in roots}
    else:
        own = _own_candidates(asked, named, index, exclude, defaults, fetcher)
        roots = [Requirement(text) for text in sorted({f"{c.file.name.project}=={c.file.name.version}" for c in own})]
    if not with_dependencies:
        return own
    excluded = [options.normalized(name) for name in exclude]
    return [*own, *from_closure(index, chosen, roots, own, excluded, defaults, fetcher, wiring.resolver())]


def _own_candidates(
    asked: _Asked, named: Word | None, index: Index, exclude: Sequence[str], defaults: Defaults, fetcher: Fetcher,
) -> list[Candidate]:  # fmt: skip
    """Return what lock files, URLs and folders name."""
    if asked.kind == "--url":
        return from_urls(index, [urls.https_url(text, fix=urls.IN_MANIFESTS) for text in asked.what], defaults, fetcher)
    if asked.kind == "--dist":
        return [_dist(path, index, defaults, fetcher) for path in arguments.own_files(asked.what)]
    found: list[Candidate] = []
    for path in map(Path, asked.what):
        if path.is_dir():
            found += [_dist(file, index, defaults, fetcher) for file in arguments.own_files([str(path)])]
            continue
        lock = arguments.lock(path)
        if lock.itself:
            fetcher.downloader.progress.note(f"{path}: left out as the project itself: {', '.join(lock.itself)}")
        found += from_lock(index, str(path), lock, named, exclude, defaults, fetcher)
    return found


def _dist(path: Path, index: Index, defaults: Defaults, fetcher: Fetcher) -> Candidate:
    try:
        with path.open("rb") as stream:
            return from_dist(index, path.name, stream, defaults, fetcher)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise SourceError(msg, fix="look at its owner and mode") from error
