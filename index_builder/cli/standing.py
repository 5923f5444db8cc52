"""How far each role's signatures are, as people and programs read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from index_builder.cli.console import stderr
from index_builder.errors import UsageError
from index_builder.trust.committed import TRUST, Committed, Standing, fingerprint, standings


def line(standing: Standing, now: datetime) -> str:
    """Return in words who has signed a role's newest version, who must, and until when it holds."""
    parts = []
    for demand in standing.demands:
        signed = ", ".join(demand.signed) or "nobody"
        lacks = f", {demand.missing} more of {', '.join(demand.open) or 'nobody who could'}" if demand.missing else ""
        parts.append(f"signed by {signed}{lacks} ({demand.threshold} must)")
    expired = "EXPIRED" if standing.expires <= now else "expires"
    return f"{standing.role:<10} version {standing.version}, {expired} {date(standing.expires)}; {'; before: '.join(parts)}"


def date(moment: datetime) -> str:
    """Return a moment as people read it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def span(text: str) -> timedelta:
    """Return a time such as 48h or 14d; raises UsageError."""
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in ("h", "d"):
        msg = f"{text!r} is no time"
        raise UsageError(msg, fix="write it as 48h or 14d")
    return timedelta(hours=int(number)) if unit == "h" else timedelta(days=int(number))


def to_json(audience: str, committed: Committed, found: Sequence[Standing], online: Sequence[tuple[str, datetime]]) -> dict[str, object]:
    """Return the standing of all roles as JSON values; `online` are those that are published, with when they expire."""
    return {
        "audience": audience,
        "fingerprint": fingerprint(committed),
        "roles": [
            {
                "role": s.role, "version": s.version, "expires": s.expires.isoformat(), "complete": s.is_complete,
                "demands": [{"signed": d.signed, "open": d.open, "threshold": d.threshold, "missing": d.missing} for d in s.demands],
            }
            for s in found
        ],
        "published": [{"role": role, "expires": expires.isoformat()} for role, expires in online],
    }  # fmt: skip


def show_next(committed: Committed, branch: str, now: datetime) -> None:
    """Say who must sign next, or that all have."""
    console = stderr()
    waiting = [standing for standing in standings(committed) if not standing.is_complete]
    for standing in waiting:
        console.print(line(standing, now))
    console.print(f"Commit it:  git switch -c sign/{branch}; git add {TRUST}; git commit -m 'Sign {branch}'")
    if waiting:
        names = sorted({name for standing in waiting for demand in standing.demands if demand.missing for name in demand.open})
        console.print(f"Then {' or '.join(names)}, on that branch:  index-builder keys sign")
    else:
        console.print("All have signed. Once it is merged:  index-builder build; index-builder sign")
        if len(committed.roots) == 1:
            console.print(f"Tell those who install the fingerprint of the first root:\n  {fingerprint(committed)}")
