"""What `keys` and `sign` share: whose trust it is, one's own keys, throw-away ones for development."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from securesystemslib.signer import Signer

from index_builder import wiring
from index_builder.cli import urls
from index_builder.cli.console import note
from index_builder.errors import KeyMissingError, TrustError, UsageError
from index_builder.model.names import Word
from index_builder.trust.ceremony import Online, begin, sign
from index_builder.trust.committed import Committed, complete, key_for, namespaces_of, read_committed, standings
from index_builder.trust.keys import held_by
from index_builder.trust.layout import BINS, FOLDER, ROOT, TIMESTAMP, TRUST, metadata_path
from index_builder.trust.signing import OnlineSigners

if TYPE_CHECKING:
    from index_builder.adapters.keyring import KeyFolder

#: Where throw-away keys are, and what they sign; git ignores it.
DEVELOPMENT: Final = ".development-keys"

audience = click.option("--audience", metavar="NAME", help="Whose trust, where there are several audiences.")


def ask(question: str, twice: bool) -> str:
    """Ask for a passphrase; raises UsageError where nobody is there to be asked."""
    if not sys.stdin.isatty():
        msg = f"{question.lower()}: nobody is there to be asked"
        raise UsageError(msg, fix="set INDEX_BUILDER_PASSPHRASE")
    answer: str = click.prompt(question, hide_input=True, confirmation_prompt=twice, err=True)
    return answer


def online(committed: Committed, keys: KeyFolder, *, heartbeat: bool = False) -> OnlineSigners:
    """Return what signs without people; the key of the bins may be missing for a heartbeat. Raises TrustError, UsageError."""
    complete(committed)
    assert committed.bins is not None and committed.bins.signed.delegations is not None  # noqa: S101, PT018 - `complete` has seen to it
    root, delegations = committed.root.signed, committed.bins.signed.delegations
    timestamp = keys.online(root.keys[root.roles[TIMESTAMP].keyids[0]], TIMESTAMP)
    try:
        bins = keys.online(next(iter(delegations.keys.values())), BINS)
    except TrustError:
        if not heartbeat:
            raise
        bins = None
    return OnlineSigners(bins=bins, timestamp=timestamp, namespaces=dict(_of_namespaces(committed, keys)))


def _of_namespaces(committed: Committed, keys: KeyFolder) -> Iterator[tuple[str, Signer]]:
    """Yield what signs for each team whose key is here: the others' pages stay as they were signed."""
    for name in namespaces_of(committed):
        with suppress(KeyMissingError):
            yield name, keys.online(key_for(committed, name), name)


def where(published: str | None, audience: str) -> str | Path | None:
    """Return where the tree is published that the folder changes; raises UsageError."""
    if published is None:
        return None
    if "://" in published:
        return urls.https_url(published).rstrip("/") + "/"
    return Path(published) / audience


def write(root: Path, audience: Word, files: Mapping[str, bytes]) -> list[str]:
    """Write files of `trust/<audience>/`; return their paths. Raises SourceError, having written none."""
    texts = {f"{TRUST}/{audience}/{name}": content.decode() for name, content in files.items()}
    wiring.WorkTree(root).write(texts)
    return list(texts)


def targets_of(projects: int) -> int:
    """Return how many targets an index of so many projects has: two pages each, two lists, the state."""
    return 2 * projects + 3 + min(projects, 256)


def forget_development(root: Path, audience: Word, folder: Path) -> None:
    """Take the signatures of throw-away keys out of a tree that is about to be signed with real ones: nobody else trusts them."""
    made = root / DEVELOPMENT / audience / TRUST / "1.root.json"
    there = folder / metadata_path(ROOT, 1)
    if made.is_file() and there.is_file() and made.read_bytes() == there.read_bytes():
        shutil.rmtree(folder / FOLDER)
        note(f"{folder} was signed with throw-away keys; signing all of it anew")


def development(root: Path, audience: Word, projects: Callable[[], int], now: datetime) -> tuple[Committed, KeyFolder]:
    """Return throw-away trust of this machine and the folder of its keys, both made where there are none, or where they expired."""
    folder = root / DEVELOPMENT / audience
    keys = wiring.open_keys(folder, lambda _question, _twice: "")
    files = {path.name: path.read_bytes() for path in sorted((folder / TRUST).glob("*.json"))} if folder.is_dir() else {}
    if files:
        committed = read_committed(files, str(folder))
        if all(standing.expires > now for standing in standings(committed)):
            return committed, keys
        shutil.rmtree(folder)
    holder = held_by(keys.create("developer", encrypted=False), "developer")
    online = Online(bins=keys.create("bins", encrypted=False), timestamp=keys.create("timestamp", encrypted=False))
    made = begin({"developer": holder}, 1, online, targets_of(projects()), now)
    signed, _ = sign(read_committed(made, str(folder)), keys.signer(holder, "developer"))
    (folder / TRUST).mkdir(parents=True, exist_ok=True)
    for name, content in signed.items():
        (folder / TRUST / name).write_bytes(content)
    note(f"made throw-away keys in {folder}: they prove nothing to anybody else")
    return read_committed(signed, str(folder)), keys
