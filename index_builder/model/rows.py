"""Where the package list of a tree is. ADR 17.

It is one file, `packages.json`, as long as that is small. A larger one is in shards, `package-list/<2 hex>.jsonl`, which have the
same projects as the shards of the state, so that a change costs no more where there are many.
"""

from __future__ import annotations

import re
from typing import Final

ROWS: Final = "packages.json"
#: The folder of shards.
ROW_SHARDS: Final = "package-list"
#: Bytes of the largest list that is one file: about 40,000 files.
LARGEST: Final = 8 * 1024 * 1024
_PATH: Final = re.compile(rf"{re.escape(ROWS)}|{ROW_SHARDS}/[0-9a-f]{{2}}\.jsonl")


def is_sharded(size: int) -> bool:
    """Say whether a list of so many bytes is in shards."""
    return size > LARGEST


def rows_path(digits: str, size: int) -> str:
    """Return where a project's lines are, by its digits in the state, in a list of `size` bytes."""
    return f"{ROW_SHARDS}/{digits}.jsonl" if is_sharded(size) else ROWS


def is_rows(path: str) -> bool:
    """Say whether a path is one that a file of a package list has."""
    return _PATH.fullmatch(path) is not None
