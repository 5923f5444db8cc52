"""What is published, held against what people signed in `trust/`: clients remember what they saw, whatever became of the repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from index_builder.errors import StorageError, TrustError
from index_builder.trust.committed import TRUST, Committed, in_force, root_file
from index_builder.trust.keys import is_signed_by_enough, read, write_for_people
from index_builder.trust.layout import BINS, OFFLINE, POINTER, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, metadata_path
from index_builder.trust.published import Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A version of what people sign, as it is published, signed by enough of them."""

    role: str
    version: int
    expires: datetime


def check_published(committed: Committed, read_published: Read) -> None:
    """Raise TrustError where clients may have seen something that people signed, and that `trust/` has not, or has otherwise."""
    _check_same(committed, read_published)
    _check_not_ahead(committed, read_published)


def live_roles(committed: Committed, read_published: Read) -> list[Live]:
    """Return what is published of that which people sign, as far as clients take it."""
    found: list[Live] = []
    delegator: Metadata[Any] | None = None
    for root in reversed(in_force(committed).roots):
        if _content(metadata_path(ROOT, root.signed.version), read_published) is not None:
            found.append(Live(role=ROOT, version=root.signed.version, expires=root.signed.expires))
            delegator = root
            break
    named = _named(read_published)
    for role in (TARGETS, BINS):
        version = named.get(role)
        metadata = _signed(role, version, delegator, read_published) if version and delegator else None
        if metadata is None:
            break
        found.append(Live(role=role, version=metadata.signed.version, expires=metadata.signed.expires))
        delegator = metadata
    return found


def foreign_root(committed: Committed, read_published: Read) -> str | None:
    """Return the path of a next root that is published and too few have signed: with it there, clients refuse the index."""
    root = in_force(committed).root
    path = metadata_path(ROOT, root.signed.version + 1)
    content = _content(path, read_published)
    return path if content is not None and _successor(root, content, path) is None else None


def _check_same(committed: Committed, read_published: Read) -> None:
    offline: list[tuple[str, Metadata[Any]]] = [(ROOT, root) for root in in_force(committed).roots]
    offline += [(name, metadata) for name, metadata in ((TARGETS, committed.targets), (BINS, committed.bins)) if metadata]
    for role, metadata in offline:
        path = metadata_path(role, metadata.signed.version)
        there = _content(path, read_published)  # asked once, because each question may be a download
        if there is not None and there != write_for_people(metadata):
            msg = f"{path} is published, and trust/ has another version {metadata.signed.version} of {role}"
            fix = "find out which of them people signed; a change gets the next number. To begin anew: delete tuf/ there, and tell readers"
            raise TrustError(msg, fix=fix)


def _check_not_ahead(committed: Committed, read_published: Read) -> None:
    root = in_force(committed).root
    path = metadata_path(ROOT, root.signed.version + 1)
    content = _content(path, read_published)
    if content is not None and _successor(root, content, path) is not None:
        raise _ahead(path, ROOT, root.signed.version)
    delegators: dict[str, tuple[Metadata[Any], Metadata[Targets] | None]] = {TARGETS: (root, committed.targets)}
    if committed.targets is not None:
        delegators[BINS] = (committed.targets, committed.bins)
    named = _named(read_published)
    for role, (delegator, metadata) in delegators.items():
        known, version = metadata.signed.version if metadata else 0, named.get(role, 0)
        if version > known and _signed(role, version, delegator, read_published):
            raise _ahead(metadata_path(role, version), role, known)


def _ahead(path: str, role: str, known: int) -> TrustError:
    file = root_file(known + 1) if role == ROOT else f"{role}.json"
    return TrustError(
        f"{path} is published, signed by enough people, and trust/ has only version {known} of {role}: readers do not go back behind it",
        fix=f"bring {TRUST}/ back from a clone that has it; or put what is published at {path} there as {file}, and commit that",
    )


def _successor(root: Metadata[Root], content: bytes, path: str) -> Metadata[Root] | None:
    """Return the root after another one, None where clients would not take it."""
    try:
        found: Metadata[Root] = read(content, ROOT, path)
    except TrustError:
        return None
    good = found.signed.version == root.signed.version + 1 and all(is_signed_by_enough(found, by, ROOT) for by in (root, found))
    return found if good else None


def _signed(role: str, version: int, delegator: Metadata[Any], read_published: Read) -> Metadata[Targets] | None:
    """Return a published version that enough of its holders have signed, None where there is none such."""
    path = metadata_path(role, version)
    content = _content(path, read_published)
    try:
        found: Metadata[Targets] | None = read(content, TARGETS, path) if content is not None else None
    except TrustError:
        return None
    good = found is not None and found.signed.version == version and is_signed_by_enough(found, delegator, role)
    return found if good else None


def _named(read_published: Read) -> Mapping[str, int]:
    """Return which version of each role the published TUF snapshot names, whoever signed it."""
    try:
        pointer: Metadata[Timestamp] = read(read_published(POINTER), TIMESTAMP, POINTER)
        path = metadata_path(SNAPSHOT, pointer.signed.snapshot_meta.version)
        snapshot: Metadata[Snapshot] = read(read_published(path), SNAPSHOT, path)
    except (StorageError, TrustError):
        return {}
    return dict(_versions(snapshot.signed))


def _versions(snapshot: Snapshot) -> Iterator[tuple[str, int]]:
    return ((role, meta.version) for role in OFFLINE if (meta := snapshot.meta.get(f"{role}.json")))


def _content(path: str, read_published: Read) -> bytes | None:
    try:
        return read_published(path)
    except StorageError:
        return None
