"""The tree becomes an index, or its problems."""

from __future__ import annotations

from index_builder.manifests.configuration import to_configuration
from index_builder.manifests.loader import load
from index_builder.manifests.reader import Reading, read
from index_builder.model.index import Configuration, Index
from index_builder.model.problem import ProblemsFoundError
from index_builder.model.source import CONFIGURATION, ORDINARY
from index_builder.ports import SourceTree


def read_tree(tree: SourceTree) -> Reading:
    """Read everything; raises SourceError."""
    return read(tree.revision, tree.entries(), tree.read)


def configuration_of(tree: SourceTree) -> Configuration:
    """Return what `index.yaml` says, and read nothing else; raises ProblemsFoundError with all problems of the tree."""
    entry = next((entry for entry in tree.entries(CONFIGURATION) if entry.path == CONFIGURATION and entry.mode == ORDINARY), None)
    document = load(CONFIGURATION, tree.read(entry))[0] if entry else None
    configuration = to_configuration(document)[0] if document else None
    return configuration or index_of(read_tree(tree)).configuration


def index_of(reading: Reading) -> Index:
    """Return the index of a reading without errors; raises ProblemsFoundError."""
    errors = [problem for problem in reading.problems if problem.severity == "error"]
    if errors or reading.index is None:
        raise ProblemsFoundError(reading.problems)
    return reading.index
