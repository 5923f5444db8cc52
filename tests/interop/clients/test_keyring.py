"""pip, told a password by a keyring as client-config says."""

import http.server
import os
import re
import sys
import threading
from base64 import b64encode

import pytest
from conftest import run_tool
from distributions import wheel

from index_builder.clientconfig.tools import explained
from index_builder.clientconfig.wanted import Wanted
from index_builder.model.address import Address
from index_builder.model.names import Word

FILE, CONTENT = wheel("acme-core", "1.0")
SECRET = "correct horse"
#: Stands in for the keyring command: it knows one service, and writes down what it is asked.
KEYRING = """\
#!{python}
import json, sys
with open({log!r}, "a") as log:
    log.write(" ".join(sys.argv[1:]) + chr(10))
service = sys.argv[sys.argv.index("get") + 1]
if service != {service!r}:
    raise SystemExit(1)
print(json.dumps({{"username": "alice", "password": {secret!r}}}))
"""


class Closed(http.server.BaseHTTPRequestHandler):
    """An index of one wheel, for alice."""

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Basic " + b64encode(f"alice:{SECRET}".encode()).decode()
        page = f'<!DOCTYPE html><a href="/{FILE}">{FILE}</a>'.encode()
        content = {"/simple/acme-core/": page, f"/{FILE}": CONTENT}.get(self.path) if known else b""
        self.send_response(401 if not known else 404 if content is None else 200)
        if not known:
            self.send_header("WWW-Authenticate", 'Basic realm="internal"')
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_) -> None:
        """Say nothing."""


@pytest.fixture
def closed():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Closed) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_pip_finds_the_password_where_it_was_told_to_put_it(closed, tmp_path):
    """The service of `keyring set` is one that pip looks up, also where the host has a port of its own."""
    address = Address.of(f"https://127.0.0.1:{closed}/")
    said = " ".join(explained("pip", Wanted(audience=Word("internal"), address=address, is_open=False)))
    service = re.search(r"keyring set (\S+) NAME", said)[1]
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(KEYRING.format(python=sys.executable, log=str(tmp_path / "asked"), service=service, secret=SECRET))
    program.chmod(0o755)
    done = run_tool(
        "pip", "--isolated", "--no-input", "--keyring-provider", "subprocess", "download", "--no-deps", "--no-cache-dir", "--dest", tmp_path / "got",
        "--index-url", f"http://127.0.0.1:{closed}/simple/", "acme-core", env=os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, (done.stderr, (tmp_path / "asked").read_text())
    assert (tmp_path / "got" / FILE).read_bytes() == CONTENT
