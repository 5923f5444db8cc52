"""Clients behind the proxy: they install what was checked, and get 403 for what is not as it was signed."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import run_tool
from interop.clients.behaviours import PIPS, UV
from interop.clients.programs import Place
from interop.clients.tools import Poetry
from live import Live

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]
WANTED = {"alpha": "1.0", "beta": "2.0", "gamma-ray": "3.0"}


@pytest.fixture(scope="module")
def proxy(site, tmp_path_factory):
    """Sign a copy of the index, whose wheel of eta was altered afterwards, and run the proxy before it; yields its URL."""
    folder = tmp_path_factory.mktemp("signed") / "index"
    shutil.copytree(site.parent.parent, folder)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INDEX_BUILDER_")} | {
        "XDG_CACHE_HOME": str(folder / "cache")
    }
    done = run_tool("index_builder", "sign", "--repo", folder, "--worktree", "--development", env=clean)
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "-m", "index_builder", "proxy", "--index", str(folder / "site" / "public")]
    with subprocess.Popen(command, env=clean, stderr=subprocess.PIPE, text=True) as running:
        said = ""
        while not (found := re.search(r"at (http://127\.0\.0\.1:[0-9]+)/simple/", said)):
            line = running.stderr.readline()
            assert line, said
            said += line
        yield found[1]
        running.terminate()


def beside(where: Place) -> Place:
    folder = where.folder / "bad"
    folder.mkdir()
    return Place(folder, where.live, where.toolbox)


def check(client, where) -> None:
    found = client.install(where, "beta[fast]")
    assert found.good, found.said
    assert found.versions == WANTED
    bad = client.install(beside(where), "eta")
    assert not bad.good
    assert bad.versions == {}
    assert "403" in bad.said, bad.said


def test_the_oldest_supported_pip(tmp_path, proxy, toolbox):
    """pip 22.3.1, which does not compare the digests of JSON pages, gets no altered wheel either."""
    old = next(pip for pip in PIPS if pip.version == "22.3.1")
    check(old, Place(tmp_path, Live(proxy), toolbox))


def test_the_newest_pip(tmp_path, proxy, toolbox):
    """pip reads core metadata and wheels through the proxy."""
    check(PIPS[-1], Place(tmp_path, Live(proxy), toolbox))


def test_uv(tmp_path, proxy, toolbox):
    """uv does."""
    check(UV, Place(tmp_path, Live(proxy), toolbox))


def test_poetry(tmp_path, proxy, toolbox):
    """Poetry locks and syncs through it; the altered wheel stops the sync."""
    where = Place(tmp_path, Live(proxy), toolbox)
    found = Poetry().install(where, "beta[fast]")
    assert found.good, found.said
    assert found.versions == WANTED
    bad = Poetry().install(beside(where), "eta")
    assert not bad.good
    assert bad.versions == {}
