"""The roles of an index, where their metadata lies, and how long it holds. ADR 11 says why the layout is this one.

    root (holders, offline) ─┬─ targets (holders) ─┬─ ns-* (a team's key each; final for its projects)
                             │                     └─ bins (holders) ── bin-* (online key A)
                             └─ snapshot, timestamp (online key B)

Source: the TUF specification, version 1.0; TAP 15 for succinct hash bins.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

ROOT: Final = "root"
TARGETS: Final = "targets"
BINS: Final = "bins"
BIN: Final = "bin"
#: What a namespace's role begins with: `ns-<team>`, whose own key signs the pages of its projects.
NAMESPACE: Final = "ns-"
SNAPSHOT: Final = "snapshot"
TIMESTAMP: Final = "timestamp"
#: Roles that people sign, in the order in which one needs the other.
OFFLINE: Final = (ROOT, TARGETS, BINS)

#: Where signatures are published.
FOLDER: Final = "tuf/"
#: Where the copies lie that never change: `tuf/targets/simple/<project>/<sha256>.index.v1_json`.
COPIES: Final = "tuf/targets/"
#: The one file by which a client learns of all others; it is written last.
POINTER: Final = "tuf/timestamp.json"
#: What was replaced, by the time of that: it stays for a while.
REPLACED: Final = f"{FOLDER}replaced.json"
#: Where the repository keeps what people signed.
TRUST: Final = "trust"

#: How long metadata holds from its signing on.
LIVES: Final = {
    ROOT: timedelta(days=365), TARGETS: timedelta(days=365), BINS: timedelta(days=365),
    BIN: timedelta(days=60), SNAPSHOT: timedelta(days=14), TIMESTAMP: timedelta(days=3),
}  # fmt: skip
#: How much of that must be left; what has less is renewed. Half of it; but a timestamp that a schedule meets every twelve hours,
#: or some hours late, always has two days left, so that a monitor with `--fail-within 48h` hears of nothing but a schedule that stopped.
_LEFT: Final = {role: life / 2 for role, life in LIVES.items()} | {TIMESTAMP: timedelta(hours=66)}
#: How long what was replaced stays for readers who are on their way through it.
GRACE: Final = timedelta(hours=24)

#: All that is signed. `*` in a path pattern of TUF does not cross a slash.
PATTERNS: Final = ("simple/*", "simple/*/*", "state/*", "state/*/*")

#: In the TUF snapshot, beside a bin's version: when it expires, so that nobody need read all bins to learn which are due.
EXPIRES: Final = "x-index-builder-expires"
#: In targets.json: the namespaces that there were before. A client that knew one refuses a TUF snapshot without it.
EARLIER_NAMESPACES: Final = "x-index-builder-earlier-namespaces"
#: In bins.json: the bit lengths that there were before it grew. A client that knew a bin refuses a TUF snapshot without it.
EARLIER: Final = "x-index-builder-earlier-bits"

_BYTES_OF_A_TARGET, _BYTES_OF_A_BIN = 165, 12_000
_FEWEST_BITS, _MOST_BITS = 4, 16
_METADATA = re.compile(r"tuf/(?:timestamp|[1-9][0-9]{0,15}\.(?:root|snapshot|targets|bins|bin-[0-9a-f]{1,4}|ns-[a-z0-9-]{1,64}))\.json")
_COPY = re.compile(r"tuf/targets/((?:[!-.0-~]{1,255}/){1,3})([0-9a-f]{64})\.([!-.0-~]{1,64})")
_NAMESPACE = re.compile(r"ns-[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PATTERN = re.compile(r"simple/[a-z0-9][a-z0-9-]{0,200}\*?/\*")
#: Bit lengths that bins may have, and the version that nothing which people sign will ever reach: beyond it, clients are locked out.
BITS: Final = range(4, 17)
HIGHEST: Final = 10_000
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


def bits_for(targets: int) -> int:
    """Return the bit length for so many targets: bins of about 12 kB, 16 of them at least.

    200,000 pages want 12 bits, 4,096 bins. Source: measured, docs/explanation/rationale.md.
    """
    bins = targets * _BYTES_OF_A_TARGET / _BYTES_OF_A_BIN
    return min(_MOST_BITS, max(_FEWEST_BITS, math.ceil(math.log2(bins)) if bins > 1 else 0))


def metadata_path(role: str, version: int) -> str:
    """Return where a version of a role's metadata is published."""
    return f"{FOLDER}{version}.{role}.json"


def copy_path(target: str, digest: str) -> str:
    """Return where the copy of a target with these bytes is published, as a TUF client asks for it."""
    folder, _, name = target.rpartition("/")
    return f"{COPIES}{folder}/{digest}.{name}"


def namespace_path(projects: str) -> str:
    """Return the path pattern of the pages of projects: a normalized name, or what names begin with and a `*`."""
    return f"simple/{projects}/*"


def is_namespace(role: str, paths: Iterable[str]) -> bool:
    """Say whether a role and its path patterns are those of a namespace."""
    paths = list(paths)
    return _NAMESPACE.fullmatch(role) is not None and bool(paths) and all(_PATTERN.fullmatch(path) for path in paths)


def is_copied(target: str) -> bool:
    """Say whether a target has a copy: what clients and builders read does, HTML is made from JSON by who wants it."""
    return not target.endswith(".html")


def is_metadata(path: str) -> bool:
    """Say whether a path is one that metadata is published at."""
    return _METADATA.fullmatch(path) is not None


def copied(path: str) -> tuple[str, str] | None:
    """Return the target and digest that a copy's path is of, or None where it is no such path."""
    found = _COPY.fullmatch(path)
    return (found[1] + found[3], found[2]) if found and ".." not in path.split("/") else None


def secret_of(role: str) -> str:
    """Return the variable that holds the private key of `bins`, `timestamp` or a namespace, or the URI of one."""
    return f"INDEX_BUILDER_KEY_{role.upper().replace('-', '_')}"


def least_version(now: datetime) -> int:
    """Return the least version that may be signed now: the seconds since 2024.

    A published site that was lost takes its versions with it, and clients refuse to go back: time does not go back either.
    """
    return int((now - _EPOCH).total_seconds())


def wants_renewal(role: str, expires: datetime, now: datetime) -> bool:
    """Say whether so much of a role's life is over that it is signed anew. A new timestamp is not, for some hours."""
    return expires - now < _LEFT[role]
