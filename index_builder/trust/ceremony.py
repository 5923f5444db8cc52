"""What people do with keys: begin, sign, change who holds what, renew, and let the bins grow.

Each function returns the files of `trust/<audience>/` that change, by name. A version that not enough have signed yet is a
draft, and is changed in place; one that is complete may be published already, and gets a successor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Root, SuccinctRoles, Targets

from index_builder.errors import UsageError
from index_builder.trust.committed import ONLINE_B, PEOPLE, Committed, Standing, earlier_bits, root_file, standings, succinct_of
from index_builder.trust.keys import add_signature, holder_of, write_for_people, write_key
from index_builder.trust.layout import BIN, BINS, EARLIER, LIVES, OFFLINE, PATTERNS, ROOT, TARGETS, bits_for

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Online:
    """The two online keys: `bins` signs what the index lists, `timestamp` that it is the newest."""

    bins: Key
    timestamp: Key


def public_key(name: str, key: Key) -> Files:
    """Return the file by which a person's public key is known."""
    return {f"{PEOPLE}{name}.json": write_key(key)}


def begin(holders: Mapping[str, Key], threshold: int, online: Online, targets: int, now: datetime) -> Files:
    """Return the first version of all that people sign, unsigned, for an index of so many targets; raises UsageError."""
    _check_threshold(threshold, holders)
    root = Root(expires=now + LIVES[ROOT], consistent_snapshot=True)
    _hold(root, holders, threshold)
    for role in ONLINE_B:
        root.add_key(online.timestamp, role)
    return _written({
        root_file(1): Metadata(root),
        f"{TARGETS}.json": Metadata(_targets(holders, threshold, now)),
        f"{BINS}.json": Metadata(_bins(online.bins, targets, now)),
    })  # fmt: skip


def sign(committed: Committed, signer: Signer) -> tuple[Files, list[str]]:
    """Add a holder's signature to all that waits for it; return the files, and what was signed in words."""
    files: dict[str, Metadata[Any]] = {}
    done: list[str] = []
    keyid = signer.public_key.keyid
    for standing in standings(committed):
        if any(demand.missing and keyid in demand.keys for demand in standing.demands):
            file, metadata = _file_of(committed, standing.role)
            add_signature(metadata, signer)
            files[file] = metadata
            done.append(f"version {standing.version} of {standing.role}")
    return _written(files), done


def rotate_timestamp(committed: Committed, key: Key, now: datetime) -> Files:
    """Replace online key B: a new root."""
    root = _next_root(committed, now)
    for role in ONLINE_B:
        for keyid in list(root.signed.roles[role].keyids):
            root.signed.revoke_key(keyid, role)
        root.signed.add_key(key, role)
    return _written({root_file(root.signed.version): root})


def rotate_bins(committed: Committed, key: Key, now: datetime) -> Files:
    """Replace online key A: new bins, all of which are then signed anew."""
    old = succinct_of(committed)
    return _written({f"{BINS}.json": _next(committed, BINS, _bins_of(key, old.bit_length, earlier_bits(committed), now))})


def grow(committed: Committed, targets: int, now: datetime) -> Files:
    """Give the bins the number that so many targets want; none where they have it already, or more."""
    bits, old = bits_for(targets), succinct_of(committed)
    if bits <= old.bit_length:
        return {}
    earlier = (*earlier_bits(committed), old.bit_length)
    return _written({f"{BINS}.json": _next(committed, BINS, _bins_of(_key_of_bins(committed), bits, earlier, now))})


def change_holders(committed: Committed, holders: Mapping[str, Key], threshold: int, now: datetime) -> Files:
    """Replace all who hold root, targets and bins: new versions of all three. Raises UsageError."""
    _check_threshold(threshold, holders)
    root = _next_root(committed, now)
    for role in (ROOT, TARGETS):
        for keyid in list(root.signed.roles[role].keyids):
            root.signed.revoke_key(keyid, role)
    _hold(root.signed, holders, threshold)
    targets = _targets(holders, threshold, now)
    bins = _bins_of(_key_of_bins(committed), succinct_of(committed).bit_length, earlier_bits(committed), now)
    return _written({
        root_file(root.signed.version): root,
        f"{TARGETS}.json": _next(committed, TARGETS, targets),
        f"{BINS}.json": _next(committed, BINS, bins),
    })  # fmt: skip


def renew(committed: Committed, roles: Iterable[str], now: datetime) -> Files:
    """Give roles that people sign a new version that holds longer, and says the same."""
    files: dict[str, Metadata[Any]] = {}
    for role in roles:
        if role == ROOT:
            root = _next_root(committed, now)
            files[root_file(root.signed.version)] = root
        else:
            file, metadata = _file_of(committed, role)
            signed = deepcopy(metadata.signed)
            signed.expires = now + LIVES.get(role, LIVES[TARGETS])
            files[file] = _next(committed, role, signed)
    return _written(files)


def holders_of(committed: Committed) -> tuple[dict[str, Key], int]:
    """Return who holds root, by name, and how many must sign."""
    root = committed.root.signed
    role = root.roles[ROOT]
    return {holder_of(root.keys[keyid]): root.keys[keyid] for keyid in role.keyids}, role.threshold  # each has one: `read_committed`


def _check_threshold(threshold: int, holders: Mapping[str, Key]) -> None:
    if not 1 <= threshold <= len({key.keyid for key in holders.values()}):
        msg = f"{threshold} of {len(holders)} holders cannot sign"
        raise UsageError(msg, fix="make another one a holder first (index-builder keys admit NAME), or name a lower --threshold")


def _hold(root: Root, holders: Mapping[str, Key], threshold: int) -> None:
    for role in (ROOT, TARGETS):
        for _, key in sorted(holders.items()):
            root.add_key(key, role)
        root.roles[role].threshold = threshold


def _targets(holders: Mapping[str, Key], threshold: int, now: datetime) -> Targets:
    keys = {key.keyid: key for key in holders.values()}
    bins = DelegatedRole(BINS, sorted(keys), threshold, terminating=False, paths=list(PATTERNS))
    return Targets(expires=now + LIVES[TARGETS], delegations=Delegations(keys, roles={BINS: bins}))


def _bins(key: Key, targets: int, now: datetime) -> Targets:
    return _bins_of(key, bits_for(targets), (), now)


def _bins_of(key: Key, bits: int, earlier: Sequence[int], now: datetime) -> Targets:
    succinct = SuccinctRoles([key.keyid], 1, bits, BIN)
    made = Targets(expires=now + LIVES[BINS], delegations=Delegations({key.keyid: key}, succinct_roles=succinct))
    if earlier:
        made.unrecognized_fields[EARLIER] = list(earlier)
    return made


def _key_of_bins(committed: Committed) -> Key:
    succinct = succinct_of(committed)
    assert committed.bins is not None and committed.bins.signed.delegations is not None  # noqa: S101, PT018 - succinct_of has seen to it
    return committed.bins.signed.delegations.keys[succinct.keyids[0]]


def _standing_of(committed: Committed, role: str) -> Standing:
    return next(standing for standing in standings(committed) if standing.role == role)


def _next_root(committed: Committed, now: datetime) -> Metadata[Root]:
    """Return a root that says the same, without signatures: the draft itself, or the one after what is complete."""
    root = deepcopy(committed.root)
    root.signatures.clear()
    root.signed.expires = now + LIVES[ROOT]
    if _standing_of(committed, ROOT).is_complete:
        root.signed.version += 1
    return root


def _next(committed: Committed, role: str, signed: Targets) -> Metadata[Targets]:
    _, old = _file_of(committed, role)
    signed.version = old.signed.version + int(_standing_of(committed, role).is_complete)
    return Metadata(signed)


def _file_of(committed: Committed, role: str) -> tuple[str, Metadata[Any]]:
    if role == ROOT:
        return root_file(committed.root.signed.version), committed.root
    found = {TARGETS: committed.targets, BINS: committed.bins}.get(role)
    if found is None:
        msg = f"there is no role '{role}'"
        raise UsageError(msg, fix=f"the roles are: {', '.join(OFFLINE)}")
    return f"{role}.json", found


def _written(files: Mapping[str, Metadata[Any]]) -> Files:
    return {name: write_for_people(metadata) for name, metadata in files.items()}
