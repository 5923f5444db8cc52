"""Other processes and other machines: the same bytes, and a worker that is killed costs nothing but time."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from distributions import wheel
from live import serving
from trees import contents, linked, write_index

from index_builder.adapters.folder_writer import FolderWriter
from index_builder.cli import run
from index_builder.state import MARK

PROJECTS = 1200


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """An index of many linked projects and a few hosted ones, whose bytes are in its pool."""
    root = tmp_path_factory.mktemp("many") / "index"
    write_index(root, {f"p{number}": linked(f"p{number}", ["1.0", "1.1"]) for number in range(PROJECTS)})
    folder = root.parent / "dist"
    folder.mkdir()
    for number in range(6):
        name, content = wheel(f"hosted{number}", "1.0")
        (folder / name).write_bytes(content)
    assert run(["add", "--repo", str(root), "--dist", str(folder), "-q"]) == 0
    return root


@pytest.fixture(scope="module")
def expected(index, tmp_path_factory):
    """The tree as this process alone builds it."""
    folder = tmp_path_factory.mktemp("expected")
    assert run(["build", "--repo", str(index), "--worktree", "--output", str(folder), "-q", "--jobs", "1"]) == 0
    return contents(folder)


@pytest.mark.parametrize("jobs", ["2", "5"])
def test_processes_build_the_same(index, expected, tmp_path, jobs):
    """Pages, lists, packages.json and state are the same bytes."""
    assert run(["build", "--repo", str(index), "--worktree", "--output", str(tmp_path), "-q", "--jobs", jobs]) == 0
    assert contents(tmp_path) == expected


def test_workers_write_what_they_render(index, expected, tmp_path, monkeypatch):
    """In a new tree: first the mark that a build has begun, then project pages, by workers, then by the builder what links to them."""
    log = tmp_path / "log"
    put = FolderWriter.put

    def logged(writer, path, chunks):
        with log.open("a") as stream:
            stream.write(f"{os.getpid()} {path}\n")
        put(writer, path, chunks)

    monkeypatch.setattr(FolderWriter, "put", logged)
    command = ["build", "--repo", str(index), "--worktree", "--output", str(tmp_path / "site"), "-q", "--jobs", "2"]
    assert run(command) == 0
    assert contents(tmp_path / "site") == expected
    lines = [(int(pid), path) for pid, path in (line.split(" ") for line in log.read_text().splitlines())]
    by_workers = {path for pid, path in lines if pid != os.getpid()}
    projects = {path for _, path in lines if path.startswith(("simple/p", "pypi/p", "project/p"))}
    assert len(projects) >= 4 * PROJECTS
    assert projects <= by_workers
    assert not {path for path in by_workers if path in (MARK, "simple/index.html", "index.html")}
    places = {path: number for number, (_, path) in enumerate(lines)}
    first_of_workers = min(places[path] for path in by_workers)
    assert lines.index((os.getpid(), MARK)) < first_of_workers
    assert max(places[path] for path in projects) < places["simple/index.html"] < places[MARK]
    log.unlink()
    assert run([*command, "--full"]) == 0
    assert not log.exists(), "what is there already is compared, and nothing of it written"


def test_a_dry_run_lets_nobody_write(index, tmp_path):
    """Nor the processes that render."""
    output = tmp_path / "site"
    assert run(["build", "--repo", str(index), "--worktree", "--output", str(output), "-q", "--jobs", "2", "--dry-run"]) == 0
    assert not output.exists()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_full_disk_is_told_by_whoever_meets_it(index, expected, tmp_path, monkeypatch, capsys, jobs):
    """With the way out; the next build goes on from what is there."""
    target, replace = f"{tmp_path}/public/simple/p777/index.html", os.replace

    def full(beside, to):
        if to == target:
            raise OSError(28, "No space left on device")
        replace(beside, to)

    command = ["build", "--repo", str(index), "--worktree", "--output", str(tmp_path), "-q", "--jobs", jobs]
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        assert run(command) == 1
    said = capsys.readouterr().err
    assert "No space left" in said
    assert "free some space" in said
    assert "Traceback" not in said
    assert not (tmp_path / "public" / "simple" / "index.html").exists()
    assert run(command) == 0
    assert contents(tmp_path) == expected


def start(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def building(index, output, *arguments):
    return start("-m", "index_builder", "build", "--repo", index, "--worktree", "--output", output, "-q", *arguments)


@contextmanager
def ended(process):
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def children(pid):
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def alive(pid):
    """Whether a process still runs: one that ended and that nobody has asked for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def at_work(process, folder, when):
    """Return a build's workers when they have begun: to gather, or to write pages of projects."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        workers = children(process.pid)
        if workers and (when == "gathering" or list(folder.glob("*/simple/p*"))):
            return workers
        time.sleep(0.005)
    raise AssertionError(when)


def left_of(pids, *, within=30):
    """The processes that still run when `within` seconds have passed: those of a pool see a closed pipe, and end on their own."""
    deadline = time.monotonic() + within
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.mark.parametrize("when", ["gathering", "writing"])
def test_a_killed_process_changes_nothing(index, expected, tmp_path, when):
    """The kernel takes a worker away in the middle: its part is done once more, by the builder itself."""
    with ended(building(index, tmp_path, "--jobs", "2")) as process:
        os.kill(at_work(process, tmp_path, when)[0], signal.SIGKILL)
        assert process.wait(120) == 0
    assert contents(tmp_path) == expected


@pytest.mark.parametrize("when", ["gathering", "writing"])
def test_an_interrupt_leaves_no_process_behind(index, expected, tmp_path, when):
    """Ctrl-C reaches the whole group; the builder ends with 130, and its workers with it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "index_builder", "build", "--repo", str(index), "--worktree", "--output", str(tmp_path), "--jobs", "2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    with ended(process):
        workers = at_work(process, tmp_path, when)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "stopped" in said
    assert left_of(workers) == []
    assert not list(tmp_path.glob("*/state/incoming"))
    assert run(["build", "--repo", str(index), "--worktree", "--output", str(tmp_path), "-q", "--jobs", "2"]) == 0
    assert contents(tmp_path) == expected


@pytest.mark.parametrize("when", ["gathering", "writing"])
def test_a_killed_builder_leaves_no_lock_behind(index, expected, tmp_path, when):
    """Its workers end with it, and the next build gets the folder."""
    with ended(building(index, tmp_path, "--jobs", "2")) as process:
        workers = at_work(process, tmp_path, when)
        process.kill()
        process.wait()
    assert left_of(workers) == []
    assert run(["build", "--repo", str(index), "--worktree", "--output", str(tmp_path), "-q", "--jobs", "1"]) == 0
    assert contents(tmp_path) == expected


@contextmanager
def clusters(tmp_path):
    """A scheduler and two workers of `distributed` on loopback: its address, and the workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with ExitStack() as stack:
        host, port = address.split(":")
        module = "distributed.cli.dask_scheduler"
        stack.enter_context(
            ended(start("-m", module, "--host", host, "--port", port, "--no-dashboard", "--no-show", "--dashboard-address", "127.0.0.1:0"))
        )
        workers = [
            stack.enter_context(
                ended(
                    start(
                        "-m",
                        "distributed.cli.dask_worker",
                        f"tcp://{address}",
                        "--host",
                        host,
                        "--no-nanny",
                        "--no-dashboard",
                        "--nthreads",
                        "1",
                        "--local-directory",
                        tmp_path / f"worker{number}",
                        "--dashboard-address",
                        "127.0.0.1:0",
                    )
                )
            )
            for number in range(2)
        ]
        _wait_for_workers(address, len(workers))
        yield address, workers


@pytest.fixture
def cluster(tmp_path):
    with clusters(tmp_path) as made:
        yield made


def _wait_for_workers(address, count):
    from distributed import Client

    with Client(f"tcp://{address}", timeout=60, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kill", [pytest.param(False, marks=pytest.mark.long), True])
def test_a_cluster_builds_the_same(index, expected, cluster, tmp_path, kill):
    """Two workers of a real scheduler: the same bytes, also where one of them is killed in the middle."""
    address, workers = cluster
    with ended(building(index, tmp_path / "site", "--executor", f"dask://{address}")) as process:
        if kill:
            while not list((tmp_path / "site").glob("*/simple/p*")) and process.poll() is None:
                time.sleep(0.01)
            workers[0].kill()
        assert process.wait(200) == 0
    assert contents(tmp_path / "site") == expected


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_cluster_fetches(tmp_path, trusted, monkeypatch, cli, repo):
    """Files that the pool lacks are fetched by workers, into the pool that all reach; one that is gone is a problem at its line."""
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    served = tmp_path / "tls" / "packages"
    served.mkdir(parents=True)
    names = [wheel(f"far{number}", "1.0") for number in range(70)]
    for name, content in names:
        (served / name).write_bytes(content)
    with serving(tmp_path / "tls", trusted) as live, clusters(tmp_path) as (address, _):
        assert cli("add", "--url", *(f"{live.url}/packages/{name}" for name, _ in names), "-q").code == 0
        assert cli("build", "--worktree", "-q", "--output", tmp_path / "near").code == 0
        shutil.rmtree(repo / ".pool")
        live.requests.clear()
        done = cli("build", "--worktree", "--output", tmp_path / "far", "--executor", f"dask://{address}")
        assert done.code == 0, done.err
        assert "Fetching" not in done.err
        assert len(live.asked("/packages/")) == len(names)
        assert contents(tmp_path / "far") == contents(tmp_path / "near")
        shutil.rmtree(repo / ".pool")
        (served / names[7][0]).unlink()
        done = cli("build", "--worktree", "--output", tmp_path / "again", "--executor", f"dask://{address}")
        assert (done.code, done.err.count("error[bytes-not-reachable]")) == (1, 1), done.err


def test_a_cluster_that_is_not_there(index, tmp_path, cli, monkeypatch):
    """It is said which scheduler does not answer, with exit code 3."""
    from index_builder.adapters import workers

    monkeypatch.setattr(workers, "_PATIENCE", 1)
    done = cli("build", "--repo", index, "--worktree", "--output", tmp_path, "--executor", "dask://127.0.0.1:9")
    assert (done.code, "no dask scheduler answers at 127.0.0.1:9" in done.err) == (3, True), done.err
