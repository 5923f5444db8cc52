"""Targets and who reads them: an installer that follows every link, a worker that can be killed, an S3 server that can misbehave."""

import contextlib
import hashlib
import http.client
import http.server
import json
import multiprocessing
import os
import posixpath
import random
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import obstore
import pygit2
import pytest
from servers import running

from index_builder.adapters.object_store import open_bucket

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


class FolderReader:
    """Reads as a web server does over a folder: each path is looked up when it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, path: str) -> bytes | None:
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def paths(self) -> set[str]:
        return {path.relative_to(self.root.resolve()).as_posix() for path in self.root.resolve().rglob("*") if path.is_file()}


class BranchReader:
    """Reads a branch of a bare repository as a host that deploys each commit."""

    def __init__(self, repository: Path, branch: str = "gh-pages") -> None:
        self.repository, self.branch = repository, branch

    def get(self, path: str) -> bytes | None:
        repository = pygit2.Repository(str(self.repository))
        found = repository.branches.get(self.branch)
        try:
            return found.peel(pygit2.Commit).tree[path].data if found else None
        except KeyError:
            return None

    def paths(self) -> set[str]:
        tree = pygit2.Repository(str(self.repository)).branches[self.branch].peel(pygit2.Commit).tree
        index = pygit2.Index()
        index.read_tree(tree)
        return {entry.path for entry in index}


#: The server looks at whether a request is signed, and not at how.
_ANYBODY = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"}


class HttpReader:
    """Reads over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + quote(path), headers=_ANYBODY), timeout=30) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            raise

    def paths(self) -> set[str]:
        """Return the keys of a bucket below this URL."""
        address = urlsplit(self.url)
        bucket, _, prefix = address.path.strip("/").partition("/")
        listing = f"{address.scheme}://{address.netloc}/{bucket}?list-type=2&prefix={prefix}/"
        request = urllib.request.Request(listing, headers=_ANYBODY)
        with urllib.request.urlopen(request, timeout=30) as response:
            keys = re.findall(r"<Key>([^<]+)</Key>", response.read().decode())
        return {key.removeprefix(f"{prefix}/") for key in keys}


class BucketReader:
    """Reads the objects of a bucket, whosever it is, with a publisher's credentials."""

    def __init__(self, url: str, endpoint: str, region: str = "") -> None:
        self.bucket = open_bucket(url, endpoint, region, "reader")

    def get(self, path: str) -> bytes | None:
        found = self.bucket.get(path)
        return found[0] if found else None

    def paths(self) -> set[str]:
        return {path for path, _, _ in self.bucket.list()}

    def headers(self, path: str) -> tuple[str, str]:
        told = obstore.get(self.bucket.store, path).attributes
        return told["Content-Type"], told["Cache-Control"]


@contextmanager
def small_disk(folder: Path, size: str):
    """Put a file system of its own size, `400k` say, at a folder until the block ends; yield what mounts it anew with other options."""
    folder.mkdir(parents=True, exist_ok=True)
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    owner = f"uid={os.getuid()},gid={os.getgid()}"

    def mount(options: str) -> None:
        subprocess.run([*sudo, "mount", "-o", f"{options},{owner}", "tmpfs", str(folder)], check=True)

    try:
        done = subprocess.run(
            [*sudo, "mount", "-t", "tmpfs", "-o", f"size={size},{owner}", "tmpfs", str(folder)], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("mounting a file system is not permitted here")
    if done.returncode:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield mount
    finally:
        subprocess.run([*sudo, "umount", str(folder)], check=True)


@contextmanager
def full(folder: Path):
    """Fill a file system until the block ends."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


def follow(reader) -> int:
    """Follow every link, from the list to the bytes of each file; return how many files there are. What is not there, fails."""
    content = reader.get("simple/index.v1_json")
    if content is None:
        return 0
    count = 0
    for listed in json.loads(content)["projects"]:
        name = listed["name"]
        page, html = (reader.get(f"simple/{name}/index.{form}") for form in ("v1_json", "html"))
        if page is None or html is None:
            again = json.loads(reader.get("simple/index.v1_json"))
            assert name not in {project["name"] for project in again["projects"]}, f"{name} is listed, and has no page"
            continue
        for file in json.loads(page)["files"]:
            path = posixpath.normpath(posixpath.join(f"simple/{name}", file["url"]))
            if file.get("core-metadata"):
                _same(reader, f"{path}.metadata", file["core-metadata"]["sha256"])
            _same(reader, path, file["hashes"]["sha256"])
            count += 1
    return count


def _same(reader, path: str, digest: str) -> None:
    content = reader.get(path)
    assert content is not None, f"{path} is linked, and not there"
    assert hashlib.sha256(content).hexdigest() == digest, f"{path} has other bytes"


class Following:
    """An installer that follows all links again and again in a thread, until the block ends; then what went wrong is raised."""

    def __init__(self, reader) -> None:
        self.reader, self.passes, self.error = reader, 0, None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                follow(self.reader)
            except BaseException as error:  # noqa: BLE001 - it is raised where the block ends
                self.error = error
                return
            self.passes += 1
            self._stop.wait(0.15)  # so that there is time left for whoever publishes

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)
        if self.error:
            raise self.error


_WORKERS = multiprocessing.get_context("forkserver")
_WORKERS.set_forkserver_preload(
    ["index_builder.cli.publish", "index_builder.pipeline.build", "index_builder.pipeline.sign", "index_builder.adapters.git"]
)


def _work(arguments: tuple[str, ...], environment: dict[str, str], folder: str) -> None:
    import index_builder.cli

    os.environ.update(environment)
    os.chdir(folder)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os._exit(index_builder.cli.run([*arguments]))


def begin(folder: Path, *arguments, environment: dict[str, str] | None = None):
    """Begin a command in a process of its own, which can be killed."""
    process = _WORKERS.Process(target=_work, args=(tuple(map(str, arguments)), {**CREDENTIALS, **(environment or {})}, str(folder)))
    process.start()
    return process


def killed_at(process, delay: float) -> bool:
    """Kill a process so many seconds after now; say whether it was still at work."""
    process.join(delay)
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive


@contextmanager
def s3():
    """A real server of the S3 protocol on loopback, with a bucket `acme-index`; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **CREDENTIALS})
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                request = urllib.request.Request(f"{url}/acme-index", method="PUT")
                urllib.request.urlopen(request, timeout=10).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the S3 server does not start"
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


class Faults(http.server.ThreadingHTTPServer):
    """A proxy that lets a share of all requests go wrong: before they arrive, or after, so that only the answer is lost; or out of order."""

    daemon_threads = True

    def __init__(self, behind: str, seed: int, share: float = 0.2) -> None:
        super().__init__(("127.0.0.1", 0), _Faulty)
        self.behind, self.share = behind.removeprefix("http://"), share
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.passing, self.passed = threading.Condition(), 0
        self.requests: list[str] = []
        self.sent = 0
        self.faults = 0
        self.answer: int | None = None
        self.refused: dict[str, tuple[int, str]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault(self, line: str, size: int) -> str:
        with self.lock:
            self.requests.append(line)
            self.sent += size
            if self.random.random() >= self.share:
                return ""
            self.faults += 1
            return self.random.choice(["drop", "lose", "delay", "overtaken", "500", "503", "cut"])

    def let_one_pass(self) -> None:
        """Wait until another request was answered that may have come later, if there is one."""
        with self.passing:
            before = self.passed
            self.passing.wait_for(lambda: self.passed > before, timeout=0.3)

    def handle_error(self, request, client_address) -> None:
        pass


class _Faulty(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Faults

    def log_message(self, format, *args):  # noqa: A002 - the base class's name
        pass

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.answer:
            self._reply(self.server.answer, b"<Error><Code>ExpiredToken</Code></Error>")
            return
        for key, (status, code) in self.server.refused.items():
            if self.command == "GET" and re.search(rf"[?&]{key}\b", self.path):
                self._reply(status, f"<Error><Code>{code}</Code></Error>".encode())
                return
        fault = self.server.fault(f"{self.command} {self.path}", len(body))
        if fault == "drop":
            self._drop()
            return
        if fault.isdigit():
            self._reply(int(fault), b"<Error><Code>SlowDown</Code></Error>")
            return
        if fault == "delay":
            time.sleep(self.server.random.random() * 0.3)
        elif fault == "overtaken":
            self.server.let_one_pass()
        connection = http.client.HTTPConnection(self.server.behind, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "accept-encoding")}
        connection.request(self.command, self.path, body=body, headers=headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        with self.server.passing:
            self.server.passed += 1
            self.server.passing.notify_all()
        if fault == "lose":
            self._drop()
            return
        self._reply(response.status, content, response.getheaders(), cut=fault == "cut" and len(content) > 1)

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _reply(self, status: int, content: bytes, headers=(), *, cut: bool = False) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                self.send_header(name, value)
        length = {name.lower(): value for name, value in headers}.get("content-length", str(len(content)))
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self._drop()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any  # noqa: N815 - the names that the base class looks for


@contextmanager
def faulty(behind: str, seed: int, share: float = 0.2):
    """Run the proxy in a thread; yield it."""
    server = Faults(behind, seed, share)
    with running(server):
        yield server
