"""One index and one toolbox a session, and the runs of the clients, two at a time."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from conftest import ROOT, run_tool
from distributions import wheel
from interop.clients.behaviours import CLIENTS, PIPS, SELDOM, WANTED, expected
from interop.clients.hosted import EASY, SETUPTOOLS, Hosting, expected_hosted
from interop.clients.hosted import run as hosted_run
from interop.clients.programs import UV, Outcome, Place
from live import serving

# The tools come from the machine's ordinary registry, before any fixture cleans its settings away.
MACHINE = dict(os.environ)
HERE = Path(__file__).parent
TAG = "py2.py3-none-any"


def pytest_collection_modifyitems(items):
    """Leave out the clients that only a long run drives."""
    for item in items:
        if item.path.parent == HERE and _is_seldom(item):
            item.add_marker(pytest.mark.skip(reason="takes long: make test-long"))


def _is_seldom(item) -> bool:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return not SELDOM.isdisjoint((*params.get("run", ()), *params.get("hosted", ())))


@dataclass
class Results:
    """What the tests of this session found: the cells of the table, and the version of each tool."""

    cells: dict[tuple[str, str], str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    hosted: dict[tuple[str, str, str], str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def results():
    return Results()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Build the index by the command line; in what is published, the wheel of eta is another than its page says."""
    root, dist = tmp_path_factory.mktemp("clients") / "index", tmp_path_factory.mktemp("dist")
    files = [
        wheel("alpha", "1.0", tag=TAG), wheel("alpha", "1.1", tag=TAG, requires_python=">=4"),
        wheel("beta", "2.0", tag=TAG, requires=["alpha", 'gamma-ray; extra == "fast"'], extras=["fast"]),
        wheel("Gamma.Ray", "3.0", tag=TAG), wheel("delta", "1.0", tag=TAG), wheel("epsilon", "1.0", tag=TAG),
        wheel("epsilon", "2.0a1", tag=TAG), wheel("zeta", "1.0", tag=TAG), wheel("zeta", "2.0", tag=TAG), wheel("eta", "1.0", tag=TAG),
        wheel("iota", "1.0", tag=TAG), wheel("iota", "1.1", tag=TAG),
    ]  # fmt: skip
    for name, content in files:
        (dist / name).write_bytes(content)
    clean = {name: value for name, value in MACHINE.items() if not name.startswith(("INDEX_BUILDER_", "GIT_"))}

    def build(*arguments) -> None:
        done = run_tool("index_builder", *arguments, env=clean | {"GIT_CONFIG_GLOBAL": os.devnull})
        assert done.returncode == 0, done.stdout + done.stderr

    build("init", root)
    build("add", "--repo", root, "--dist", dist)
    build("yank", "--repo", root, "iota", "1.1", "--reason", 'broken <here> & "there"')
    manifests = root / "packages.d"
    delta = manifests / "delta.yaml"
    delta.write_text(delta.read_text() + "status: {state: quarantined, reason: stolen, at: 2026-01-01T00:00:00Z}\n")
    zeta = manifests / "zeta.yaml"
    zeta.write_text(re.sub("uploaded: .*", "uploaded: 2020-01-01T00:00:00Z", zeta.read_text(), count=1))
    build("build", "--repo", root, "--worktree", "--quiet")
    public = root / "site" / "public"
    next(public.rglob("eta-1.0-*.whl")).write_bytes(wheel("eta", "1.0", tag=TAG, body="evil = True\n")[1])
    return public


@pytest.fixture(scope="session")
def toolbox(tmp_path_factory, results):
    """Install every client, each into a folder of its own, and note the versions."""
    folder = tmp_path_factory.mktemp("toolbox")
    environment = MACHINE | {"UV_PYTHON_DOWNLOADS": "never", "UV_CACHE_DIR": MACHINE.get("UV_CACHE_DIR", str(folder / "cache"))}

    def uv(*arguments) -> None:
        command = [UV, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr

    def locked(file: Path) -> None:
        uv("venv", "--python", sys.executable, folder / file.stem)
        uv("pip", "install", "--require-hashes", "--python", folder / file.stem, "-r", file)

    def line(name: str, version: str, place: str) -> None:
        uv("pip", "install", "--no-deps", "--python", sys.executable, "--target", folder / place, f"{name}=={version}")

    with ThreadPoolExecutor(2) as pool:
        work = [pool.submit(locked, file) for file in sorted((ROOT / "requirements" / "clients").glob("*.txt"))]
        work += [pool.submit(line, "pip", pip.version, f"pip {pip.version}") for pip in PIPS if pip.name not in SELDOM]
        work.append(pool.submit(line, "setuptools", SETUPTOOLS, EASY))
        for one in work:
            one.result()
    for name in {client.distribution for client in CLIENTS} & {path.name for path in folder.iterdir()}:
        where = [str(path) for path in (folder / name).glob("lib/python*/site-packages")]
        results.versions[name] = next(iter(importlib.metadata.distributions(name=name, path=where))).version
    results.versions["uv"] = importlib.metadata.version("uv")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def outcomes(request, site, toolbox, tmp_path_factory):
    """Start the runs that the chosen tests ask for, each once, in the order of the tests."""
    clients = {client.name: client for client in CLIENTS}

    def start(name: str, scenario: str) -> Outcome:
        folder = tmp_path_factory.mktemp(f"{name}-{scenario}".replace(" ", "-"))
        act = getattr(clients[name], scenario if scenario in ("lock", "pylock", "read") else "install")
        more = {"cutoff": True} if scenario == "dated" else {}
        with serving(site) as live:
            outcome = act(Place(folder, live, toolbox), *WANTED.get(scenario, ()), **more)
        shutil.rmtree(folder)
        return replace(outcome, client=name)

    pool = ThreadPoolExecutor(2)
    yield {key: pool.submit(start, *key) for key in _asked(request, "run")}
    pool.shutdown(cancel_futures=True)


@pytest.fixture
def run(request, outcomes: dict[tuple[str, str], Future]) -> Outcome:
    """Return what came of the run that the test names."""
    return outcomes[request.param].result()


@pytest.fixture
def cell(run, results) -> Callable[[str, str], None]:
    """Check the word of a cell and record it: the last thing that a test does."""

    def record(behaviour: str, word: str) -> None:
        assert word == expected(run.client, behaviour), run.said
        results.cells[run.client, behaviour] = word

    return record


def _asked(request, name: str) -> dict:
    """Return what the chosen tests ask for by a parameter, each once, in the order of the tests."""
    items = [item for item in request.session.items if item.path.parent == HERE and hasattr(item, "callspec") and not _is_seldom(item)]
    return dict.fromkeys(item.callspec.params[name] for item in items if name in item.callspec.params)


@pytest.fixture(scope="session")
def hosted_outcomes(request, site, toolbox, tmp_path_factory):
    """Start the runs behind web servers, as `outcomes` does."""
    with tempfile.TemporaryDirectory(prefix="hosts-") as name:
        hosting = Hosting.of(site, Path(name))

        def start(kind: str, client: str, scenario: str) -> Outcome:
            folder = Path(name) / f"{kind}-{client}-{scenario}".replace(" ", "-")
            outcome = hosted_run(hosting, toolbox, kind, client, scenario, folder)
            shutil.rmtree(folder)
            return outcome

        pool = ThreadPoolExecutor(2)
        yield {key: pool.submit(start, *key) for key in _asked(request, "hosted")}
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def hosted(request, hosted_outcomes) -> Outcome:
    """Return what came of the run behind a web server that the test names."""
    return hosted_outcomes[request.param].result()


@pytest.fixture
def hosted_cell(request, hosted, results) -> Callable[[str, str], None]:
    """Check the word of a cell of the table of hosts and record it."""
    kind, client, _ = request.node.callspec.params["hosted"]

    def record(column: str, word: str) -> None:
        assert word == expected_hosted(client, column), hosted.said
        results.hosted[kind, client, column] = word

    return record
