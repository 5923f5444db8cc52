"""What every step of the ceremony works on, and what each of them does besides: look, sign, write, and say who must next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from securesystemslib.signer import Key

from index_builder import wiring
from index_builder.cli import options, trusting
from index_builder.cli import standing as standing_of
from index_builder.cli.console import stderr
from index_builder.errors import TrustError, UsageError
from index_builder.model.index import Configuration
from index_builder.model.names import Word
from index_builder.model.source import is_manifest
from index_builder.pipeline.reading import configuration_of
from index_builder.pipeline.trust import read_trust
from index_builder.trust import ceremony
from index_builder.trust.committed import Committed, altered, every_key, holders, read_committed, standings
from index_builder.trust.keys import holder_of
from index_builder.trust.layout import BINS, TIMESTAMP, TRUST

if TYPE_CHECKING:
    from index_builder.adapters.keyring import KeyFolder


class Room(NamedTuple):
    """What every step works on: the repository, the audience, its trust as the files are, one's own keys, and the time."""

    root: Path
    configuration: Configuration
    audience: Word
    committed: Committed
    keys: KeyFolder
    now: datetime
    tree: wiring.WorkTree
    dry_run: bool


def open_room(repo: Path, audience: str | None, *, dry_run: bool = False) -> Room:
    """Open the repository that a folder is in, and what it holds of an audience; raises UsageError where keys would be committed."""
    root = wiring.find_root(repo)
    tree = wiring.WorkTree(root)
    with options.problems_shown(tree, "text"):
        configuration = configuration_of(tree)
    chosen = options.chosen_audience(audience, configuration).name
    keys = wiring.open_keys(None, trusting.ask, dry_run=dry_run)
    if wiring.would_commit(root, keys.folder):
        msg = f"{keys.folder} is inside the repository, where private keys would be committed"
        raise UsageError(msg, fix="name another folder with INDEX_BUILDER_KEYS, or let .gitignore name this one")
    return Room(root, configuration, chosen, read_trust(tree, chosen), keys, wiring.SystemClock().now(), tree, dry_run)


def finish(room: Room, files: Mapping[str, bytes], branch: str, *, new: Key | None = None) -> None:
    """Write files, sign them with the keys that are here, and say who must sign next; or in a dry run, what would be written.

    A `new` key is here, wherever it lies: it was just made, or given.
    """
    if room.dry_run:
        say_dry(room, files)
        return
    check_unaltered(room)
    after = _with(room, files)
    known = {**holders(room.committed), **holders(after)} if room.committed.roots else holders(after)
    mine = [key for key in known.values() if room.keys.has(key) or key == new]
    sign_files(room, files, mine)
    standing_of.show_next(read_trust(room.tree, room.audience), branch, room.now)


def check_unaltered(room: Room) -> None:
    """Raise TrustError where a version that enough people have signed once says something else now, without a new number."""
    for commit, files in wiring.versions_of(room.root, f"{TRUST}/{room.audience}"):
        try:
            earlier = read_committed(files, f"{TRUST}/{room.audience}")
        except TrustError:
            continue
        if names := altered(room.committed, earlier):
            msg = f"{TRUST}/{room.audience}/{names[0]} was signed by enough people in commit {commit[:12]}, and says something else now"
            fix = f"find out who changed it; bring it back: git checkout {commit[:12]} -- {TRUST}/{room.audience}/{names[0]}"
            raise TrustError(msg, fix=fix)


def _with(room: Room, files: Mapping[str, bytes]) -> Committed:
    return read_committed({**_files(room), **files}, f"{TRUST}/{room.audience}")


def _files(room: Room) -> dict[str, bytes]:
    folder = f"{TRUST}/{room.audience}/"
    return {e.path.removeprefix(folder): room.tree.read(e) for e in room.tree.entries(TRUST) if e.path.startswith(folder)}


def sign_files(room: Room, files: Mapping[str, bytes], mine: Sequence[Key]) -> list[str]:
    """Write files with the signatures of these keys, whole or not at all; return what was signed."""
    done: list[str] = []
    files = dict(files)
    for key in mine:
        committed = _with(room, files)
        if any(key.keyid in demand.keys for standing in standings(committed) for demand in standing.demands):
            signed, what = ceremony.sign(committed, room.keys.signer(key, f"the key of {holder_of(key)}"))
            files |= signed
            done += [f"{holder_of(key)} signed {each}" for each in what]
    if files:
        trusting.write(room.root, room.audience, files)
    for line in done:
        stderr().print(f"  {line}")
    return done


def say_dry(room: Room, files: Mapping[str, bytes]) -> None:
    """Say what would be written."""
    for name in sorted(files):
        stderr().print(f"{TRUST}/{room.audience}/{name} would be written")


def say_commit(paths: Sequence[str], what: str) -> None:
    """Say how what was written gets into git."""
    stderr().print(f"Commit {what}:  git add {' '.join(paths)}; git commit")


def count_projects(room: Room) -> int:
    """Return how many manifests there are."""
    return sum(map(is_manifest, room.tree.entries("packages.d")))


#: What the online keys are called, where one is made.
ONLINE_KEYS: Final = {role: f"the online key of {role}" for role in (BINS, TIMESTAMP)}


def new_key(room: Room, name: str, uri: str | None) -> Key:
    """Return the public half of a new key file, or of the key at a URI; raises UsageError where that one is known already."""
    if uri is None:
        return room.keys.create(name)
    key = wiring.public_key_of(uri)
    committed = room.committed
    if key.keyid in every_key(committed) | {each.keyid for each in committed.people.values()}:
        msg = f"{uri} is a key of '{room.audience}' already: who has one key, must not have two roles"
        raise UsageError(msg, fix="name a new key of the key service")
    check_apart(room, {name: key})
    return key


def keys_of(room: Room, names: Sequence[str]) -> dict[str, Key]:
    """Return the keys of those who shall hold; raises UsageError."""
    people = room.committed.people
    lacking = [name for name in names if name not in people]
    if lacking or not people:
        who = lacking[0] if lacking else "anybody"
        msg = f"there is no public key of {who} in {TRUST}/{room.audience}/people/"
        raise UsageError(msg, fix=f"{lacking[0] if lacking else 'each of them'} makes one with: index-builder keys new NAME")
    return {name: people[name] for name in names or people}


def check_apart(room: Room, held: Mapping[str, Key]) -> None:
    """Raise UsageError where another audience knows a key: what one signs, the other's clients would take."""
    for other in room.configuration.audiences:
        if other == room.audience:
            continue
        committed = read_trust(room.tree, other)
        known = every_key(committed)
        for name, key in held.items():
            if key.keyid in known:
                msg = f"the key of {name} is one of '{other}'; with it, the tree of one audience could be passed off as the other's"
                raise UsageError(msg, fix=f"make another: a key service's, or index-builder keys new NAME --audience {room.audience}")


def check_person(room: Room, name: str) -> None:
    """Raise UsageError for a name that is none, or that the policies do not know."""
    try:
        Word(name)
    except ValueError as error:
        msg = f"{name!r} is no name: {error}"
        raise UsageError(msg) from error
    with options.problems_shown(room.tree, "text"):
        people = _people(room)
    if people and name not in people:
        msg = f"policies.d/ has no person '{name}'"
        raise UsageError(msg, fix=f"the people are: {', '.join(sorted(people))}")


def _people(room: Room) -> frozenset[str]:
    from index_builder.manifests.reader import read_settings  # noqa: PLC0415 - with pydantic behind it, slow to import
    from index_builder.model.source import SETTINGS  # noqa: PLC0415

    settings = read_settings(sorted(room.tree.entries(*SETTINGS), key=lambda entry: entry.path), room.tree.read)
    return frozenset(settings.policies.people)


def refuse_unknown(name: str, held: Mapping[str, Key]) -> None:
    """Raise UsageError for somebody who holds no key."""
    msg = f"'{name}' holds no key of this audience"
    raise UsageError(msg, fix=f"name {TIMESTAMP}, {BINS}, or one of {', '.join(sorted(held))}")
