"""`keys`: the ceremony. People make keys, begin the trust of an audience, sign, and change who holds what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from securesystemslib.signer import Key

from index_builder import wiring
from index_builder.cli import options, trusting
from index_builder.cli import standing as standing_of
from index_builder.cli.console import count, note, stderr
from index_builder.errors import HumanNeededError, TrustError, UsageError
from index_builder.model.index import Configuration
from index_builder.model.names import Word
from index_builder.model.source import is_manifest
from index_builder.pipeline.reading import configuration_of
from index_builder.pipeline.trust import read_trust
from index_builder.trust import ceremony
from index_builder.trust.committed import TRUST, Committed, altered, every_key, holders, read_committed, standings
from index_builder.trust.keys import held_by, holder_of, uri_of
from index_builder.trust.layout import BINS, TIMESTAMP, wants_renewal

if TYPE_CHECKING:
    from index_builder.adapters.keyring import KeyFolder


@click.group("keys")
def command() -> None:
    """Hold the ceremony: who may sign, who has, and who must by when.

    People hold root, targets and bins, offline, so many of them together; two online keys sign what is published. All that
    people sign is in git, under trust/; private keys never are.

    \b
    The first ceremony, of two people:
      alice$ index-builder keys new alice          # each makes a key, and commits its public half
      bob$   index-builder keys new bob
      alice$ index-builder keys init --threshold 2
      bob$   index-builder keys sign               # then merge, build, and: index-builder sign
    """


class _Room(NamedTuple):
    """What every step works on: the repository, the audience, its trust as the files are, one's own keys, and the time."""

    root: Path
    configuration: Configuration
    audience: Word
    committed: Committed
    keys: KeyFolder
    now: datetime
    tree: wiring.WorkTree
    dry_run: bool


def _room(repo: Path, audience: str | None, *, dry_run: bool = False) -> _Room:
    root = wiring.find_root(repo)
    tree = wiring.WorkTree(root)
    with options.problems_shown(tree, "text"):
        configuration = configuration_of(tree)
    chosen = options.chosen_audience(audience, configuration).name
    keys = wiring.open_keys(None, trusting.ask, dry_run=dry_run)
    if wiring.would_commit(root, keys.folder):
        msg = f"{keys.folder} is inside the repository, where private keys would be committed"
        raise UsageError(msg, fix="name another folder with INDEX_BUILDER_KEYS, or let .gitignore name this one")
    return _Room(root, configuration, chosen, read_trust(tree, chosen), keys, wiring.SystemClock().now(), tree, dry_run)


@command.command("new")
@click.argument("name")
@click.option("--key", "uri", metavar="URI", help="The key, as a key service or an HSM has it [default: a new key file].")
@options.repo
@trusting.audience
@options.dry_run
def new(name: str, uri: str | None, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Make a key of one's own: NAME as policies.d/ has it.

    The private half stays in one's own key folder, encrypted with a passphrase, or where --key says; the public half goes into
    git, so that others can make NAME a holder.
    """
    room = _room(repo, audience, dry_run=dry_run)
    _check_person(room, name)
    if name in room.committed.people:
        msg = f"{name} has a key already, in {TRUST}/{room.audience}/people/{name}.json"
        raise UsageError(msg, fix=f"replace it with: index-builder keys rotate {name}")
    key = held_by(_key(room, name, uri), name)
    if dry_run:
        _say_dry(room, ceremony.public_key(name, key))
        return
    paths = trusting.write(room.root, room.audience, ceremony.public_key(name, key))
    if uri is None:
        path = room.keys.path(key)
        stderr().print(f"The private key of {name} is {path}: keep a copy where it cannot burn or be stolen with this machine")
    _say_commit(paths, f"the public key of {name}")


@command.command("init")
@click.option("--holder", "names", multiple=True, metavar="NAME", help="Who holds the keys; may be repeated [default: all who have one].")
@click.option("--threshold", type=click.IntRange(1, 32), metavar="N", help="How many must sign [default: 2, or 1 of one].")
@click.option("--bins-key", metavar="URI", help="Online key A, as a key service has it [default: a new key file].")
@click.option("--timestamp-key", metavar="URI", help="Online key B, as a key service has it [default: a new key file].")
@options.repo
@trusting.audience
@options.dry_run
def init(
    names: tuple[str, ...],
    threshold: int | None,
    bins_key: str | None,
    timestamp_key: str | None,
    repo: Path,
    audience: str | None,
    dry_run: bool,
) -> None:
    """Begin the trust of an audience: root, targets and bins, and the two online keys.

    A key service is named by URI: awskms:KEY, gcpkms:KEY, azurekms:VAULT/KEY, hv:KEY (Vault), hsm:2 (PKCS 11). Each needs
    its library: pip install 'securesystemslib[awskms]' and so on.
    """
    room = _room(repo, audience, dry_run=dry_run)
    if room.committed.roots:
        msg = f"'{room.audience}' has its keys already, in {TRUST}/{room.audience}"
        raise UsageError(msg, fix="see how they stand: index-builder keys status")
    held = _holders(room, names)
    _check_apart(room, held)
    least = threshold or min(2, len(held))
    online = ceremony.Online(bins=_key(room, _ONLINE[BINS], bins_key), timestamp=_key(room, _ONLINE[TIMESTAMP], timestamp_key))
    files = ceremony.begin(held, least, online, trusting.targets_of(_projects(room)), room.now)
    console = stderr()
    console.print(f"[bold]{room.audience}[/]: {least} of {', '.join(sorted(held))} sign root, targets and bins, for a year")
    for role, key, signs in ((BINS, online.bins, "what the index lists"), (TIMESTAMP, online.timestamp, "that it is the newest")):
        where = uri_of(key) or ("a new key file" if dry_run else room.keys.path(key))
        console.print(f"  online key of {role}, which signs {signs}: {where}")
    if not (bins_key and timestamp_key):
        console.print("  a workflow gets them as secrets: INDEX_BUILDER_KEY_BINS, INDEX_BUILDER_KEY_TIMESTAMP, INDEX_BUILDER_PASSPHRASE")
    _finish(room, files, "first-ceremony")


@command.command("sign")
@click.option("--as", "name", metavar="NAME", help="Sign as NAME only, also where a key service has that key.")
@options.repo
@trusting.audience
@options.dry_run
def sign(name: str | None, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Sign all that waits for the keys on this machine. Signing twice changes nothing."""
    room = _room(repo, audience, dry_run=dry_run)
    _ = room.committed.root
    _check_unaltered(room)
    mine = [
        key for key in holders(room.committed).values()
        if (room.keys.has(key) and name is None) or (holder_of(key) == name and (room.keys.has(key) or uri_of(key)))
    ]  # fmt: skip
    if not mine:
        who = ", ".join(sorted({holder_of(key) for key in holders(room.committed).values()}))
        msg = f"none of the keys of {who} is in {room.keys.folder}"
        raise TrustError(
            msg, fix="sign on the machine that has one, or name its folder with INDEX_BUILDER_KEYS; a key service's key: --as NAME"
        )
    if dry_run:
        waiting = {key.keyid for key in mine} & {i for s in standings(room.committed) for d in s.demands for i in d.keys}
        stderr().print(f"{count(len(waiting), 'key')} would sign")
        return
    signed = _sign(room, {}, mine)
    if not signed:
        stderr().print("nothing waits for these keys")
        return
    standing_of.show_next(read_trust(room.tree, room.audience), f"sign-{room.committed.root.signed.version}", room.now)


@command.command("status")
@click.option("--published", metavar="WHERE", help="Look at the signatures at this URL, or in this folder [default: site/].")
@click.option("--fail-within", metavar="TIME", help="Exit with 4 where something expires within this time, such as 48h or 14d.")
@options.repo
@trusting.audience
@options.output_format
def status(published: str | None, fail_within: str | None, repo: Path, audience: str | None, output_format: str) -> None:
    """Say who must sign what by when, and when what is published expires.

    Exits with 10 where a signature is missing, with 4 where something has expired, or will within --fail-within, and where what
    is published is not what trust/ and the time allow: signed by too few, ahead of trust/, or far ahead of time.
    """
    room = _room(repo, audience)
    limit = room.now + (standing_of.span(fail_within) if fail_within else timedelta())
    found = standings(room.committed)
    where = trusting.where(published, room.audience) or room.root / "site" / room.audience
    try:
        with wiring.open_reading(room.root, room.configuration, room.audience, where) as site:
            online = standing_of.published(room.committed, site.read, room.now)
    except TrustError:
        for standing in found if output_format == "text" else ():
            click.echo(standing_of.line(standing, room.now))
        raise
    if output_format == "json":
        click.echo(json.dumps(standing_of.to_json(room.audience, room.committed, found, online), indent=2))
    else:
        for line in standing_of.lines(room.committed, found, online, room.now):
            click.echo(line)
    if wants := standing_of.more_bins(room.committed, trusting.targets_of(_projects(room))):
        note(wants)
    if not online:
        msg = f"nothing is published in {where}"
        fix = "say where to look: --published WHERE, the folder that has one folder an audience, or the URL"
        if fail_within:
            raise TrustError(msg, fix=fix)
        note(f"{msg}; {fix}")
    standing_of.check_holds(found, online, limit, room.now)
    if not all(standing.is_complete for standing in found):
        raise HumanNeededError


@command.command("rotate")
@click.argument("role")
@click.option("--key", "uri", metavar="URI", help="The new key, as a key service has it [default: a new key file].")
@options.repo
@trusting.audience
@options.dry_run
def rotate(role: str, uri: str | None, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Replace a key: ROLE is `timestamp` (online key B), `bins` (online key A), or a holder's name.

    The old key signs nothing more from the next version of the metadata on. Those who hold root must sign that.
    """
    room = _room(repo, audience, dry_run=dry_run)
    held, threshold = ceremony.holders_of(room.committed)
    if role not in (*_ONLINE, *held):
        _unknown(role, held)
    key = _key(room, _ONLINE.get(role, role), uri)
    if role == TIMESTAMP:
        files = ceremony.rotate_timestamp(room.committed, key, room.now)
    elif role == BINS:
        files = ceremony.rotate_bins(room.committed, key, room.now)
    else:
        key = held_by(key, role)
        files = ceremony.change_holders(room.committed, {**held, role: key}, threshold, room.now) | ceremony.public_key(role, key)
    _finish(room, files, f"rotate-{role}", new=key)


@command.command("admit")
@click.argument("name")
@click.option("--threshold", type=click.IntRange(1, 32), metavar="N", help="How many must sign from now on [default: as many as now].")
@options.repo
@trusting.audience
@options.dry_run
def admit(name: str, threshold: int | None, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Make NAME, whose public key is there, one of those who hold root, targets and bins."""
    room = _room(repo, audience, dry_run=dry_run)
    held, least = ceremony.holders_of(room.committed)
    more = _holders(room, (name,))
    _check_apart(room, more)
    files = ceremony.change_holders(room.committed, {**held, **more}, threshold or least, room.now)
    _finish(room, files, f"admit-{name}")


@command.command("revoke")
@click.argument("name")
@click.option("--threshold", type=click.IntRange(1, 32), metavar="N", help="How many must sign from now on [default: as many as now].")
@options.repo
@trusting.audience
@options.dry_run
def revoke(name: str, threshold: int | None, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Take the key of NAME out of root, targets and bins: lost or stolen, or NAME has gone.

    For a stolen online key: index-builder keys rotate timestamp (or bins).
    """
    room = _room(repo, audience, dry_run=dry_run)
    held, least = ceremony.holders_of(room.committed)
    if name not in held:
        _unknown(name, held)
    rest = {holder: key for holder, key in held.items() if holder != name}
    _finish(room, ceremony.change_holders(room.committed, rest, threshold or least, room.now), f"revoke-{name}")


@command.command("renew")
@click.option("--all", "every", is_flag=True, help="Renew all, not only what is past half of its time.")
@options.repo
@trusting.audience
@options.dry_run
def renew(every: bool, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Give what people sign a new version that holds for another year."""
    room = _room(repo, audience, dry_run=dry_run)
    due = [s.role for s in standings(room.committed) if every or wants_renewal(s.role, s.expires, room.now)]
    if not due:
        stderr().print("nothing is past half of its time")
        return
    _finish(room, ceremony.renew(room.committed, due, room.now), "renew")


@command.command("grow")
@options.repo
@trusting.audience
@options.dry_run
def grow(repo: Path, audience: str | None, dry_run: bool) -> None:
    """Give the bins the number that the index has grown to want; the next `sign` signs all of it anew."""
    room = _room(repo, audience, dry_run=dry_run)
    files = ceremony.grow(room.committed, trusting.targets_of(_projects(room)), room.now)
    if not files:
        stderr().print("the bins are enough")
        return
    _finish(room, files, "grow-bins")


def _finish(room: _Room, files: Mapping[str, bytes], branch: str, *, new: Key | None = None) -> None:
    """Write files, sign them with the keys that are here, and say who must sign next; or in a dry run, what would be written.

    A `new` key is here, wherever it lies: it was just made, or given.
    """
    if room.dry_run:
        _say_dry(room, files)
        return
    _check_unaltered(room)
    after = _with(room, files)
    known = {**holders(room.committed), **holders(after)} if room.committed.roots else holders(after)
    mine = [key for key in known.values() if room.keys.has(key) or key == new]
    _sign(room, files, mine)
    standing_of.show_next(read_trust(room.tree, room.audience), branch, room.now)


def _check_unaltered(room: _Room) -> None:
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


def _with(room: _Room, files: Mapping[str, bytes]) -> Committed:
    return read_committed({**_files(room), **files}, f"{TRUST}/{room.audience}")


def _files(room: _Room) -> dict[str, bytes]:
    folder = f"{TRUST}/{room.audience}/"
    return {e.path.removeprefix(folder): room.tree.read(e) for e in room.tree.entries(TRUST) if e.path.startswith(folder)}


def _sign(room: _Room, files: Mapping[str, bytes], mine: Sequence[Key]) -> list[str]:
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


def _say_dry(room: _Room, files: Mapping[str, bytes]) -> None:
    for name in sorted(files):
        stderr().print(f"{TRUST}/{room.audience}/{name} would be written")


def _say_commit(paths: Sequence[str], what: str) -> None:
    stderr().print(f"Commit {what}:  git add {' '.join(paths)}; git commit")


def _projects(room: _Room) -> int:
    return sum(map(is_manifest, room.tree.entries("packages.d")))


#: What the online keys are called, where one is made.
_ONLINE = {role: f"the online key of {role}" for role in (BINS, TIMESTAMP)}


def _key(room: _Room, name: str, uri: str | None) -> Key:
    """Return the public half of a new key file, or of the key at a URI; raises UsageError where that one is known already."""
    if uri is None:
        return room.keys.create(name)
    key = wiring.public_key_of(uri)
    committed = room.committed
    if key.keyid in every_key(committed) | {each.keyid for each in committed.people.values()}:
        msg = f"{uri} is a key of '{room.audience}' already: who has one key, must not have two roles"
        raise UsageError(msg, fix="name a new key of the key service")
    _check_apart(room, {name: key})
    return key


def _holders(room: _Room, names: Sequence[str]) -> dict[str, Key]:
    """Return the keys of those who shall hold; raises UsageError."""
    people = room.committed.people
    lacking = [name for name in names if name not in people]
    if lacking or not people:
        who = lacking[0] if lacking else "anybody"
        msg = f"there is no public key of {who} in {TRUST}/{room.audience}/people/"
        raise UsageError(msg, fix=f"{lacking[0] if lacking else 'each of them'} makes one with: index-builder keys new NAME")
    return {name: people[name] for name in names or people}


def _check_apart(room: _Room, held: Mapping[str, Key]) -> None:
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


def _check_person(room: _Room, name: str) -> None:
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


def _people(room: _Room) -> frozenset[str]:
    from index_builder.manifests.reader import read_settings  # noqa: PLC0415 - with pydantic behind it, slow to import
    from index_builder.model.source import SETTINGS  # noqa: PLC0415

    settings = read_settings(sorted(room.tree.entries(*SETTINGS), key=lambda entry: entry.path), room.tree.read)
    return frozenset(settings.policies.people)


def _unknown(name: str, held: Mapping[str, Key]) -> None:
    msg = f"'{name}' holds no key of this audience"
    raise UsageError(msg, fix=f"name {TIMESTAMP}, {BINS}, or one of {', '.join(sorted(held))}")
