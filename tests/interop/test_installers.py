"""Real pip and uv against a small index of our own over real HTTP: no network is needed."""

import functools
import http.server
import json
import re
import sys
import threading
from pathlib import Path

import pytest
from conftest import run_tool
from distributions import sdist, wheel
from live import serving


@pytest.fixture
def index(repo, cli, dist):
    """Build an index: alpha 1.0, 1.1 (needs Python 4), 1.2 (yanked); beta[fast] needs alpha; Gamma.Ray; quarantined delta."""
    files = dist(
        wheel("alpha", "1.0"), wheel("alpha", "1.1", requires_python=">=4"), wheel("alpha", "1.2"),
        wheel("beta", "2.0", requires=["alpha", 'gamma-ray; extra == "fast"'], extras=["fast"]), sdist("beta", "2.0"),
        wheel("Gamma.Ray", "3.0"), wheel("delta", "1.0"), wheel("epsilon", "1.0"), wheel("epsilon", "2.0a1"),
    )  # fmt: skip
    assert cli("add", "--dist", files).code == 0
    assert cli("yank", "alpha", "1.2", "--reason", 'broken <here> & "there"').code == 0
    delta = repo / "packages.d" / "delta.yaml"
    delta.write_text(delta.read_text() + "status: {state: quarantined, reason: stolen, at: 2026-01-01T00:00:00Z}\n")
    assert cli("build", "--worktree", "-q").code == 0
    with serving(repo / "site" / "public") as live:
        yield live


def pip(live, target, *arguments):
    return run_tool("pip", "--isolated", "install", "--no-cache-dir", "--index-url", live.simple, "--target", target, *arguments)


def uv(live, target, *arguments):
    where = ("--index-url", live.simple, "--target", target, "--python", sys.executable)
    return run_tool("uv", "pip", "install", "--no-config", "--no-cache", *where, *arguments)


INSTALLERS = pytest.mark.parametrize("install", [pip, uv], ids=["pip", "uv"])


def versions(target: Path) -> dict[str, str]:
    found = (path.name.removesuffix(".dist-info").rsplit("-", 1) for path in target.glob("*.dist-info"))
    return dict(found)


@INSTALLERS
def test_requires_python_and_yanked_select(index, tmp_path, install):
    """The newest release that fits this Python and is not yanked is installed."""
    done = install(index, tmp_path / "t", "alpha")
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "t") == {"alpha": "1.0"}


@INSTALLERS
def test_a_pinned_yanked_release_installs_with_its_reason(index, tmp_path, install):
    """A yanked release is there for those who pin it; the reason, escaped in the page, reaches them whole."""
    done = install(index, tmp_path / "t", "alpha==1.2")
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "t") == {"alpha": "1.2"}
    assert 'broken <here> & "there"' in done.stdout + done.stderr


@INSTALLERS
def test_dependencies_and_extras_come_from_here(index, tmp_path, install):
    """An extra's dependency, whose name is written unnormalized, is found in the same index."""
    done = install(index, tmp_path / "t", "beta[fast]")
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "t") == {"alpha": "1.0", "beta": "2.0", "gamma_ray": "3.0"}


@INSTALLERS
@pytest.mark.parametrize("spelling", ["Gamma.Ray", "gamma_ray", "GAMMA-RAY"])
def test_any_spelling_of_a_name(index, tmp_path, install, spelling):
    """A project installs however its name is written."""
    done = install(index, tmp_path / "t", spelling)
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "t") == {"gamma_ray": "3.0"}


@INSTALLERS
def test_quarantined_offers_nothing(index, tmp_path, install):
    """A quarantined project has a page and no file to install."""
    assert install(index, tmp_path / "t", "delta").returncode != 0
    assert index.asked("/simple/delta/ 200")
    assert not index.asked("delta-1.0")


@INSTALLERS
def test_pre_releases_wait_until_asked_for(index, tmp_path, install):
    """A final release is preferred, and a pre-release installs when it is pinned."""
    assert install(index, tmp_path / "t", "epsilon").returncode == 0
    assert versions(tmp_path / "t") == {"epsilon": "1.0"}
    assert install(index, tmp_path / "u", "epsilon==2.0a1").returncode == 0


@INSTALLERS
def test_a_tampered_wheel_is_refused(index, repo, tmp_path, install):
    """A good wheel in the place of another, and the installer refuses it by the digest of the page."""
    file = next((repo / "site").rglob("gamma_ray-3.0*.whl"))
    file.write_bytes(wheel("Gamma.Ray", "3.0", body="evil = True\n")[1])
    done = install(index, tmp_path / "t", "gamma-ray")
    assert done.returncode != 0
    assert "hash" in (done.stdout + done.stderr).lower()
    assert not (tmp_path / "t" / "gamma_ray").exists()


def test_uv_resolves_without_downloading_wheels(index, tmp_path):
    """`uv pip compile` reads core metadata only: the server sees no request for a wheel."""
    (tmp_path / "in.txt").write_text("beta[fast]\n")
    where = ("--index-url", index.simple, "--python", sys.executable, "--no-config", "--no-cache")
    done = run_tool("uv", "pip", "compile", *where, tmp_path / "in.txt")
    assert done.returncode == 0, done.stderr
    assert "alpha==1.0" in done.stdout
    assert len(index.asked(".whl.metadata 200")) == 3
    assert not [line for line in index.requests if ".whl " in line]


def test_pip_resolves_by_core_metadata_first(index, tmp_path):
    """pip asks for every wheel's core metadata before it downloads the first wheel."""
    done = pip(index, tmp_path / "t", "beta[fast]")
    assert done.returncode == 0, done.stderr
    files = [line for line in index.requests if "/packages/" in line]
    assert [".whl.metadata 200" in line for line in files] == [True] * 3 + [False] * 3


def test_pip_reads_the_tree_as_files(index, repo, tmp_path):
    """pip installs from file:// without any server."""
    site = (repo / "site" / "public" / "simple").as_uri() + "/"
    done = run_tool("pip", "--isolated", "install", "--no-cache-dir", "--index-url", site, "--target", tmp_path / "t", "beta[fast]")
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "t") == {"alpha": "1.0", "beta": "2.0", "gamma_ray": "3.0"}
    assert not index.requests


def test_uv_reads_the_tree_as_files(index, repo, tmp_path):
    """uv installs from file:// without any server."""
    site = (repo / "site" / "public" / "simple").as_uri() + "/"
    where = ("--no-config", "--no-cache", "--python", sys.executable, "--index-url", site, "--target", tmp_path / "t")
    done = run_tool("uv", "pip", "install", *where, "beta[fast]")
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "t") == {"alpha": "1.0", "beta": "2.0", "gamma_ray": "3.0"}


def test_uv_sees_upload_times(index, tmp_path):
    """`--exclude-newer` works: everything here was uploaded after 2020."""
    done = uv(index, tmp_path / "t", "--exclude-newer", "2020-01-01", "alpha")
    assert done.returncode != 0
    assert "alpha" in done.stderr


def test_pypi_simple_reads_json_and_html_alike(index):
    """The parser that our own `add` uses finds the same files in both forms, without a warning."""
    from pypi_simple import ACCEPT_HTML_ONLY, ACCEPT_JSON_ONLY, PyPISimple

    seen = []
    for accept in (ACCEPT_JSON_ONLY, ACCEPT_HTML_ONLY):
        with PyPISimple(index.simple, accept=accept) as client:
            page = client.get_project_page("beta")
            seen.append([(p.filename, p.url, p.digests, p.requires_python, p.has_metadata) for p in page.packages])
    assert seen[0] == [(*row[:4], row[4] or None) for row in seen[1]] or seen[0] == seen[1]
    assert len(seen[0]) == 2


def test_json_lists_what_the_manifest_says(index):
    """Size, upload time, versions and the API version stand in the JSON page, and yanked keeps its reason."""
    import urllib.request

    request = urllib.request.Request(index.simple + "alpha/", headers={"accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        page = json.load(answer)
    assert page["meta"]["api-version"] == "1.4"
    assert page["versions"] == ["1.0", "1.1", "1.2"]
    assert [file["yanked"] for file in page["files"]] == [False, False, 'broken <here> & "there"']
    assert all(file["size"] > 0 and file["upload-time"].endswith("Z") for file in page["files"])


def test_wheels_without_core_metadata(repo, cli, dist, tmp_path):
    """uv asks for such a wheel with HEAD, before it reads the end of it, and needs an answer; then it resolves and installs."""
    assert cli("add", "--dist", dist(wheel("alpha", "1.0"), wheel("beta", "2.0", requires=["alpha"]))).code == 0
    assert cli("build", "--worktree", "-q").code == 0
    for page in (repo / "site" / "public" / "simple").glob("*/index.v1_json"):  # as that of a file is which is only linked
        page.write_text(re.sub('"core-metadata": ?{[^}]*}, ?|, ?"core-metadata": ?{[^}]*}', "", page.read_text()))
        assert "core-metadata" not in page.read_text()
    with serving(repo / "site" / "public") as live:
        done = uv(live, tmp_path / "t", "beta")
        asked = live.asked("beta-2.0")
    assert done.returncode == 0, done.stderr
    assert versions(tmp_path / "t") == {"alpha": "1.0", "beta": "2.0"}
    assert asked[0].startswith("HEAD ")
    assert asked[0].endswith(" 200")
    assert not [line for line in asked if ".metadata" in line]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A host that gives `index.html` for a folder, whatever is asked for, as Pages do."""

    def log_message(self, *_) -> None:
        """Say nothing."""


def test_a_cut_off_where_html_alone_is_served(index, repo, tmp_path):
    """pip refuses every file there, however old; uv goes by the times in the page."""
    handler = functools.partial(Quiet, directory=repo / "site" / "public")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        index.url = f"http://127.0.0.1:{server.server_address[1]}"
        refused = pip(index, tmp_path / "pip", "--uploaded-prior-to", "2999-01-01", "gamma-ray")
        without = pip(index, tmp_path / "without", "gamma-ray")
        done = uv(index, tmp_path / "uv", "--exclude-newer", "2999-01-01", "gamma-ray")
        early = uv(index, tmp_path / "early", "--exclude-newer", "2001-01-01", "gamma-ray")
        server.shutdown()
    assert (refused.returncode, without.returncode, done.returncode, early.returncode) == (1, 0, 0, 1), refused.stderr + done.stderr
    assert "upload-time" in refused.stderr
    assert versions(tmp_path / "uv") == {"gamma_ray": "3.0"}
