"""Requests to GitHub's REST API: who asks, how often, and what an answer means.

Limits are those of GitHub's documentation: `retry-after` is waited for, an exhausted hour until it is over if that is soon, and
answers that have not changed are asked for by their ETag, which costs nothing. What makes something is sent once: whoever made
the request looks whether it arrived.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, BinaryIO, Final
from urllib.parse import urlencode, urlsplit

import httpcore

from index_builder import __version__
from index_builder.errors import NotFoundError, RemoteError, UsageError
from index_builder.ports.machine import Clock, Progress

#: Where the API is, unless GITHUB_API_URL says another place, as it does on a runner of a GitHub Enterprise Server.
DEFAULT: Final = "https://api.github.com"
_VERSION: Final = "2022-11-28"
_TIMEOUT: Final = 60.0
_ATTEMPTS: Final = 5
_PAGE: Final = 100
_MOST_PAGES: Final = 200
_CHUNK: Final = 1024 * 1024
_MOST: Final = 64 * 1024 * 1024
#: Requests that may be sent again when nobody knows whether they arrived.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "PATCH"})
_NEXT: Final = re.compile(r'<([^<>]+)>\s*;\s*rel="next"')
Headers = list[tuple[bytes | str, bytes | str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer: its status, its headers with names in lower case, and what it says."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def value(self) -> Any:
        """Return its JSON; raises RemoteError."""
        try:
            return json.loads(self.content) if self.content else None
        except ValueError as error:
            msg = "GitHub's answer is no JSON"
            raise RemoteError(msg, retryable=True) from error


class Api:
    """GitHub's REST API at a base URL, on behalf of whom a token belongs to; '' is nobody."""

    def __init__(self, url: str, token: str, clock: Clock, progress: Progress, *, patience: float = 900.0) -> None:
        """Take where it is. `patience` is how many seconds a limit is waited for at most. Raises UsageError."""
        self.url, self._token, self._clock, self._progress, self._patience = url.rstrip("/"), token, clock, progress, patience
        _check(self.url)
        self._pool = httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), max_connections=8, keepalive_expiry=30)
        self._known: dict[str, Answer] = {}

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def get(self, path: str, **query: str | int) -> Any:
        """Return what is at a path; raises NotFoundError, RemoteError."""
        return self._get(self._at(path, query)).value()

    def content(self, path: str, accept: str) -> bytes:
        """Return what is at a path in another form than JSON; raises as `get`."""
        return self._asked("GET", self._at(path, {}), {"accept": accept}).content

    def items(self, path: str, key: str = "", **query: str | int) -> Iterator[Any]:
        """Yield what a list has, page after page; with `key` where the list is not all of the answer. Raises as `get`."""
        url = self._at(path, {"per_page": _PAGE, **query})
        for _ in range(_MOST_PAGES):
            answer = self._get(url)
            found = answer.value()
            yield from found[key] if key else found
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                return
            url = self._on(following[1])
        msg = f"{path} does not end after {_MOST_PAGES} pages"
        raise RemoteError(msg)

    def send(self, method: str, path: str, body: object = None, *, again: bool = False) -> Any:
        """Change something, and return the answer; raises NotFoundError, RemoteError.

        What makes something is tried once, unless `again` says that it may as well be made twice: GitHub may have done it before
        its answer got lost.
        """
        content = json.dumps(body).encode() if body is not None else b""
        headers = {"content-type": "application/json"} if content else {}
        return self._asked(method, self._at(path, {}), headers, lambda: content, again=again).value()

    def upload(self, url: str, name: str, stream: BinaryIO, size: int) -> Any:
        """Send a file as an asset; it is read from its beginning. Raises RemoteError."""
        headers = {"content-type": "application/octet-stream", "content-length": str(size)}
        where = f"{self._on(url)}?{urlencode({'name': name})}"
        return self._asked("POST", where, headers, lambda: _read(stream, self._progress)).value()

    @contextmanager
    def download(self, path: str) -> Iterator[Iterator[bytes]]:
        """Yield the bytes of an asset as they arrive; what GitHub sends us on to gets no token. Raises as `get`."""
        url, headers = self._at(path, {}), self._headers({"accept": "application/octet-stream"})
        for _ in range(_ATTEMPTS):
            with _remote(url), self._pool.stream("GET", url, headers=headers, extensions=_timeouts()) as response:
                fields = _fields(response)
                if response.status in (301, 302, 303, 307, 308):
                    url = fields.get("location", "")
                    if not _is_safe(url):
                        msg = f"GitHub sends {path} on to {url[:200]!r}, which is no https URL"
                        raise RemoteError(msg)
                    headers = [field for field in headers if field[0] != "authorization"]
                    continue
                if response.status != HTTPStatus.OK:
                    raise _refused("GET", path, Answer(status=response.status, headers=fields, content=response.read()), 0.0)
                yield response.iter_stream()
                return
        msg = f"{path} leads from one place to the next, and nowhere"
        raise RemoteError(msg)

    def _get(self, url: str) -> Answer:
        known = self._known.get(url)
        answer = self._asked("GET", url, {"if-none-match": known.headers["etag"]} if known else {})
        if known and answer.status == HTTPStatus.NOT_MODIFIED:
            return known
        if "etag" in answer.headers:
            self._known[url] = answer
        return answer

    def _at(self, path: str, query: Mapping[str, str | int]) -> str:
        url = f"{self.url}/{path.lstrip('/')}"
        return f"{url}?{urlencode(query)}" if query else url

    def _on(self, url: str) -> str:
        """Return a URL that GitHub gave us, if it is one of its own; raises RemoteError."""
        url = url.partition("{")[0]
        known, given = urlsplit(self.url), urlsplit(url)
        domain = (known.hostname or "").removeprefix("api.")
        host = given.hostname or ""
        if given.scheme != known.scheme or (host not in (known.hostname, domain) and not host.endswith(f".{domain}")):
            msg = f"GitHub's answer leads to {host}, which is not {domain}: no token is sent there"
            raise RemoteError(msg)
        return url

    def _headers(self, more: Mapping[str, str]) -> Headers:
        headers = {
            "accept": "application/vnd.github+json", "x-github-api-version": _VERSION, "user-agent": f"index-builder/{__version__}", **more,
        }  # fmt: skip
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        return list(headers.items())

    def _asked(
        self, method: str, url: str, headers: Mapping[str, str], content: Callable[[], bytes | Iterator[bytes]] = bytes, *,
        again: bool = False,
    ) -> Answer:  # fmt: skip
        for number in range(1, _ATTEMPTS + 1):
            try:
                return self._once(method, url, headers, content())
            except RemoteError as error:
                may = error.retryable and (again or method in _IDEMPOTENT or error.retry_after is not None)
                wait = error.retry_after if error.retry_after is not None else 0.5 * 2**number
                if not may or number == _ATTEMPTS or wait > self._patience:
                    raise
                self._progress.note(f"{error.message}; trying again in {wait:.0f} s")
                self._clock.sleep(wait)
        raise AssertionError

    def _once(self, method: str, url: str, headers: Mapping[str, str], content: bytes | Iterator[bytes]) -> Answer:
        self._clock.check()
        with _remote(url), self._pool.stream(
            method, url, headers=self._headers(headers), content=content or None, extensions=_timeouts()
        ) as response:  # fmt: skip
            body = _limited(response.iter_stream())
            answer = Answer(status=response.status, headers=_fields(response), content=body)
        if answer.status in (200, 201, 202, 203, 204, 205, 304):
            return answer
        raise _refused(method, urlsplit(url).path, answer, self._clock.now().timestamp())


def _check(url: str) -> None:
    """Raise UsageError for a place that a token or a request should not go to."""
    if _is_safe(url):
        return
    msg = f"{url!r} is not an https URL"
    raise UsageError(msg, fix="set GITHUB_API_URL to the API of your GitHub, as https://github.example.org/api/v3")


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _timeouts() -> dict[str, dict[str, float]]:
    return {"timeout": {"pool": _TIMEOUT, "connect": 15.0, "read": _TIMEOUT, "write": _TIMEOUT}}


def _fields(response: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}


def _limited(chunks: Iterable[bytes]) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > _MOST:
            msg = f"GitHub's answer has more than {_MOST:,} bytes"
            raise RemoteError(msg)
    return bytes(content)


def _read(stream: BinaryIO, progress: Progress) -> Iterator[bytes]:
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        yield chunk
        progress.advance(len(chunk))


def _refused(method: str, path: str, answer: Answer, now: float) -> RemoteError:
    """Return what an answer means that is no success."""
    told = _told(answer)
    msg = f"GitHub answers {answer.status} to {method} {path}{f': {told}' if told else ''}"
    wait = _wait(answer, now)
    if wait is not None:
        fix = f"GitHub's limit is reached: run it again in {wait / 60:,.0f} minutes; what was done stays done"
        return RemoteError(msg, fix=fix, retryable=True, retry_after=wait, status=answer.status)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return RemoteError(msg, fix="the token is wrong or has expired: set GITHUB_TOKEN to one that holds", status=401)
    if answer.status == HTTPStatus.FORBIDDEN:
        return RemoteError(msg, fix="the token may not do that: look at its permissions", status=403)
    if answer.status in (404, 410):
        return NotFoundError(msg, fix="look at the repository's name; a token that may not see it gets this answer, too", status=404)
    return RemoteError(msg, retryable=answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR, status=answer.status)


def _told(answer: Answer) -> str:
    try:
        told = json.loads(answer.content)
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    more = [str(error.get("message") or error.get("code") or "") for error in told.get("errors") or () if isinstance(error, dict)]
    return "; ".join([str(told.get("message") or ""), *filter(None, more)])[:300]


def _wait(answer: Answer, now: float) -> float | None:
    """Return the seconds that GitHub asks us to wait, None where that is not what it refuses for."""
    if answer.status not in (403, 429):
        return None
    asked = answer.headers.get("retry-after", "")
    if asked.isascii() and asked.isdigit():
        return float(asked)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - now) if reset.isascii() and reset.isdigit() else 60.0
    return 60.0 if answer.status == HTTPStatus.TOO_MANY_REQUESTS or "secondary rate limit" in _told(answer) else None


@contextmanager
def _remote(url: str) -> Iterator[None]:
    host = urlsplit(url).netloc
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        msg = f"{host}: {str(error) or type(error).__name__}"
        raise RemoteError(msg, retryable=True) from error
