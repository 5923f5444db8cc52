"""The client that the public tuf-conformance suite drives does what its three calls ask for."""

import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from distributions import wheel
from live import serving
from securesystemslib.signer import CryptoSigner
from signed import PASSPHRASE, KeyFolder, Signed, bin_of, changed, page_of_newest, pointer, resign, snapshot
from tuf.api.metadata import Metadata

from index_builder.state import digest_of
from index_builder.trust.keys import add_signature, write
from index_builder.trust.layout import metadata_path

TARGET = "simple/alpha/index.v1_json"
CLIENT = Path(__file__).parent / "conformance_client.py"
MAIN = runpy.run_path(str(CLIENT))["main"]


def client(*arguments) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, CLIENT, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def index(repo, cli, dist, monkeypatch):
    assert cli("add", "--dist", dist(wheel("alpha", "1.0"))).code == 0
    made = Signed(repo, monkeypatch, people=("alice",))
    made.publish()
    return made


def test_its_three_calls(index, tmp_path):
    """init trusts a root, refresh learns what is newest and keeps it by its plain name, download gets a target by its name."""
    folder, target = tmp_path / "metadata", "simple/alpha/index.v1_json"
    (tmp_path / "targets").mkdir()
    assert client("--metadata-dir", folder, "init", index.root).returncode == 0
    with serving(index.site) as live:
        where = ("--metadata-dir", folder, "--metadata-url", f"{live.url}/tuf/")
        refreshed = client(*where, "refresh")
        assert refreshed.returncode == 0, refreshed.stderr
        assert {"root.json", "timestamp.json", "snapshot.json", "targets.json"} <= {path.name for path in folder.iterdir()}
        download = ("--target-base-url", f"{live.url}/tuf/targets/", "--target-dir", tmp_path / "targets", "download")
        done = client(*where, "--target-name", target, *download)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "targets" / "simple%2Falpha%2Findex.v1_json").read_bytes() == (index.site / target).read_bytes()
        assert client(*where, "--target-name", "simple/nowhere/index.v1_json", *download).returncode == 1


def test_it_fails_where_it_must(index, tmp_path):
    """What is not as it was signed ends with 1, and the reason."""
    (tmp_path / "targets").mkdir()
    assert client("--metadata-dir", tmp_path / "metadata", "init", index.root).returncode == 0
    changed(page_of_newest(index.site, index.committed, "alpha"), b"alpha-1.0", b"alpha-9.9")
    with serving(index.site) as live:
        where = ("--metadata-dir", tmp_path / "metadata", "--metadata-url", f"{live.url}/tuf/")
        download = ("--target-base-url", f"{live.url}/tuf/targets/", "--target-dir", tmp_path / "targets", "download")
        done = client(*where, "--target-name", "simple/alpha/index.v1_json", *download)
    assert done.returncode == 1
    assert "LengthOrHashMismatchError" in done.stderr


class Reader:
    """Who drives the client in this process: it has seen the index as it was, and asks for what is at its URL now."""

    def __init__(self, index, folder, monkeypatch) -> None:
        self.index, self.folder, self.monkeypatch = index, folder, monkeypatch
        self.site = index.copy("attacked")
        (folder / "targets").mkdir()
        self.client("init", index.root)

    def client(self, *arguments) -> int:
        self.monkeypatch.setattr(sys, "argv", ["client", "--metadata-dir", str(self.folder / "metadata"), *map(str, arguments)])
        return MAIN()

    def look(self, site=None) -> None:
        with serving(site or self.site) as live:
            where = ("--metadata-url", f"{live.url}/tuf/", "--target-base-url", f"{live.url}/tuf/targets/")
            more = ("--target-name", TARGET, "--target-dir", self.folder / "targets")
            assert self.client(*where, *more, "download") == 0

    def trusted(self) -> dict[str, int]:
        """Return the version of each role that the client has taken."""
        return {path.stem: Metadata.from_bytes(path.read_bytes()).signed.version for path in (self.folder / "metadata").glob("*.json")}

    def refuses(self, words: str) -> None:
        """Look, and be told by the client why not; it does not go back behind what it trusted."""
        before = self.trusted()
        with pytest.raises(Exception, match=words):
            self.look()
        assert all(version >= before[role] for role, version in self.trusted().items())

    def put_snapshot(self, change, signer=None) -> None:
        """Publish a next TUF snapshot that was changed, and a timestamp that names it, both signed with key B, or by a thief."""
        signer = signer or self.index.online("timestamp")
        metadata, timestamp = snapshot(self.site), pointer(self.site)
        metadata.signed.version += 1
        change(metadata.signed)
        path = self.site / metadata_path("snapshot", metadata.signed.version)
        resign(path, metadata, signer)
        timestamp.signed.version += 1
        timestamp.signed.snapshot_meta.version = metadata.signed.version
        timestamp.signed.snapshot_meta.hashes = {"sha256": digest_of(path.read_bytes())}
        timestamp.signed.snapshot_meta.length = None
        resign(self.site / "tuf" / "timestamp.json", timestamp, self.index.online("timestamp"))


@pytest.fixture
def reader(index, tmp_path, monkeypatch):
    """Return somebody who has seen the index after its holders renewed all, so that each role has an older version to go back to."""
    index.do("keys", "renew", "--all")
    index.do("sign", "--worktree", "-q")
    made = Reader(index, tmp_path, monkeypatch)
    made.look()
    return made


def timestamp_back(reader):
    timestamp = pointer(reader.site)
    timestamp.signed.version -= 1
    resign(reader.site / "tuf" / "timestamp.json", timestamp, reader.index.online("timestamp"))


def snapshot_back(reader):
    """A newer timestamp names an older TUF snapshot."""
    metadata, timestamp = snapshot(reader.site), pointer(reader.site)
    metadata.signed.version -= 1
    resign(reader.site / metadata_path("snapshot", metadata.signed.version), metadata, reader.index.online("timestamp"))
    timestamp.signed.version += 1
    timestamp.signed.snapshot_meta.version = metadata.signed.version
    timestamp.signed.snapshot_meta.hashes = timestamp.signed.snapshot_meta.length = None
    resign(reader.site / "tuf" / "timestamp.json", timestamp, reader.index.online("timestamp"))


def role_back(role):
    """A newer TUF snapshot names an older version of a role."""

    def attack(reader):
        reader.put_snapshot(lambda signed: setattr(signed.meta[f"{role}.json"], "version", 1))

    attack.__name__ = f"{role}_back"
    return attack


def role_gone(reader):
    """A newer TUF snapshot does not name a role that there was."""
    reader.put_snapshot(lambda signed: signed.meta.pop("bins.json"))


def root_back(reader):
    """The next root is an older one."""
    shutil.copy(reader.site / "tuf" / "1.root.json", reader.site / "tuf" / "3.root.json")


def root_skipped(reader):
    """The next root is signed by its holders, and is two versions on."""
    root = reader.index.committed.root
    root.signed.version += 2
    sign_root(reader, root)
    (reader.site / "tuf" / "3.root.json").write_bytes(write(root))


def sign_root(reader, root) -> None:
    root.signatures.clear()
    folder = KeyFolder(reader.index.keys, {"INDEX_BUILDER_PASSPHRASE": PASSPHRASE}, lambda *_: "")
    for key in reader.index.committed.people.values():
        add_signature(root, folder.signer(key, "a holder"))


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (timestamp_back, "timestamp version"), (snapshot_back, "snapshot version"), (role_back("targets"), "targets.json version"),
        (role_back("bins"), "bins.json version"), (role_gone, "is missing"), (root_back, "root version"), (root_skipped, "root version"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_no_role_goes_back(reader, attack, words):
    """Not the timestamp, nor the TUF snapshot, nor what that names, nor a root, which may not skip a version either."""
    attack(reader)
    reader.refuses(words)


def test_keys_that_do_not_count(reader):
    """A key of nobody's, one of another role, and one that was replaced; and with the new key, versions begin where they like."""
    path = reader.site / "tuf" / "timestamp.json"
    for thief in (CryptoSigner.generate_ed25519(), reader.index.online("bins")):
        good, timestamp = path.read_bytes(), pointer(reader.site)
        timestamp.signed.version += 1
        resign(path, timestamp, thief)
        reader.refuses("timestamp was signed by 0/1 keys")
        path.write_bytes(good)
        reader.put_snapshot(lambda _signed: None, thief)
        reader.refuses("snapshot was signed by 0/1 keys")
    old = reader.index.online("timestamp")
    reader.index.do("keys", "rotate", "timestamp")
    shutil.copy(reader.index.folder / "trust/public/3.root.json", reader.site / "tuf")
    with pytest.raises(Exception, match="timestamp was signed by 0/1 keys"):
        reader.look()
    assert old.public_key.keyid != reader.index.online("timestamp").public_key.keyid
    reader.index.do("sign", "--worktree", "-q")
    timestamp = pointer(reader.index.site)
    timestamp.signed.version = 1
    resign(reader.index.site / "tuf" / "timestamp.json", timestamp, reader.index.online("timestamp"))
    reader.look(reader.index.site)


def test_a_bin_is_signed_by_key_a_alone(reader):
    """Succinct bins: the bin of a target counts, signed with the one key that bins.json names, and of the version that is named."""
    path, metadata = bin_of(reader.site, reader.index.committed, TARGET)
    good = path.read_bytes()
    resign(path, metadata, reader.index.online("timestamp"))
    reader.folder.joinpath("metadata", f"{path.name.split('.')[1]}.json").unlink()
    reader.refuses("was signed by 0/1 keys")
    metadata.signed.version -= 1
    resign(path, metadata, reader.index.online("bins"))
    reader.refuses("Expected bin-")
    path.write_bytes(good)
    reader.look()
