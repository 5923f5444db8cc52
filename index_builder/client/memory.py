"""What was checked and never changes, kept as long as there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict


class Memory:
    """Bytes by their digest, `most` of them in all; what was asked for longest ago goes first. Safe for several threads."""

    def __init__(self, most: int) -> None:
        """Keep nothing yet."""
        self._most, self._size = most, 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: str) -> bytes | None:
        """Return what is kept, or None."""
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
            return self._kept.get(digest)

    def keep(self, digest: str, content: bytes) -> None:
        """Keep what was compared with its digest."""
        with self._lock:
            if digest not in self._kept:
                self._size += len(content)
            self._kept[digest] = content
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])
