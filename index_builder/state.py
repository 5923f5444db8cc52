"""What a build leaves in `state/` for the next one to compare with, per audience and sharded by name. ADR 8.

`state/build.json`, the mark, says what was built from what, and has the digest of every other file that is read again.
`state/projects/<2 hex>.json` has, a project a line, the manifest that it came from, the files that are its own, where its
lines are in the package list, and the digests of its simple pages, which are what is signed.
All of it is deterministic, names nothing of a narrower audience, and is used only where its digest is right.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from index_builder.model.rows import is_rows

#: The first thing that a build writes, and the last: which builder built which commit. A folder without it is not ours.
MARK: Final = "state/build.json"
#: The folder of shards.
SHARDS: Final = "state/projects/"
_SCHEMA: Final = 5
_SHARD = re.compile(r"state/projects/[0-9a-f]{2}\.json")
_PAGE = re.compile(r"simple/index\.(?:html|v1_json)")
_CLIMBS = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\\\x00]")


class OutdatedStateError(Exception):
    """State that is not there, not whole, or of another form: all must be built. As text, it says why."""

    def __init__(self, why: str = "the state of the last build is damaged") -> None:
        """Take the reason."""
        super().__init__(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`state/build.json`.

    `source` is what was built: a commit's id, `sha256:` and the digest of a package list, or '' where that has no name.
    `inputs` is the digest of all that a page can depend on besides its own manifest: builder, templates, configuration,
    policies, options. `projects` and `files` count what is listed; `lists`, `shards` and `rows` (the package list, of
    `rows_size` bytes) have digests by path. `web` is the digest of what is remembered of pages for people, '' where there are none.
    """

    audience: str
    builder: str
    source: str
    inputs: str
    projects: int = 0
    files: int = 0
    rows_size: int = 0
    lists: Mapping[str, str] = field(default_factory=dict)
    shards: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    web: str = ""

    def encode(self) -> bytes:
        """Return the file's bytes."""
        return json.dumps({"schema": _SCHEMA, **asdict(self)}, sort_keys=True, indent=1).encode() + b"\n"


def begun(audience: str) -> bytes:
    """Return what the mark says while a tree changes: whose it is, and that nobody knows what is there."""
    return json.dumps({"audience": audience}).encode() + b"\n"


def audience_of(content: bytes) -> str | None:
    """Return whose tree a mark is of, whole or begun; None where that cannot be read."""
    try:
        audience = json.loads(content)["audience"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return audience if isinstance(audience, str) else None


def decode_mark(content: bytes) -> Mark:
    """Return a mark; raises OutdatedStateError for anything that no build of this form wrote. It may come from another host."""
    try:
        value: dict[str, Any] = json.loads(content)
        if value.pop("schema", None) != _SCHEMA:
            raise OutdatedStateError
        mark = Mark(**value)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise OutdatedStateError from error
    texts = (mark.audience, mark.builder, mark.source, mark.inputs, mark.web)
    numbers = (mark.projects, mark.files, mark.rows_size)
    digests = (mark.lists, mark.shards, mark.rows)
    if not (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(number, int) and number >= 0 for number in numbers)
        and all(isinstance(found, dict) and all(isinstance(text, str) for text in found.values()) for found in digests)
        and all(map(is_shard, mark.shards))
        and all(map(is_rows, mark.rows))
        and (not mark.audience or all(mark.rows.values()))
        and all(_PAGE.fullmatch(path) for path in mark.lists)
    ):
        raise OutdatedStateError
    return mark


class PageDigest(NamedTuple):
    """A simple page of a project: its path, its size in bytes, its SHA-256 in hexadecimal."""

    path: str
    size: int
    digest: str


class Built(NamedTuple):
    """A project that was built: its manifest's path and git object id, and the files that the tree has because of it.

    In the package list it has `rows` bytes, and its first line is that of the file `first`. `pages` are its simple pages.
    """

    name: str
    path: str
    blob: str
    first: str
    rows: int
    files: tuple[str, ...]
    pages: tuple[PageDigest, ...]

    def encode(self) -> bytes:
        """Return the project's line in its shard."""
        return orjson.dumps((*self[:-1], tuple(map(tuple, self.pages))))


def digits_of(name: str) -> str:
    """Return by which two hexadecimal digits a project's shards are called: the first of the SHA-256 of its normalized name."""
    return hashlib.sha256(name.encode()).hexdigest()[:2]


def shard_of(name: str) -> str:
    """Return the path of the shard that a project is in, by its normalized name."""
    return f"{SHARDS}{digits_of(name)}.json"


def is_shard(path: str) -> bool:
    """Say whether a path is one that a shard has."""
    return _SHARD.fullmatch(path) is not None


def join_shard(lines: Iterable[bytes]) -> bytes:
    """Return the bytes of a shard of these projects, by name."""
    return b"[" + b",\n".join(sorted(lines)) + b"]\n"


def decode_shard(content: bytes, digest: str) -> dict[str, Built]:
    """Return a shard's projects by name; raises OutdatedStateError where its digest is another."""
    if digest_of(content) != digest:
        raise OutdatedStateError
    try:
        found = {
            row[0]: Built(row[0], row[1], row[2], row[3], row[4], tuple(row[5]), tuple(PageDigest(*page) for page in row[6]))
            for row in orjson.loads(content)
        }
        whole = all(map(_is_whole, found.values()))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise OutdatedStateError from error
    if not whole or not all(
        all(_is_own(path, name) for path in built.files) and all(page.path.startswith(f"simple/{name}/") for page in built.pages)
        for name, built in found.items()
    ):
        raise OutdatedStateError
    return found


def _is_whole(built: Built) -> bool:
    """Say whether each part is of its kind: a state may come from where anybody may have written."""
    texts = (built.name, built.path, built.blob, built.first, *built.files)
    pages = [(page.path, page.digest) for page in built.pages]
    return all(isinstance(text, str) for text in (*texts, *(text for page in pages for text in page))) and isinstance(built.rows, int)


def _is_own(path: str, name: str) -> bool:
    """Say whether a path is one that a tree may have because of a project: what a state names, is deleted one day."""
    top, _, rest = path.partition("/")
    mine = top in ("packages", "provenance") or (top in ("simple", "pypi", "project") and rest.startswith(f"{name}/"))
    return mine and not _CLIMBS.search(path)


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of bytes, as the mark has it."""
    return hashlib.sha256(content).hexdigest()
