"""What of a repository is read, and how much of it."""

from __future__ import annotations

from typing import Final

from index_builder.errors import SourceError

TOPS: Final = ("index.yaml", "packages.d", "policies.d")
#: Larger files are cut here; the loader refuses them by their size.
MAX_READ: Final = 4 * 1024 * 1024 + 1
#: Git stores a tree of a billion entries in a few kilobytes.
MAX_ENTRIES: Final = 2_000_000
_MAX_DEPTH = 32


def check_depth(path: str) -> None:
    """Raise SourceError for a path in too many folders: they are walked by recursion."""
    if path.count("/") > _MAX_DEPTH:
        msg = f"{path[:80]}… is nested deeper than {_MAX_DEPTH} folders"
        raise SourceError(msg, fix="flatten it")
