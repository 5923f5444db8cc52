"""A page: a path, a content type, bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final, NamedTuple

HTML: Final = "text/html"
SIMPLE_JSON: Final = "application/vnd.pypi.simple.v1+json"
JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonl"

#: Where the pages for people are, at the top of a tree.
FOR_PEOPLE: Final = ("index.html", "feed.xml", "project", "owner", "all", "changes", "search", "status", "assets")
#: What `publish` says of a target, for people: it is not signed.
STATUS: Final = "status.json"
_KINDS: Final = {
    "html": HTML,
    "json": JSON,
    "xml": "application/atom+xml",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


def for_people(path: str) -> str:
    """Return the content type of a page for people."""
    return _KINDS.get(path.rpartition(".")[2], "application/octet-stream")


class Tier(IntEnum):
    """When a page may appear: after everything that it links to; what goes, goes before the mark."""

    PROJECT = 1
    LIST = 2
    STATE = 3
    MARK = 4


class Page(NamedTuple):
    """A generated file of the tree; `path` is relative to its root."""

    path: str
    content_type: str
    content: bytes
    tier: Tier

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.content)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        yield self.content


class LargePage(NamedTuple):
    """A page that is too large to be held: `chunks` yields its `size` bytes, from the beginning each time."""

    path: str
    content_type: str
    size: int
    chunks: Callable[[], Iterator[bytes]]
    tier: Tier


class WrittenPage(NamedTuple):
    """A page that whoever made it has put at its `path` already."""

    path: str
