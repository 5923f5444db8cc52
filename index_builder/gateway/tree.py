"""A published tree over HTTP, as an installer expects it.

The simple API is negotiated by Accept (PEP 691); names that are not normalized are redirected, because pip before
8.1.2 asks for them; files under their digest never change, pages are revalidated.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index_builder.model.page import FOR_PEOPLE, HTML, JSON, JSON_LINES, SIMPLE_JSON, STATUS, for_people
from index_builder.model.rows import is_rows
from index_builder.render.accept import OFFERED, negotiate
from index_builder.state import MARK, SHARDS
from index_builder.trust.layout import POINTER, copied, is_metadata

_PAGES: Final = {"index.html": HTML, "index.v1_json": SIMPLE_JSON}
_FOREVER: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "no-cache"

Log = Callable[[str], None]


class TreeServer:
    """The answers for one audience's tree in a folder."""

    def __init__(self, root: Path) -> None:
        """Serve `root`; symbolic links that leave it are not followed."""
        self._files = StaticFiles(directory=root, follow_symlink=False)

    def application(self, log: Log | None = None) -> ASGIApp:
        """Return the ASGI application; `log` gets a line a request."""
        methods = ["GET", "HEAD"]
        routes = [
            Route("/simple", self._to_slash, methods=methods),
            Route("/simple/", self._list, methods=methods),
            *(Route(f"/simple/{page}", self._page, methods=methods) for page in _PAGES),
            Route("/simple/{name}", self._to_slash, methods=methods),
            Route("/simple/{name}/", self._detail, methods=methods),
            *(Route(f"/simple/{{name}}/{page}", self._page, methods=methods) for page in _PAGES),
            Route("/pypi/{name}/json", self._legacy, methods=methods),
            Route("/pypi/{name}/{version}/json", self._legacy, methods=methods),
            Route("/{path:path}", self._other, methods=methods),
        ]
        app = Starlette(routes=routes, exception_handlers={HTTPException: _plain})
        app.router.redirect_slashes = False
        return _Logged(app, log) if log else app

    async def _to_slash(self, request: Request) -> Response:
        name = request.path_params.get("name")
        return RedirectResponse(_address(request, f"simple/{canonicalize_name(name)}/" if name else "simple/"), 301)

    async def _list(self, request: Request) -> Response:
        return await self._negotiated(request, "simple/")

    async def _detail(self, request: Request) -> Response:
        name = request.path_params["name"]
        if canonicalize_name(name) != name:
            return await self._to_slash(request)
        return await self._negotiated(request, f"simple/{name}/")

    async def _negotiated(self, request: Request, folder: str) -> Response:
        kind = negotiate(request.headers.get("accept", ""))
        if kind is None:
            raise HTTPException(406, f"this index speaks {', '.join(OFFERED)}")
        page = "index.v1_json" if kind == SIMPLE_JSON else "index.html"
        return await self._file(request, folder + page, kind, _REVALIDATE, vary="Accept")

    async def _page(self, request: Request) -> Response:
        """A page by the name of its file, as hosts have it that only serve files."""
        page = request.scope["path"].rpartition("/")[2]
        parts = ("simple", request.path_params.get("name"), page)
        return await self._file(request, "/".join(part for part in parts if part), _PAGES[page], _REVALIDATE)

    async def _legacy(self, request: Request) -> Response:
        name, version = request.path_params["name"], request.path_params.get("version")
        path = "/".join(part for part in ("pypi", canonicalize_name(name), version, "json") if part)
        if canonicalize_name(name) != name:
            return RedirectResponse(_address(request, path), 301)
        response = await self._file(request, path, JSON, _REVALIDATE)
        response.headers["x-pypi-last-serial"] = str(await run_in_threadpool(self._serial, path))
        return response

    def _serial(self, path: str) -> int:
        """Return what mirroring tools compare with the project list, before they take a project's page as current."""
        return int(json.loads(Path(self._files.lookup_path(path)[0]).read_bytes())["last_serial"])

    async def _other(self, request: Request) -> Response:
        path = posixpath.normpath("/" + request.path_params["path"])[1:]
        if not path:
            path = "index.html"
        top = path.partition("/")[0]
        if top in ("packages", "provenance"):
            kind = JSON if top == "provenance" else "application/octet-stream"
            return await self._file(request, path, kind, _FOREVER)
        if is_rows(path):
            return await self._file(request, path, JSON_LINES, _REVALIDATE)
        if (for_them := _kind_for_people(path)) is not None:
            return await self._file(request, path, for_them, _FOREVER if top == "assets" else _REVALIDATE)
        if path == MARK or path.startswith(SHARDS):
            return await self._file(request, path, JSON, _REVALIDATE)
        if path == POINTER or is_metadata(path) or copied(path):
            kind = SIMPLE_JSON if path.endswith(".v1_json") else JSON
            return await self._file(request, path, kind, _REVALIDATE if path == POINTER else _FOREVER)
        raise HTTPException(404)

    async def _file(self, request: Request, path: str, kind: str, cache: str, *, vary: str = "") -> Response:
        response = await self._files.get_response(path, request.scope)
        response.headers["cache-control"] = cache
        if vary:
            response.headers["vary"] = vary
        if response.status_code == 200:  # noqa: PLR2004 - a 304 has no type
            response.headers["content-type"] = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        return response


def _kind_for_people(path: str) -> str | None:
    """Return the content type of a page for people, None for what is none."""
    return for_people(path) if path.partition("/")[0] in FOR_PEOPLE or path == STATUS else None


def _address(request: Request, path: str) -> str:
    return f"{request.scope.get('root_path', '')}/{path}"


async def _plain(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    return PlainTextResponse(f"{status} {detail}\n", status, {"cache-control": _REVALIDATE})


class _Logged:
    def __init__(self, app: ASGIApp, log: Log) -> None:
        self._app, self._log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._log(f"{scope['method']} {scope['path']} {message['status']}")
            await send(message)

        await self._app(scope, receive, noted if scope["type"] == "http" else send)
