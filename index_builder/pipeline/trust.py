"""What a revision of the repository holds of an audience's trust."""

from __future__ import annotations

from index_builder.model.names import Word
from index_builder.model.source import ORDINARY
from index_builder.ports import SourceTree
from index_builder.trust.committed import TRUST, Committed, read_committed, root_file


def first_root(tree: SourceTree, audience: Word) -> bytes | None:
    """Return an audience's first root, None where it has none."""
    path = f"{TRUST}/{audience}/{root_file(1)}"
    return next((tree.read(entry) for entry in tree.entries(TRUST) if entry.path == path and entry.mode == ORDINARY), None)


def read_trust(tree: SourceTree, audience: Word) -> Committed:
    """Return what `trust/<audience>/` holds; raises TrustError where that is no metadata, SourceError."""
    folder = f"{TRUST}/{audience}"
    entries = [entry for entry in tree.entries(TRUST) if entry.path.startswith(f"{folder}/") and entry.mode == ORDINARY]
    return read_committed({entry.path.removeprefix(f"{folder}/"): tree.read(entry) for entry in entries}, folder)
