"""`verify`: an index is held against its signatures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from index_builder import wiring
from index_builder.cli import options, rooted
from index_builder.cli.console import count, progress, stderr
from index_builder.client.verify import Order, Verified, verify
from index_builder.errors import TrustError, UsageError
from index_builder.model.names import NormalizedName
from index_builder.model.plain import plain
from index_builder.model.project import Publisher

#: Paths that are named in a line.
_SHOWN: Final = 3


@click.command("verify")
@click.argument("where", metavar="URL|DIR")
@rooted.options
@click.option("--project", "projects", multiple=True, metavar="NAME", help="Look at this project only; may be repeated.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Look at so many projects, chosen by chance [default: all].")
@click.option("--files", is_flag=True, help="Download every file of these, and compare it with its digest.")
@click.option("--provenance", is_flag=True, help="Verify the attestations of these files, asking nobody.")
@click.option("--repo", type=click.Path(path_type=Path), metavar="DIR", help="Its repository: attestations must be of publishers there.")
@options.quiet
@options.output_format
def command(
    where: str, root: Path | None, root_fingerprint: str | None, unsafe_trust_on_first_use: bool, cache: Path | None,
    projects: tuple[str, ...], sample: int | None, files: bool, provenance: bool, repo: Path | None, quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Check an index against its signatures, and say what was checked and what was not.

    Its URL is that of one audience's tree, or of its simple API; or the folder of one. Trust begins with a root that came by
    another way than the index. What was seen is remembered, so that nobody leads back to an older index later.

    Exits with 4 where something is not as it was signed.

    \b
    Examples:
      index-builder verify https://pypi.example.org/ --root acme-root.json
      index-builder verify https://pypi.example.org/simple/ --root-fingerprint 4f1c… --files
      index-builder verify site/public --sample 100
    """
    chosen = [options.normalized(name) for name in projects]
    attestations = wiring.attestations() if provenance else None
    if attestations is not None and not attestations.is_available():
        msg = "what verifies attestations is not installed"
        raise UsageError(msg, fix="pip install 'index-builder[provenance]'")
    if repo is not None and attestations is None:
        msg = "--repo says whose attestations count, and none are looked at"
        raise UsageError(msg, fix="add --provenance")
    publishers = _publishers(repo) if repo is not None else None
    order = Order(sample=sample, projects=chosen, files=files, attestations=attestations, publishers=publishers)
    pinned = rooted.Pinned(root, root_fingerprint, unsafe_trust_on_first_use)
    with rooted.opened(where, pinned, cache, quiet=quiet) as index:
        found = verify(index, order, progress(quiet=quiet))
    if output_format == "json":
        click.echo(json.dumps(_json(found, order), indent=2))
    else:
        _show(found, order)
    if found.failures:
        several = len(found.failures) > 1
        msg = f"{len(found.failures):,} things are not as they were signed" if several else "something is not as it was signed"
        raise TrustError(msg, fix="install nothing from it until its maintainers have explained this")


def _publishers(repo: Path) -> dict[NormalizedName, tuple[Publisher, ...]]:
    """Return whose attestations count, as the last commit of a repository declares it; raises SourceError, AnsweredError."""
    from index_builder.pipeline.reading import index_of, read_tree  # noqa: PLC0415 - with pydantic behind it, slow to import

    _, tree = options.source(repo, "HEAD", worktree=False)
    with options.problems_shown(tree, "text"):
        return {project.normalized: project.publishers for project in index_of(read_tree(tree)).projects.values()}


def _show(found: Verified, order: Order) -> None:
    for failure in found.failures:
        click.echo(f"{click.style('wrong', fg='red', bold=True)}: {plain(failure)}")
    console = stderr()
    checked, left = _checked(found, order)
    for line in checked:
        console.print(f"checked      {line}")
    for line in left:
        console.print(f"not checked  {line}")


def _checked(found: Verified, order: Order) -> tuple[list[str], list[str]]:
    """Return what was checked and what was not, in words."""
    expires = ", ".join(f"{role} {moment:%Y-%m-%d}" for role, moment in found.expires.items())
    commit = f" of commit {found.commit[:12]}" if found.commit else ""
    checked = [
        f"signatures{commit}; they expire: {expires}",
        f"pages of {count(found.pages, 'project')} of {found.listed:,}, and the project lists",
    ]
    left = []
    if found.answered:
        checked.append(f"what the host answers to {count(found.answered, 'request', 'requests')} such as installers make: simple/NAME/")
    if found.pageless:
        left.append(f"{_first(found.pageless)}: the host has no page there; installers that are given this URL find nothing")
    if found.bins is None:
        left.append("bins that list no page of these: they say which other projects there are not")
    else:
        checked.append(f"{count(found.bins, 'bin')} that list none of these pages")
    if order.files:
        checked.append(f"{count(found.files, 'file')} by digest")
    else:
        left.append(f"{count(found.listed_files, 'file')}: --files downloads them; installers compare each with its digest anyway")
    if order.attestations:
        lacking = count(found.listed_files - len(found.attested), "file")
        checked.append(f"provenance of {count(len(found.attested), 'file')}; {lacking} of these pages had none that holds")
        checked += [
            f"  {name}: {', '.join(sorted({claims.repository for claims in each}))}" for name, each in sorted(found.attested.items())
        ]
        if found.judged:
            checked.append(f"that a publisher whom its manifest declares attested {count(found.judged, 'file')}")
        if unjudged := len(found.attested) - found.judged:
            why = "their manifests declare no publishers" if order.publishers is not None else "--repo DIR holds it against publishers:"
            left.append(f"whether those who attested {count(unjudged, 'file')} may: {why}")
    else:
        left.append("provenance: --provenance verifies it")
    left.append("the package list and pypi/: they are not signed, and no installer reads them")
    return checked, left


def _first(paths: Sequence[str]) -> str:
    return ", ".join(sorted(paths)[:_SHOWN]) + (f" and {len(paths) - _SHOWN:,} more" if len(paths) > _SHOWN else "")


def _json(found: Verified, order: Order) -> dict[str, object]:
    return {
        "commit": found.commit, "expires": {role: moment.isoformat() for role, moment in found.expires.items()},
        "projects": found.listed, "pages": found.pages, "listed_files": found.listed_files,
        "answered": found.answered, "pageless": sorted(found.pageless), "bins": found.bins,
        "files": found.files if order.files else None,
        "provenance": {name: sorted({c.repository for c in each}) for name, each in found.attested.items()} if order.attestations else None,
        "of_publishers": found.judged if order.publishers is not None else None, "failures": found.failures,
    }  # fmt: skip
