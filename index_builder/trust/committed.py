"""What the repository holds of an audience's trust: `trust/<audience>/`, in git, signed by people."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from securesystemslib.signer import Key
from tuf.api.metadata import DelegatedRole, Metadata, Root, SuccinctRoles, Targets

from index_builder.errors import TrustError
from index_builder.trust.keys import check_key, holder_of, is_signed_by, read, read_key, write_for_people
from index_builder.trust.layout import (
    BIN,
    BINS,
    BITS,
    EARLIER,
    EARLIER_NAMESPACES,
    HIGHEST,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    is_namespace,
)

PEOPLE: Final = "people/"
_ROOT_FILE = re.compile(r"([1-9][0-9]*)\.root\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What people sign of an audience: every version of root, the first one first; targets, bins; and public keys by name."""

    roots: tuple[Metadata[Root], ...]
    targets: Metadata[Targets] | None
    bins: Metadata[Targets] | None
    people: Mapping[str, Key]

    @property
    def root(self) -> Metadata[Root]:
        """The newest root, whether or not all have signed it. Raises TrustError where there is none."""
        if not self.roots:
            msg = "there are no keys yet"
            raise TrustError(msg, fix="begin with: index-builder keys new NAME, then index-builder keys init")
        return self.roots[-1]


def in_force(committed: Committed) -> Committed:
    """Return the same without a newest root that too few have signed yet: until then, the one before it counts."""
    if len(committed.roots) > 1 and not _of_root(committed).is_complete:
        return replace(committed, roots=committed.roots[:-1])
    return committed


def fingerprint(committed: Committed) -> str:
    """Return the SHA-256 of the first root's file, by which people tell each other whom to trust; raises TrustError where there is none."""
    _ = committed.root
    return hashlib.sha256(write_for_people(committed.roots[0])).hexdigest()


def holders(committed: Committed) -> dict[str, Key]:
    """Return every key that people hold in the newest metadata or the root before it, by key id."""
    found = {key.keyid: key for root in committed.roots[-2:] for key in root.signed.keys.values() if holder_of(key)}
    delegations = committed.targets.signed.delegations if committed.targets else None
    delegated = delegations.keys if delegations else {}
    return {**found, **{keyid: key for keyid, key in delegated.items() if holder_of(key)}}


def succinct_of(committed: Committed) -> SuccinctRoles:
    """Return how `bins.json` delegates to the bins; raises TrustError where it does not."""
    delegations = committed.bins.signed.delegations if committed.bins else None
    if delegations is None or delegations.succinct_roles is None:
        msg = "bins.json delegates to no bins"
        raise TrustError(msg, fix="take it from git's history")
    return delegations.succinct_roles


def namespaces_of(committed: Committed) -> dict[str, DelegatedRole]:
    """Return the roles of teams that sign the pages of their own projects, by name."""
    delegations = committed.targets.signed.delegations if committed.targets else None
    roles = delegations.roles if delegations else None
    return {name: role for name, role in (roles or {}).items() if name != BINS}


def earlier_namespaces(committed: Committed) -> list[str]:
    """Return the namespaces that there were before."""
    return [str(name) for name in committed.targets.signed.unrecognized_fields.get(EARLIER_NAMESPACES, ())] if committed.targets else []


def role_for(committed: Committed, target: str) -> str:
    """Return which role signs a target: the first namespace that it is in, which is final, or its bin."""
    for name, role in namespaces_of(committed).items():
        if role.is_delegated_path(target):
            return name
    return succinct_of(committed).get_role_for_target(target)


def key_for(committed: Committed, role: str) -> Key:
    """Return the key of a bin, or of a namespace."""
    if (namespace := namespaces_of(committed).get(role)) and committed.targets and committed.targets.signed.delegations:
        return committed.targets.signed.delegations.keys[namespace.keyids[0]]
    succinct = succinct_of(committed)
    assert committed.bins is not None and committed.bins.signed.delegations is not None  # noqa: S101, PT018 - succinct_of has seen to it
    return committed.bins.signed.delegations.keys[succinct.keyids[0]]


def earlier_bits(committed: Committed) -> list[int]:
    """Return the bit lengths that the bins had before they grew."""
    return [int(bits) for bits in committed.bins.signed.unrecognized_fields.get(EARLIER, ())] if committed.bins else []


def every_key(committed: Committed) -> frozenset[str]:
    """Return the ids of all keys, of people and online, that an audience's metadata ever named."""
    delegating = [metadata.signed.delegations for metadata in (committed.targets, committed.bins) if metadata]
    return frozenset(
        keyid for keys in (*(root.signed.keys for root in committed.roots), *(each.keys for each in delegating if each)) for keyid in keys
    )


def root_file(version: int) -> str:
    """Return what a version of root is called in the folder."""
    return f"{version}.root.json"


def read_committed(files: Mapping[str, bytes], folder: str) -> Committed:
    """Return what files of `trust/<audience>/` say, by their path inside; raises TrustError. `folder` is for messages."""
    roots: dict[int, Metadata[Root]] = {}
    people: dict[str, Key] = {}
    for name, content in sorted(files.items()):
        where = f"{folder}/{name}"
        if found := _ROOT_FILE.fullmatch(name):
            roots[int(found[1])] = root = read(content, Root.type, where)
            if root.signed.version != int(found[1]):
                msg = f"{where} is version {root.signed.version}"
                raise TrustError(msg, fix="call it by its version, or take it from git's history")
            _check_root(root.signed, where)
        elif name.startswith(PEOPLE) and name.endswith(".json"):
            person = name.removeprefix(PEOPLE).removesuffix(".json")
            people[person] = key = read_key(content, where)
            if holder_of(key) != person:
                msg = f"{where} is a key of {holder_of(key) or 'nobody'!r}"
                raise TrustError(msg, fix="take it from git's history; find out who changed it")
    if sorted(roots) != list(range(1, len(roots) + 1)):
        msg = f"{folder} lacks a version of root between 1 and {max(roots)}"
        raise TrustError(msg, fix="take it from git's history: clients follow the whole chain")
    wholes = {
        name: read(files[f"{name}.json"], Targets.type, f"{folder}/{name}.json") for name in (TARGETS, BINS) if f"{name}.json" in files
    }
    for name, metadata in wholes.items():
        _check_delegating(metadata.signed, name, f"{folder}/{name}.json")
    return Committed(
        roots=tuple(roots[number] for number in sorted(roots)),
        targets=wholes.get(TARGETS),
        bins=wholes.get(BINS),
        people=people,
    )


def _check_root(root: Root, where: str) -> None:
    """Raise TrustError for a root that no ceremony made: what it says is followed before anybody's signature is looked at."""
    _require(root.version <= HIGHEST, where, f"its version is {root.version}")
    for name, role in root.roles.items():
        _require(bool(role.keyids) and set(role.keyids) <= root.keys.keys(), where, f"its {name} names a key that it has not")
    for key in root.keys.values():
        check_key(key, where)
    names = [holder_of(root.keys[keyid]) for keyid in root.roles[ROOT].keyids]
    _require(all(names) and len(set(names)) == len(names), where, f"its holders are {', '.join(names)}: each has one key, and a name")


def _check_delegating(signed: Targets, name: str, where: str) -> None:
    """Raise TrustError for targets.json or bins.json that no ceremony made."""
    _require(signed.version <= HIGHEST, where, f"its version is {signed.version}")
    delegations = signed.delegations
    for key in delegations.keys.values() if delegations else ():
        check_key(key, where)
    if name != BINS:
        _check_namespaces(signed, where)
        return
    succinct = delegations.succinct_roles if delegations else None
    if succinct is None or delegations is None:
        _require(False, where, "it delegates to no bins")
        return
    _require(succinct.name_prefix == BIN and succinct.bit_length in BITS, where, "its bins are not called and counted as ours are")
    one = len(succinct.keyids) == succinct.threshold == 1 and succinct.keyids[0] in delegations.keys
    _require(one, where, "one key signs the bins")
    earlier = signed.unrecognized_fields.get(EARLIER, [])
    good = isinstance(earlier, list) and len(earlier) <= len(BITS) and all(type(bits) is int and bits in BITS for bits in earlier)
    _require(good, where, f"its {EARLIER} are no bit lengths")


def _check_namespaces(signed: Targets, where: str) -> None:
    roles = (signed.delegations.roles if signed.delegations else None) or {}
    keys = signed.delegations.keys if signed.delegations else {}
    for name, role in roles.items():
        if name != BINS:
            one = len(role.keyids) == role.threshold == 1 and role.keyids[0] in keys
            _require(one and role.terminating and is_namespace(name, role.paths or ()), where, f"its {name} is no namespace")
    _require(not roles or list(roles)[-1] == BINS, where, "its bins are not the last that is asked")
    earlier = signed.unrecognized_fields.get(EARLIER_NAMESPACES, [])
    good = isinstance(earlier, list) and all(isinstance(each, str) and is_namespace(each, ["simple/a/*"]) for each in earlier)
    _require(good, where, f"its {EARLIER_NAMESPACES} are no namespaces")


def _require(holds: bool, where: str, what: str) -> None:
    if not holds:
        msg = f"{where} is not as a ceremony makes it: {what}"
        raise TrustError(msg, fix="take it from git's history; find out who changed it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a version of a role's metadata is: who has signed, who may yet, and how many must.

    `demands` has a pair for each set of keys that must agree: those holders who have signed, those who have not, and how many
    more it needs. A new root has two, the holders before and those after it.
    """

    role: str
    version: int
    expires: datetime
    demands: tuple[Demand, ...]

    @property
    def is_complete(self) -> bool:
        """Whether enough have signed."""
        return all(demand.missing == 0 for demand in self.demands)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A set of keys of which so many must sign; `signed` and `open` are holders by name, sorted, `keys` the ids of those that have not."""

    signed: tuple[str, ...]
    open: tuple[str, ...]
    keys: frozenset[str]
    threshold: int

    @property
    def missing(self) -> int:
        """How many more signatures it needs."""
        return max(0, self.threshold - len(self.signed))


def standings(committed: Committed) -> list[Standing]:
    """Return the standing of the newest version of each role that people sign; raises TrustError where root is not there."""
    root = committed.root
    found = [_of_root(committed)]
    if committed.targets is None or committed.targets.signed.delegations is None or committed.bins is None:
        return found
    targets, delegations = committed.targets, committed.targets.signed.delegations
    found.append(_standing(TARGETS, targets, [_demand(targets, root.signed.keys, root.signed.roles[TARGETS])]))
    roles = delegations.roles or {}
    if BINS in roles:
        found.append(_standing(BINS, committed.bins, [_demand(committed.bins, delegations.keys, roles[BINS])]))
    return found


def _of_root(committed: Committed) -> Standing:
    root = committed.root
    before = committed.roots[-2].signed if len(committed.roots) > 1 else None
    demands = [_demand(root, root.signed.keys, root.signed.roles[ROOT])]
    if before is not None and before.roles[ROOT] != root.signed.roles[ROOT]:
        demands.append(_demand(root, before.keys, before.roles[ROOT]))
    return _standing(ROOT, root, demands)


def altered(committed: Committed, earlier: Committed) -> list[str]:
    """Return the files that say something else than they did when enough people had signed that version of them.

    Such a version is published, and clients remember it: a change gets the next number.
    """
    try:
        complete(earlier)
    except TrustError:
        return []
    pairs: list[tuple[str, Metadata[Any] | None, Metadata[Any] | None]] = [
        (root_file(number), now, then) for number, (now, then) in enumerate(zip(committed.roots, earlier.roots, strict=False), 1)
    ]
    pairs += [("targets.json", committed.targets, earlier.targets), ("bins.json", committed.bins, earlier.bins)]
    return [
        name for name, now, then in pairs
        if now is not None and then is not None and now.signed.version == then.signed.version and now.signed != then.signed
    ]  # fmt: skip


def complete(committed: Committed) -> None:
    """Raise TrustError unless all that people sign is signed by enough of them, along the whole chain of roots."""
    for standing in standings(committed):
        if not standing.is_complete:
            raise TrustError(
                f"version {standing.version} of {standing.role} {lacks(standing)}",
                fix="each of them signs with: index-builder keys sign; then commit trust/, merge it, and sign the index",
            )
    for older, newer in zip(committed.roots, committed.roots[1:], strict=False):
        for keys in (older.signed, newer.signed):
            if not keys.get_root_verification_result(None, newer.signed_bytes, newer.signatures):
                msg = f"version {newer.signed.version} of root is not signed by enough of those who hold it"
                raise TrustError(msg, fix="take that version from git's history: it was signed once")
    for name, metadata in ((TARGETS, committed.targets), (BINS, committed.bins)):
        if metadata is None:
            msg = f"{name}.json is not there"
            raise TrustError(msg, fix="take it from git's history")


def lacks(standing: Standing) -> str:
    """Return in words what a role still needs."""
    words = [
        f"lacks {demand.missing} of {demand.threshold} {'signature' if demand.threshold == 1 else 'signatures'}"
        f" (of {', '.join(demand.open) or 'nobody who could'})"
        for demand in standing.demands
        if demand.missing
    ]
    return " and ".join(words) or "is complete"


def _standing(role: str, metadata: Metadata[Any], demands: list[Demand]) -> Standing:
    return Standing(role=role, version=metadata.signed.version, expires=metadata.signed.expires, demands=tuple(demands))


def _demand(metadata: Metadata[Any], keys: Mapping[str, Key], role: Any) -> Demand:
    """Return who of a role's keys has signed."""
    of_role = [keys[keyid] for keyid in role.keyids]
    signed = {key.keyid for key in of_role if is_signed_by(metadata, key)}
    return Demand(
        signed=tuple(sorted(holder_of(key) or key.keyid[:16] for key in of_role if key.keyid in signed)),
        open=tuple(sorted(holder_of(key) or key.keyid[:16] for key in of_role if key.keyid not in signed)),
        keys=frozenset(key.keyid for key in of_role if key.keyid not in signed),
        threshold=role.threshold,
    )


#: The roles that online key B signs for.
ONLINE_B: Final = (SNAPSHOT, TIMESTAMP)
