"""`keys`: the ceremony. People make keys, begin the trust of an audience, sign, and change who holds what."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import click

from index_builder.cli import keyroom, options, trusting
from index_builder.cli import standing as standing_of
from index_builder.cli.console import count, note, stderr
from index_builder.errors import HumanNeededError, TrustError, UsageError
from index_builder.pipeline.trust import read_trust
from index_builder.trust import ceremony
from index_builder.trust.committed import holders, standings
from index_builder.trust.keys import held_by, holder_of, uri_of
from index_builder.trust.layout import BINS, TIMESTAMP, TRUST, wants_renewal
from index_builder.wiring import sites


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
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    keyroom.check_person(room, name)
    if name in room.committed.people:
        msg = f"{name} has a key already, in {TRUST}/{room.audience}/people/{name}.json"
        raise UsageError(msg, fix=f"replace it with: index-builder keys rotate {name}")
    key = held_by(keyroom.new_key(room, name, uri), name)
    if dry_run:
        keyroom.say_dry(room, ceremony.public_key(name, key))
        return
    paths = trusting.write(room.root, room.audience, ceremony.public_key(name, key))
    if uri is None:
        path = room.keys.path(key)
        stderr().print(f"The private key of {name} is {path}: keep a copy where it cannot burn or be stolen with this machine")
    keyroom.say_commit(paths, f"the public key of {name}")


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
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    if room.committed.roots:
        msg = f"'{room.audience}' has its keys already, in {TRUST}/{room.audience}"
        raise UsageError(msg, fix="see how they stand: index-builder keys status")
    held = keyroom.keys_of(room, names)
    keyroom.check_apart(room, held)
    least = threshold or min(2, len(held))
    online = ceremony.Online(
        bins=keyroom.new_key(room, keyroom.ONLINE_KEYS[BINS], bins_key),
        timestamp=keyroom.new_key(room, keyroom.ONLINE_KEYS[TIMESTAMP], timestamp_key),
    )
    files = ceremony.begin(held, least, online, trusting.targets_of(keyroom.count_projects(room)), room.now)
    console = stderr()
    console.print(f"[bold]{room.audience}[/]: {least} of {', '.join(sorted(held))} sign root, targets and bins, for a year")
    for role, key, signs in ((BINS, online.bins, "what the index lists"), (TIMESTAMP, online.timestamp, "that it is the newest")):
        where = uri_of(key) or ("a new key file" if dry_run else room.keys.path(key))
        console.print(f"  online key of {role}, which signs {signs}: {where}")
    if not (bins_key and timestamp_key):
        console.print("  a workflow gets them as secrets: INDEX_BUILDER_KEY_BINS, INDEX_BUILDER_KEY_TIMESTAMP, INDEX_BUILDER_PASSPHRASE")
    keyroom.finish(room, files, "first-ceremony")


@command.command("sign")
@click.option("--as", "name", metavar="NAME", help="Sign as NAME only, also where a key service has that key.")
@options.repo
@trusting.audience
@options.dry_run
def sign(name: str | None, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Sign all that waits for the keys on this machine. Signing twice changes nothing."""
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    _ = room.committed.root
    keyroom.check_unaltered(room)
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
    signed = keyroom.sign_files(room, {}, mine)
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
    room = keyroom.open_room(repo, audience)
    limit = room.now + (standing_of.span(fail_within) if fail_within else timedelta())
    found = standings(room.committed)
    where = trusting.where(published, room.audience) or room.root / "site" / room.audience
    try:
        with sites.open_reading(room.root, room.configuration, room.audience, where) as site:
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
    if wants := standing_of.more_bins(room.committed, trusting.targets_of(keyroom.count_projects(room))):
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
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    held, threshold = ceremony.holders_of(room.committed)
    if role not in (*keyroom.ONLINE_KEYS, *held):
        keyroom.refuse_unknown(role, held)
    key = keyroom.new_key(room, keyroom.ONLINE_KEYS.get(role, role), uri)
    if role == TIMESTAMP:
        files = ceremony.rotate_timestamp(room.committed, key, room.now)
    elif role == BINS:
        files = ceremony.rotate_bins(room.committed, key, room.now)
    else:
        key = held_by(key, role)
        files = ceremony.change_holders(room.committed, {**held, role: key}, threshold, room.now) | ceremony.public_key(role, key)
    keyroom.finish(room, files, f"rotate-{role}", new=key)


@command.command("admit")
@click.argument("name")
@click.option("--threshold", type=click.IntRange(1, 32), metavar="N", help="How many must sign from now on [default: as many as now].")
@options.repo
@trusting.audience
@options.dry_run
def admit(name: str, threshold: int | None, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Make NAME, whose public key is there, one of those who hold root, targets and bins."""
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    held, least = ceremony.holders_of(room.committed)
    more = keyroom.keys_of(room, (name,))
    keyroom.check_apart(room, more)
    files = ceremony.change_holders(room.committed, {**held, **more}, threshold or least, room.now)
    keyroom.finish(room, files, f"admit-{name}")


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
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    held, least = ceremony.holders_of(room.committed)
    if name not in held:
        keyroom.refuse_unknown(name, held)
    rest = {holder: key for holder, key in held.items() if holder != name}
    keyroom.finish(room, ceremony.change_holders(room.committed, rest, threshold or least, room.now), f"revoke-{name}")


@command.command("renew")
@click.option("--all", "every", is_flag=True, help="Renew all, not only what is past half of its time.")
@options.repo
@trusting.audience
@options.dry_run
def renew(every: bool, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Give what people sign a new version that holds for another year."""
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    due = [s.role for s in standings(room.committed) if every or wants_renewal(s.role, s.expires, room.now)]
    if not due:
        stderr().print("nothing is past half of its time")
        return
    keyroom.finish(room, ceremony.renew(room.committed, due, room.now), "renew")


@command.command("delegate")
@click.argument("team")
@click.argument("projects", nargs=-1, required=True, metavar="PROJECTS...")
@click.option("--key", "uri", metavar="URI", help="The team's key, as a key service has it [default: a new key file].")
@options.repo
@trusting.audience
@options.dry_run
def delegate(team: str, projects: tuple[str, ...], uri: str | None, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Let a key of TEAM alone sign the pages of PROJECTS: names, or what names begin with and a `*`.

    The online key of the bins is worth nothing for them any more, and whoever publishes a change of theirs needs the team's.
    Doing it again replaces projects and key.
    """
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    key = keyroom.new_key(room, f"the namespace of {team}", uri)
    keyroom.finish(room, ceremony.delegate(room.committed, team, projects, key, room.now), f"delegate-{team}")


@command.command("undelegate")
@click.argument("team")
@options.repo
@trusting.audience
@options.dry_run
def undelegate(team: str, repo: Path, audience: str | None, dry_run: bool) -> None:
    """Let the online key of the bins sign the pages of TEAM's projects again."""
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    keyroom.finish(room, ceremony.take_back(room.committed, team, room.now), f"undelegate-{team}")


@command.command("grow")
@options.repo
@trusting.audience
@options.dry_run
def grow(repo: Path, audience: str | None, dry_run: bool) -> None:
    """Give the bins the number that the index has grown to want; the next `sign` signs all of it anew."""
    room = keyroom.open_room(repo, audience, dry_run=dry_run)
    files = ceremony.grow(room.committed, trusting.targets_of(keyroom.count_projects(room)), room.now)
    if not files:
        stderr().print("the bins are enough")
        return
    keyroom.finish(room, files, "grow-bins")
