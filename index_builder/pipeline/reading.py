"""The tree becomes an index, or its problems."""

from __future__ import annotations

from index_builder.manifests.reader import Reading, read
from index_builder.model.index import Index
from index_builder.model.problem import ProblemsFoundError
from index_builder.ports import SourceTree


def read_tree(tree: SourceTree) -> Reading:
    """Read everything; raises SourceError."""
    return read(tree.revision, tree.entries(), tree.read)


def index_of(reading: Reading) -> Index:
    """Return the index of a reading without errors; raises ProblemsFoundError."""
    errors = [problem for problem in reading.problems if problem.severity == "error"]
    if errors or reading.index is None:
        raise ProblemsFoundError(reading.problems)
    return reading.index
