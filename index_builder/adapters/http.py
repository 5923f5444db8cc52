"""HTTP to other hosts, for URLs that strangers wrote.

A name is resolved once and the connection goes to that very address, so that a second look-up cannot lead elsewhere.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore

from index_builder import __version__
from index_builder.errors import ForbiddenAddressError, RemoteError
from index_builder.ports import Clock

MAX_REDIRECTS = 5
_POLL = 0.5
_IDLE = 30.0
_REDIRECTS = (301, 302, 303, 307, 308)

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

#: Addresses for documentation (RFC 5737). Nothing on the Internet has them, so a stranger's URL gains nothing there;
#: gateways of closed networks answer with them for every outside name, and a builder behind one would reach nothing.
_GATEWAYS = tuple(ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
_NAT64 = ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Say whether an address is one of the public Internet, whatever form of IPv6 it hides in."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    if any(address in network for network in _GATEWAYS if network.version == address.version):
        return True
    return address.is_global and not address.is_multicast


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks as `10.0.0.0/8`; raises ValueError."""
    return tuple(ip_network(text.strip()) for text in texts if text.strip())


def _resolve(host: str, port: int) -> list[str]:
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class GuardedTransport:
    """A Transport over httpcore. `unsafe_networks` may be reached too, and without TLS."""

    def __init__(
        self, clock: Clock, *, unsafe_networks: Sequence[Network] = (), connections: int = 16, resolve: Resolve = _resolve
    ) -> None:
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
        self._local.deadline = deadline
        sent = {"user-agent": f"index-builder/{__version__}", "accept-encoding": "identity", **headers}
        with _remote(url):
            for _ in range(MAX_REDIRECTS + 1):
                host = self._check(url)
                fields = [("Host", host), *sent.items()]
                with self._pool.stream("GET", url, headers=fields) as answer:
                    found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
                    if answer.status not in _REDIRECTS or "location" not in found:
                        yield GuardedResponse(url, answer.status, found, answer.iter_stream())
                        return
                    url = urljoin(url, found["location"])
        msg = f"{url}: more than {MAX_REDIRECTS} redirects"
        raise RemoteError(msg)

    def _check(self, url: str) -> str:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("https", "http") or not parts.hostname or port == -1 or not url.isascii():
            msg = f"{url!r} is not an https URL"
            raise ForbiddenAddressError(msg, fix="use https://")
        if parts.username or parts.password:
            msg = f"{parts.scheme}://…@{parts.hostname}: credentials in a URL are not sent"
            raise ForbiddenAddressError(msg)
        self._local.plain = parts.scheme == "http"
        return parts.netloc

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

    def left(self) -> float:
        """Return the seconds until this thread's request must be over; raises RemoteError when it must."""
        self._clock.check()
        left = float(self._local.deadline) - self._clock.monotonic()
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


@contextmanager
def _remote(url: str) -> Iterator[None]:
    try:
        yield
    except socket.gaierror as error:
        msg = f"{urlsplit(url).hostname}: no such host"
        raise RemoteError(msg, fix="look at the name, and at the network", retryable=error.errno == socket.EAI_AGAIN) from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError, ssl.SSLError) as error:
        msg = f"{url}: {str(error) or type(error).__name__}"
        retryable = not isinstance(error.__cause__, ssl.SSLCertVerificationError)
        raise RemoteError(msg, retryable=retryable) from error


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that the guard allows, and nowhere else."""

    def __init__(self, guard: GuardedTransport, inner: httpcore.NetworkBackend, resolve: Resolve) -> None:
        self._guard, self._inner, self._resolve = guard, inner, resolve

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        failed: Exception | None = None
        for address in self._guard.addresses(host, port, self._resolve):
            try:
                stream = self._inner.connect_tcp(address, port, min(10.0, self._guard.left()), local_address, socket_options)
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
            poll = min(_POLL, self._guard.left())
            try:
                return self._inner.read(max_bytes, poll)
            except httpcore.ReadTimeout:
                waited += poll
                if waited >= _IDLE:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, min(_IDLE, self._guard.left()))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._guard, self._inner.start_tls(ssl_context, server_hostname, min(10.0, self._guard.left())))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
