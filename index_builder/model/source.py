"""A file of the repository, before it is read."""

from __future__ import annotations

from typing import Final, NamedTuple

ORDINARY = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
SUBMODULE = 0o160000

MANIFESTS = "packages.d/"
POLICIES = "policies.d/"
CONFIGURATION = "index.yaml"
#: Templates over the built-in pages for people. In the repository that has those too, they lie beside it.
THEME: Final = "templates/theme/"
#: What is the same for all manifests, as the tops of a tree.
SETTINGS = ("index.yaml", "policies.d")


class SourceEntry(NamedTuple):
    """A path of a revision or working tree: POSIX path, git mode, and the id by which it is read."""

    path: str
    mode: int
    blob: str


class SourceChange(NamedTuple):
    """A file that is not as an earlier revision had it: whether that had it, and what it is now, None where it is gone."""

    path: str
    was_there: bool
    entry: SourceEntry | None


class PathChange(NamedTuple):
    """A path that a change has otherwise than its base: both sides, None where it is not there.

    `is_torn` says that the base changed it too, and the two do not go together; `after` is then the change's own.
    """

    path: str
    before: SourceEntry | None
    after: SourceEntry | None
    is_torn: bool


def is_read(entry: SourceEntry) -> bool:
    """Say whether a file of the tree is read as YAML."""
    return entry.mode == ORDINARY and entry.path.endswith(".yaml")


def is_manifest(entry: SourceEntry) -> bool:
    """Say whether a file of the tree is read as a manifest."""
    return entry.path.startswith(MANIFESTS) and is_read(entry)


def stem_of(path: str) -> str:
    """Return what a manifest's file is called without its ending: the normalized name of its project."""
    return path.rpartition("/")[2].removesuffix(".yaml")
