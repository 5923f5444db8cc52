"""`add`: files of an index, a URL or a folder become lines of manifests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click
from packaging.requirements import InvalidRequirement, Requirement

from index_builder import wiring
from index_builder.cli import edits, options
from index_builder.errors import SourceError, UsageError
from index_builder.fetch.stage import Fetcher
from index_builder.model.filename import SDIST_SUFFIXES
from index_builder.model.index import Configuration, Index
from index_builder.model.names import Timestamp, Word
from index_builder.model.project import Hosting
from index_builder.pipeline import add
from index_builder.policy.rules import Policies


@click.command("add")
@click.argument("what", nargs=-1, required=True, metavar="WHAT...")
@click.option("--index", "upstream", metavar="NAME", help="WHAT are projects of this upstream index, each PROJECT or PROJECT==1.2 …")
@click.option("--pypi", is_flag=True, help="Short for --index pypi.")
@click.option("--url", is_flag=True, help="WHAT are https URLs of wheels or sdists.")
@click.option("--dist", is_flag=True, help="WHAT are files or folders of your own; their bytes go into the pool.")
@click.option("--only", multiple=True, metavar="GLOB", help="Take only files whose name matches, as '*-none-any.whl'; may be repeated.")
@click.option("--all", "all_versions", is_flag=True, help="Take every release that is asked for, not only the newest.")
@click.option("--pre", is_flag=True, help="Let pre-releases count.")
@click.option(
    "--hosting", type=click.Choice(["linked", "mirrored"]), help="How a new project is hosted [default: mirrored; hosted with --dist]."
)
@click.option(
    "--owner", "owners", multiple=True, metavar="WHO", help="An owner of a new project [default: the only group or person there is]."
)
@click.option(
    "--audience", "audiences", multiple=True, metavar="NAME", help="Who may see a new project, where there are several audiences."
)
@options.repo
@options.pool
@options.jobs
@options.dry_run
@options.quiet
@options.output_format
def command(
    what: tuple[str, ...], upstream: str | None, pypi: bool, url: bool, dist: bool, only: tuple[str, ...], all_versions: bool,
    pre: bool, hosting: str | None, owners: tuple[str, ...], audiences: tuple[str, ...], repo: Path, pool: Path | None,
    jobs: int, dry_run: bool, quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Add files to manifests, pinned by digest.

    Each file is fetched into the pool and looked into; digest, size, upload time, requires-python and core
    metadata are written down. A manifest that exists changes only where it must; nothing is written unless all is good.

    \b
    Examples:
      index-builder add --pypi six 'requests>=2.31'
      index-builder add --pypi numpy --only '*cp312*manylinux*x86_64*' --only '*.tar.gz'
      index-builder add --index corp acme-core --hosting linked
      index-builder add --url https://files.example.org/acme_utils-1.0-py3-none-any.whl
      index-builder add --dist dist/
    """
    source = _source(upstream, pypi=pypi, url=url, dist=dist)
    root = wiring.find_root(repo)
    tree, reading, index = options.editable(root)
    defaults = add.Defaults(
        owners=_owners(owners, reading.policies),
        audiences=_audiences(audiences, index.configuration),
        hosting=Hosting(hosting) if hosting else None,
        only=only, all_versions=all_versions, pre=pre, now=Timestamp.of(wiring.SystemClock().now()),
    )  # fmt: skip
    with options.fetching(root, index.configuration, pool=pool, jobs=jobs, quiet=quiet) as fetcher:
        candidates = _candidates(source, what, index, defaults, fetcher)
        with options.problems_shown(tree, "text"):
            groups, warnings = add.pin(candidates, fetcher)
    paths = {project.place.path for project, _ in groups}
    options.stop_at(tree, reading, paths.__contains__)
    texts = {project.place.path: tree.text(project.place.path) for project, _ in groups}
    changes = list(add.edits(index, groups, texts))
    options.show_problems(warnings, tree, "text")
    edits.finish(tree, changes, dry_run=dry_run, output_format=output_format, done="added")


def _source(upstream: str | None, *, pypi: bool, url: bool, dist: bool) -> str:
    given = [name for name, on in (("--index", upstream), ("--pypi", pypi), ("--url", url), ("--dist", dist)) if on]
    if len(given) != 1:
        msg = f"say where from, once: {' and '.join(given) or 'none of --index, --pypi, --url, --dist'} was given"
        raise UsageError(msg, fix="for example: index-builder add --pypi six")
    return upstream or ("pypi" if pypi else given[0])


def _candidates(source: str, what: Sequence[str], index: Index, defaults: add.Defaults, fetcher: Fetcher) -> list[add.Candidate]:
    if source == "--url":
        for text in what:
            if not _is_https(text):
                msg = f"{text} is not an https URL"
                raise UsageError(msg, fix="manifests hold https URLs only; files of your own are added with --dist")
        return add.from_urls(index, what, defaults, fetcher)
    if source == "--dist":
        return [_own(path, index, defaults, fetcher) for path in own_files(what)]
    upstreams = index.configuration.upstreams
    if source not in upstreams:
        msg = f"index.yaml has no upstream '{source}'"
        known = f"the upstreams are: {', '.join(upstreams)}" if upstreams else f"add `upstreams: {{{source}: default}}` to index.yaml"
        raise UsageError(msg, fix=known)
    return add.from_index(index, Word(source), [_requirement(text) for text in what], defaults, fetcher)


def _is_https(text: str) -> bool:
    try:
        return urlsplit(text).scheme == "https"
    except ValueError:
        return False


def _requirement(text: str) -> Requirement:
    if "/" in text or text.endswith((".whl", *SDIST_SUFFIXES)):
        msg = f"{text!r} is a file or URL, not a project of an index"
        raise UsageError(msg, fix="files of your own are added with --dist, URLs with --url")
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        msg = f"{text!r} is not a project or requirement: {str(error).partition(chr(10))[0]}"
        guess = re.sub(r"^([A-Za-z0-9._-]+)=([0-9].*)$", r"\1==\2", text)
        raise UsageError(msg, fix=f"did you mean '{guess}'?" if guess != text else "write it as NAME or 'NAME>=1.2'") from error
    if requirement.url and re.fullmatch(r"[0-9][A-Za-z0-9.]*", requirement.url):
        msg = f"{text!r} is not how a version is pinned"
        raise UsageError(msg, fix=f"did you mean '{requirement.name}=={requirement.url}'?")
    if requirement.url or requirement.marker:
        msg = f"{text!r} has a URL or marker, which says nothing about an index's files"
        raise UsageError(msg, fix="write it as NAME or 'NAME>=1.2'")
    return requirement


def own_files(what: Sequence[str]) -> list[Path]:
    """Return the wheels and sdists that paths of files and folders name; raises SourceError."""
    found: list[Path] = []
    for text in what:
        path = Path(text)
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.name.endswith((".whl", *SDIST_SUFFIXES)))
            if not inside:
                msg = f"{text} has no wheels or sdists"
                raise SourceError(msg, fix="build some first: python -m build")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            msg = f"{text} is neither a file nor a folder"
            raise SourceError(msg, fix="projects of an index are added with --pypi or --index")
    return found


def _own(path: Path, index: Index, defaults: add.Defaults, fetcher: Fetcher) -> add.Candidate:
    try:
        with path.open("rb") as stream:
            return add.from_dist(index, path.name, stream, defaults, fetcher)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise SourceError(msg, fix="look at its owner and mode") from error


def _owners(given: Sequence[str], policies: Policies) -> tuple[Word, ...]:
    """Return the owners of a new project: those that were given, or the only group or person that there is."""
    options.check_owners(given, policies)
    known = sorted(policies.groups) or sorted(policies.people)
    if given:
        return tuple(Word(name) for name in given)
    return tuple(known) if len(known) == 1 else ()


def _audiences(given: Sequence[str], configuration: Configuration) -> tuple[Word, ...]:
    for name in given:
        if name not in configuration.audiences:
            msg = f"there is no audience '{name}'"
            raise UsageError(msg, fix=f"the audiences are: {', '.join(configuration.audiences)}")
    return tuple(Word(name) for name in given)
