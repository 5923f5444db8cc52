"""The list of what a folder changes of a published tree, beside that folder: `sparse_site` begins it, signing goes on with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from index_builder.adapters.storage import storage, write_whole
from index_builder.errors import StorageError


def add_changes(path: Path, audience: str, written: Sequence[str], deleted: Sequence[str]) -> None:
    """Add paths to a list of changes, which is begun where there is none; raises StorageError."""
    with storage(path):
        try:
            found: dict[str, Any] = {"schema": 1, "audience": audience, "written": [], "deleted": []}
            if path.exists():
                found = json.loads(path.read_bytes())
            found["written"] = [*(name for name in found["written"] if name not in {*written, *deleted}), *written]
            found["deleted"] = sorted({*found["deleted"], *deleted} - {*written})
        except (ValueError, TypeError, KeyError) as error:
            msg = f"{path} is no list of changes of a build that ended"
            raise StorageError(msg, fix="build again: index-builder build --sparse") from error
        write_whole(path, path.with_suffix(".new"), [json.dumps(found, indent=1).encode() + b"\n"])
