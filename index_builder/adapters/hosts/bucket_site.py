"""A bucket's tree as it is read: what a publication is compared with, and what is repaired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from io import BytesIO
from typing import BinaryIO, Final

from index_builder.adapters.folder_objects import FolderObjects
from index_builder.adapters.hosts.lease import LEASE
from index_builder.adapters.object_store import FOREVER, REVALIDATE, Bucket, Got, Headers, Tag, content_type
from index_builder.errors import StorageError
from index_builder.model.publication import Kind
from index_builder.publish.plan import kind_of
from index_builder.state import MARK
from index_builder.trust.layout import FOLDER as SIGNATURES
from index_builder.trust.layout import POINTER, REPLACED

_BRIEFLY: Final = "max-age=60"


def cache_of(kind: Kind, scope: str) -> str:
    """Say how long an object may be kept, and by whom: `scope` is `public`, or `private`, which keeps it out of shared caches."""
    if kind.is_immutable:
        return f"{scope}, {FOREVER}"
    return f"{scope}, {_BRIEFLY}" if kind in (Kind.PROJECT, Kind.LIST, Kind.WEB) else REVALIDATE


def _kind_of(path: str) -> Kind:
    return kind_of(path, mark=MARK, mutable=frozenset({REPLACED}), pointer=POINTER)


class BucketSite:
    """A bucket's tree as a Site that is only read. What was read once is remembered: it is compared with, and put on condition.

    Whoever has asked for all that is there wants it to be right: then an object with other headers than it is put with, is not read.
    """

    def __init__(self, bucket: Bucket, scope: str, objects: FolderObjects | None = None) -> None:
        """Take the bucket, by whom its objects may be kept, and what its folders have, if anything."""
        self._bucket, self._scope, self._objects = bucket, scope, objects
        self._is_strict = False
        self._contents: dict[str, Got | None] = {}
        self._seen: frozenset[str] | None = None
        self._spoiled: AbstractSet[str] = frozenset()

    def listing(self) -> Mapping[str, int | None]:
        """Ask the bucket for all that it has."""
        found = {path: (size, tag) for path, size, tag in self._bucket.list() if path != LEASE}
        listed = self._objects.listed(found) if self._objects else found
        self._spoiled, self._is_strict = found.keys() - listed.keys(), True
        return {path: size for path, (size, _) in listed.items()}

    def look(self) -> frozenset[str]:
        """Ask the bucket once for all that it has, so that nobody need ask after what it has not; return that."""
        self._seen = frozenset(path for path, _, _ in self._bucket.list())
        return self._seen

    def tag(self, path: str) -> Tag | None:
        """Return what an object was recognized by when it was read; asks, where it was not and may be there."""
        if path in self._contents:
            found = self._contents[path]
            return found.tag if found else None
        if self._seen is not None and path not in self._seen:
            return None
        head = self._bucket.head(path)
        return Tag.of(head) if head else None

    def is_known(self, path: str) -> bool:
        """Say whether an object was read, or looked for."""
        return path in self._contents

    def size(self, path: str) -> int | None:
        """Return an object's size. Small ones are fetched at once: who asks for their size wants to read them.

        After a listing, a page counts as not there that its folder's object has not, as in the listing.
        """
        if path in self._spoiled:
            return None
        if path.startswith(("packages/", "provenance/")):
            head = self._bucket.head(path)
            return int(head["size"]) if head else None
        found = self._get(path)
        return len(found.content) if found else None

    def _get(self, path: str) -> Got | None:
        if path not in self._contents:
            self._contents[path] = self._bucket.get(path)
        return self._contents[path]

    def read(self, path: str) -> bytes:
        """Return an object's bytes."""
        found = self._get(path)
        if found is None:
            msg = f"{path} is not in the bucket"
            raise StorageError(msg)
        self._check_headers(path, found.headers)
        return found.content

    def open(self, path: str) -> BinaryIO:
        """Open an object."""
        if path.startswith("packages/"):
            found = self._bucket.opened(path)
            if found is None:
                msg = f"{path} is not in the bucket"
                raise StorageError(msg)
            self._check_headers(path, found.headers)
            return found.stream
        return BytesIO(self.read(path))

    def _check_headers(self, path: str, headers: Headers) -> None:
        wanted = Headers(content_type(path), cache_of(_kind_of(path), self._scope))
        if self._is_strict and not path.startswith(SIGNATURES) and headers != wanted:
            msg = f"{path} is served as {headers.kind or 'nothing'} ({headers.cache}), and was put as {wanted.kind} ({wanted.cache})"
            raise StorageError(msg, fix="put it right: index-builder publish --reconcile")

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Raise StorageError: a bucket is changed by its host."""
        msg = "a bucket is only read"
        raise StorageError(msg)

    def delete(self, path: str) -> None:
        """Raise StorageError, as `put` does."""
        self.put(path, ())
