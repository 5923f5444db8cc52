"""What the adapters over folders share: errors in words, and files that are written whole or not at all."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from index_builder.errors import StorageError


@contextmanager
def storage(path: Path | str) -> Iterator[None]:
    """Turn an OSError into StorageError, with the way out."""
    try:
        yield
    except OSError as error:
        fix = f"look at the owner and mode of {path}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = "free some space, or choose another --pool or --output; what is there is whole, and the next run goes on from it"
        msg = f"{path}: {error.strerror or error}"
        raise StorageError(msg, fix=fix) from error


def write_whole(path: Path, temporary: Path, chunks: Iterable[bytes]) -> None:
    """Write a file at `temporary`, on the same file system, then rename it to `path`."""
    temporary.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
