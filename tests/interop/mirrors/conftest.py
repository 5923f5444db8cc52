"""An index built and served by the real command line, and the tools that read from it, each in an environment of its own."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from conftest import ROOT, run_tool
from distributions import sdist, wheel

REASON = 'broken <here> & "there"'
#: alpha 1.0, 1.1 (needs Python 4), 1.2 (yanked); beta[fast] needs alpha and Gamma.Ray.
FILES = dict([
    wheel("alpha", "1.0"), sdist("alpha", "1.0"), wheel("alpha", "1.1", requires_python=">=4"), wheel("alpha", "1.2"),
    wheel("beta", "2.0", requires=["alpha", 'gamma-ray; extra == "fast"'], extras=["fast"]), sdist("beta", "2.0"),
    wheel("Gamma.Ray", "3.0"),
])  # fmt: skip
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONSAFEPATH")


def environment(home: Path) -> dict[str, str]:
    """Return variables that hold nothing of the machine's own configuration; coverage measures our command line through its own."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("COVERAGE_")}
    folders = {"HOME": home, "XDG_CONFIG_HOME": home / "config", "XDG_CACHE_HOME": home / "cache", "XDG_DATA_HOME": home / "data"}
    settings = {"NO_PROXY": "127.0.0.1", "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    return kept | {name: str(folder) for name, folder in folders.items()} | settings | {"GIT_CONFIG_GLOBAL": os.devnull}


@contextmanager
def running(command, log: Path, env: dict[str, str], ready):
    """Run a server until the block ends; `ready` says, from what it has printed, whether it answers."""
    with log.open("wb") as output:
        process = subprocess.Popen([*map(str, command)], stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=env)
    try:
        deadline = time.monotonic() + 60
        while not ready(log.read_text()):
            assert time.monotonic() < deadline, log.read_text()
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(log.read_text())
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Index:
    """An index repository whose tree is served at `url`."""

    folder: Path
    env: dict[str, str]
    log: Path
    files: dict[str, bytes]

    @property
    def url(self) -> str:
        return re.search(r"--index-url (\S+)/simple/", self.log.read_text()).group(1)

    @property
    def requests(self) -> list[str]:
        """What the server was asked so far, in lines such as `GET /simple/six/ 200`."""
        return [line for line in self.log.read_text().splitlines() if line.startswith(("GET ", "HEAD "))]

    def run(self, *arguments) -> None:
        done = run_tool("index_builder", *arguments, cwd=self.folder, env=self.env)
        assert done.returncode == 0, done.stderr

    def add(self, files: dict[str, bytes]) -> None:
        """List more wheels and sdists; `build` publishes them."""
        dist = self.folder.parent / f"dist-{len(self.files)}"
        dist.mkdir()
        for name, content in files.items():
            (dist / name).write_bytes(content)
        self.run("add", "--dist", dist)
        self.files.update(files)

    def build(self) -> None:
        self.run("build", "--worktree", "-q")


@pytest.fixture(scope="session")
def reason():
    """Why alpha 1.2 is yanked: a text that every page has to escape."""
    return REASON


@pytest.fixture(scope="session")
def env(tmp_path_factory):
    return environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def publish(tmp_path_factory, env):
    """Build an index of FILES and serve it: `publish()`; `url` is where its pages say that it is published."""
    with ExitStack() as servers:

        def published(url: str = "") -> Index:
            root = tmp_path_factory.mktemp("published")
            index = Index(root / "index", env, root / "serve.log", {})
            index.folder.mkdir()
            index.run("init", ".")
            if url:
                settings = index.folder / "index.yaml"
                settings.write_text(settings.read_text().replace("{files: packages/}", f"{{files: packages/, url: {url}}}"))
            index.add(FILES)
            index.run("yank", "alpha", "1.2", "--reason", REASON)
            index.build()
            command = (sys.executable, "-m", "index_builder", "serve", "--repo", index.folder, "--port", "0")
            servers.enter_context(running(command, index.log, env, lambda said: "uv pip install" in said))
            return index

        yield published


@pytest.fixture(scope="session")
def index(publish):
    """The index that every tool may read and none may change."""
    return publish()


@pytest.fixture(scope="session")
def tool(tmp_path_factory):
    """Install a tool from its lock file, with the machine's own registry configuration: `tool("devpi")` is its folder of programs."""
    folder, ordinary, programs = tmp_path_factory.mktemp("tools"), dict(os.environ) | {"UV_PYTHON_DOWNLOADS": "never"}, {}

    def installed(name: str) -> Path:
        if name not in programs:
            lock = ROOT / "requirements" / "mirrors" / f"{name}.txt"
            install = ("pip", "install", "--python", folder / name, "--require-hashes", "--requirement", lock)
            for arguments in (("venv", "--python", sys.executable, folder / name), install):
                done = run_tool("uv", "--cache-dir", folder / "cache", *arguments, env=ordinary)
                assert done.returncode == 0, done.stderr
            programs[name] = folder / name / "bin"
        return programs[name]

    yield installed
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def start(tmp_path_factory, env):
    """Run a tool's server until the module ends: `start(program, …, "{port}")` returns its URL."""
    with ExitStack() as servers:

        def started(*command, **variables) -> str:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            words = [str(word).format(port=port) for word in command]
            log = tmp_path_factory.mktemp("server") / "log"
            servers.enter_context(running(words, log, env | variables, lambda _said: listens(port)))
            return f"http://127.0.0.1:{port}"

        yield started


@pytest.fixture(scope="session")
def ask():
    """Return the bytes of an answer: `ask(url, accept=…)`; a body makes it a POST or what `method` says."""
    opener = build_opener(ProxyHandler({}))

    def asked(url: str, body=None, method=None, **headers) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        with opener.open(Request(url, data, {"content-type": "application/json"} | headers, method=method), timeout=30) as answer:
            return answer.read()

    return asked


@pytest.fixture
def listed(ask):
    """Return the files of a project page as its JSON lists them, by name: `listed(page)`."""

    def files(page: str) -> dict[str, dict]:
        return {file["filename"]: file for file in json.loads(ask(page, accept="application/vnd.pypi.simple.v1+json"))["files"]}

    return files


@dataclass(frozen=True)
class Installed:
    """What an installer printed, and the version of every project it installed."""

    output: str
    versions: dict[str, str]


@pytest.fixture(params=["pip", "uv"])
def install(request, tmp_path, env):
    """Install with a real pip, and with a real uv: `install("http://…/simple/", "alpha==1.2")`."""
    options = {
        "pip": ("pip", "--isolated", "install", "--no-cache-dir"),
        "uv": ("uv", "pip", "install", "--no-cache", "--python", sys.executable),
    }
    targets = (tmp_path / f"target-{number}" for number in count())

    def installed(url: str, *what: str) -> Installed:
        target = next(targets)
        done = run_tool(*options[request.param], "--index-url", url, "--target", target, *what, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        names = (path.name.removesuffix(".dist-info").rsplit("-", 1) for path in target.glob("*.dist-info"))
        return Installed(done.stdout + done.stderr, dict(names))

    return installed


@pytest.fixture
def resolve(tmp_path, env):
    """Resolve with a real uv, which reads core metadata only: `resolve("http://…/simple/", "alpha")` is a version of each project."""

    def resolved(url: str, what: str) -> dict[str, str]:
        (tmp_path / "in.txt").write_text(what + "\n")
        options = ("--no-cache", "--no-header", "--no-annotate", "--python", sys.executable, "--index-url", url)
        done = run_tool("uv", "pip", "compile", *options, tmp_path / "in.txt", env=env)
        assert done.returncode == 0, done.stderr
        return dict(line.split("==") for line in done.stdout.splitlines())

    return resolved
