"""`rollback`: readers get an earlier commit again, until somebody says that it is settled."""

from __future__ import annotations

from pathlib import Path

import click

from index_builder import wiring
from index_builder.cli import options, outcomes, publishing
from index_builder.cli.console import stderr
from index_builder.errors import UsageError
from index_builder.model.publication import Hold
from index_builder.wiring import targets as places_of


@click.command("rollback")
@click.argument("commit", required=False, metavar="[COMMIT]")
@options.reason(help_text="Why; everybody who publishes is told.", default="rolled back")
@options.repo
@publishing.target_option
@publishing.output_option
@options.pool
@options.connections
@options.jobs
@options.no_web
@publishing.gate_option
@click.option("--rewritten", is_flag=True, help="History was rewritten: what is live need not be in this branch, nor what it took away.")
@options.dry_run
@options.quiet
@options.output_format
def command(
    commit: str | None, reason: str, repo: Path, targets: tuple[str, ...], output: Path | None, pool: Path | None, connections: int,
    jobs: int | None, no_web: bool, gate: bool, rewritten: bool, dry_run: bool, quiet: bool, output_format: str,
) -> None:  # fmt: skip
    """Publish an earlier commit, and hold the targets there.

    Without COMMIT, each target goes back to what it served before. What was taken away for good since then stays away: the branch
    must have all that was published.
    Later publications refuse to move a held target, with exit code 10, until `publish --release-hold`; its signatures are
    renewed all the same.

    \b
    Examples:
      index-builder rollback
      index-builder rollback 4f1c2ab --reason "acme-utils 1.2 deletes files"
    """
    work = publishing.Work.of(
        repo, "HEAD", targets, output=output, pool=pool, connections=connections, jobs=jobs, quiet=quiet, web=not no_web
    )  # fmt: skip
    earlier = commit or _before(work)
    back = work.at(earlier)
    hold = Hold(commit=back.tree.revision, reason=reason, who=places_of.whoever(work.root), at=wiring.SystemClock().now())
    done = back.publish(most=100, gate=gate, dry_run=dry_run, hold=hold, rewritten=rewritten)
    outcomes.show(done, output_format, dry_run=dry_run, quiet=quiet)
    if not dry_run and not quiet and not any(outcome.error for outcome in done):
        stderr().print("  [bold cyan]next[/]: mend it, merge that, then: index-builder publish --release-hold")
    outcomes.end(done)


def _before(work: publishing.Work) -> str:
    """Return the commit that the targets served before; raises UsageError where that is not one, or they went back already."""
    records = [standing.record for standing in work.status() if standing.record]
    if records and all(record.hold for record in records):
        msg = f"the targets went back already, to {records[0].commit[:12]}, and what they served before that is not known"
        raise UsageError(msg, fix="say which: index-builder rollback COMMIT; git log names them")
    found = {record.hold.commit if record.hold else record.previous for record in records} - {""}
    if len(found) != 1:
        msg = "the targets have served different commits before" if found else "no target has served another commit before"
        raise UsageError(msg, fix="say which: index-builder rollback COMMIT")
    return found.pop()
