"""A folder as if it were a host: for checking a tree before it is published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from index_builder.errors import RemoteError
from index_builder.ports.network import Response, Transport

_CHUNK = 1024 * 1024


class FolderTransport:
    """A Transport for `file:` URLs below one folder; all others go to `other`."""

    def __init__(self, root: Path, other: Transport) -> None:
        """Take the folder that a tree is in."""
        self._root, self._other = root.resolve(), other

    @contextmanager
    def get(self, url: str, headers: dict[str, str], *, deadline: float) -> Iterator[Response]:
        """Answer 404 for what is not there, or not below the folder."""
        parts = urlsplit(url)
        if parts.scheme != "file":
            with self._other.get(url, headers, deadline=deadline) as response:
                yield response
            return
        yield _FileResponse(url, self._found(unquote(parts.path)))

    def _found(self, text: str) -> Path | None:
        try:
            path = Path(text).resolve()
            return path if path.is_relative_to(self._root) and path.is_file() else None
        except (OSError, RuntimeError, ValueError):
            # Links that lead round in a circle, names too long, NUL: nothing that can be read is there.
            return None


class _FileResponse:
    """A file as an answer."""

    def __init__(self, url: str, path: Path | None) -> None:
        self.url, self.status, self.headers = url, 404 if path is None else 200, dict[str, str]()
        self._path = path

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes; raises RemoteError."""
        if self._path is None:
            return
        try:
            with self._path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
        except OSError as error:
            msg = f"{self.url}: {error.strerror}"
            raise RemoteError(msg) from error
