"""`sign`: a built tree gets its signatures."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options, trusting
from index_builder.cli.console import count, note, progress, stderr
from index_builder.errors import KeyMissingError, TrustError, UsageError
from index_builder.model.source import is_manifest
from index_builder.pipeline.reading import configuration_of
from index_builder.pipeline.sign import Order, Report, sign_tree
from index_builder.pipeline.trust import read_trust
from index_builder.wiring import sites


@click.command("sign")
@options.reading_options
@trusting.audience
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Where it was built [default: site/ of the repository].")
@click.option("--published", metavar="WHERE", help="The folder holds what changed of the tree that is published at this URL or folder.")
@click.option("--heartbeat", is_flag=True, help="Renew what is published before it expires, and look at no page.")
@click.option("--or-unsigned", is_flag=True, help="Where the online keys are not here, leave the tree unsigned, and say so.")
@click.option("--development", is_flag=True, help="Sign with throw-away keys of this machine, to try it.")
@options.dry_run
@options.quiet
@options.output_format
def command(
    repo: Path, commit: str, worktree: bool, audience: str | None, output: Path | None, published: str | None, heartbeat: bool,
    or_unsigned: bool, development: bool, dry_run: bool, quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Sign a built tree, so that a client can check what arrives.

    Only what changed since the last signing is signed: the bins of the pages that differ, the TUF snapshot, the timestamp.
    The online keys come from INDEX_BUILDER_KEY_BINS and INDEX_BUILDER_KEY_TIMESTAMP (a private key, or the URI of one), from
    the key service that the metadata names, or from one's own key folder.

    Signatures expire: the timestamp after three days. A schedule that runs `sign --heartbeat` renews them.

    \b
    Examples:
      index-builder sign
      index-builder sign --worktree --development
      index-builder sign --audience internal --heartbeat
    """
    root, tree = options.source(repo, commit, worktree=worktree)
    with options.problems_shown(tree, "text"):
        configuration = configuration_of(tree)
    chosen = options.chosen_audience(audience, configuration).name
    folder = output or root / "site"
    now = wiring.SystemClock().now()
    committed = read_trust(tree, chosen)
    if development:
        if committed.roots:
            msg = "this index has keys of its own, and --development is for one that has none"
            raise UsageError(msg, fix="leave --development out")
        committed, keys = trusting.development(root, chosen, lambda: sum(map(is_manifest, tree.entries("packages.d"))), now)
    else:
        if not committed.roots:
            msg = f"'{chosen}' has no keys: trust/{chosen}/ is not there"
            raise TrustError(msg, fix="begin with: index-builder keys new NAME, then keys init; or try it with --development")
        keys = wiring.open_keys(None, trusting.ask)
        if published is None and not dry_run:
            trusting.forget_development(root, chosen, folder / chosen)
    try:
        signers = trusting.online(committed, keys, heartbeat=heartbeat)
    except KeyMissingError as error:
        if not or_unsigned:
            raise
        stderr().print(f"[bold yellow]unsigned[/]: {error.message}; nobody can check what is in {folder / chosen}")
        stderr().print(f"  to sign it: {error.fix}")
        return
    revision = None if worktree else tree.revision
    order = Order(committed=committed, signers=signers, now=now, heartbeat=heartbeat, commit=revision)
    shown = progress(quiet=quiet)
    with sites.open_signing(root, folder, chosen, trusting.where(published, chosen), configuration, dry_run=dry_run) as (
        site,
        there,
        changes,
    ):
        report = sign_tree(order, site, there, shown)
        changes(report.written, report.deleted)
    if output_format == "json":
        click.echo(json.dumps(_json(report, folder / chosen), indent=2))
    elif not quiet:
        _show(report, folder / chosen, dry_run=dry_run)
    if report.expired:
        msg = f"{count(report.expired, 'bin')} expired, and the key that signs them is not here: clients refuse the index"
        raise TrustError(msg, fix="sign where INDEX_BUILDER_KEY_BINS is: index-builder sign")


def _json(report: Report, folder: Path) -> dict[str, object]:
    return {
        "output": str(folder), "commit": report.commit, "version": report.version, "targets": report.targets, "bins": report.bins,
        "renewed": report.renewed, "due": report.due, "expired": report.expired,
        "written": list(report.written), "deleted": list(report.deleted),
    }  # fmt: skip


def _show(report: Report, folder: Path, *, dry_run: bool) -> None:
    if report.due:
        note(f"{count(report.due, 'bin')} should be renewed, and the key of the bins is not here: sign on the machine that has it")
    if not report.written:
        stderr().print(f"nothing has changed, and nothing expires soon, in {folder}")
        return
    renewed = f" ({report.renewed:,} only to renew them)" if report.renewed else ""
    what = f"{count(report.targets, 'page')} changed, {count(report.bins, 'bin')} signed{renewed}"
    stderr().print(
        f"version {report.version}: {what}, {count(len(report.written), 'file')} {'would be ' if dry_run else ''}written in {folder}"
    )
