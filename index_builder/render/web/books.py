"""What a build remembers of the pages that show many projects: `search/pages.json`, whose digest the mark has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson

BOOKS: Final = "search/pages.json"
_SCHEMA: Final = 1
#: What a build may write, and so delete one day, besides the pages of projects.
_PATH: Final = re.compile(
    r"index\.html|feed\.xml|assets/[a-z0-9-]+\.[0-9a-f]{12}\.(?:css|js|svg)|search/(?:index\.html|index\.json|(?:cards|words)/[a-z0-9_-]+\.json)"
    r"|all/(?:[a-z0-9-]{1,2}/)?index\.html|owner/[a-z0-9][a-z0-9._-]*/index\.html|status/index\.html"
    r"|changes/(?:\d{4}-\d{2}\.json|(?:\d{4}-\d{2}/(?:\d{2}/(?:\d{2}/)?)?)?index\.html)",
    re.ASCII,
)


@dataclass(slots=True, kw_only=True)
class Books:
    """Digests of shared pages by path; sums over all projects; and the sizes of the leaves of cards and words by prefix.

    `months` have the number of events and of releases, `owners` the number of projects and bytes, `classes` how many projects
    have so many digits of bytes.
    """

    files: dict[str, str] = field(default_factory=dict)
    projects: int = 0
    releases: int = 0
    listed: int = 0
    size: int = 0
    months: dict[str, list[int]] = field(default_factory=dict)
    owners: dict[str, list[int]] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    cards: dict[str, int] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the file's bytes."""
        return orjson.dumps({"schema": _SCHEMA, **asdict(self)}, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"

    def index(self) -> bytes:
        """Return what a search begins with: the prefixes of the leaves."""
        return orjson.dumps({"cards": sorted(self.cards), "words": sorted(self.words)}) + b"\n"


def is_shared(path: str) -> bool:
    """Say whether a path is one that a page which shows many projects may have."""
    return _PATH.fullmatch(path) is not None


def decode_books(content: bytes) -> Books:
    """Return what was remembered; raises ValueError or TypeError for what no build wrote. It may come from another host."""
    value: dict[str, Any] = orjson.loads(content)
    if value.pop("schema", None) != _SCHEMA:
        msg = "of another form"
        raise ValueError(msg)
    books = Books(**value)
    sums = [books.projects, books.releases, books.listed, books.size, *books.classes.values(), *books.cards.values(), *books.words.values()]
    sums += [number for numbers in (*books.months.values(), *books.owners.values()) for number in numbers]
    if not all(isinstance(number, int) for number in sums) or not all(map(is_shared, books.files)) or not _are_texts(books.files):
        msg = "not what a build wrote"
        raise ValueError(msg)
    return books


def _are_texts(files: Mapping[str, str]) -> bool:
    return all(isinstance(digest, str) for digest in files.values())
