"""A tree's pages become TUF metadata: only the bins in which something changed, the TUF snapshot and the timestamp."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, Snapshot, SuccinctRoles, TargetFile, Targets, Timestamp

from index_builder.errors import TrustError
from index_builder.trust.committed import Committed, earlier_bits, succinct_of
from index_builder.trust.keys import add_signature, write, write_for_people
from index_builder.trust.layout import (
    BIN,
    BINS,
    EXPIRES,
    LIVES,
    POINTER,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    least_version,
    metadata_path,
    wants_renewal,
)
from index_builder.trust.published import Before, holds_until

#: Bins that are signed together must not all be due together.
_SPREAD: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineSigners:
    """The two online keys, private: `bins` is None where nothing but the heartbeat is to be signed."""

    bins: Signer | None
    timestamp: Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What signing made: metadata by path in the order in which it may appear, the pointer last; and what is no longer current.

    `version` is that of the new TUF snapshot or timestamp, `renewed` counts bins that were signed anew though nothing in them changed,
    `due` those that should have been, and were left because their key is not there, `expired` those of them that hold no more.
    """

    version: int
    files: Mapping[str, bytes]
    replaced: tuple[str, ...]
    bins: int
    renewed: int
    due: int
    expired: int


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
        self._bins = self._renewed = self._left = self._expired = 0

    def sign_bins(self, targets: Mapping[str, TargetFile | None]) -> None:
        """Sign the bins that must be: where something changed in them, where they are due, or all."""
        succinct = succinct_of(self._committed)
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
                self._expired += self._holds_until(role) <= self._now
            else:
                self._sign_bin(role, int(role.removeprefix(f"{BIN}-"), 16), self._before.bin(role).signed.targets)
                self._renewed += 1

    def _due(self, succinct: SuccinctRoles) -> Iterator[str]:
        return (role for role in succinct.get_roles() if wants_renewal(BIN, self._holds_until(role), self._now))

    def _holds_until(self, role: str) -> datetime:
        """Return when a bin expires, as the TUF snapshot says it; long ago, where it does not."""
        return holds_until(self._meta.get(f"{role}.json")) or datetime.min.replace(tzinfo=UTC)

    def _sign_bin(self, role: str, number: int, targets: dict[str, TargetFile]) -> None:
        if self._signers.bins is None:
            msg = f"{role} must be signed, and the key of the bins is not there"
            raise TrustError(msg, fix="give it as INDEX_BUILDER_KEY_BINS, or sign on the machine that has it")
        expires = self._now + LIVES[BIN] - timedelta(days=number % _SPREAD)
        metadata = Metadata(Targets(version=self._version, expires=expires, targets=targets))
        add_signature(metadata, self._signers.bins)
        self._files[metadata_path(role, self._version)] = write(metadata)
        self._meta[f"{role}.json"] = MetaFile(version=self._version, unrecognized_fields={EXPIRES: metadata.signed.expires.isoformat()})
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
        if is_new or before is None or wants_renewal(SNAPSHOT, before.snapshot.signed.expires, self._now):
            snapshot = Metadata(Snapshot(version=self._version, expires=self._now + LIVES[SNAPSHOT], meta=self._meta))
            add_signature(snapshot, self._signers.timestamp)
            self._files[metadata_path(SNAPSHOT, self._version)] = content = write(snapshot)
            pointed = MetaFile.from_data(self._version, content, ["sha256"])
        elif wants_renewal(TIMESTAMP, before.timestamp.signed.expires, self._now):
            pointed = before.timestamp.signed.snapshot_meta
        else:
            return Signed(
                version=before.timestamp.signed.version, files=files, replaced=(), bins=0, renewed=0, due=self._left, expired=self._expired
            )
        timestamp = Metadata(Timestamp(version=self._version, expires=self._now + LIVES[TIMESTAMP], snapshot_meta=pointed))
        add_signature(timestamp, self._signers.timestamp)
        files |= {**self._files, POINTER: write(timestamp)}
        replaced = tuple(self._replaced(pointed))
        return Signed(
            version=self._version,
            files=files,
            replaced=replaced,
            bins=self._bins,
            renewed=self._renewed,
            due=self._left,
            expired=self._expired,
        )

    def _replaced(self, pointed: MetaFile) -> Iterable[str]:
        if self._before is None:
            return
        if pointed.version != self._before.snapshot.signed.version:
            yield metadata_path(SNAPSHOT, self._before.snapshot.signed.version)
        for name, meta in self._before.snapshot.signed.meta.items():
            if self._meta[name].version != meta.version:
                yield metadata_path(name.removesuffix(".json"), meta.version)


def _earlier(committed: Committed) -> Iterator[str]:
    """Yield the names of bins from before they grew."""
    for bits in earlier_bits(committed):
        yield from SuccinctRoles([], 1, bits, BIN).get_roles()
