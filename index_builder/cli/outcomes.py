"""What targets serve, and what became of them, as people and programs read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

import click

from index_builder.cli.console import count, escape, human, stderr
from index_builder.errors import AnsweredError, HumanNeededError, IndexBuilderError, RemoteError, StorageError, TrustError, UsageError
from index_builder.model.index import Target
from index_builder.model.plain import plain
from index_builder.model.publication import Hold, Record
from index_builder.model.releases import PER_HOUR
from index_builder.pipeline.publish.difference import mark_of, record_of
from index_builder.pipeline.publish.order import Forecast, Outcome, Place, Result, Tried
from index_builder.pipeline.publish.signatures import expiry_of

#: Why nobody can tell what readers get of a target that somebody else deploys.
UNSEEN: Final = "its audience has no url where it is deployed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a target serves."""

    target: Target
    record: Record | None = None
    projects: int = 0
    files: int = 0
    expires: datetime | None = None
    is_unseen: bool = False
    error: IndexBuilderError | None = None

    @classmethod
    def of(cls, place: Place) -> Self:
        """Ask a target."""
        target = place.target
        try:
            site = place.host.live()
            record, mark = record_of(site), mark_of(site)
            expires = expiry_of(site) if site else None
        except (RemoteError, StorageError, UsageError) as error:
            return cls(target=target, error=error)
        return cls(
            target=target, record=record, projects=mark.projects if mark else 0, files=mark.files if mark else 0, expires=expires,
            is_unseen=place.is_unseen(site),
        )  # fmt: skip

    def value(self) -> dict[str, object]:
        """Return it as JSON has it."""
        record = self.record
        return {
            "target": self.target.name, "audience": self.target.audience, "kind": self.target.kind,
            "commit": record.commit if record else None, "at": record.at.isoformat() if record else None,
            "projects": self.projects, "files": self.files, "expires": self.expires.isoformat() if self.expires else None,
            "hold": _hold(record.hold) if record else None, "interrupted": bool(record and record.begun is not None),
            "error": self.error.message if self.error else UNSEEN if self.is_unseen else None,
        }  # fmt: skip

    def line(self, now: datetime) -> str:
        """Return it in a line."""
        name = f"{self.target.name} ({self.target.audience}, {self.target.kind})"
        if self.error:
            return f"{name}: cannot be read: {plain(self.error.message)}"
        if self.is_unseen:
            return f"{name}: cannot be read: {UNSEEN}"
        record = self.record
        if record is None:
            return f"{name}: nothing is published"
        parts = [
            f"{record.commit[:12]}, published {ago(now - record.at)} ago",
            f"{count(self.projects, 'project')}, {count(self.files, 'file')}",
        ]
        if self.expires:
            left = self.expires - now
            parts.append(f"signatures hold for {ago(left)}" if left > timedelta() else "its signatures have EXPIRED")
        else:
            parts.append("unsigned")
        if record.hold:
            parts.append(f"HELD by {plain(record.hold.who or 'somebody')}: {plain(record.hold.reason)}")
        if record.begun is not None:
            parts.append("a publication did not end")
        return f"{name}: {'; '.join(parts)}"


def ago(time: timedelta) -> str:
    """Return a time as people say it."""
    seconds = int(time.total_seconds())
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return count(seconds // size, unit)
    return "less than a minute"


def _hold(hold: Hold | None) -> dict[str, str] | None:
    return {"commit": hold.commit, "reason": hold.reason, "who": hold.who, "at": hold.at.isoformat()} if hold else None


def show(outcomes: Sequence[Outcome], output_format: str, *, dry_run: bool, quiet: bool) -> None:
    """Say what became of each target."""
    if output_format == "json":
        click.echo(json.dumps({"dry_run": dry_run, "targets": [_value(outcome) for outcome in outcomes]}, indent=2))
        return
    for outcome in outcomes:
        if dry_run:
            for mark, paths in (("+", outcome.puts), ("-", outcome.deletes)):
                for path in paths:
                    click.echo(f"{mark} {outcome.target} {path}")
        if not quiet or outcome.result in (Result.FAILED, Result.HELD):
            _say(outcome, dry_run=dry_run)
        if outcome.tried:
            _say_tried(outcome.audience, outcome.tried, quiet=quiet)


def _say(outcome: Outcome, *, dry_run: bool) -> None:
    console, name = stderr(), f"[bold]{outcome.target}[/]"
    if outcome.error:
        console.print(f"{name}: [bold red]failed[/]: {_told(outcome.error.message)}", markup=True)
        if outcome.error.fix:
            console.print(f"  [bold cyan]fix[/]: {_told(outcome.error.fix)}")
    elif outcome.result is Result.HELD and outcome.hold:
        hold = outcome.hold
        console.print(
            f"{name}: held at {hold.commit[:12]} since {hold.at:%Y-%m-%d} by {_told(hold.who or 'somebody')}: {_told(hold.reason)}"
        )
        console.print("  [bold cyan]fix[/]: when it is settled: index-builder publish --release-hold")
    elif outcome.result is Result.NEWER_LIVE:
        console.print(f"{name}: {outcome.before[:12]} is live, which is newer; nothing to do")
    elif outcome.result is Result.UNCHANGED:
        console.print(f"{name}: {outcome.commit[:12]} is live already; nothing to do")
    else:
        would = "would be " if dry_run else ""
        lingering = f", {outcome.lingering:,} to go later" if outcome.lingering else ""
        console.print(
            f"{name}: {outcome.commit[:12]} {'would be' if dry_run else 'is'} {'live' if outcome.is_immediate else 'ready to be deployed'}"
            f"{f' after {outcome.before[:12]}' if outcome.before not in ('', outcome.commit) else ''}; "
            f"{count(len(outcome.puts), 'file')} ({human(outcome.size)}) {would}written, {len(outcome.deletes):,} {would}deleted{lingering}"
        )
        if outcome.forecast:
            console.print(f"  {_foreseen(outcome.forecast)}")
        if outcome.assets:
            hours = outcome.assets / PER_HOUR
            console.print(
                f"  {count(outcome.assets, 'asset')} would be uploaded to releases: about {hours:.1f} hours at {PER_HOUR} an hour"
            )


def _foreseen(forecast: Forecast) -> str:
    """Return in words what would be asked of a host, and how much of what it takes that is."""
    limits = forecast.limits
    parts = [f"about {count(forecast.requests, 'request')}"]
    if limits.total is not None:
        parts.append(f"{human(forecast.total)} in all, of {human(limits.total)} ({forecast.total * 100 // limits.total} per cent)")
    if limits.file is not None:
        parts.append(f"the largest file {human(forecast.largest)}, of {human(limits.file)}")
    return "; ".join(parts)


def _forecast(forecast: Forecast | None) -> dict[str, int | None] | None:
    if forecast is None:
        return None
    limits = forecast.limits
    total = forecast.total if limits.total is not None else None
    return {
        "requests": forecast.requests, "total": total, "limit": limits.total, "largest": forecast.largest, "file_limit": limits.file,
    }  # fmt: skip


def _say_tried(audience: str, tried: Tried, *, quiet: bool) -> None:
    console = stderr()
    if not tried.count:
        why = "its files are linked, or fit no machine like this"
        console.print(f"  [bold yellow]not tried[/]: the gate installed nothing of '{audience}': {why}")
    elif tried.untried:
        names = f"{', '.join(tried.untried[:_NAMED])}{f' and {len(tried.untried) - _NAMED:,} more' if len(tried.untried) > _NAMED else ''}"
        console.print(f"  [bold yellow]not tried[/]: {names}: no wheel of it fits this machine, or its files are linked")
    if tried.missing:
        names = " and ".join(tried.missing)
        console.print(f"  [bold yellow]not tried[/]: {names} did not try '{audience}': not installed here (pip install {names})")
    if tried.count and not quiet:
        console.print(f"  {count(tried.count, 'project')} could be installed")


#: So many projects are named in a line.
_NAMED: Final = 8


def _told(text: str) -> str:
    """Return text of a target as rich prints it: it may have been written by anybody."""
    return escape(plain(text))


def _tried(tried: Tried) -> dict[str, Any]:
    return {"count": tried.count, "untried": list(tried.untried), "missing": list(tried.missing)}


def _value(outcome: Outcome) -> dict[str, Any]:
    return {
        "target": outcome.target, "audience": outcome.audience, "result": str(outcome.result), "commit": outcome.commit,
        "before": outcome.before, "written": list(outcome.puts), "deleted": list(outcome.deletes), "lingering": outcome.lingering,
        "bytes": outcome.size, "assets": outcome.assets,
        "tried": _tried(outcome.tried) if outcome.tried else None,
        "forecast": _forecast(outcome.forecast), "hold": _hold(outcome.hold),
        "error": outcome.error.message if outcome.error else None,
        "fix": outcome.error.fix if outcome.error else None,
    }  # fmt: skip


class _EndedError(AnsweredError):
    """All was said, and `exit_code` is what the worst of it means."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code


def end(outcomes: Sequence[Outcome], stopped: IndexBuilderError | None = None) -> None:
    """End with what the worst of them means: 4 where trust failed, 3 where a host did, 1 for the rest, 10 where one is held.

    `stopped` is what kept a publication from beginning, and counts as what it is.
    """
    codes = {_code_of(outcome.error) for outcome in outcomes if outcome.error} | ({stopped.exit_code} if stopped else set())
    if codes:
        raise _EndedError(max(codes))
    if any(outcome.result is Result.HELD for outcome in outcomes):
        raise HumanNeededError


def _code_of(error: IndexBuilderError) -> int:
    """Return what a target's error means for the whole: how it was called for, others of its targets show to be right."""
    return error.exit_code if isinstance(error, (TrustError, RemoteError)) else 1
