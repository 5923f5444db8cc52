"""`host-config` for hosts that are no web servers of one's own: S3, CloudFront, Netlify, Cloudflare Pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from index_builder.cli import options
from index_builder.cli.console import note
from index_builder.cli.settings import give, readers_told, settings_of, usage
from index_builder.errors import UsageError
from index_builder.hostconfig.buckets import Stored, render_cloudfront, render_s3
from index_builder.hostconfig.pages import EDGES, render_edge
from index_builder.hostconfig.render import environment
from index_builder.model.address import Address
from index_builder.policy.readers import readers_of
from index_builder.wiring import shipped

if TYPE_CHECKING:
    from index_builder.model.index import Configuration
    from index_builder.policy.rules import Policies

audiences = click.option("--audience", "audiences", multiple=True, metavar="NAME", help="May be repeated [default: each].")
targets = click.option("--target", "targets", multiple=True, metavar="NAME", help="This target only; may be repeated.")
output = click.option("--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write the files here.")


def _stored(configuration: Configuration, policies: Policies) -> list[Stored]:
    """Return each target of `kind: bucket` that is in S3; one with an `endpoint:` is elsewhere, and told."""
    found = []
    for target in configuration.publish:
        if target.kind != "bucket" or not target.url.startswith("s3://"):
            continue
        if target.endpoint:
            note(f"'{target.name}' is at {target.endpoint}, which has other policies than S3: left out (AWS's own needs no `endpoint:`)")
            continue
        url = configuration.audiences[target.audience].url
        found.append(Stored.of(target, Address.of(url) if url else None, readers_of(policies, target.audience)))
    return found


def _chosen(found: Sequence[Stored], names: Sequence[str], targets: Sequence[str], configuration: Configuration) -> list[Stored]:
    """Return those that were named, else all; raises UsageError for one that is in no bucket of S3."""
    for name in names:
        options.check_audience(name, configuration)
    chosen = [one for one in found if (not names or one.audience in names) and (not targets or one.target in targets)]
    wanted = [*(f"target '{name}'" for name in targets), *names]
    there = {f"target '{one.target}'" for one in chosen} | {one.audience for one in chosen}
    lacking = [name for name in wanted if name not in there]
    if lacking or not chosen:
        msg = f"{lacking[0] if lacking else 'index.yaml'} has no place of `kind: bucket` in S3"
        raise UsageError(msg, fix="say where it is published: `{name: cdn, audience: NAME, kind: bucket, url: s3://BUCKET/PREFIX/}`")
    return chosen


@click.command("s3")
@audiences
@targets
@output
@options.reading_options
@options.dry_run
@options.output_format
def s3(
    audiences: tuple[str, ...], targets: tuple[str, ...], output: Path | None, repo: Path, commit: str, worktree: bool, dry_run: bool,
    output_format: str,
) -> None:  # fmt: skip
    """Write the script that lets readers at a bucket of S3: its policy, and its website; what it cannot do stands in it.

    \b
    Example:
      index-builder host-config s3 --audience public
    """
    _, configuration, policies = settings_of(repo, commit, worktree=worktree)
    with usage():
        found = _stored(configuration, policies)
    buckets = {one.bucket for one in _chosen(found, audiences, targets, configuration)}
    if len(buckets) > 1:
        msg = f"these audiences are in {', '.join(sorted(buckets))}, and a script is for one bucket"
        raise UsageError(msg, fix="name the audiences or targets of one bucket: --audience NAME, --target NAME")
    together = [one for one in found if one.bucket in buckets]
    _tell(together)
    give([render_s3(configuration.title, together, environment(shipped.host_templates()))], output, output_format, dry_run=dry_run)


@click.command("cloudfront")
@audiences
@targets
@output
@options.reading_options
@options.dry_run
@options.output_format
def cloudfront(
    audiences: tuple[str, ...], targets: tuple[str, ...], output: Path | None, repo: Path, commit: str, worktree: bool, dry_run: bool,
    output_format: str,
) -> None:  # fmt: skip
    """Write a CloudFormation template: CloudFront before a bucket, with passwords, HTML and JSON; what it cannot do stands in it.

    \b
    Example:
      index-builder host-config cloudfront --audience public --audience internal --output .
    """
    _, configuration, policies = settings_of(repo, commit, worktree=worktree)
    with usage():
        chosen = _chosen(_stored(configuration, policies), audiences, targets, configuration)
    for one in chosen:
        if one.address is None:
            msg = f"the audience '{one.audience}' has no `url:`, so its host is not known"
            raise UsageError(msg, fix="say where it is published: `url: https://packages.example.org/`, under it in index.yaml")
    _tell(chosen)
    give([render_cloudfront(configuration.title, chosen, environment(shipped.host_templates()))], output, output_format, dry_run=dry_run)


def _edge(kind: str) -> click.Command:
    @click.option("--audience", metavar="NAME", help="Whose tree, where there are several audiences.")
    @click.option("--form", type=click.Choice(["html", "json"]), default="html", show_default=True, help="What every reader gets.")
    @output
    @options.reading_options
    @options.dry_run
    @options.output_format
    def configure(
        audience: str | None, form: str, output: Path | None, repo: Path, commit: str, worktree: bool, dry_run: bool, output_format: str
    ) -> None:
        _, configuration, policies = settings_of(repo, commit, worktree=worktree)
        chosen = options.chosen_audience(audience, configuration)
        readers = readers_of(policies, chosen.name)
        if not readers.is_open:
            msg = f"'{chosen.name}' is not for everybody, and {EDGES[kind]} knows none of your people"
            raise UsageError(msg, fix="use a host that asks for passwords: index-builder host-config nginx, or cloudfront")
        files = render_edge(kind, configuration.title, chosen.name, environment(shipped.host_templates()), serves_json=form == "json")
        give(files, output, output_format, dry_run=dry_run)

    configure.__doc__ = (
        f"Write {_WRITTEN[kind]} for {EDGES[kind]}, into the folder that is deployed; what it cannot do stands in them.\n\n"
        f"\b\nExample:\n  index-builder host-config {kind} --audience public --output site/public\n"
    )
    return click.command(kind)(configure)


_WRITTEN = {"netlify": "`_headers` and `_redirects`", "cloudflare": "`_headers`, `_redirects` and `404.html`"}
COMMANDS = (s3, cloudfront, *map(_edge, EDGES))


def _tell(stored: Sequence[Stored]) -> None:
    for one in stored:
        note(readers_told(one.audience, one.readers))
