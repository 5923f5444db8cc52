"""A server between a tree and its readers that holds back, stretches or never ends what it hands on."""

import asyncio
import re


class Between:
    """Answers as the tree does, but where a path matches: `missing` with 404, `endless` without end, `slow` a byte at a time."""

    def __init__(self, *, missing="", endless="", slow="") -> None:
        self.missing, self.endless, self.slow = (re.compile(pattern or r"(?!)") for pattern in (missing, endless, slow))
        self.sent = 0

    def __call__(self, app):
        async def hostile(scope, receive, send):
            path = scope["path"]
            if self.missing.search(path):
                await send({"type": "http.response.start", "status": 404, "headers": []})
                await send({"type": "http.response.body", "body": b"no\n"})
            elif self.endless.search(path):
                await self._flood(receive, send)
            elif self.slow.search(path):
                await self._drip(receive, send)
            else:
                await app(scope, receive, send)

        return hostile

    async def _flood(self, receive, send):
        """Send 200 MB, which is more than anybody should read, until the other side goes away."""
        gone = asyncio.ensure_future(_gone(receive))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        for _ in range(200):
            await send({"type": "http.response.body", "body": b" " * 1_000_000, "more_body": True})
            self.sent += 1_000_000
            await asyncio.sleep(0)
            if gone.done():
                return
        await send({"type": "http.response.body", "body": b""})

    async def _drip(self, receive, send):
        """Send a byte every tenth of a second, for a minute, until the other side goes away."""
        gone = asyncio.ensure_future(_gone(receive))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"600")]})
        for _ in range(600):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.1)
            if gone.done():
                return
        await send({"type": "http.response.body", "body": b""})


async def _gone(receive):
    """Wait until the other side has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
