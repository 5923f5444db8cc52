"""A Site of bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from index_builder.errors import StorageError


class MemorySite:
    """A Site of bytes. `log` holds what was done, in order: `("put", path)`, `("delete", path)`."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        """Take path -> content of what is there from the beginning."""
        self.files: dict[str, bytes] = dict(files or {})
        self.log: list[tuple[str, str]] = []

    def listing(self) -> dict[str, int]:
        """Return path -> size."""
        return {path: len(content) for path, content in self.files.items()}

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        try:
            return self.files[path]
        except KeyError as error:
            msg = f"{path}: no such file"
            raise StorageError(msg) from error

    def size(self, path: str) -> int | None:
        """Return a file's size."""
        return len(self.files[path]) if path in self.files else None

    def open(self, path: str) -> BinaryIO:
        """Open a file."""
        return io.BytesIO(self.read(path))

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file once all of its bytes were given."""
        self.files[path] = b"".join(chunks)
        self.log.append(("put", path))

    def delete(self, path: str) -> None:
        """Delete a file."""
        self.files.pop(path, None)
        self.log.append(("delete", path))
