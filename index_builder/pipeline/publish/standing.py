"""What a target says of itself to people: `status.json`, which nobody signs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import orjson

from index_builder.errors import StorageError
from index_builder.model.page import STATUS
from index_builder.model.publication import Limits, Record
from index_builder.pipeline.publish.signatures import metadata_of
from index_builder.ports.places import Site
from index_builder.trust.layout import BIN, BINS, EXPIRES, POINTER, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, metadata_path


def encode_status(record: Record, limits: Limits, tree: Site) -> bytes:
    """Return `status.json` of a target: when what was published, how long each role's signature holds, how much the host takes."""
    hold = record.hold
    value = {
        "schema": 1, "published": _text(record.at), "commit": record.commit,
        "hold": {"commit": hold.commit, "reason": hold.reason} if hold else None,
        "expires": {role: _text(time) for role, time in sorted(_expiries(tree))},
        "size": record.size, "limit": limits.total, "file_limit": limits.file,
    }  # fmt: skip
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"


def said_commit(live: Site | None) -> str | None:
    """Return the commit of which a target tells people, None where it tells of none."""
    try:
        commit = orjson.loads(live.read(STATUS))["commit"] if live is not None and live.size(STATUS) is not None else None
    except (StorageError, ValueError, TypeError, KeyError):
        return None
    return commit if isinstance(commit, str) else None


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _expiries(tree: Site) -> Iterator[tuple[str, datetime]]:
    """Yield each role that is signed with when that ends; of the bins the first one's."""
    metadata = metadata_of(tree)
    if metadata is None:
        return
    snapshot = metadata_path(SNAPSHOT, metadata.snapshot)
    paths = {TIMESTAMP: POINTER, SNAPSHOT: snapshot, ROOT: _newest_root(tree)}
    paths |= {role: metadata_path(role, metadata.versions[role]) for role in (TARGETS, BINS) if role in metadata.versions}
    for role, path in paths.items():
        if time := _time(_field(tree, path, "expires")):
            yield role, time
    meta = _field(tree, snapshot, "meta")
    times = [time for found in meta.values() if (time := _time(found.get(EXPIRES)))] if isinstance(meta, dict) else []
    if times:
        yield BIN, min(times)


def _newest_root(tree: Site) -> str:
    newest = next(version for version in count(1) if tree.size(metadata_path(ROOT, version + 1)) is None)
    return metadata_path(ROOT, newest)


def _field(tree: Site, path: str, name: str) -> object:
    try:
        return orjson.loads(tree.read(path))["signed"][name]
    except (StorageError, ValueError, TypeError, KeyError):
        return None


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
