"""What a client remembers of an index, so that it is not led back: python-tuf's metadata cache, with one writer at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index_builder.errors import StorageError


class Cache:
    """A folder for one index under one pinned root; other processes and threads wait for their turn."""

    def __init__(self, folder: Path, url: str, root: bytes) -> None:
        """Choose the folder by URL and root: another root is another history. Raises StorageError."""
        name = hashlib.sha256(hashlib.sha256(root).digest() + url.encode()).hexdigest()[:32]
        self.folder = folder / name
        self._threads = threading.RLock()
        self._held = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            msg = f"{self.folder} cannot be written: {error.strerror}"
            raise StorageError(msg, fix="choose another folder for what is remembered: --cache DIR") from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder for this thread of this process."""
        with self._threads:
            if not self._held:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self._held += 1
            try:
                yield
            finally:
                self._held -= 1
                if not self._held:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the folder back."""
        os.close(self._descriptor)
