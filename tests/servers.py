"""A small HTTP server on loopback that does what a script says: breaks off, drips, lies, redirects; and remembers what it was asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

LOOPBACK = (ip_network("127.0.0.0/8"),)
_MOST = 64 * 1024 * 1024
_LONGEST = 20.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer.

    `ranges`: honour Range. `drop_after`: break the connection after so many bytes of the body. `piece` and `pause`: send
    the body in pieces of so many bytes, with so many seconds between them. `endless`: send the body again and again.
    `lie`: the Content-Range to claim. `head_pause`: seconds between the bytes of the status line. `gate`: wait for this
    event before the body goes on after its first piece.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    drop_after: int | None = None
    piece: int = 65536
    pause: float = 0.0
    endless: bool = False
    lie: str = ""
    head_pause: float = 0.0
    gate: threading.Event | None = None
    with_length: bool = True


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came, the number of its connection, and the bytes of body that were sent for it."""

    path: str
    headers: dict[str, str]
    connection: int
    sent: list[int]


class Server(ThreadingHTTPServer):
    """The server; `url` is its root. Replies are given in turn for each path, the last one again and again."""

    daemon_threads = True
    block_on_close = True
    request_queue_size = 64

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = context
        self.asked: list[Asked] = []
        self.connections = 0
        self.most_at_once = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()
        self._at_once = 0
        self._replies: dict[str, deque[Reply]] = defaultdict(deque)

    @property
    def url(self) -> str:
        scheme = "https" if self.context else "http"
        return f"{scheme}://127.0.0.1:{self.server_address[1]}"

    def on(self, path: str, *replies: Reply) -> str:
        """Say how `path` is answered; return its URL."""
        self._replies[path].extend(replies)
        return self.url + path

    def reply(self, path: str) -> Reply:
        with self.lock:
            replies = self._replies.get(path)
            if not replies:
                return Reply(status=404)
            return replies.popleft() if len(replies) > 1 else replies[0]

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self.lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self.lock:
                self._at_once -= 1

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:
        request.settimeout(_LONGEST)
        with self.lock:
            self.connections += 1
        try:
            if self.context:
                request = self.context.wrap_socket(request, server_side=True)
            with self.lock:
                self.open.add(request)
            super().process_request_thread(request, client_address)
        except OSError:
            self.shutdown_request(request)
        finally:
            with self.lock:
                self.open.discard(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are what tests want to see."""

    def close(self) -> None:
        self.closing.set()
        self.shutdown()
        with self.lock:
            waiting = list(self.open)
        for request in waiting:
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.number = self.server.connections

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def do_GET(self) -> None:
        with self.server.counted():
            self._answer(self.server.reply(self.path))

    def _answer(self, reply: Reply) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        sent = [0]
        self.server.asked.append(Asked(path=self.path, headers=headers, connection=self.number, sent=sent))
        status, body, fields = reply.status, reply.body, dict(reply.headers)
        asked = headers.get("range", "")
        if asked and reply.ranges and status == 200:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                status, fields, body = 416, {**fields, "Content-Range": f"bytes */{len(body)}"}, b""
            else:
                fields["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                status, body = 206, body[start:]
        if reply.lie and status in (200, 206):
            status, fields["Content-Range"] = 206, reply.lie
        if reply.with_length and not reply.endless:
            fields["Content-Length"] = str(len(body))
        else:
            fields["Connection"] = "close"
        self._head(status, fields, reply.head_pause)
        self._body(reply, body, sent)
        self.close_connection = self.close_connection or "Connection" in fields or reply.drop_after is not None

    def _head(self, status: int, fields: dict[str, str], pause: float) -> None:
        head = "".join([f"HTTP/1.1 {status} Scripted\r\n", *(f"{name}: {value}\r\n" for name, value in fields.items()), "\r\n"])
        if not pause:
            self.wfile.write(head.encode("latin-1"))
            return
        for letter in head.encode("latin-1"):
            self.wfile.write(bytes([letter]))
            if self.server.closing.wait(pause):
                return

    def _body(self, reply: Reply, body: bytes, sent: list[int]) -> None:
        whole = body if reply.drop_after is None else body[: reply.drop_after]
        until = time.monotonic() + _LONGEST
        while True:
            for start in range(0, len(whole), reply.piece):
                piece = whole[start : start + reply.piece]
                self.wfile.write(piece)
                sent[0] += len(piece)
                if reply.pause and self.server.closing.wait(reply.pause):
                    return
                if reply.gate is not None:
                    reply.gate.wait(_LONGEST)
                if time.monotonic() > until or sent[0] > _MOST:
                    return
            if not reply.endless:
                return


@contextmanager
def running(server: ThreadingHTTPServer, certificate: Path | None = None) -> Iterator[str]:
    """Run a server in a thread until the block ends, over TLS with a PEM file of key and certificate; yield its URL."""
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Yield a server that runs until the block ends."""
    server = Server(context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
