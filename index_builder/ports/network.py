"""The one way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class Response(Protocol):
    """An answer whose body is still to be read. Header names are lower case."""

    status: int
    url: str
    headers: dict[str, str]

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; raises RemoteError when it breaks off or a deadline passes."""
        ...


class Transport(Protocol):
    """HTTP to other hosts, guarded: https only, global addresses only, redirects checked and counted."""

    def get(self, url: str, headers: dict[str, str], *, deadline: float) -> AbstractContextManager[Response]:
        """Ask for `url`; all of it must be over by `deadline`, a time of Clock.monotonic. Raises RemoteError."""
        ...
