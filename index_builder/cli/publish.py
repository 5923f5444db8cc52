"""`publish`: a commit becomes what readers get, at every target."""

from __future__ import annotations

import json
from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options, outcomes, publishing
from index_builder.cli.console import show_error, stderr
from index_builder.errors import IndexBuilderError, InterruptedRunError, UsageError
from index_builder.pipeline.publish.order import Outcome


@click.command("publish")
@options.repo
@options.commit
@publishing.target_option
@publishing.output_option
@options.pool
@options.connections
@options.jobs
@options.no_web
@publishing.gate_option
@publishing.most_option
@click.option("--heartbeat", is_flag=True, help="Renew the signatures of what is live, and change nothing else; with --gate, after that.")
@click.option("--release-hold", "release", is_flag=True, help="Let targets go on that a rollback holds.")
@click.option("--from", "source", metavar="TARGET", help="Publish what this target serves, instead of building it.")
@click.option("--reconcile", is_flag=True, help="Ask targets for all that they have, compare every byte, and repair.")
@click.option("--status", is_flag=True, help="Say what each target serves, and publish nothing.")
@options.dry_run
@options.quiet
@options.output_format
def command(
    repo: Path, commit: str, targets: tuple[str, ...], output: Path | None, pool: Path | None, connections: int, jobs: int | None,
    no_web: bool, gate: bool, most: int, heartbeat: bool, release: bool, source: str | None, reconcile: bool, status: bool, dry_run: bool,
    quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Build a commit, sign it, and let readers get it at every target of index.yaml.

    What each target has is compared with what it should have, by their states: cost follows the change. Files go first, then
    pages, then lists, then the signed pointer; what is not wanted any more goes last. A run that is stopped harms no reader,
    and the next one goes on from it. Where something else is live afterwards than was published, what was live before comes back.

    --gate --heartbeat is for a schedule: what is new is published, and where a hold, a failure or the gate keeps a target as it
    is, the signatures of what it serves are renewed. The exit code is that of the worst that happened.

    \b
    Examples:
      index-builder publish
      index-builder publish --target pages --dry-run
      index-builder publish --gate --heartbeat
      index-builder publish --status
    """
    chosen = [name for name, flag in _alone(heartbeat, release, source, status) if flag]
    if len(chosen) > 1:
        msg = f"{chosen[0]} and {chosen[1]} contradict each other"
        raise UsageError(msg, fix="leave one of them out")
    work = publishing.Work.of(
        repo, commit, targets, output=output, pool=pool, connections=connections, jobs=jobs, quiet=quiet, web=not no_web
    )
    if status:
        _show_status(work, output_format)
        return
    is_both = gate and heartbeat
    done: tuple[Outcome, ...] = ()
    taken_back: tuple[Outcome, ...] = ()
    repaired: tuple[Outcome, ...] = ()
    renewed: tuple[Outcome, ...] = ()
    stopped: IndexBuilderError | None = None
    try:
        done = work.publish(
            most=most, gate=gate, heartbeat=heartbeat and not is_both, release=release, dry_run=dry_run, reconcile=reconcile, source=source
        )  # fmt: skip
        taken_back = work.take_back(done)
        repaired = work.repair(done, most=most, dry_run=dry_run) if reconcile else ()
    except InterruptedRunError:
        raise
    except IndexBuilderError as error:
        if not (is_both or done):
            raise
        stopped = error
        show_error(error)
    try:
        renewed = work.renew(done, dry_run=dry_run) if is_both else ()
    finally:
        outcomes.show((*done, *taken_back, *repaired, *renewed), output_format, dry_run=dry_run, quiet=quiet)
    if taken_back and not quiet:
        stderr().print("  [bold cyan]next[/]: find out who else writes there, then: index-builder publish --release-hold")
    outcomes.end((*done, *repaired, *renewed), stopped)


def _alone(heartbeat: bool, release: bool, source: str | None, status: bool) -> tuple[tuple[str, object], ...]:
    """Return the options of which one is enough."""
    return (("--heartbeat", heartbeat), ("--release-hold", release), ("--from", source), ("--status", status))


def _show_status(work: publishing.Work, output_format: str) -> None:
    found = work.status()
    if output_format == "json":
        click.echo(json.dumps({"targets": [standing.value() for standing in found]}, indent=2))
    else:
        now = wiring.SystemClock().now()
        for standing in found:
            click.echo(standing.line(now))
    for standing in found:
        if standing.error:
            raise standing.error
