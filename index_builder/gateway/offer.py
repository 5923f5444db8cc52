"""An offer as a simple index on loopback, for a resolver that speaks HTTP.

The resolver reaches other hosts through this one only, so that the guard over addresses, the digests and the limits of
fetching hold for it too. Every wheel has its core metadata beside it, so that none is downloaded to be resolved.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from index_builder.errors import IndexBuilderError
from index_builder.gateway.background import running
from index_builder.model.names import NormalizedName
from index_builder.model.page import SIMPLE_JSON
from index_builder.ports.resolving import Offer

_HOST: Final = "127.0.0.1"
_NOT_FOUND: Final = 404


@contextmanager
def serving(offer: Offer) -> Iterator[str]:
    """Serve an offer until the block ends; yields the simple API's URL."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind((_HOST, 0))
        listener.listen(128)
        with running(_application(offer), listener, "offer"):
            yield f"http://{_HOST}:{listener.getsockname()[1]}/simple/"


def _application(offer: Offer) -> Starlette:
    # Not `async`: Starlette runs these in threads, so that one slow upstream page holds up no other.
    def detail(request: Request) -> Response:
        project = NormalizedName.of(request.path_params["project"])
        files = [
            {
                "filename": file.name.text, "url": f"/files/{file.name.text}", "hashes": {"sha256": file.sha256},
                "requires-python": file.requires_python or None, "core-metadata": True, "yanked": file.is_yanked,
            }
            for file in offer.files(project)
        ]  # fmt: skip
        return JSONResponse({"meta": {"api-version": "1.0"}, "name": project, "files": files}, media_type=SIMPLE_JSON)

    def metadata(request: Request) -> Response:
        return Response(offer.metadata(request.path_params["name"]), media_type="text/plain")

    routes = [Route("/simple/{project}/", detail), Route("/files/{name}.metadata", metadata)]
    return Starlette(routes=routes, exception_handlers={IndexBuilderError: _refused, ValueError: _refused})


def _refused(_request: Request, error: Exception) -> Response:
    """Answer 404 whatever went wrong: anything else would be asked for again and again; the offer keeps the reason."""
    return PlainTextResponse(f"{error}\n", _NOT_FOUND)
