"""What a revision of the repository holds of an audience's trust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from index_builder.errors import TrustError
from index_builder.model.names import Word
from index_builder.model.problem import Place, Problem
from index_builder.model.source import EXECUTABLE, ORDINARY
from index_builder.ports.trees import SourceTree
from index_builder.trust.committed import Committed, lacks, read_committed, root_file, standings
from index_builder.trust.layout import ROOT, TRUST


def first_root(tree: SourceTree, audience: Word) -> bytes | None:
    """Return an audience's first root, None where it has none."""
    path = f"{TRUST}/{audience}/{root_file(1)}"
    return next((tree.read(entry) for entry in tree.entries(TRUST) if entry.path == path and entry.mode == ORDINARY), None)


def trust_problems(tree: SourceTree) -> Iterator[Problem]:
    """Yield what keeps an index from being signed: what no ceremony made, what not enough people have signed, and private keys."""
    yield from _private_keys(tree)
    for audience in sorted({entry.path.split("/")[1] for entry in tree.entries(TRUST) if entry.path.count("/") > 1}):
        folder = f"{TRUST}/{audience}"
        try:
            committed = read_trust(tree, Word(audience))
            found = standings(committed) if committed.roots else []
        except (TrustError, ValueError) as error:
            message, fix = getattr(error, "message", str(error)), getattr(error, "fix", "")
            yield Problem(rule="trust-invalid", message=message, place=Place(path=folder), fix=fix)
            continue
        for standing in found:
            if not standing.is_complete:
                path = f"{folder}/{root_file(standing.version) if standing.role == ROOT else f'{standing.role}.json'}"
                message = f"version {standing.version} of {standing.role} {lacks(standing)}"
                fix = "each of them signs with: index-builder keys sign"
                yield Problem(rule="trust-unsigned", message=message, place=Place(path=path), fix=fix)


def _private_keys(tree: SourceTree) -> Iterator[Problem]:
    for entry in sorted(tree.entries(TRUST), key=lambda entry: entry.path):
        if entry.mode in (ORDINARY, EXECUTABLE) and any(mark in tree.read(entry) for mark in _PRIVATE):
            message = "a private key is in git, and whoever can read the repository has it"
            fix = "take it out, and replace it whether or not it was merged: index-builder keys rotate; an encrypted one counts too"
            yield Problem(rule="trust-private-key", message=message, place=Place(path=entry.path), fix=fix)


#: What PEM files of any kind of private key have, and JSON ones.
_PRIVATE: Final = (b"PRIVATE KEY-----", b'"private"')


def read_trust(tree: SourceTree, audience: Word) -> Committed:
    """Return what `trust/<audience>/` holds; raises TrustError where that is no metadata, SourceError."""
    folder = f"{TRUST}/{audience}"
    entries = [entry for entry in tree.entries(TRUST) if entry.path.startswith(f"{folder}/") and entry.mode == ORDINARY]
    return read_committed({entry.path.removeprefix(f"{folder}/"): tree.read(entry) for entry in entries}, folder)
