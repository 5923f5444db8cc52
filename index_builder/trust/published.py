"""What is published, as far as our keys signed it: what the next signing goes on from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp

from index_builder.errors import StorageError, TrustError
from index_builder.trust.committed import Committed, in_force, succinct_of
from index_builder.trust.keys import is_signed_by, read
from index_builder.trust.layout import BINS, EXPIRES, POINTER, SNAPSHOT, TARGETS, TIMESTAMP, least_version, metadata_path

#: So far before its time, in seconds, may a version be that was signed in a hurry.
_AHEAD: Final = 24 * 60 * 60

Read = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is published, as far as our keys signed it. `same_bins` says that its bins are those of the committed bins.json."""

    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    same_bins: bool
    _committed: Committed
    _read: Read
    _bins: dict[str, Metadata[Targets]] = field(default_factory=dict)

    def bin(self, role: str) -> Metadata[Targets]:
        """Return a bin as it is published; raises TrustError where it is not there, or not as it was signed."""
        if role not in self._bins:
            meta = self.snapshot.signed.meta.get(f"{role}.json")
            if meta is None:
                msg = f"the published TUF snapshot has no {role}"
                raise TrustError(msg)
            path = metadata_path(role, meta.version)
            found = read(self._content(path), Targets.type, path)
            _verify(self._committed.bins, role, found, path)
            if found.signed.version != meta.version:
                msg = f"{path} is version {found.signed.version}"
                raise TrustError(msg)
            self._bins[role] = found
        return self._bins[role]

    def bins_hold_until(self) -> datetime | None:
        """Return when the first of the bins expires, None where the TUF snapshot does not say it."""
        roles = succinct_of(self._committed).get_roles()
        return min(filter(None, (holds_until(self.snapshot.signed.meta.get(f"{role}.json")) for role in roles)), default=None)

    def target(self, path: str) -> TargetFile | None:
        """Return what is signed of a target; raises TrustError."""
        return self.bin(succinct_of(self._committed).get_role_for_target(path)).signed.targets.get(path)

    def _content(self, path: str) -> bytes:
        try:
            return self._read(path)
        except StorageError as error:
            msg = f"{path} is not there, though it is published"
            raise TrustError(msg) from error


def holds_until(meta: MetaFile | None) -> datetime | None:
    """Return when a bin expires, as the TUF snapshot says it of it; None where it does not."""
    text = meta.unrecognized_fields.get(EXPIRES) if meta else None
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def find_before(committed: Committed, read_published: Read) -> Before | None:
    """Return what is published under the present keys, None where nothing is; raises TrustError where it is not as it was signed."""
    try:
        content = read_published(POINTER)
    except StorageError:
        return None
    root = in_force(committed).root
    timestamp: Metadata[Timestamp] = read(content, TIMESTAMP, POINTER)
    _verify(root, TIMESTAMP, timestamp, POINTER)
    meta = timestamp.signed.snapshot_meta
    path = metadata_path(SNAPSHOT, meta.version)
    try:
        content = read_published(path)
        meta.verify_length_and_hashes(content)
    except (StorageError, RepositoryError) as error:
        msg = f"{path} is not the one that the published timestamp names"
        raise TrustError(msg) from error
    snapshot: Metadata[Snapshot] = read(content, SNAPSHOT, path)
    _verify(root, SNAPSHOT, snapshot, path)
    same = _has_same_bins(committed, snapshot.signed, read_published)
    return Before(timestamp=timestamp, snapshot=snapshot, same_bins=same, _committed=committed, _read=read_published)


def last_version(committed: Committed, read_published: Read, now: datetime) -> int:
    """Return the version that was published last under any key that ever was in root, 0 where none is to be found.

    No version is ever signed twice with other content, whoever's key it was. One far ahead of time is what a thief of an old key
    would write, to make us run after it: it does not count, and clients forget it with the key.
    """
    try:
        timestamp: Metadata[Timestamp] = read(read_published(POINTER), TIMESTAMP, POINTER)
    except (StorageError, TrustError):
        return 0
    keys = [root.signed.keys[keyid] for root in committed.roots for keyid in root.signed.roles[TIMESTAMP].keyids]
    version = timestamp.signed.version
    return version if version <= least_version(now) + _AHEAD and any(is_signed_by(timestamp, key) for key in keys) else 0


def _has_same_bins(committed: Committed, snapshot: Snapshot, read_published: Read) -> bool:
    """Say whether the published bins.json delegates as the committed one does."""
    assert committed.bins is not None  # noqa: S101 - for the type checker: `complete` has seen to it
    meta = snapshot.meta.get(f"{BINS}.json")
    if meta is None:
        return False
    try:
        published = read(read_published(metadata_path(BINS, meta.version)), Targets.type, BINS)
    except (StorageError, TrustError):
        return False
    return bool(published.signed.delegations == committed.bins.signed.delegations)


def _verify(delegator: Metadata[Any] | None, role: str, metadata: Metadata[Any], where: str) -> None:
    assert delegator is not None  # noqa: S101 - for the type checker
    signed = delegator.signed
    if isinstance(signed, Targets):
        assert signed.delegations is not None and signed.delegations.succinct_roles is not None  # noqa: S101, PT018
        key = signed.delegations.keys[signed.delegations.succinct_roles.keyids[0]]
    else:
        key = signed.keys[signed.roles[role].keyids[0]]
    if not is_signed_by(metadata, key):
        msg = f"{where} is not signed by the present key of {role}"
        raise TrustError(msg, fix="sign the tree with the present keys: index-builder sign")


def check_fresh(before: Before, now: datetime) -> None:
    """Raise TrustError where what is published has expired: a host may show an old tree, so that we would make it the newest."""
    for what, expires in (("timestamp", before.timestamp.signed.expires), ("TUF snapshot", before.snapshot.signed.expires)):
        if expires <= now:
            msg = f"the published {what} expired {expires:%Y-%m-%d %H:%M} UTC: whoever serves it may be showing an old tree"
            raise TrustError(msg, fix="sign the tree itself, not only what is published: index-builder build; index-builder sign")


def check_not_forged(before: Before, committed: Committed, now: datetime) -> None:
    """Raise TrustError where key B has signed what we never would: a version far ahead of time, or of what people have not signed."""
    versions = {TIMESTAMP: before.timestamp.signed.version, SNAPSHOT: before.snapshot.signed.version}
    wrong = [f"version {version} of {role}" for role, version in versions.items() if version > least_version(now) + _AHEAD]
    for role, metadata in ((TARGETS, committed.targets), (BINS, committed.bins)):
        meta = before.snapshot.signed.meta.get(f"{role}.json")
        if metadata is not None and meta is not None and meta.version > metadata.signed.version:
            wrong.append(f"version {meta.version} of {role}")
    if wrong:
        msg = f"{wrong[0]} is published, and we have not come to that: somebody else signs with online key B, or a clock was far ahead"
        fix = "replace that key, with which readers forget its versions: index-builder keys rotate timestamp"
        raise TrustError(msg, fix=fix)


def is_current(path: str, before: Before) -> bool:
    """Say whether what is published still needs a path of metadata."""
    name = path.rpartition("/")[2]
    version, _, rest = name.partition(".")
    if name == "timestamp.json" or rest == "root.json":
        return True
    if rest == "snapshot.json":
        return int(version) == before.snapshot.signed.version
    meta = before.snapshot.signed.meta.get(rest)
    return meta is not None and meta.version == int(version)
