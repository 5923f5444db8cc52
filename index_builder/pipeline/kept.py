"""Attestations that a repository keeps itself become what is published beside files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from index_builder.inspection.attestation import provenance_of
from index_builder.model.names import Sha256
from index_builder.model.project import File
from index_builder.model.source import ORDINARY, SourceEntry
from index_builder.pipeline.judge.evidence import ENDING, FOLDER, digest_in
from index_builder.ports.trees import SourceTree


def kept_path(digest: Sha256) -> str:
    """Return where a repository keeps the attestation of a file."""
    return f"{FOLDER}/{digest}{ENDING}"


def kept_in(tree: SourceTree) -> Callable[[Sha256], bytes | None]:
    """Return what gives a file's provenance object by the file's digest, made of what is kept; None where that is not to be had."""
    entries: dict[str, SourceEntry] | None = None

    def kept(digest: Sha256) -> bytes | None:
        nonlocal entries
        if entries is None:
            entries = {digest_in(entry.path): entry for entry in tree.entries(FOLDER) if entry.mode == ORDINARY}
        entry = entries.get(digest)
        return provenance_of(tree.read(entry), digest) if entry else None

    return kept


def with_provenance(files: Iterable[File], bundles: Mapping[str, bytes]) -> list[File]:
    """Return files with the digest of what will be published of the bundles that are kept, by path; an index's own comes first."""
    found = []
    for file in files:
        bundle = bundles.get(kept_path(file.sha256))
        made = provenance_of(bundle, file.sha256) if bundle and file.provenance is None else None
        found.append(replace(file, provenance=Sha256(hashlib.sha256(made).hexdigest())) if made else file)
    return found
