"""A preview is the index as it would be: real pip and uv install from it what only the change has, with what is there already."""

import re
import subprocess
import sys

import pytest
from conftest import run_tool
from distributions import wheel


def pip(url, target, *names):
    return run_tool("pip", "--isolated", "install", "--no-cache-dir", "--index-url", url, "--target", target, *names)


def uv(url, target, *names):
    where = ("--index-url", url, "--target", target, "--python", sys.executable)
    return run_tool("uv", "pip", "install", "--no-config", "--no-cache", *where, *names)


@pytest.fixture
def changed(story):
    """A change that adds acme-app, which needs flask-extras of the live index, and removes acme-utils 1.0."""
    story.add(wheel("acme-app", "1.0", requires=["flask-extras"]))
    assert story.cli("remove", "acme-utils", "1.0", "--reason", "leaked a key").code == 0
    return story


@pytest.mark.parametrize("install", [pip, uv], ids=["pip", "uv"])
def test_installers_see_the_merged_index(changed, tmp_path, install):
    """The new project installs with its dependency, what is removed does not install any more; every page says what it is."""
    output = tmp_path / "preview"
    done = changed.cli("preview", "--base", "main", "--worktree", "--output", output, "-q")
    assert done.code == 0, done.err
    url = re.search(r"pip install --index-url (\S+) PROJECT", done.err)[1]
    assert url.startswith("file://")
    installed = install(url, tmp_path / "t", "acme-app")
    assert installed.returncode == 0, installed.stderr
    assert {path.name for path in (tmp_path / "t").glob("*.dist-info")} == {"acme_app-1.0.dist-info", "flask_extras-1.0.dist-info"}
    assert install(url, tmp_path / "u", "acme-utils").returncode != 0
    pages = [*output.rglob("index.html")]
    assert len([page for page in pages if "simple" in page.parts]) == 3
    assert len(pages) > 10, "people see the change too"
    assert all("Preview of a change that is not merged" in page.read_text() for page in pages)
    assert all('"_preview":true' in page.read_text() for page in output.rglob("index.v1_json"))


def test_files_that_are_elsewhere_once_merged(changed, tmp_path):
    """Where pages lead to another host, or to releases, those of a preview lead to what it brings itself: nothing is there yet."""
    changed.edit(
        "index.yaml",
        lambda text: text.replace("files: packages/", "url: https://acme.example.org/index/, files: https://files.example.org/"),
    )
    done = changed.cli("preview", "--base", "main", "--worktree", "--output", tmp_path / "preview", "-q")
    assert done.code == 0, done.err
    url = re.search(r"pip install --index-url (\S+) PROJECT", done.err)[1]
    assert uv(url, tmp_path / "t", "acme-app").returncode == 0
    assert not [page for page in (tmp_path / "preview").rglob("*.html") if "example.org" in page.read_text()]


def test_a_preview_that_is_served(changed, tmp_path):
    """Without --output it is served on loopback until it is stopped, and nothing is left."""
    from conftest import commit_all

    commit_all(changed.folder)
    command = [sys.executable, "-m", "index_builder", "preview", "--base", "main", "--port", "0"]
    with subprocess.Popen(command, cwd=changed.folder, stderr=subprocess.PIPE, text=True) as server:
        url = ""
        while not url and (line := server.stderr.readline()):
            found = re.search(r"uv pip install --index-url (http://127\.0\.0\.1:\d+/simple/) PROJECT", line)
            url = found[1] if found else ""
        installed = uv(url, tmp_path / "t", "acme-app")
        server.terminate()
        server.stderr.read()
    assert installed.returncode == 0, installed.stderr
    assert not (changed.folder / "site").exists()


def test_a_preview_again_writes_what_differs(changed, tmp_path):
    """A second preview into the same folder follows the change; the published tree is never taken for one."""
    output = tmp_path / "preview"
    assert changed.cli("preview", "--base", "main", "--worktree", "--output", output, "-q").code == 0
    untouched = (output / "public" / "simple" / "flask-extras" / "index.html").stat().st_mtime_ns
    changed.add(wheel("acme-app", "1.1"))
    assert changed.cli("preview", "--base", "main", "--worktree", "--output", output, "--format", "json", "-q").code == 0
    assert "acme_app-1.1" in (output / "public" / "simple" / "acme-app" / "index.html").read_text()
    assert (output / "public" / "simple" / "flask-extras" / "index.html").stat().st_mtime_ns == untouched


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base", "nowhere"], "there is no revision 'nowhere'"), (["--base", "main", "--head", "HEAD", "--worktree"], "contradict"),
        (["--base", "main", "--format", "json"], "needs --output"), (["--base", "main", "--audience", "pubic"], "did you mean 'public'"),
        ([], "--base is missing"),
    ],
)  # fmt: skip
def test_mistakes(changed, arguments, said):
    """Each says what to do."""
    done = changed.cli("preview", *arguments)
    assert done.code in (1, 2)
    assert said in done.err
