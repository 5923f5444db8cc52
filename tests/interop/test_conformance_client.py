"""The client that the public tuf-conformance suite drives does what its three calls ask for."""

import subprocess
import sys
from pathlib import Path

import pytest
from distributions import wheel
from live import serving
from signed import Signed, changed, page_of_newest

CLIENT = Path(__file__).parent / "conformance_client.py"


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
