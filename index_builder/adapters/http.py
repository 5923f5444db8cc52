"""HTTP to other hosts, for URLs that strangers wrote.

A name is resolved once and the connection goes to that very address, so that a second look-up cannot lead elsewhere.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import httpcore

from index_builder import __version__
from index_builder.adapters.addresses import Network, Resolve, is_public, resolve
from index_builder.errors import ForbiddenAddressError, RemoteError
from index_builder.ports.machine import Clock

MAX_REDIRECTS = 5
_POLL = 0.5
_IDLE = 30.0
_REDIRECTS = (301, 302, 303, 307, 308)


class GuardedTransport:
    """A Transport over httpcore. `unsafe_networks` may be reached too, and without TLS."""

    def __init__(self, clock: Clock, *, unsafe_networks: Sequence[Network] = (), connections: int = 16, resolve: Resolve = resolve) -> None:
        """Make a pool of `connections` kept-alive connections."""
        self._unsafe = unsafe_networks
        self._clock = clock
        self._local = threading.local()
        backend = _Backend(self, httpcore.SyncBackend(), resolve)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), max_connections=connections, keepalive_expiry=30, network_backend=backend
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    @contextmanager
    def get(self, url: str, headers: dict[str, str], *, deadline: float) -> Iterator[GuardedResponse]:
        """Follow redirects, each checked like the first URL, and yield the answer."""
        sent = {"user-agent": f"index-builder/{__version__}", "accept-encoding": "identity", **headers}
        url, answer = self._followed(url, sent, deadline)
        # What is raised inside the caller's block is the caller's own: a full disk there is nothing remote.
        try:
            yield GuardedResponse(url, answer.status, _fields(answer), answer.iter_stream())
        finally:
            answer.close()

    def _followed(self, url: str, headers: dict[str, str], deadline: float) -> tuple[str, httpcore.Response]:
        secure = not self._unsafe
        for _ in range(MAX_REDIRECTS + 1):
            parts = _checked(url, secure=secure)
            secure = secure or parts.scheme == "https"
            answer = self._asked(parts, headers, deadline)
            location = _fields(answer).get("location")
            if answer.status not in _REDIRECTS or location is None:
                return url, answer
            answer.close()
            url = _joined(url, location)
        msg = f"{url}: more than {MAX_REDIRECTS} redirects"
        raise RemoteError(msg)

    def _asked(self, parts: SplitResult, headers: dict[str, str], deadline: float) -> httpcore.Response:
        # A connection is made in the thread that asks; the answer may be read in others, so that its deadline goes with the request:
        # httpcore hands its timeouts on unseen, and `_Backend` and `_Stream` take them for the time at which all must be over.
        self._local.plain = parts.scheme == "http"
        # Put together here: httpcore would leave out what follows a `;` in the path.
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        url = httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)
        fields = [("Host", parts.netloc), *headers.items()]
        with _remote(parts.geturl()):
            timeouts = {"pool": self.left(deadline), "connect": deadline, "read": deadline, "write": deadline}
            request = httpcore.Request("GET", url, headers=fields, extensions={"timeout": timeouts})
            return self._pool.handle_request(request)

    def addresses(self, host: str, port: int, resolve: Resolve) -> list[str]:
        """Resolve a host and return the addresses that may be reached; raises ForbiddenAddressError where there is none."""
        found = [ip_address(text.partition("%")[0]) for text in resolve(host, port)]
        unsafe = [a for a in found if any(a in network for network in self._unsafe if network.version == a.version)]
        if self._local.plain:
            if unsafe:
                return [str(address) for address in unsafe]
            msg = f"http://{host}: only https is used"
            raise ForbiddenAddressError(msg, fix="use https://")
        allowed = [address for address in found if is_public(address) or address in unsafe]
        if not allowed:
            msg = f"{host} is {found[0] if found else 'nowhere'}, which is not an address of the public Internet"
            fix = f"if this is your own index, set INDEX_BUILDER_UNSAFE_NETWORKS={found[0] if found else ''} for the command"
            raise ForbiddenAddressError(msg, fix=fix)
        return [str(address) for address in allowed]

    def left(self, deadline: float | None) -> float:
        """Return the seconds until a request must be over, which has always been said; raises RemoteError when it must."""
        self._clock.check()
        left = (deadline or 0.0) - self._clock.monotonic()
        if left <= 0:
            msg = "the total time for this request is over"
            raise RemoteError(msg, retryable=True)
        return left


class GuardedResponse:
    """An answer; `chunks` may be read once."""

    def __init__(self, url: str, status: int, headers: dict[str, str], stream: Iterator[bytes]) -> None:
        """Take an open answer of httpcore."""
        self.url, self.status, self.headers, self._stream = url, status, headers, stream

    def chunks(self) -> Iterator[bytes]:
        """Yield the body."""
        with _remote(self.url):
            yield from self._stream


def _fields(answer: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        msg = f"{url} redirects to {location!r}, which is no URL"
        raise RemoteError(msg) from error


def _checked(url: str, *, secure: bool) -> SplitResult:
    """Return a URL's parts; raises ForbiddenAddressError unless it is http(s), and https where that is asked for."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0 and url.isascii()
    except ValueError as error:
        msg = f"{url!r} is not an https URL"
        raise ForbiddenAddressError(msg, fix="use https://") from error
    if not usable:
        msg = f"{url!r} is not an https URL"
        raise ForbiddenAddressError(msg, fix="use https://")
    if "@" in parts.netloc:
        msg = f"{parts.scheme}://…@{parts.hostname}: credentials in a URL are not sent"
        raise ForbiddenAddressError(msg)
    if secure and parts.scheme != "https":
        msg = f"http://{parts.netloc}: only https is used"
        raise ForbiddenAddressError(msg, fix="use https://")
    return parts


@contextmanager
def _remote(url: str) -> Iterator[None]:
    try:
        yield
    except (socket.gaierror, UnicodeError) as error:
        # UnicodeError: a label of the name is empty or too long, which Python's resolver says in this way.
        again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
        msg = f"{urlsplit(url).hostname}: no such host"
        raise RemoteError(msg, fix="look at the name, and at the network", retryable=again) from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        msg = f"{url}: {str(error) or type(error).__name__}"
        if _untrusted(error):
            fix = "the server is not who it says, or its authority is your own: name that in SSL_CERT_FILE"
            raise RemoteError(msg, fix=fix) from error
        raise RemoteError(msg, retryable=not isinstance(error, httpcore.LocalProtocolError)) from error


def _untrusted(error: BaseException) -> bool:
    # The cause is looked for as the context, because httpcore's pool raises `from None`.
    return isinstance(error, ssl.SSLCertVerificationError) or isinstance(error.__context__, ssl.SSLCertVerificationError)


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that the guard allows, and nowhere else. `timeout` is a request's deadline, here and in `_Stream`."""

    def __init__(self, guard: GuardedTransport, inner: httpcore.NetworkBackend, resolve: Resolve) -> None:
        self._guard, self._inner, self._resolve = guard, inner, resolve

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        failed: Exception | None = None
        for address in self._guard.addresses(host, port, self._resolve):
            try:
                stream = self._inner.connect_tcp(address, port, min(10.0, self._guard.left(timeout)), local_address, socket_options)
                return _Stream(self._guard, stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("no address")


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends with the request's deadline, or when the run is stopped."""

    def __init__(self, guard: GuardedTransport, inner: httpcore.NetworkStream) -> None:
        self._guard, self._inner = guard, inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        waited = 0.0
        while True:
            poll = min(_POLL, self._guard.left(timeout))
            try:
                return self._inner.read(max_bytes, poll)
            except httpcore.ReadTimeout:
                waited += poll
                if waited >= _IDLE:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, min(_IDLE, self._guard.left(timeout)))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._guard, self._inner.start_tls(ssl_context, server_hostname, min(10.0, self._guard.left(timeout))))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
