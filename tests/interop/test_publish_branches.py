"""Branches over HTTPS and ssh: git's own server behind TLS, or behind a server for ssh, which lets in who has the token, or the key."""

import asyncio
import base64
import http.server
import os
import shlex
import subprocess
import threading
from contextlib import contextmanager

import asyncssh
import pygit2
import pytest
from conftest import commit_all
from distributions import wheel
from published import BranchReader, follow
from servers import running

from index_builder.adapters import git_remote

TOKEN = "a-secret-token"


class _Backend(http.server.BaseHTTPRequestHandler):
    """`git http-backend` as a web server runs it."""

    def log_message(self, format, *args):  # noqa: A002 - the base class's name
        pass

    def _answer(self) -> None:
        expected = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {expected}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self._body()
        status, is_done = self.server.failing.pop(0) if self.server.failing and self.command == "POST" else (0, False)
        if status and not is_done:
            self._fail(status)
            return
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.server.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
            "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)), "REMOTE_USER": "publisher", "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_CONFIG_NOSYSTEM": "1", "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
        if status:
            self._fail(status)
            return
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        self.send_response(next((int(value.split()[0]) for name, value in fields if name == "Status"), 200))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _fail(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    do_GET = do_POST = _answer  # noqa: N815 - the names that the base class looks for


@contextmanager
def serving(root, certificate):
    """Serve repositories; yield the server. `failing` are status codes of its next answers to POST, each with whether it was done first."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Backend)
    server.root, server.failing = root, []
    with running(server, certificate) as url:
        server.url = url
        yield server


@pytest.fixture
def remote(repo, cli, dist, trusted, tmp_path, monkeypatch):
    """An index that publishes to a branch behind HTTPS; yields the bare repository."""
    with _remote(repo, cli, dist, trusted, tmp_path, monkeypatch) as (bare, _):
        yield bare


@contextmanager
def _remote(repo, cli, dist, trusted, tmp_path, monkeypatch):
    bare = tmp_path / "served" / "index.git"
    pygit2.init_repository(str(bare), bare=True)
    repository = pygit2.Repository(str(bare))
    repository.config["http.receivepack"] = "true"
    repository.config["uploadpack.allowFilter"] = "true"
    repository.config["uploadpack.allowAnySHA1InWant"] = "true"
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "authority.pem"))
    assert cli("add", "--dist", dist(wheel("acme-utils", "1.0"))).code == 0
    with serving(bare.parent, trusted) as server:
        text = (repo / "index.yaml").read_text()
        (repo / "index.yaml").write_text(
            f"{text}publish:\n  - {{name: pages, audience: public, kind: pages-branch, repository: '{server.url}/index.git'}}\n"
        )
        commit_all(repo)
        yield bare, server


@pytest.mark.parametrize("failing", [[(502, False)], [(503, False), (502, True)], [(502, True)]])
def test_a_server_that_fails_for_a_moment_is_asked_again(repo, cli, dist, trusted, tmp_path, monkeypatch, failing):
    """A push that was answered with an error, whether it was done or not, ends with what is right."""
    monkeypatch.setenv("INDEX_BUILDER_GIT_TOKEN", TOKEN)
    monkeypatch.setattr(git_remote, "_PAUSES", (0.1, 0.1))
    with _remote(repo, cli, dist, trusted, tmp_path, monkeypatch) as (bare, server):
        assert cli("publish", "-q").code == 0
        assert cli("add", "--dist", dist(wheel("acme-core", "1.0"))).code == 0
        commit_all(repo)
        server.failing[:] = failing
        done = cli("publish", "-q")
        assert done.code == 0, done.err
        assert server.failing == []
        assert follow(BranchReader(bare)) == 2
        assert cli("add", "--dist", dist(wheel("acme-more", "1.0"))).code == 0
        commit_all(repo)
        server.failing[:] = [(502, False)] * 3
        done = cli("publish", "-q")
        assert (done.code, "502" in done.err) == (3, True), done.err
        assert follow(BranchReader(bare)) == 2


def test_a_token_pushes_over_https(remote, repo, cli, dist, monkeypatch, tmp_path):
    """With the token it is live; a machine that has nothing fetches trees alone, and changes what differs."""
    monkeypatch.setenv("INDEX_BUILDER_GIT_TOKEN", TOKEN)
    assert cli("publish", "-q").code == 0
    assert follow(BranchReader(remote)) == 1
    (repo / ".publish").rename(tmp_path / "other-machine")
    assert cli("add", "--dist", dist(wheel("acme-core", "1.0"))).code == 0
    commit_all(repo)
    done = cli("publish", "-q")
    assert done.code == 0, done.err
    assert follow(BranchReader(remote)) == 2
    have = pygit2.Repository(str(repo / ".publish" / "pages.git"))
    page = pygit2.Repository(str(remote)).branches["gh-pages"].peel(pygit2.Commit).tree["simple/acme-utils/index.html"]
    assert str(page.id) not in have, "what stays is not downloaded"


def test_without_it_nobody_is_asked(remote, cli, monkeypatch):
    """A missing or a wrong token ends with what to give, and is not in the message."""
    done = cli("publish", "-q")
    assert done.code == 3
    assert "INDEX_BUILDER_GIT_TOKEN" in done.err
    monkeypatch.setenv("INDEX_BUILDER_GIT_TOKEN", "wrong-one")
    done = cli("publish", "-q")
    assert done.code == 3
    assert "INDEX_BUILDER_GIT_TOKEN" in done.err
    assert "wrong-one" not in done.err


async def _run(process: asyncssh.SSHServerProcess) -> None:
    """Run git's own side of a fetch or a push, and nothing else."""
    program, path = shlex.split(process.command)
    assert program in ("git-upload-pack", "git-receive-pack")
    pipe = asyncio.subprocess.PIPE
    git = await asyncio.create_subprocess_exec(program, path, stdin=pipe, stdout=pipe, stderr=pipe)
    await process.redirect(stdin=git.stdin, stdout=git.stdout, stderr=git.stderr)
    process.exit(await git.wait())
    await process.wait_closed()


@contextmanager
def serving_ssh(folder):
    """Let in over ssh, on loopback, who has `folder/key`; yield the port. The host's key is in `folder/known`."""
    host, user = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    user.write_private_key(str(folder / "key"))
    (folder / "key").chmod(0o644)
    user.write_public_key(str(folder / "authorized"))
    ready, found = threading.Event(), {}

    async def listen():
        found["loop"], found["end"] = asyncio.get_running_loop(), asyncio.Event()
        keys = {"server_host_keys": [host], "authorized_client_keys": str(folder / "authorized")}
        async with await asyncssh.listen("127.0.0.1", 0, **keys, process_factory=_run, encoding=None) as server:
            found["port"] = server.get_port()
            ready.set()
            await found["end"].wait()

    thread = threading.Thread(target=asyncio.run, args=(listen(),), daemon=True)
    thread.start()
    assert ready.wait(30)
    (folder / "known").write_text(f"[127.0.0.1]:{found['port']} {host.export_public_key().decode()}")
    try:
        yield found["port"]
    finally:
        found["loop"].call_soon_threadsafe(found["end"].set)
        thread.join(10)


def test_a_key_pushes_over_ssh(repo, cli, dist, tmp_path, monkeypatch):
    """The real ssh client, with a key that the host lets in: live, and again with a change; without it, or a host's key, it is said what to do."""
    bare = tmp_path / "index.git"
    pygit2.init_repository(str(bare), bare=True)
    assert cli("add", "--dist", dist(wheel("acme-utils", "1.0"))).code == 0
    with serving_ssh(tmp_path) as port:
        target = f"{{name: pages, audience: public, kind: pages-branch, repository: 'ssh://git@127.0.0.1:{port}{bare}'}}"
        (repo / "index.yaml").write_text(f"{(repo / 'index.yaml').read_text()}publish:\n  - {target}\n")
        commit_all(repo)
        alone = "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none"
        monkeypatch.setenv("GIT_SSH_COMMAND", f"{alone} -i {tmp_path / 'key'} -o UserKnownHostsFile={tmp_path / 'nobody'}")
        done = cli("publish", "-q")
        assert done.code == 3
        assert "add the host's key to known_hosts first" in done.err
        monkeypatch.setenv("GIT_SSH_COMMAND", f"{alone} -i {tmp_path / 'none'} -o UserKnownHostsFile={tmp_path / 'known'}")
        done = cli("publish", "-q")
        assert done.code == 3
        assert "an ssh key to the agent" in done.err
        monkeypatch.setenv("GIT_SSH_COMMAND", f"{alone} -i {tmp_path / 'key'} -o UserKnownHostsFile={tmp_path / 'known'}")
        assert "chmod 600" in cli("publish", "-q").err
        (tmp_path / "key").chmod(0o600)
        done = cli("publish", "-q")
        assert done.code == 0, done.err
        assert follow(BranchReader(bare)) == 1
        assert cli("add", "--dist", dist(wheel("acme-core", "1.0"))).code == 0
        commit_all(repo)
        assert cli("publish", "-q").code == 0
        assert follow(BranchReader(bare)) == 2
