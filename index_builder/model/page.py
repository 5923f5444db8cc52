"""A page: a path, a content type, bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

HTML: Final = "text/html"
SIMPLE_JSON: Final = "application/vnd.pypi.simple.v1+json"
JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonl"


class Tier(IntEnum):
    """When a page may appear: after everything that it links to."""

    PROJECT = 1
    LIST = 2
    STATE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A generated file of the tree; `path` is relative to its root."""

    path: str
    content_type: str
    content: bytes
    tier: Tier
