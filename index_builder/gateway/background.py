"""An application that is served in a thread, while something else is done."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def running(application: ASGIApp, listener: socket.socket, name: str) -> Iterator[None]:
    """Serve on a socket that listens, in a thread of that name, until the block ends."""
    config = uvicorn.Config(application, log_level="critical", access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(3)
