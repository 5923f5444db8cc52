"""A proxy on loopback that hands an installer only what was checked. It is meant to be the installer's sole index.

403 says that something is not as it was signed, 502 that the index does not answer, and 404 only that it is signed that there
is no such thing, nor at the upstream index where there is one: uv asks another index on 404 alone, and pip has none to ask.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from index_builder.client.index import VerifiedIndex
from index_builder.client.memory import Memory
from index_builder.client.page import PageFile, ProjectPage, read_page
from index_builder.errors import IndexBuilderError, NotFoundError, RemoteError, TrustError
from index_builder.fetch.upstream import ACCEPT, read_listing
from index_builder.model.names import NormalizedName, Timestamp
from index_builder.model.page import HTML, SIMPLE_JSON
from index_builder.model.project import State, Status
from index_builder.model.snapshot import ListedFile, ListedProject
from index_builder.ports.machine import Clock
from index_builder.render.accept import negotiate
from index_builder.render.simple import LIST_JSON, ListedName, environment, render_html, render_list

#: Seconds for which what was learned is taken as the newest.
REFRESH: Final = 60.0
#: A larger file is handed on while it arrives, its end only after its digest was compared, so that no installer gives up waiting.
_WHOLE: Final = 16 * 1024 * 1024
#: Bytes of core metadata that are kept: some thousand files' worth.
_MOST_METADATA: Final = 32 * 1024 * 1024
_LEAST_ANSWER: Final = 64 * 1024
_OK, _FORBIDDEN, _NOT_FOUND, _WRONG_HOST, _BAD_GATEWAY, _NOT_ACCEPTABLE = 200, 403, 404, 421, 502, 406

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Another index, for projects that ours has not, nor claims: `ours` are patterns of names that are never looked for there.

    What comes from it is what it says: nothing of it is signed by us.
    """

    url: str
    ours: Sequence[str] = ()

    def may_have(self, project: NormalizedName) -> bool:
        """Say whether a project may be looked for there."""
        return not any(fnmatchcase(project, pattern) for pattern in self.ours)


class Proxy:
    """The answers. In words, `refused` gets what was not as it was signed, and `missed` what the index did not give."""

    def __init__(self, index: VerifiedIndex, clock: Clock, templates: dict[str, str], *, upstream: Upstream | None = None) -> None:
        """Answer from an index; nothing is asked of it yet."""
        self._index, self._clock, self._upstream = index, clock, upstream
        self._templates = environment(templates)
        self._fresh = threading.Lock()
        self._since: float | None = None
        self._pages: dict[NormalizedName, ProjectPage] = {}
        self._metadata = Memory(_MOST_METADATA)
        self.refused: list[str] = []
        self.missed: list[str] = []

    def application(self, hosts: Sequence[str]) -> ASGIApp:
        """Return the ASGI application; it answers to these hosts only, so that no web page can lead a browser here."""
        # Not `async`: Starlette runs these in threads, so that one slow page holds up no other.
        routes = [
            Route("/simple/", self._list),
            Route("/simple/{project}/", self._detail),
            Route("/simple/{project}", self._to_slash),
            Route("/files/{project}/{name}", self._file),
        ]
        app = Starlette(routes=routes, exception_handlers={IndexBuilderError: self._failed, ValueError: self._failed})
        app.router.redirect_slashes = False
        return _Guarded(app, hosts)

    def refresh(self) -> None:
        """Learn what is newest, where that was not done in the last minute; raises TrustError, RemoteError."""
        with self._fresh:
            if self._since is None or self._clock.monotonic() - self._since > REFRESH:
                self._index.refresh()
                self._pages.clear()
                self._since = self._clock.monotonic()

    def _to_slash(self, request: Request) -> Response:
        return RedirectResponse(f"/simple/{NormalizedName.of(request.path_params['project'])}/", 301)

    def _list(self, request: Request) -> Response:
        self.refresh()
        content = self._index.read(LIST_JSON)
        kind = negotiate(request.headers.get("accept", ""))
        if kind == SIMPLE_JSON:
            return Response(content, media_type=SIMPLE_JSON)
        names = [ListedName(NormalizedName.of(p["name"]), p["name"], 0) for p in orjson.loads(content)["projects"]]
        return Response(render_list("Verified", names, self._templates).content, media_type=HTML)

    def _detail(self, request: Request) -> Response:
        written = request.path_params["project"]
        project = NormalizedName.of(written)
        if project != written:
            return self._to_slash(request)
        kind = negotiate(request.headers.get("accept", ""))
        if kind is None:
            return PlainTextResponse("this index speaks HTML and JSON\n", _NOT_ACCEPTABLE)
        self.refresh()
        try:
            page = self._page(project)
        except NotFoundError:
            if self._upstream is None or not self._upstream.may_have(project):
                raise
            try:
                value = _of_upstream(project, self._upstream, self._index)
            except NotFoundError:
                return PlainTextResponse(f"{project} is not in the index: that is signed. {_NOT_UPSTREAM}\n", _NOT_FOUND)
        else:
            value = {**page.value, "files": [_ours(file, page.files[file["filename"]], project) for file in page.value["files"]]}
        if kind == SIMPLE_JSON:
            return Response(orjson.dumps(value), media_type=SIMPLE_JSON)
        return Response(render_html(_listed(project, value), self._templates).content, media_type=HTML)

    def _page(self, project: NormalizedName) -> ProjectPage:
        """Return a page that was checked; raises NotFoundError where it is signed that there is none, TrustError, RemoteError."""
        if (page := self._pages.get(project)) is None:
            content = self._index.read(f"simple/{project}/index.v1_json")
            page = self._pages[project] = read_page(project, content, f"{self._index.url}simple/{project}/")
        return page

    def _file(self, request: Request) -> Response:
        project, name = NormalizedName(request.path_params["project"]), request.path_params["name"]
        self.refresh()
        page = self._page(project)
        if (owner := page.files.get(name.removesuffix(".metadata"))) is not None and name.endswith(".metadata") and owner.metadata:
            return Response(self._metadata_of(owner, owner.metadata, name), media_type="text/plain; charset=utf-8")
        file = page.files.get(name)
        if file is None:
            msg = f"{name} is no file of {project}"
            raise NotFoundError(msg)
        if request.method == "HEAD":
            return Response(headers={} if file.size is None else {"content-length": str(file.size)}, media_type=_BYTES)
        if file.size is None or file.size <= _WHOLE:
            return Response(self._index.bytes_of(file.url, file.digest, file.size, name), media_type=_BYTES)
        return StreamingResponse(self._streamed(file, file.size), headers={"content-length": str(file.size)}, media_type=_BYTES)

    def _metadata_of(self, file: PageFile, digest: str, name: str) -> bytes:
        """Return a file's core metadata, by the digest that its page gives; resolvers ask for the same again and again."""
        content = self._metadata.get(digest)
        if content is None:
            content = self._index.bytes_of(f"{file.url}.metadata", digest, None, name)
            self._metadata.keep(digest, content)
        return content

    def _streamed(self, file: PageFile, size: int) -> Iterator[bytes]:
        """Yield a large file; the connection breaks off before its end where it is another one."""
        digest, held = hashlib.sha256(), b""
        with ExitStack() as stack:
            try:
                for chunk in stack.enter_context(self._index.downloader.stream(file.url, size)):
                    digest.update(chunk)
                    held += chunk
                    if len(held) > 2 * _LEAST_ANSWER:
                        yield held[:-_LEAST_ANSWER]
                        held = held[-_LEAST_ANSWER:]
            except RemoteError as error:
                self._note(error)
                raise
            if digest.hexdigest() != file.digest:
                wrong = TrustError(f"{file.name} is not what was signed; it was not handed on to its end")
                self._note(wrong)
                raise wrong
            yield held

    def _failed(self, _request: Request, error: Exception) -> Response:
        """Answer with the status that makes no installer look elsewhere, and a sentence."""
        if isinstance(error, NotFoundError):
            return PlainTextResponse(f"{error.message}: that is signed\n", _NOT_FOUND)
        if not isinstance(error, IndexBuilderError):
            return PlainTextResponse(f"{error}\n", _NOT_FOUND)
        self._note(error)
        status = _BAD_GATEWAY if isinstance(error, RemoteError) else _FORBIDDEN
        return PlainTextResponse(f"{error.message}\n{error.fix}\n".rstrip() + "\n", status)

    def _note(self, error: IndexBuilderError) -> None:
        notes = self.missed if isinstance(error, RemoteError) else self.refused
        if error.message not in notes:
            notes.append(error.message)


_NOT_UPSTREAM: Final = "Nor has the upstream index such a project: that is what it says, and signed by nobody"
_BYTES: Final = "application/octet-stream"


def _ours(value: dict[str, Any], file: PageFile, project: NormalizedName) -> dict[str, Any]:
    """Return a file of a page as it is to be had here."""
    return {**value, "url": f"/files/{project}/{file.name}"}


def _of_upstream(project: NormalizedName, upstream: Upstream, index: VerifiedIndex) -> dict[str, Any]:
    """Return a project's page on the other index, with that one's own URLs; raises NotFoundError, RemoteError."""
    url = f"{upstream.url.rstrip('/')}/{project}/"
    found = index.downloader.page(url, ACCEPT)
    listing = read_listing(project, found.content, found.content_type, found.url)
    files = [
        {
            "filename": file.name.text, "url": file.url, "hashes": {"sha256": file.sha256} if file.sha256 else {},
            **({"size": file.size} if file.size is not None else {}),
            **({"requires-python": file.requires_python} if file.requires_python else {}),
            **({"upload-time": file.uploaded} if file.uploaded else {}),
            "core-metadata": {"sha256": file.metadata} if file.metadata else False,
            "yanked": False if file.yanked is None else file.yanked or True,
        }
        for file in listing.files.values()
    ]  # fmt: skip
    versions = sorted({str(file.name.version) for file in listing.files.values()})
    sized = all(file.size is not None for file in listing.files.values())
    value = {"meta": {"api-version": "1.1" if sized else "1.0"}, "name": project, "versions": versions, "files": files}
    if listing.state:
        value["project-status"] = {"status": listing.state, **({"reason": listing.reason} if listing.reason else {})}
    return value


def _listed(project: NormalizedName, value: dict[str, Any]) -> ListedProject:
    """Return a JSON page as the renderer of HTML takes it."""
    status = value.get("project-status")
    return ListedProject(
        project, project, tuple(_listed_file(file) for file in value["files"]), {}, 0,
        Status(state=State(status["status"]), reason=status.get("reason", ""), at=_ANY_TIME) if status else None,
    )  # fmt: skip


def _listed_file(file: dict[str, Any]) -> ListedFile:
    yanked, metadata = file.get("yanked", False), file.get("core-metadata", False)
    return ListedFile(
        filename=file["filename"], version="", url=file["url"], digest=_written(file["hashes"]), size=file.get("size"),
        uploaded=file.get("upload-time", ""), requires_python=file.get("requires-python") or "",
        metadata=_written(metadata) if isinstance(metadata, dict) else "", provenance=file.get("provenance") or "",
        yanked=None if yanked is False else "" if yanked is True else yanked,
    )  # fmt: skip


def _written(hashes: dict[str, str]) -> str:
    return f"sha256={hashes['sha256']}" if "sha256" in hashes else ""


#: A page does not say when a status was set, and shows it nowhere.
_ANY_TIME: Final = Timestamp("1970-01-01T00:00:00Z")


class _Guarded:
    """Answers GET and HEAD, to its own hosts."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
            if host not in self._hosts:
                await PlainTextResponse("this proxy answers to its own address only\n", _WRONG_HOST)(scope, receive, send)
                return
        await self._app(scope, receive, send)
