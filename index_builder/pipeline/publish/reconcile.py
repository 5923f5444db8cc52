"""What a target lacks of a tree, and has beyond it, by all that is there: everything is listed, and every byte compared."""

from __future__ import annotations

import hashlib
from collections.abc import Container
from typing import Final

from index_builder.errors import StorageError
from index_builder.model.page import STATUS
from index_builder.model.publication import EDGE_FILES, RECORD, Put
from index_builder.pipeline.publish.difference import difference, mark_of
from index_builder.pipeline.publish.digests import is_file
from index_builder.ports.places import Site
from index_builder.publish.plan import Difference
from index_builder.publish.record import is_ours


def reconciled(wanted: Site, there: Site, lingering: Container[str] = ()) -> Difference:
    """Compare every byte of a whole tree with what is there, and ask for all that there is. What is `lingering` went before."""
    puts = {put.path: put for put in difference(wanted, None).puts}
    present = {path for path in there.listing() if is_ours(path) and path not in EDGE_FILES}
    gone = sorted(present - puts.keys() - own_of(wanted))
    projects = {
        path for path in present if path.startswith("simple/") and path.endswith("/index.html") and path.count("/") == _OF_A_PROJECT
    }
    files = {path for path in present if is_file(path) and path not in lingering}
    return Difference(
        puts=tuple(put for path, put in puts.items() if path not in present or not _is_same(wanted, there, put)), gone=tuple(gone),
        projects=len(projects), files=len(files), projects_gone=len(projects.intersection(gone)), files_gone=len(files.intersection(gone)),
    )  # fmt: skip


def own_of(wanted: Site) -> set[str]:
    """Return what is a target's own, and in no tree."""
    mark = mark_of(wanted)
    return {RECORD, STATUS} if mark and mark.web else {RECORD}


_OF_A_PROJECT: Final = 2


def _is_same(wanted: Site, there: Site, put: Put) -> bool:
    try:
        with there.open(put.path) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
        if put.digest:
            return digest == put.digest
        with wanted.open(put.path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == digest  # type: ignore[arg-type]
    except StorageError:
        return False
