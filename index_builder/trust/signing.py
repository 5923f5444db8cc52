"""A tree's pages become TUF metadata: only the bins in which something changed, the TUF snapshot and the timestamp."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Snapshot, SuccinctRoles, TargetFile, Targets, Timestamp

from index_builder.errors import StorageError, TrustError
from index_builder.trust.committed import Committed
from index_builder.trust.keys import add_signature, is_signed_by, read, write, write_for_people
from index_builder.trust.layout import (
    BIN,
    BINS,
    EARLIER,
    LIVES,
    POINTER,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    least_version,
    metadata_path,
    wants_renewal,
)

#: In the TUF snapshot, beside a bin's version: when it expires, so that nobody need read all bins to learn which are due.
_EXPIRES: Final = "x-index-builder-expires"
#: Bins that are signed together must not all be due together.
_SPREAD: Final = 20
#: So far before its time, in minutes, may a version be that was signed in a hurry.
_AHEAD: Final = 24 * 60

Read = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineSigners:
    """The two online keys, private: `bins` is None where nothing but the heartbeat is to be signed."""

    bins: Signer | None
    timestamp: Signer


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

    def target(self, path: str) -> TargetFile | None:
        """Return what is signed of a target; raises TrustError."""
        return self.bin(_succinct(self._committed).get_role_for_target(path)).signed.targets.get(path)

    def _content(self, path: str) -> bytes:
        try:
            return self._read(path)
        except StorageError as error:
            msg = f"{path} is not there, though it is published"
            raise TrustError(msg) from error


def find_before(committed: Committed, read_published: Read) -> Before | None:
    """Return what is published under the present keys, None where nothing is; raises TrustError where it is not as it was signed."""
    try:
        content = read_published(POINTER)
    except StorageError:
        return None
    root = committed.root
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
    if meta.version == committed.bins.signed.version:
        return True
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What signing made: metadata by path in the order in which it may appear, the pointer last; and what is no longer current.

    `version` is that of the new TUF snapshot or timestamp, `renewed` counts bins that were signed anew though nothing in them changed,
    `due` those that should have been, and were left because their key is not there.
    """

    version: int
    files: Mapping[str, bytes]
    replaced: tuple[str, ...]
    bins: int
    renewed: int
    due: int


def sign(
    committed: Committed,
    before: Before | None,
    targets: Mapping[str, TargetFile | None],
    signers: OnlineSigners,
    now: datetime,
    *,
    last: int = 0,
) -> Signed:
    """Sign what changed: of each target what it is now, None where it is gone.

    Without `before`, or where its bins are others, `targets` are all that there are; `last` is then the version to go beyond.
    Raises TrustError where a bin must be signed and its key is not there.
    """
    work = _Signing(committed, before, signers, now, last)
    work.sign_bins(targets)
    return work.finished()


class _Signing:
    """One signing. All that it signs has one version, above all that were published."""

    def __init__(self, committed: Committed, before: Before | None, signers: OnlineSigners, now: datetime, last: int) -> None:
        self._committed, self._before, self._signers, self._now = committed, before, signers, now
        last = max(before.timestamp.signed.version, before.snapshot.signed.version) if before else last
        self._version = max(last + 1, least_version(now))
        self._meta: dict[str, MetaFile] = dict(before.snapshot.signed.meta) if before else {}
        self._files: dict[str, bytes] = {}
        self._bins = self._renewed = self._left = 0

    def sign_bins(self, targets: Mapping[str, TargetFile | None]) -> None:
        """Sign the bins that must be: where something changed in them, where they are due, or all."""
        succinct = _succinct(self._committed)
        dirty: dict[str, dict[str, TargetFile | None]] = defaultdict(dict)
        for path, target in targets.items():
            dirty[succinct.get_role_for_target(path)][path] = target
        if self._before is None or not self._before.same_bins:
            for role in _earlier(self._committed):
                self._meta.setdefault(f"{role}.json", MetaFile(version=self._version))
            for number, role in enumerate(succinct.get_roles()):
                self._sign_bin(role, number, {p: t for p, t in dirty[role].items() if t is not None})
            return
        for role, changes in sorted(dirty.items()):
            held = {**self._before.bin(role).signed.targets, **changes}
            self._sign_bin(
                role, int(role.removeprefix(f"{BIN}-"), 16), {path: target for path, target in held.items() if target is not None}
            )
        for role in self._due(succinct):
            if role in dirty:
                continue
            if self._signers.bins is None:
                # They hold for weeks yet; what expires sooner must not wait for them.
                self._left += 1
            else:
                self._sign_bin(role, int(role.removeprefix(f"{BIN}-"), 16), self._before.bin(role).signed.targets)
                self._renewed += 1

    def _due(self, succinct: SuccinctRoles) -> Iterator[str]:
        for role in succinct.get_roles():
            meta = self._meta.get(f"{role}.json")
            text = meta.unrecognized_fields.get(_EXPIRES) if meta else None
            if not isinstance(text, str) or wants_renewal(datetime.fromisoformat(text), LIVES[BIN], self._now):
                yield role

    def _sign_bin(self, role: str, number: int, targets: dict[str, TargetFile]) -> None:
        if self._signers.bins is None:
            msg = f"{role} must be signed, and the key of the bins is not there"
            raise TrustError(msg, fix="give it as INDEX_BUILDER_KEY_BINS, or sign on the machine that has it")
        expires = self._now + LIVES[BIN] - timedelta(days=number % _SPREAD)
        metadata = Metadata(Targets(version=self._version, expires=expires, targets=targets))
        add_signature(metadata, self._signers.bins)
        self._files[metadata_path(role, self._version)] = write(metadata)
        self._meta[f"{role}.json"] = MetaFile(version=self._version, unrecognized_fields={_EXPIRES: metadata.signed.expires.isoformat()})
        self._bins += 1

    def finished(self) -> Signed:
        """Sign TUF snapshot and timestamp, where they say something new or are due."""
        before, committed = self._before, self._committed
        offline = {f"{TARGETS}.json": committed.targets, f"{BINS}.json": committed.bins}
        self._meta |= {name: MetaFile(version=metadata.signed.version) for name, metadata in offline.items() if metadata is not None}
        # What is not referred to yet may be written at once; chains of root are followed from the oldest on. What people signed
        # is published as git has it: the fingerprint of the file there is that of the published one.
        files = {metadata_path("root", root.signed.version): write_for_people(root) for root in committed.roots}
        files |= {
            metadata_path(name.removesuffix(".json"), metadata.signed.version): write_for_people(metadata)
            for name, metadata in offline.items()
            if metadata is not None
        }
        is_new = before is None or self._meta != before.snapshot.signed.meta
        if is_new or before is None or wants_renewal(before.snapshot.signed.expires, LIVES[SNAPSHOT], self._now):
            snapshot = Metadata(Snapshot(version=self._version, expires=self._now + LIVES[SNAPSHOT], meta=self._meta))
            add_signature(snapshot, self._signers.timestamp)
            self._files[metadata_path(SNAPSHOT, self._version)] = content = write(snapshot)
            pointed = MetaFile.from_data(self._version, content, ["sha256"])
        elif wants_renewal(before.timestamp.signed.expires, LIVES[TIMESTAMP], self._now):
            pointed = before.timestamp.signed.snapshot_meta
        else:
            return Signed(version=before.timestamp.signed.version, files=files, replaced=(), bins=0, renewed=0, due=self._left)
        timestamp = Metadata(Timestamp(version=self._version, expires=self._now + LIVES[TIMESTAMP], snapshot_meta=pointed))
        add_signature(timestamp, self._signers.timestamp)
        files |= {**self._files, POINTER: write(timestamp)}
        replaced = tuple(self._replaced(pointed))
        return Signed(version=self._version, files=files, replaced=replaced, bins=self._bins, renewed=self._renewed, due=self._left)

    def _replaced(self, pointed: MetaFile) -> Iterable[str]:
        if self._before is None:
            return
        if pointed.version != self._before.snapshot.signed.version:
            yield metadata_path(SNAPSHOT, self._before.snapshot.signed.version)
        for name, meta in self._before.snapshot.signed.meta.items():
            if self._meta[name].version != meta.version:
                yield metadata_path(name.removesuffix(".json"), meta.version)


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


def _succinct(committed: Committed) -> SuccinctRoles:
    assert committed.bins is not None and committed.bins.signed.delegations is not None  # noqa: S101, PT018 - `complete` has seen to it
    succinct = committed.bins.signed.delegations.succinct_roles
    if succinct is None:
        msg = "bins.json delegates to no bins"
        raise TrustError(msg, fix="take it from git's history")
    return succinct


def _earlier(committed: Committed) -> Iterator[str]:
    """Yield the names of bins from before they grew."""
    assert committed.bins is not None  # noqa: S101 - as above
    for bits in committed.bins.signed.unrecognized_fields.get(EARLIER, []):
        yield from SuccinctRoles([], 1, int(bits), BIN).get_roles()
