"""Pieces of bytes that wait in a file, in order, instead of in memory."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self

_CHUNK = 1024 * 1024


class Spool:
    """A nameless file of pieces, which is gone with the run."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._sizes: list[int] = []
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, piece: bytes) -> None:
        """Append a piece."""
        self._file.write(piece)
        self._sizes.append(len(piece))
        self.size += len(piece)

    def pieces(self) -> Iterator[bytes]:
        """Yield every piece, from the first."""
        self._file.seek(0)
        for size in self._sizes:
            yield self._file.read(size)

    def at(self, begin: int, size: int) -> bytes:
        """Return `size` bytes from byte `begin` on."""
        self._file.seek(begin)
        return self._file.read(size)

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes in large chunks, from the first."""
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            yield chunk
