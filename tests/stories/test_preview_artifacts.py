"""Previews that a pull request's own workflow has built: downloaded, unpacked with care, and served so that a browser runs nothing."""

import re
import subprocess
import sys
import urllib.request

import pytest
from conftest import run_tool
from distributions import wheel
from stories.test_github import NAME, Hosted, hosted  # noqa: F401 - a fixture


@pytest.fixture
def proposed(hosted, monkeypatch) -> Hosted:  # noqa: F811 - the fixture
    """Pull request 1 adds a project that needs one of the live index; its workflow has ended, and nothing is left in the clone."""
    hosted.start("new")
    hosted.add(wheel("colorful-things", "1.0", requires=["acme-utils"]), owner="dave")
    hosted.hand_in()
    runs = hosted.propose(1, "dave", validated=True)
    assert runs[0].results == {"check": "success"}, runs[0].log
    hosted.start("elsewhere")
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    return hosted


def test_it_installs_with_what_is_there(proposed, tmp_path):
    """It is served on loopback until it is stopped; pip and uv install the new project, and what it needs of the live index."""
    command = [sys.executable, "-m", "index_builder", "preview", "--pr", "1", "--artifact", "--port", "0"]
    with subprocess.Popen(command, cwd=proposed.folder, stderr=subprocess.PIPE, text=True) as server:
        said = ""
        while not (found := re.search(r"uv pip install --index-url (http://127\.0\.0\.1:\d+/simple/) PROJECT", said)):
            line = server.stderr.readline()
            assert line, said
            said += line
        try:
            common = ("--index-url", found[1], "colorful-things", "--target")
            pip = run_tool("pip", "--isolated", "install", "--no-cache-dir", *common, tmp_path / "pip")
            uv = run_tool("uv", "pip", "install", "--no-config", "--no-cache", "--python", sys.executable, *common, tmp_path / "uv")
            with urllib.request.urlopen(f"{found[1]}acme-utils/") as page:
                headers = page.headers
        finally:
            server.terminate()
            server.stderr.read()
    for done, target in ((pip, "pip"), (uv, "uv")):
        assert done.returncode == 0, done.stderr
        assert {path.name for path in (tmp_path / target).glob("*.dist-info")} == {
            "acme_utils-1.0.dist-info", "colorful_things-1.0.dist-info",
        }  # fmt: skip
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "made by the workflow of pull request #1 itself" in said


def test_it_is_left_in_a_folder(proposed, tmp_path):
    """With --output nothing is served, and of the archive there is what installers ask for: no page for people."""
    output = tmp_path / "preview"
    done = proposed.cli("preview", "--pr", "1", "--artifact", "--output", output)
    assert done.code == 0, done.err
    assert (output / "public" / "simple" / "colorful-things" / "index.html").is_file()
    assert {path.name for path in (output / "public").iterdir()} == {"simple", "packages"}
    again = proposed.cli("preview", "--pr", "1", "--artifact", "--output", output)
    assert again.code == 2
    assert "is not empty" in again.err


def test_mistakes(proposed, tmp_path, monkeypatch):
    """What does not go together, an audience that is not there, and nobody who asks."""
    options = ("preview", "--artifact", "--output", tmp_path / "preview")
    for more in ((), ("--base", "main"), ("--pr", "1", "--worktree"), ("--pr", "1", "--head", "main")):
        done = proposed.cli(*options, *more)
        assert done.code == 2, more
        assert "--pr NUMBER" in done.err
    assert not (tmp_path / "preview").exists()
    for name in ("internal", "No such!"):
        done = proposed.cli(*options, "--pr", "1", "--audience", name)
        assert done.code == 2, name
        assert f"no audience '{name}'" in done.err
        assert "it has: public" in done.err
    assert not (tmp_path / "preview").exists()
    monkeypatch.delenv("GITHUB_TOKEN")
    done = proposed.cli(*options, "--pr", "1")
    assert done.code == 2
    assert "GITHUB_TOKEN is not set" in done.err
