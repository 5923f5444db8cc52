"""A file of the repository, before it is read."""

from __future__ import annotations

from dataclasses import dataclass

ORDINARY = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
SUBMODULE = 0o160000


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """A path of a revision or working tree: POSIX path, git mode, and the id by which it is read."""

    path: str
    mode: int
    blob: str
