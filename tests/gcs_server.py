"""A GCS on loopback, as far as its XML interface is used: objects with generations, and conditions on them."""

import hashlib
import http.server
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from servers import running


class Gcs(http.server.ThreadingHTTPServer):
    """`objects` has content, generation and headers of each key, `asked` a line a request with its condition.

    Its clock is `ahead` by so many seconds.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.objects: dict[str, tuple[bytes, int, dict[str, str]]] = {}
        self.asked: list[str] = []
        self.generation = 1_700_000_000_000_000
        self.lock = threading.Lock()
        self.ahead = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Gcs

    def log_message(self, format, *args):  # noqa: A002 - the base class's name
        pass

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        key, condition = unquote(address.path).lstrip("/"), self.headers.get("x-goog-if-generation-match")
        with self.server.lock:
            self.server.asked.append(f"{self.command} {unquote(self.path)} {condition or ''}")
            there = self.server.objects.get(key)
            if self.command == "PUT":
                if condition is not None and int(condition) != (there[1] if there else 0):
                    self._reply(412, b"<Error><Code>PreconditionFailed</Code></Error>")
                    return
                self.server.generation += 1
                kept = {name: self.headers[name] for name in ("Content-Type", "Cache-Control") if name in self.headers}
                there = self.server.objects[key] = (body, self.server.generation, kept)
                self._reply(200, b"", there)
            elif self.command == "DELETE":
                self._reply(204 if self.server.objects.pop(key, None) else 404, b"")
            elif "list-type=2" in address.query:
                self._list(unquote(address.path).strip("/"))
            elif there is None:
                self._reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
            else:
                self._reply(200, there[0], there)

    def _list(self, bucket: str) -> None:
        entries = "".join(
            f"<Contents><Key>{escape(key.removeprefix(bucket + '/'))}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f'<ETag>"x"</ETag><Size>{len(there[0])}</Size></Contents>'
            for key, there in sorted(self.server.objects.items())
        )
        self._reply(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode())

    def _reply(self, status: int, content: bytes, there=None) -> None:
        self.send_response_only(status)
        if there:
            self.send_header("ETag", f'"{hashlib.md5(there[0], usedforsecurity=False).hexdigest()}"')
            self.send_header("x-goog-generation", str(there[1]))
            self.send_header("Last-Modified", formatdate(time.time() + self.server.ahead, usegmt=True))
            for name, value in there[2].items():
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = _any  # noqa: N815 - the names that the base class looks for


@contextmanager
def gcs():
    """Run it in a thread; yield it."""
    server = Gcs()
    with running(server):
        yield server


class GcsReader:
    """Reads objects as installers get them."""

    def __init__(self, server: Gcs, prefix: str) -> None:
        self.server, self.prefix = server, prefix

    def get(self, path: str) -> bytes | None:
        found = self.server.objects.get(self.prefix + path)
        return found[0] if found else None
