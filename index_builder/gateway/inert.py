"""Answers of which a browser runs nothing, because somebody else has made them."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: No script, no style, no form, and an origin that is nobody's. Source: CSP level 3, sections 6.1 and 6.3.
_POLICY: Final = (b"content-security-policy", b"default-src 'none'; sandbox")
_AS_SAID: Final = (b"x-content-type-options", b"nosniff")


class Inert:
    """An application, each of whose answers says so."""

    def __init__(self, app: ASGIApp) -> None:
        """Take the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _POLICY, _AS_SAID]
            await send(message)

        await self._app(scope, receive, said)
