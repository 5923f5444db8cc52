"""Where the package list of a tree is. ADR 17.

It is one file, `packages.json`, as long as that is small. A larger one of an audience is in shards, `package-list/<2 hex>.jsonl`, which
have the same projects as the shards of the state, so that a change costs no more where there are many. A tree that was built of a
package list has no audience, and always one file, as dumb-pypi writes it.
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


def is_sharded(audience: str, size: int) -> bool:
    """Say whether an audience's list of so many bytes is in shards."""
    return bool(audience) and size > LARGEST


def shard_path(digits: str) -> str:
    """Return where the lines of a project are, by its digits in the state, in a list that is in shards."""
    return f"{ROW_SHARDS}/{digits}.jsonl"


def is_rows(path: str) -> bool:
    """Say whether a path is one that a file of a package list has."""
    return _PATH.fullmatch(path) is not None
