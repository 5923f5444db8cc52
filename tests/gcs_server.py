"""A GCS on loopback, as far as its XML interface is used: objects with generations, conditions on them, parts; and who gives tokens for it.

Written after Google's documentation of the interface; there is no emulator of it among what the tests may install.
"""

import base64
import functools
import hashlib
import http.server
import itertools
import json
import re
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from servers import running

_WHO = "publisher@acme.example.org"
#: As a real one is called: by its number, google-auth would ask another host for the project.
_POOL = "//iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/acme/providers/workflows"


class Gcs(http.server.ThreadingHTTPServer):
    """`objects` has content, generation and headers of each key, `asked` a line a request with its condition.

    Its clock is `ahead` by so many seconds. `uploads` has key, headers and parts of each upload that was begun. What `fault` returns
    for a line is an answer's status in the place of what would be done.
    """

    daemon_threads = True
    scheme = "http"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.objects: dict[str, tuple[bytes, int, dict[str, str]]] = {}
        self.asked: list[str] = []
        self.generation = 1_700_000_000_000_000
        self.lock = threading.Lock()
        self.ahead = 0.0
        self.uploads: dict[str, tuple[str, dict[str, str], dict[int, bytes]]] = {}
        self.tokens: set[str] = set()
        self.fault = lambda line: 0
        self.numbers = itertools.count(1)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address) -> None:
        """Clients go away."""


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Gcs

    def log_message(self, format, *args):  # noqa: A002 - the base class's name
        pass

    def handle_expect_100(self) -> bool:
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        key, condition = unquote(address.path).lstrip("/"), self.headers.get("x-goog-if-generation-match")
        asked = parse_qs(address.query, keep_blank_values=True)
        line = f"{self.command} {unquote(self.path)} {condition or ''}"
        if (status := self.server.fault(line)) != 0:
            self._reply(status, b"<Error><Code>Fault</Code><Message>fault</Message></Error>")
            return
        with self.server.lock:
            if key == "token":
                self._give_token(parse_qs(body.decode()))
                return
            self.server.asked.append(line)
            if self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.server.tokens:
                self._reply(401, b"<Error><Code>AuthenticationRequired</Code><Message>Authentication required.</Message></Error>")
            elif asked.keys() & {"uploads", "uploadId"}:
                self._answer_upload(key, {name: values[0] for name, values in asked.items()}, body)
            else:
                self._answer(key, condition, address.query, body)

    def _answer(self, key: str, condition: str | None, query: str, body: bytes) -> None:
        there = self.server.objects.get(key)
        if self.command == "PUT":
            if condition is not None and int(condition) != (there[1] if there else 0):
                self._reply(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            else:
                self._reply(200, b"", self._put(key, body, self._kept()))
        elif self.command == "DELETE":
            self._reply(204 if self.server.objects.pop(key, None) else 404, b"")
        elif "list-type=2" in query:
            self._list(key.strip("/"))
        elif there is None:
            self._reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._reply(200, there[0], there)

    def _kept(self) -> dict[str, str]:
        return {name: self.headers[name] for name in ("Content-Type", "Cache-Control") if name in self.headers}

    def _put(self, key: str, body: bytes, kept: dict[str, str]):
        self.server.generation += 1
        there = self.server.objects[key] = (body, self.server.generation, kept)
        return there

    def _answer_upload(self, key: str, asked: dict[str, str], body: bytes) -> None:
        uploads, name = self.server.uploads, asked.get("uploadId", "")
        if "uploads" in asked and self.command == "GET":
            begun = "".join(
                f"<Upload><Key>{escape(at.partition('/')[2])}</Key><UploadId>{one}</UploadId><Initiated>2026-01-01T00:00:00Z</Initiated></Upload>"
                for one, (at, _, _) in uploads.items()
                if at.startswith(f"{key.strip('/')}/{asked.get('prefix', '')}")
            )
            self._reply(200, f"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{begun}</ListMultipartUploadsResult>".encode())
        elif "uploads" in asked:
            name = f"upload-{next(self.server.numbers)}"
            uploads[name] = (key, self._kept(), {})
            self._reply(200, f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId></InitiateMultipartUploadResult>".encode())
        elif name not in uploads or uploads[name][0] != key:
            self._reply(404, b"<Error><Code>NoSuchUpload</Code><Message>no such upload</Message></Error>")
        elif self.command == "PUT":
            uploads[name][2][int(asked["partNumber"])] = body
            self._reply(200, b"", (body, 0, {}))
        elif self.command == "GET":
            parts = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{_md5(part)}</ETag><Size>{len(part)}</Size></Part>"
                for number, part in sorted(uploads[name][2].items())
            )
            self._reply(200, f"<ListPartsResult><IsTruncated>false</IsTruncated>{parts}</ListPartsResult>".encode())
        else:
            named = [int(number) for number in re.findall(rb"<PartNumber>([0-9]+)<", body)]
            _, kept, parts = uploads.pop(name)
            there = self._put(key, b"".join(parts[number] for number in named), kept)
            self._reply(200, f"<CompleteMultipartUploadResult><ETag>{_md5(there[0])}</ETag></CompleteMultipartUploadResult>".encode())

    def _give_token(self, form: dict[str, list[str]]) -> None:
        """Give a token to who signs as the service account, or to whom another one vouches for."""
        if form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            signed, _, signature = form["assertion"][0].rpartition(".")
            _key().public_key().verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            assert json.loads(_decoded(signed.partition(".")[2]))["iss"] == _WHO
        else:
            assert form["subject_token"] == ["a workload's"]
        token = f"token-{next(self.server.numbers)}"
        self.server.tokens.add(token)
        told = {
            "access_token": token,
            "expires_in": 3600,
            "token_type": "Bearer",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        }
        self._reply(200, json.dumps(told).encode())

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
            self.send_header("ETag", f'"{_md5(there[0])}"')
            self.send_header("x-goog-generation", str(there[1]))
            self.send_header("Last-Modified", formatdate(time.time() + self.server.ahead, usegmt=True))
            for name, value in there[2].items():
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = _any  # noqa: N815 - the names that the base class looks for


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def gcs(monkeypatch, folder: Path, *, workload: bool = False, certificate: Path | None = None):
    """Run it in a thread, over TLS with a `certificate`; yield it.

    The environment has the key of a service account, or of a `workload` what vouches for it.
    """
    server = Gcs()
    server.scheme = "https" if certificate else "http"
    told = {
        "type": "service_account", "client_email": _WHO, "token_uri": f"{server.url}/token",
        "private_key": _key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    }  # fmt: skip
    if workload:
        (folder / "vouched").write_text("a workload's")
        told = {
            "type": "external_account", "audience": _POOL, "token_url": f"{server.url}/token",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": {"file": str(folder / "vouched")},
        }  # fmt: skip
    (folder / "google.json").write_text(json.dumps(told))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "google.json"))
    with running(server, certificate):
        yield server


class GcsReader:
    """Reads objects as installers get them."""

    def __init__(self, server: Gcs, prefix: str) -> None:
        self.server, self.prefix = server, prefix

    def get(self, path: str) -> bytes | None:
        found = self.server.objects.get(self.prefix + path)
        return found[0] if found else None
