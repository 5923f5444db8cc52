"""The tree becomes an index, or its problems."""

from __future__ import annotations

from index_builder.manifests.configuration import to_configuration
from index_builder.manifests.loader import load
from index_builder.manifests.reader import Reading, read, read_settings
from index_builder.model.index import Configuration, Index
from index_builder.model.names import Word
from index_builder.model.problem import ProblemsFoundError
from index_builder.model.source import CONFIGURATION, ORDINARY, SETTINGS
from index_builder.policy.readers import readers_of
from index_builder.ports.trees import SourceTree


def read_tree(tree: SourceTree) -> Reading:
    """Read everything; raises SourceError."""
    return read(tree.revision, tree.entries(), tree.read)


def configuration_of(tree: SourceTree) -> Configuration:
    """Return what `index.yaml` says, and read nothing else; raises ProblemsFoundError with all problems of the tree."""
    entry = next((entry for entry in tree.entries(CONFIGURATION) if entry.path == CONFIGURATION and entry.mode == ORDINARY), None)
    document = load(CONFIGURATION, tree.read(entry))[0] if entry else None
    configuration = to_configuration(document)[0] if document else None
    return configuration or index_of(read_tree(tree)).configuration


def open_audiences(tree: SourceTree, configuration: Configuration) -> frozenset[Word]:
    """Return the audiences that everybody may read, by the tree's policies; none where these are broken. Raises SourceError."""
    settings = read_settings(sorted(tree.entries(*SETTINGS), key=lambda entry: entry.path), tree.read)
    if any(problem.severity == "error" for problem in settings.problems):
        return frozenset()
    return frozenset(name for name in configuration.audiences if readers_of(settings.policies, name).is_open)


def index_of(reading: Reading) -> Index:
    """Return the index of a reading without errors; raises ProblemsFoundError."""
    errors = [problem for problem in reading.problems if problem.severity == "error"]
    if errors or reading.index is None:
        raise ProblemsFoundError(reading.problems)
    return reading.index
