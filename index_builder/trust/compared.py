"""What is published, held against what people signed in `trust/`: clients remember what they saw, whatever became of the repository."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from tuf.api.metadata import Metadata, Root, Targets

from index_builder.errors import RemoteError, StorageError, TrustError
from index_builder.trust.committed import Committed, in_force, root_file
from index_builder.trust.keys import is_signed_by_enough, read, write_for_people
from index_builder.trust.layout import BINS, POINTER, ROOT, SNAPSHOT, TARGETS, TRUST, metadata_path
from index_builder.trust.published import Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A version of what people sign, as it is published, signed by enough of them."""

    role: str
    version: int
    expires: datetime


def check_published(committed: Committed, read_published: Read) -> str | None:
    """Raise TrustError where clients may have seen something that people signed, and that `trust/` has not, or has otherwise.

    Return the path of a next root that is published and too few have signed: with it there, clients refuse the index.
    """
    counts = in_force(committed)
    foreign = _next_root(counts.root, read_published)
    _check_same(counts, read_published)
    _check_not_ahead(counts, read_published)
    return foreign


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


def _check_same(committed: Committed, read_published: Read) -> None:
    offline: list[tuple[str, Metadata[Any]]] = [(ROOT, root) for root in committed.roots]
    offline += [(name, metadata) for name, metadata in ((TARGETS, committed.targets), (BINS, committed.bins)) if metadata]
    for role, metadata in offline:
        path = metadata_path(role, metadata.signed.version)
        there = _content(path, read_published)  # asked once, because each question may be a download
        if there is not None and there != write_for_people(metadata):
            msg = f"{path} is published, and trust/ has another version {metadata.signed.version} of {role}"
            fix = "find out which of them people signed; a change gets the next number. To begin anew: delete tuf/ there, and tell readers"
            raise TrustError(msg, fix=fix)


def _next_root(root: Metadata[Root], read_published: Read) -> str | None:
    """Return the path of the root after another one, where it is published and counts for nobody. Raises TrustError where it counts."""
    path = metadata_path(ROOT, root.signed.version + 1)
    content = _content(path, read_published)
    if content is not None and _is_successor(root, content, path):
        raise _ahead(path, ROOT, root.signed.version)
    return path if content is not None else None


def _check_not_ahead(committed: Committed, read_published: Read) -> None:
    root = committed.root
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


def _is_successor(root: Metadata[Root], content: bytes, path: str) -> bool:
    """Say whether clients that trust a root take another one after it."""
    try:
        found: Metadata[Root] = read(content, ROOT, path)
    except TrustError:
        return False
    return found.signed.version == root.signed.version + 1 and all(is_signed_by_enough(found, by, ROOT) for by in (root, found))


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


def _named(read_published: Read) -> dict[str, int]:
    """Return which version of each role the published TUF snapshot names, whoever signed it. It has thousands: only these are read."""
    try:
        version = orjson.loads(read_published(POINTER))["signed"]["meta"][f"{SNAPSHOT}.json"]["version"]
        named = orjson.loads(read_published(metadata_path(SNAPSHOT, int(version))))["signed"]["meta"]
        return {role: int(named[f"{role}.json"]["version"]) for role in (TARGETS, BINS)}
    except (StorageError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _content(path: str, read_published: Read) -> bytes | None:
    try:
        return read_published(path)
    except StorageError:
        return None
    except RemoteError as error:
        if error.status != _FORBIDDEN:
            raise
        return None


#: What a bucket that does not list its objects answers where there is none; a TUF client takes it so too.
_FORBIDDEN: Final = 403
