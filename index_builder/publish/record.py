"""A target's record of itself, as JSON. It comes from where others may have written, so every field is looked at."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from index_builder.errors import StorageError
from index_builder.model.publication import EDGE_FILES, Hold, Record

_SCHEMA: Final = 1
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_COMMIT: Final = re.compile(r"(?:[0-9a-f]{40}(?:[0-9a-f]{24})?)?")
#: What a publication writes, and so may delete one day.
_PATH: Final = re.compile(
    r"(?:simple|packages|package-list|provenance|pypi|state|tuf|project|owner|all|changes|search|status|assets)/[^\\\x00-\x1f]+"
    r"|packages\.json|index\.html|feed\.xml|status\.json|_headers|_redirects|404\.html"
)
_CLIMBS: Final = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")


def encode(record: Record) -> bytes:
    """Return the file's bytes."""
    hold = record.hold
    value = {
        "schema": _SCHEMA, "commit": record.commit, "previous": record.previous, "newest": record.newest,
        "at": _text(record.at), "size": record.size,
        "gone": {path: _text(time) for path, time in sorted(record.gone.items())},
        "hold": {"commit": hold.commit, "reason": hold.reason, "who": hold.who, "at": _text(hold.at)} if hold else None,
        "begun": None if record.begun is None else sorted(record.begun),
        **({"own": sorted(record.own)} if record.own else {}),
    }  # fmt: skip
    return json.dumps(value, indent=1).encode() + b"\n"


def decode(content: bytes) -> Record:
    """Return a record; raises StorageError for anything that no publication wrote."""
    try:
        value: dict[str, Any] = json.loads(content)
        hold = value["hold"] if value["schema"] == _SCHEMA else {}
        return Record(
            commit=_commit(value["commit"]), previous=_commit(value["previous"]), newest=_commit(value.get("newest", "")),
            at=_time(value["at"]), size=_size(value["size"]),
            gone={_path(path): _time(time) for path, time in value["gone"].items()},
            hold=None if hold is None else _hold(hold),
            begun=None if value["begun"] is None else tuple(map(_path, value["begun"])),
            own=tuple(map(_own, value.get("own", ()))),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        msg = f"the target's state/publication.json is not one that a publication wrote ({error})"
        raise StorageError(msg, fix="find out who wrote it; then publish anew with --reconcile") from error


def _hold(value: Any) -> Hold:
    return Hold(commit=_commit(value["commit"]), reason=_line(value["reason"]), who=_line(value["who"]), at=_time(value["at"]))


def _line(value: Any) -> str:
    if not isinstance(value, str):
        msg = "a text is expected"
        raise TypeError(msg)
    return value


def _commit(value: Any) -> str:
    if not _COMMIT.fullmatch(value):
        msg = f"{value!r} is no commit"
        raise ValueError(msg)
    return str(value)


def _size(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        msg = f"{value!r} is no size"
        raise ValueError(msg)
    return value


def is_ours(path: str) -> bool:
    """Say whether a path is one that a publication may write, and so delete."""
    return _PATH.fullmatch(path) is not None and not _CLIMBS.search(path)


def _path(value: Any) -> str:
    if not is_ours(value):
        msg = f"{value!r} is no path of a tree"
        raise ValueError(msg)
    return str(value)


def _own(value: Any) -> str:
    if value not in EDGE_FILES:
        msg = f"{value!r} is no file of a target's own"
        raise ValueError(msg)
    return str(value)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_TIME)


def _time(value: Any) -> datetime:
    return datetime.strptime(value, _TIME).replace(tzinfo=UTC)
