"""How far each role's signatures are, as people and programs read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from index_builder.cli.console import stderr
from index_builder.errors import TrustError, UsageError
from index_builder.trust.committed import Committed, Standing, fingerprint, standings, succinct_of
from index_builder.trust.compared import check_published, live_roles
from index_builder.trust.layout import OFFLINE, SNAPSHOT, TIMESTAMP, TRUST, bits_for
from index_builder.trust.published import Read, check_not_forged, find_before

#: What the bins are called together.
BIN_ROLES = "bin-*"
#: What is published, by role, with when it expires.
Published = Sequence[tuple[str, datetime]]


def published(committed: Committed, read: Read, now: datetime) -> Published:
    """Return what is published; nothing where nothing is. Raises TrustError where clients refuse it, or will, or where it is not ours."""
    if foreign := check_published(committed, read):
        msg = f"{foreign} is published, and too few have signed it: clients refuse the index for it"
        raise TrustError(msg, fix="find out who put it there; signing takes it away: index-builder sign, or publish")
    before = find_before(committed, read)
    if before is None:
        return []
    check_not_forged(before, committed, now)
    found = [(live.role, live.expires) for live in live_roles(committed, read)]
    found += [(SNAPSHOT, before.snapshot.signed.expires), (TIMESTAMP, before.timestamp.signed.expires)]
    bins = before.bins_hold_until() if before.same_bins else None
    return [*found, (BIN_ROLES, bins)] if bins else found


def lines(committed: Committed, found: Sequence[Standing], online: Published, now: datetime) -> Iterator[str]:
    """Yield in words how all roles stand, in `trust/` and as they are published."""
    for standing in found:
        yield line(standing, now)
    for role, expires in online:
        yield f"{role:<10} {'EXPIRED' if expires <= now else 'expires'} {date(expires)} (published)"
    if found[0].is_complete or found[0].version > 1:
        yield f"first root {fingerprint(committed)} (SHA-256)"


def more_bins(committed: Committed, targets: int) -> str:
    """Return in words that so many targets want more bins; '' where there are enough."""
    wanted, there = bits_for(targets), succinct_of(committed).bit_length if committed.bins else 0
    if not there or wanted <= there:
        return ""
    return f"the index has grown to want {2**wanted:,} bins, and has {2**there:,}: index-builder keys grow"


def check_holds(found: Sequence[Standing], online: Published, limit: datetime, now: datetime) -> None:
    """Raise TrustError where something expires before `limit`, with what renews it."""
    expiring = [(role, expires) for role, expires in [*((s.role, s.expires) for s in found), *online] if expires <= limit]
    if not expiring:
        return
    role, expires = min(expiring, key=lambda pair: pair[1])
    is_renewed = any(standing.role == role and standing.is_complete and standing.expires > expires for standing in found)
    if role in OFFLINE and not is_renewed:
        fix = "index-builder keys renew"
    elif is_renewed or role == BIN_ROLES or expires <= now:
        fix = "index-builder sign"
    else:
        fix = "index-builder sign --heartbeat"
    raise TrustError(f"{role} {'has expired' if expires <= now else 'expires'} {date(expires)}", fix=f"renew it: {fix}")


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


def to_json(audience: str, committed: Committed, found: Sequence[Standing], online: Published) -> dict[str, object]:
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
