"""This repository's own index, built from `packages.d/` with real projects, and installed by real clients."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from conftest import LONG, ROOT, run_tool
from live import serving

pytestmark = [pytest.mark.network, pytest.mark.timeout(900)]

NAMES = sorted(path.stem for path in (ROOT / "packages.d").glob("*.yaml"))
#: Besides the newest pip, of this environment, an older line.
OLDER = ("22.3.1",) if LONG else ()
PIPS = ("newest", *OLDER)


def run_cli(*arguments) -> subprocess.CompletedProcess[str]:
    return run_tool("index_builder", *arguments)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built tree; the pool of the checkout is used, so that nothing is fetched twice."""
    output = tmp_path_factory.mktemp("own")
    done = run_cli("build", "--worktree", "--repo", ROOT, "--output", output, "-q")
    assert done.returncode == 0, done.stderr
    return output / "public"


@pytest.fixture(scope="module")
def live(site):
    with serving(site) as server:
        yield server


@pytest.fixture(scope="module")
def pips(tmp_path_factory):
    """pip by line: the command that runs it."""
    commands = {"newest": [sys.executable, "-m", "pip"]}
    for version in OLDER:
        folder = tmp_path_factory.mktemp("pip") / version
        done = run_tool("pip", "install", "--quiet", "--target", folder, f"pip=={version}")
        assert done.returncode == 0, done.stderr
        commands[version] = [sys.executable, str(folder / "pip")]
    return commands


def test_the_newest_pip_is_the_one_that_is_locked(pips):
    """What the table calls newest is the pip of requirements/dev.txt, not the one that Python came with."""
    said = subprocess.run([*pips["newest"], "--version"], capture_output=True, text=True, check=True).stdout
    locked = next(line for line in (ROOT / "requirements" / "dev.txt").read_text().splitlines() if line.startswith("pip=="))
    assert said.split()[1] == locked.split("==")[1].split()[0]
    assert int(said.split()[1].split(".")[0]) >= 26


def test_the_manifests_cover_what_the_index_promises():
    """At least 15 projects, among them yanked, platform wheels, linked, archived and an unnormalized name."""
    manifests = [yaml.safe_load((ROOT / "packages.d" / f"{name}.yaml").read_text()) for name in NAMES]
    assert len(manifests) >= 15
    files = [file["name"] for m in manifests for r in m["releases"].values() for file in r["files"]]
    assert any("yanked" in release for m in manifests for release in m["releases"].values())
    assert any("manylinux" in name for name in files)
    assert any(m["hosting"] == "linked" for m in manifests)
    assert any(m.get("status", {}).get("state") == "archived" for m in manifests)
    assert any(m["name"] == "PySocks" for m in manifests)


@pytest.mark.parametrize("line", PIPS)
def test_pip_installs_every_project_from_here_alone(live, pips, tmp_path, line):
    """Each project with all it depends on installs with this line of pip and no other index."""

    def install(name: str) -> tuple[str, subprocess.CompletedProcess[str]]:
        where = ["--isolated", "install", "--no-cache-dir", "--disable-pip-version-check", "--index-url", live.simple]
        target = ["--target", str(tmp_path / name)]
        return name, subprocess.run([*pips[line], *where, *target, name], capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(4) as executor:
        done = list(executor.map(install, [*NAMES, "requests[socks]"]))
    failed = {name: result.stderr for name, result in done if result.returncode != 0}
    assert not failed
    assert list((tmp_path / "requests[socks]").glob("*ocks-*.dist-info"))


def test_uv_installs_every_project_from_here_alone(live, tmp_path):
    """Each project with all it depends on installs with uv and no other index."""
    for name in [*NAMES, "requests[socks]"]:
        where = ("--no-config", "--no-cache", "--index-url", live.simple, "--python", sys.executable)
        done = run_tool("uv", "pip", "install", *where, "--target", tmp_path / name, name)
        assert done.returncode == 0, done.stderr


def test_a_linked_file_is_not_ours(site):
    """The linked project's page leads elsewhere, and the tree does not hold its files."""
    page = (site / "simple" / "colorama" / "index.html").read_text()
    assert 'href="https://' in page
    assert not list(site.rglob("colorama-*"))


def test_check_finds_nothing_wrong():
    """Every pinned byte is what its manifest says, and no error is found in our own index."""
    done = run_cli("check", "--worktree", "--repo", ROOT, "-q")
    assert done.returncode == 0, done.stderr
    assert "error[" not in done.stderr


def test_pages_name_no_path_of_the_builder(site):
    """Nothing of the machine that built the tree is in it."""
    for path in Path(site).rglob("*"):
        if path.is_file() and path.suffix in (".html", ".v1_json", ".json"):
            assert str(ROOT).encode() not in path.read_bytes()
