"""A signed index: its repository, the keys of two people, and both online keys, which a thief may take."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import index_builder.cli
from index_builder import wiring
from index_builder.adapters.keyring import KeyFolder
from index_builder.model.names import Word
from index_builder.pipeline.trust import read_trust
from index_builder.trust.keys import add_signature, read, write
from index_builder.trust.layout import copy_path, metadata_path

PASSPHRASE = "correct horse battery staple"


class Signed:
    """A repository whose audience `public` two people hold."""

    def __init__(self, folder: Path, monkeypatch, *, people=("alice", "bob")) -> None:
        self.folder, self.site, self.keys = folder, folder / "site" / "public", folder.parent / "keys"
        self.monkeypatch = monkeypatch
        self.now: datetime | None = None
        monkeypatch.setenv("INDEX_BUILDER_KEYS", str(self.keys))
        monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", PASSPHRASE)
        real = wiring.SystemClock.now
        monkeypatch.setattr(wiring.SystemClock, "now", lambda clock: self.now or real(clock))
        for name in people:
            self.do("keys", "new", name)
        self.do("keys", "init")

    def do(self, *arguments, code=0) -> None:
        """Run a command of the index, which must end so."""
        found = index_builder.cli.run([*map(str, arguments), "--repo", str(self.folder)])
        assert found == code, f"{arguments} ended with {found}"

    def publish(self) -> None:
        """Build and sign what the files say."""
        self.do("build", "--worktree", "-q")
        self.do("sign", "--worktree", "-q")

    def copy(self, name: str) -> Path:
        """Return a copy of what is published now."""
        folder = self.folder.parent / name
        shutil.copytree(self.site, folder)
        return folder

    def at(self, **since) -> None:
        """Set the clock of whoever signs so far from now."""
        self.now = datetime.now(UTC) + timedelta(**since)

    @property
    def root(self) -> Path:
        return self.folder / "trust" / "public" / "1.root.json"

    @property
    def committed(self):
        return read_trust(wiring.WorkTree(self.folder), Word("public"))

    def online(self, role: str):
        """Return what signs with an online key, as a thief of it does."""
        committed = self.committed
        key = (
            next(iter(committed.bins.signed.delegations.keys.values()))
            if role == "bins"
            else committed.root.signed.keys[committed.root.signed.roles["timestamp"].keyids[0]]
        )
        return KeyFolder(self.keys, {"INDEX_BUILDER_PASSPHRASE": PASSPHRASE}, lambda *_: "").online(key, role)


def pointer(site: Path):
    """Return the timestamp of a tree."""
    return read((site / "tuf" / "timestamp.json").read_bytes(), "timestamp", "")


def snapshot(site: Path):
    """Return the TUF snapshot that the timestamp of a tree names."""
    return read((site / metadata_path("snapshot", pointer(site).signed.snapshot_meta.version)).read_bytes(), "snapshot", "")


def bin_of(site: Path, committed, target: str):
    """Return the path and metadata of the bin that a target is in."""
    role = committed.bins.signed.delegations.succinct_roles.get_role_for_target(target)
    path = site / metadata_path(role, snapshot(site).signed.meta[f"{role}.json"].version)
    return path, read(path.read_bytes(), "targets", "")


def resign(path: Path, metadata, signer) -> None:
    """Put metadata back with one signature."""
    metadata.signatures.clear()
    add_signature(metadata, signer)
    path.write_bytes(write(metadata))


def page_of_newest(site: Path, committed, project: str) -> Path:
    """Return the copy of a project's page that clients read."""
    target = f"simple/{project}/index.v1_json"
    _, metadata = bin_of(site, committed, target)
    return site / copy_path(target, metadata.signed.targets[target].hashes["sha256"])


def changed(path: Path, old: bytes, new: bytes) -> None:
    """Change bytes of a file, which must be there."""
    content = path.read_bytes()
    assert old in content, path
    path.write_bytes(content.replace(old, new))


def listed(page: Path):
    """Return a page's files."""
    return json.loads(page.read_bytes())["files"]
