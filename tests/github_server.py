"""GitHub on loopback: the part of its REST API that an index uses, from its public documentation, with its limits and its moods.

What it knows is in plain attributes, which tests read and set. Lists come in pages, answers have ETags, what makes something is
counted, `left` is what may be asked before the hourly limit, `unchanged` counts answers that were known already, and `moods` are answered before anything else: a status, or None for a connection that breaks. A server of one's own has its API under a
`prefix`.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from servers import running

_PAGE = 30
_ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Any]]] = []


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(
        self, status: int, message: str, headers: dict[str, str] | None = None, errors: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.headers, self.errors = status, message, headers or {}, errors or []


@dataclass(kw_only=True)
class Token:
    """Who a token belongs to, and what it may do: `contents: write` and the like; a workflow's own in its repository only."""

    login: str
    repository: str = ""
    permissions: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Repository:
    """A repository as GitHub knows it."""

    name: str
    private: bool = False
    releases: dict[int, dict[str, Any]] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    git: Path | None = None
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    reactions: list[tuple[int, str]] = field(default_factory=list)
    required: tuple[str, ...] = ("index-builder",)
    strict: bool = True
    dispatches: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    hints: list[dict[str, Any]] = field(default_factory=list)
    attestations: dict[str, list[bytes]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class GitHub:
    """All of it. `hourly` is how many things may be made before the limit, `asked` every request as METHOD path."""

    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    moods: list[int | None] = field(default_factory=list)
    left: int = 4999
    unchanged: int = 0
    hourly: int = 500
    made: int = 0
    reset: int = 1
    url: str = ""
    prefix: str = ""
    numbers: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def next(self) -> int:
        """Return a number that nothing has yet."""
        self.numbers += 1
        return self.numbers

    def count(self) -> None:
        """Count something that is made."""
        if self.made >= self.hourly:
            self.made = 0
            raise RefusedError(403, "You have exceeded a secondary rate limit. Please wait.", {"retry-after": str(self.reset)})
        self.made += 1

    def ask(self) -> None:
        """Begin to answer; when the hourly limit is reached, say until when."""
        if not self.left:
            self.left = 4999
            reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + self.reset)}
            raise RefusedError(403, "API rate limit exceeded for installation.", reset)

    def repository(self, name: str, token: Token | None, need: str = "") -> Repository:
        """Return a repository, if the token may see it, and do there what is needed."""
        found = self.repositories.get(name)
        if found is None or (found.private and token is None):
            raise RefusedError(404, "Not Found")
        if need:
            kind, _, level = need.partition(":")
            if token is None:
                raise RefusedError(401, "Requires authentication")
            if token.repository not in ("", name):
                raise RefusedError(403, "Resource not accessible by integration")
            if token.permissions.get(kind) not in ((level, "write") if level == "read" else (level,)):
                raise RefusedError(403, "Resource not accessible by integration")
        return found


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that was understood."""

    hub: GitHub
    token: Token | None
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]

    def json(self) -> dict[str, Any]:
        """Return what was sent."""
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


@dataclass(frozen=True, kw_only=True)
class Plain:
    """An answer that is no JSON."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def route(method: str, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Answer `method path`, in which {name} is a part and {name+} the rest."""
    pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", path)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        _ROUTES.append((method, re.compile(pattern), function))
        return function

    return add


# Releases and their assets.


def _release(call: Call, repository: Repository, release: dict[str, Any]) -> dict[str, Any]:
    base = f"{call.hub.url}/repos/{repository.name}/releases"
    upload = f"{call.hub.url}/uploads/repos/{repository.name}/releases/{release['id']}/assets{{?name,label}}"
    return {
        **release,
        "assets": [_asset(call, repository, a) for a in release["assets"]],
        "url": f"{base}/{release['id']}",
        "upload_url": upload,
    }


def _asset(call: Call, repository: Repository, asset: dict[str, Any]) -> dict[str, Any]:
    tag = next(r["tag_name"] for r in repository.releases.values() if any(a["id"] == asset["id"] for a in r["assets"]))
    return {
        **asset, "url": f"{call.hub.url}/repos/{repository.name}/releases/assets/{asset['id']}",
        "browser_download_url": f"{call.hub.url}/{repository.name}/releases/download/{tag}/{asset['name']}",
    }  # fmt: skip


def _may_see_drafts(call: Call) -> bool:
    return call.token is not None and call.token.permissions.get("contents") == "write"


@route("GET", "/repos/{owner}/{name}/releases")
def releases(call: Call, owner: str, name: str) -> Any:
    repository = call.hub.repository(f"{owner}/{name}", call.token)
    found = [r for r in reversed(repository.releases.values()) if not r["draft"] or _may_see_drafts(call)]
    return [_release(call, repository, release) for release in found]


@route("POST", "/repos/{owner}/{name}/releases")
def make_release(call: Call, owner: str, name: str) -> Any:
    repository, body = call.hub.repository(f"{owner}/{name}", call.token, "contents:write"), call.json()
    call.hub.count()
    if any(r["tag_name"] == body["tag_name"] and not r["draft"] for r in repository.releases.values()):
        raise RefusedError(422, "Validation Failed", errors=[{"resource": "Release", "code": "already_exists", "field": "tag_name"}])
    made = {
        "id": call.hub.next(), "tag_name": body["tag_name"], "name": body.get("name"), "body": body.get("body", ""),
        "draft": body.get("draft", False), "prerelease": body.get("prerelease", False), "assets": [],
        "html_url": f"{call.hub.url}/{repository.name}/releases/tag/{body['tag_name']}", "published_at": "2026-11-20T08:00:00Z",
    }  # fmt: skip
    repository.releases[made["id"]] = made
    return Plain(content=json.dumps(_release(call, repository, made)).encode(), status=201)


@route("GET", "/repos/{owner}/{name}/releases/tags/{tag+}")
def release_by_tag(call: Call, owner: str, name: str, tag: str) -> Any:
    repository = call.hub.repository(f"{owner}/{name}", call.token)
    for release in repository.releases.values():
        if release["tag_name"] == tag and not release["draft"]:
            return _release(call, repository, release)
    raise RefusedError(404, "Not Found")


@route("GET", "/repos/{owner}/{name}/releases/{number}/assets")
def assets(call: Call, owner: str, name: str, number: str) -> Any:
    repository = call.hub.repository(f"{owner}/{name}", call.token)
    return [_asset(call, repository, asset) for asset in repository.releases[int(number)]["assets"]]


@route("POST", "/uploads/repos/{owner}/{name}/releases/{number}/assets")
def upload(call: Call, owner: str, name: str, number: str) -> Any:
    repository = call.hub.repository(f"{owner}/{name}", call.token, "contents:write")
    call.hub.count()
    release = repository.releases[int(number)]
    kept = re.sub(r"[^A-Za-z0-9._-]", ".", call.query["name"]).strip(".")
    if any(asset["name"] == kept for asset in release["assets"]):
        raise RefusedError(422, "Validation Failed", errors=[{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}])
    if len(release["assets"]) >= 1000:
        raise RefusedError(422, "Validation Failed", errors=[{"resource": "ReleaseAsset", "code": "file_count_limit", "field": "name"}])
    made = {
        "id": call.hub.next(), "name": kept, "size": len(call.body), "state": "uploaded", "content_type": "application/octet-stream",
        "digest": f"sha256:{hashlib.sha256(call.body).hexdigest()}", "created_at": "2026-11-20T08:00:00Z",
        "updated_at": "2026-11-20T08:00:00Z",
    }  # fmt: skip
    release["assets"].append(made)
    repository.contents[made["id"]] = call.body
    return Plain(content=json.dumps(_asset(call, repository, made)).encode(), status=201)


@route("GET", "/repos/{owner}/{name}/releases/assets/{number}")
def asset(call: Call, owner: str, name: str, number: str) -> Any:
    repository = call.hub.repository(f"{owner}/{name}", call.token)
    for release in repository.releases.values():
        for found in release["assets"]:
            if found["id"] == int(number) and (not release["draft"] or _may_see_drafts(call)):
                if "octet-stream" in call.headers.get("accept", ""):
                    return Plain(status=302, headers={"location": f"{call.hub.url}/storage/{repository.name}/{number}"})
                return _asset(call, repository, found)
    raise RefusedError(404, "Not Found")


@route("DELETE", "/repos/{owner}/{name}/releases/assets/{number}")
def delete_asset(call: Call, owner: str, name: str, number: str) -> Any:
    repository = call.hub.repository(f"{owner}/{name}", call.token, "contents:write")
    for release in repository.releases.values():
        for found in release["assets"]:
            if found["id"] == int(number):
                release["assets"].remove(found)
                return Plain(status=204)
    raise RefusedError(404, "Not Found")


@route("GET", "/storage/{owner}/{name}/{number}")
def storage(call: Call, owner: str, name: str, number: str) -> Any:
    if "authorization" in call.headers:
        raise RefusedError(400, "Only one auth mechanism allowed")
    return Plain(content=call.hub.repositories[f"{owner}/{name}"].contents[int(number)])


@route("GET", "/{owner}/{name}/releases/download/{tag}/{file}")
def download(call: Call, owner: str, name: str, tag: str, file: str) -> Any:
    repository = call.hub.repository(f"{owner}/{name}", None)
    for release in repository.releases.values():
        for found in release["assets"]:
            if release["tag_name"] == tag and found["name"] == file and not release["draft"]:
                return Plain(status=302, headers={"location": f"{call.hub.url}/storage/{repository.name}/{found['id']}"})
    raise RefusedError(404, "Not Found")


# The server.


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: GitHub

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        with self.hub.lock:
            self.hub.asked.append(f"{self.command} {self.path}")
            if self.hub.moods:
                mood = self.hub.moods.pop(0)
                if mood is None:
                    self.close_connection = True
                    return
                if mood:
                    self._send(Plain(content=b'{"message": "Server Error"}', status=mood))
                    return
            try:
                self.hub.ask()
                self._send(self._found(body))
            except RefusedError as error:
                content = json.dumps({"message": error.message, "errors": error.errors, "status": str(error.status)}).encode()
                self._send(Plain(content=content, status=error.status, headers=error.headers))

    def _found(self, body: bytes) -> Plain:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        token = None
        if given := headers.get("authorization"):
            token = self.hub.tokens.get(given.removeprefix("Bearer "))
            if token is None and not parts.path.startswith("/storage/"):
                raise RefusedError(401, "Bad credentials")
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        call = Call(hub=self.hub, token=token, query=query, body=body, headers=headers)
        path = parts.path.removeprefix(self.hub.prefix) if parts.path.startswith(self.hub.prefix) else "/"
        for method, pattern, function in _ROUTES:
            if method == self.command and (found := pattern.fullmatch(path)):
                value = function(call, **{name: unquote(part) for name, part in found.groupdict().items()})
                return value if isinstance(value, Plain) else self._page(value, path, call)
        raise RefusedError(404, f"Not Found: {self.command} {parts.path}")

    def _page(self, value: Any, path: str, call: Call) -> Plain:
        headers = {}
        items = (
            value
            if isinstance(value, list)
            else next((v for v in value.values() if isinstance(v, list)), None)
            if "total_count" in value
            else None
        )
        if items is not None:
            size, page = min(int(call.query.get("per_page", _PAGE)), 100), int(call.query.get("page", 1))
            if len(items) > size * page:
                rest = "&".join(f"{name}={text}" for name, text in {**call.query, "page": str(page + 1)}.items())
                headers["link"] = f'<{self.hub.url}{path}?{rest}>; rel="next", <{self.hub.url}{path}?page=1>; rel="first"'
            some = items[size * (page - 1) : size * page]
            value = some if isinstance(value, list) else {name: some if v is items else v for name, v in value.items()}
        content = json.dumps(value).encode()
        tag = f'W/"{hashlib.sha256(content).hexdigest()}"'
        if call.headers.get("if-none-match") == tag:
            call.hub.unchanged += 1
            return Plain(status=304, headers={**headers, "etag": tag})
        return Plain(content=content, headers={**headers, "etag": tag, "content-type": "application/json; charset=utf-8"})

    def _send(self, answer: Plain) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "x-ratelimit-remaining" not in answer.headers:
            self.hub.left -= answer.status != 304  # what did not change costs nothing
            self.send_header("x-ratelimit-remaining", str(self.hub.left))
        self.send_header("content-length", str(len(answer.content)))
        self.send_header("date-of-test", str(int(time.time())))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)


@contextmanager
def github(hub: GitHub, certificate: Path | None = None) -> Iterator[GitHub]:
    """Serve it until the block ends; with a PEM file of key and certificate, over TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    with running(server, certificate) as url:
        hub.url = f"{url}{hub.prefix}"
        yield hub
