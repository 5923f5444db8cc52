"""Where bytes may still be when they are neither here nor where they came from: in what is published."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryFile
from typing import BinaryIO

from index_builder.errors import NotFoundError, StorageError
from index_builder.fetch.download import Downloader
from index_builder.model.names import Sha256
from index_builder.ports.places import Site


class TreeShelf:
    """A published tree."""

    def __init__(self, tree: Site, files: str) -> None:
        """Take the tree, and the folder of its files, ending in a slash; '' where they are not in it."""
        self._tree, self._files = tree, files

    def open(self, digest: Sha256, name: str) -> BinaryIO | None:
        """Open a file, or with no name a provenance object."""
        if name and not self._files:
            return None
        try:
            return self._tree.open(f"{self._files}{digest.path}/{name}" if name else f"provenance/{digest}.json")
        except StorageError:
            return None


class UrlShelf:
    """A host that has each file at a URL of its own."""

    def __init__(self, url_of: Callable[[Sha256, str], str], downloader: Downloader) -> None:
        """Take what says where a file of a digest and name is."""
        self._url_of, self._downloader = url_of, downloader

    def open(self, digest: Sha256, name: str) -> BinaryIO | None:
        """Download a file, and open that."""
        if not name:
            return None
        stream: BinaryIO = TemporaryFile()  # noqa: SIM115 - handed out
        try:
            self._downloader.unpinned(self._url_of(digest, name), stream, name=name)
        except NotFoundError:
            stream.close()
            return None
        except BaseException:
            stream.close()
            raise
        stream.seek(0)
        return stream
