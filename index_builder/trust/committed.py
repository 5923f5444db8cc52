"""What the repository holds of an audience's trust: `trust/<audience>/`, in git, signed by people."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from securesystemslib.signer import Key
from tuf.api.metadata import Metadata, Root, SuccinctRoles, Targets

from index_builder.errors import TrustError
from index_builder.trust.keys import holder_of, is_signed_by, read, read_key, write_for_people
from index_builder.trust.layout import BINS, EARLIER, ROOT, SNAPSHOT, TARGETS, TIMESTAMP

#: The folder of the repository.
TRUST: Final = "trust"
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


def fingerprint(committed: Committed) -> str:
    """Return the SHA-256 of the first root's file, by which people tell each other whom to trust; raises TrustError where there is none."""
    _ = committed.root
    return hashlib.sha256(write_for_people(committed.roots[0])).hexdigest()


def holders(committed: Committed) -> dict[str, Key]:
    """Return every key that people hold in the newest metadata or the root before it, by key id."""
    found = {key.keyid: key for root in committed.roots[-2:] for key in root.signed.keys.values() if holder_of(key)}
    delegations = committed.targets.signed.delegations if committed.targets else None
    return {**found, **(delegations.keys if delegations else {})}


def succinct_of(committed: Committed) -> SuccinctRoles:
    """Return how `bins.json` delegates to the bins; raises TrustError where it does not."""
    delegations = committed.bins.signed.delegations if committed.bins else None
    if delegations is None or delegations.succinct_roles is None:
        msg = "bins.json delegates to no bins"
        raise TrustError(msg, fix="take it from git's history")
    return delegations.succinct_roles


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
        elif name.startswith(PEOPLE) and name.endswith(".json"):
            people[name.removeprefix(PEOPLE).removesuffix(".json")] = read_key(content, where)
    if sorted(roots) != list(range(1, len(roots) + 1)):
        msg = f"{folder} lacks a version of root between 1 and {max(roots)}"
        raise TrustError(msg, fix="take it from git's history: clients follow the whole chain")
    wholes = {
        name: read(files[f"{name}.json"], Targets.type, f"{folder}/{name}.json") for name in (TARGETS, BINS) if f"{name}.json" in files
    }
    return Committed(
        roots=tuple(roots[number] for number in sorted(roots)),
        targets=wholes.get(TARGETS),
        bins=wholes.get(BINS),
        people=people,
    )


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
    before = committed.roots[-2].signed if len(committed.roots) > 1 else None
    demands = [_demand(root, root.signed.keys, root.signed.roles[ROOT])]
    if before is not None and before.roles[ROOT] != root.signed.roles[ROOT]:
        demands.append(_demand(root, before.keys, before.roles[ROOT]))
    found = [_standing(ROOT, root, demands)]
    if committed.targets is None or committed.targets.signed.delegations is None or committed.bins is None:
        return found
    targets, delegations = committed.targets, committed.targets.signed.delegations
    found.append(_standing(TARGETS, targets, [_demand(targets, root.signed.keys, root.signed.roles[TARGETS])]))
    roles = delegations.roles or {}
    if BINS in roles:
        found.append(_standing(BINS, committed.bins, [_demand(committed.bins, delegations.keys, roles[BINS])]))
    return found


def complete(committed: Committed) -> None:
    """Raise TrustError unless all that people sign is signed by enough of them, along the whole chain of roots."""
    for older, newer in zip(committed.roots, committed.roots[1:], strict=False):
        for keys in (older.signed, newer.signed):
            if not keys.get_root_verification_result(None, newer.signed_bytes, newer.signatures):
                msg = f"version {newer.signed.version} of root is not signed by enough of those who hold it"
                raise TrustError(msg, fix="see who must sign: index-builder keys status; each signs with: index-builder keys sign")
    for standing in standings(committed):
        if not standing.is_complete:
            raise TrustError(
                f"version {standing.version} of {standing.role} {lacks(standing)}",
                fix="each of them signs with: index-builder keys sign; then merge, and sign the index",
            )
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
