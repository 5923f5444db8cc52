"""A built tree behind a real HTTP server on loopback, with every request noted."""

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from index_builder.gateway.tree import TreeServer


@dataclass
class Live:
    """`requests` grows by a line such as `GET /simple/six/ 200`."""

    url: str
    requests: list[str] = field(default_factory=list)

    @property
    def simple(self) -> str:
        return f"{self.url}/simple/"

    def asked(self, part: str) -> list[str]:
        return [line for line in self.requests if part in line]


@contextmanager
def serving(root: Path, certificate: Path | None = None, between=lambda app: app, port=0):
    """Serve the tree in `root` until the block ends; with a PEM file of key and certificate, over TLS; `between` may do evil."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    live = Live(f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}")
    app = between(TreeServer(root).application(live.requests.append))
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", ssl_certfile=certificate)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield live
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
