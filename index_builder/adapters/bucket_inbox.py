"""An inbox under a prefix of a bucket: each file is an object that is called by its digest."""

from __future__ import annotations

from typing import BinaryIO, Final

from index_builder.adapters.object_store import FOREVER, LARGE, Bucket
from index_builder.errors import LostRaceError
from index_builder.model.names import Sha256

#: What was handed in is no shared cache's.
_CACHE: Final = f"private, {FOREVER}"
_CHUNK: Final = 1024 * 1024


class BucketInbox:
    """What contributors hand in; nothing there is believed before its digest was computed."""

    def __init__(self, bucket: Bucket) -> None:
        """Take the bucket."""
        self._bucket = bucket

    def open(self, digest: Sha256, name: str) -> BinaryIO | None:
        """Open a file."""
        return self._bucket.open(digest)

    def put(self, digest: Sha256, stream: BinaryIO, size: int) -> None:
        """Hand a file in, unless it is there. Raises RemoteError."""
        if size > LARGE:
            if self._bucket.head(digest) is None:
                self._bucket.put_large(digest, iter(lambda: stream.read(_CHUNK), b""), size, cache=_CACHE)
            return
        try:
            self._bucket.put(digest, stream.read(), cache=_CACHE, new=True)
        except LostRaceError:
            return
