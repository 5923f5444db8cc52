"""What many tests share: a clean environment, the command line, and an index repository to play with."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pygit2
import pytest
import trustme
from distributions import sdist, wheel
from live import serving

import index_builder.cli

ROOT = Path(__file__).parent.parent
#: Whether everything is tested, and as often as it should be: `make test-long`.
LONG = os.environ.get("INDEX_BUILDER_TEST_LONG") == "1"


def pytest_collection_modifyitems(items):
    """Leave out what takes long, unless everything is tested."""
    for item in items if not LONG else ():
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="takes long: make test-long"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path_factory):
    """Keep the developer's own pip, uv and git configuration out of the tests."""
    for name in list(os.environ):
        if name.startswith(("PIP_INDEX", "PIP_EXTRA", "PIP_FIND", "UV_", "INDEX_BUILDER_", "GIT_DIR", "GIT_WORK")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capfd):
    """Run the command line in this process: `cli("build", "--worktree")`."""

    def run(*arguments) -> Result:
        capfd.readouterr()
        code = index_builder.cli.run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def repo(tmp_path, cli, monkeypatch):
    """A fresh index repository, which is also the current folder."""
    folder = tmp_path / "index"
    assert cli("init", folder, "--title", "Test index").code == 0
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def dist(tmp_path):
    """Write wheels and sdists into a folder: `dist(wheel("demo", "1.0"))` returns the folder."""

    def write(*files) -> Path:
        folder = tmp_path / "dist"
        folder.mkdir(exist_ok=True)
        for name, content in files:
            (folder / name).write_bytes(content)
        return folder

    return write


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A PEM file for 127.0.0.1 whose authority the builder trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return tmp_path / "server.pem"


@pytest.fixture
def upstream(tmp_path, cli, monkeypatch, dist):
    """A live index that plays PyPI: it lists `demo` 1.0 and 1.1 (wheel and sdist), 2.0rc1, and `helper` 1.0."""
    folder = tmp_path / "upstream"
    assert cli("init", folder).code == 0
    files = dist(
        wheel("demo", "1.0", requires=["helper"], requires_python=">=3.8"), sdist("demo", "1.0", requires_python=">=3.8"),
        wheel("demo", "1.1", requires=["helper"], requires_python=">=3.8"), sdist("demo", "1.1", requires_python=">=3.8"),
        wheel("demo", "2.0rc1", requires_python=">=3.8"), wheel("helper", "1.0"),
    )  # fmt: skip
    assert cli("add", "--repo", folder, "--dist", files).code == 0
    assert cli("build", "--repo", folder, "--worktree", "-q").code == 0
    with serving(folder / "site" / "public") as live:
        monkeypatch.setenv("PIP_INDEX_URL", live.simple)
        monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
        yield live


def commit_all(folder: Path, message: str = "change") -> str:
    """Commit everything in a repository's working tree; return the commit's id."""
    repository = pygit2.Repository(str(folder))
    repository.index.add_all()
    repository.index.write()
    who = pygit2.Signature("test", "test@example.org", 1_700_000_000, 0)
    parents = [] if repository.head_is_unborn else [repository.head.target]
    return str(repository.create_commit("HEAD", who, who, message, repository.index.write_tree(), parents))


def run_tool(*arguments, **options) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` of this environment and return what it printed."""
    return subprocess.run([sys.executable, "-m", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300, **options)
