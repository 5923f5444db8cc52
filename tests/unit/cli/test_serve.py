"""`serve` and the module entry point, as processes of their own."""

import gc
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import warnings

import pytest
import uvicorn
from conftest import run_tool
from distributions import wheel


@pytest.fixture
def built(repo, cli, dist):
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    assert cli("build", "--worktree", "-q").code == 0
    return repo


def start(repo, *arguments):
    command = [sys.executable, "-m", "index_builder", "serve", "--port", "0", *arguments]
    return subprocess.Popen(command, cwd=repo, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serve_until_stopped(built, how):
    """It says where it serves and how to install, logs a line a request, and ends when it is told to."""
    process = start(built)
    try:
        lines = [process.stderr.readline() for _ in range(3)]
        url = re.search(r"http://127\.0\.0\.1:\d+", lines[0])[0]
        assert f"pip install --index-url {url}/simple/ PROJECT" in lines[1]
        assert f"uv pip install --index-url {url}/simple/ PROJECT" in lines[2]
        with urllib.request.urlopen(f"{url}/simple/demo/", timeout=10) as answer:
            assert b"demo-1.0" in answer.read()
        assert process.stderr.readline() == "GET /simple/demo/ 200\n"
    finally:
        process.send_signal(how)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_a_port_in_use_is_said(built, cli):
    """Another server on the port is an error with the way out."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = cli("serve", "--port", other.getsockname()[1])
    assert done.code == 2
    assert "--port 0" in done.err


def test_one_of_several_audiences(built, cli):
    """With several trees, the audience must be named."""
    (built / "site" / "internal" / "simple").mkdir(parents=True)
    done = cli("serve")
    assert done.code == 2
    assert "choose with --audience: internal, public" in done.err


def test_the_module_is_the_command(built):
    """`python -m index_builder` does what `index-builder` does, exit codes included."""
    done = run_tool("index_builder", "build", "--repo", built)
    assert done.returncode == 1
    assert "no commit yet" in done.stderr
    assert run_tool("index_builder", "--help").stdout.startswith("Usage: index-builder")


def test_a_closed_pipe_is_no_traceback(built):
    """`index-builder build --format json | head -0` ends quietly."""
    command = f"{sys.executable} -m index_builder check --worktree --format json | true"
    done = subprocess.run(["bash", "-c", command], cwd=built, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_answers_on_a_kept_connection_do_not_wait():
    """The socket says that it is TCP, for which asyncio turns Nagle's algorithm off: else each answer but the first takes 40 ms."""
    import socket

    from index_builder.cli.serve import listening

    with listening("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_ctrl_c_before_the_server_has_begun(built, cli, monkeypatch):
    """It ends as it does later: with 0, and without a word of a coroutine that nobody waited for."""

    def run(server, sockets):
        server.serve(sockets)
        sockets[0].close()
        raise KeyboardInterrupt

    monkeypatch.setattr(uvicorn.Server, "run", run)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        done = cli("serve", "--port", "0")
        gc.collect()
    assert done.code == 0, done.err
    assert not [str(warning.message) for warning in said if issubclass(warning.category, RuntimeWarning)]
