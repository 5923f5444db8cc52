"""A published tree, read over HTTPS from where installers read it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, NoReturn
from urllib.parse import quote

from index_builder.adapters.storage import storage
from index_builder.errors import NotFoundError, StorageError
from index_builder.fetch.download import Downloader
from index_builder.render.web.books import BOOKS, decode_books
from index_builder.state import MARK, Mark, OutdatedStateError, decode_mark, decode_shard


class PublishedSite:
    """A Site that is only read. What is not there is not there; that its host does not answer is RemoteError, not absence."""

    def __init__(self, url: str, downloader: Downloader) -> None:
        """Take where the tree is, ending in a slash."""
        self._url = url
        self._downloader = downloader

    def listing(self) -> dict[str, int | None]:
        """Return the files that its state names, of sizes that nobody knows; none where the state is not whole.

        A host does not tell what it has.
        """
        try:
            mark = decode_mark(self.read(MARK))
            shards = [decode_shard(self.read(path), digest) for path, digest in mark.shards.items()]
        except (StorageError, OutdatedStateError, ValueError, TypeError):
            return {}
        books = self._books(mark)
        paths = [
            *books,
            *mark.lists,
            *mark.shards,
            *mark.rows,
            MARK,
            *(path for shard in shards for built in shard.values() for path in built.files),
        ]
        return dict.fromkeys(paths)

    def _books(self, mark: Mark) -> list[str]:
        """Return the pages for people that show many projects, as far as they are remembered."""
        if not mark.web:
            return []
        return [BOOKS, *decode_books(self.read(BOOKS)).files]

    def size(self, path: str) -> int | None:
        """Return a file's size, as its bytes have it."""
        try:
            with self.open(path) as stream:
                return stream.seek(0, 2)
        except StorageError:
            return None

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        with self.open(path) as stream:
            return stream.read()

    def open(self, path: str) -> BinaryIO:
        """Download a file, and open that."""
        stream: BinaryIO = TemporaryFile()  # noqa: SIM115 - handed out
        try:
            self._downloader.unpinned(self._url + quote(path), stream, name=path)
        except NotFoundError as error:
            stream.close()
            msg = f"{self._url}{path} is not there"
            raise StorageError(msg) from error
        except BaseException:
            stream.close()
            raise
        stream.seek(0)
        return stream

    def put(self, path: str, chunks: Iterable[bytes]) -> NoReturn:
        """Raise StorageError: a published tree is changed by its publication."""
        msg = f"{self._url} is only read"
        raise StorageError(msg)

    def delete(self, path: str) -> NoReturn:
        """Raise StorageError, as `put` does."""
        self.put(path, ())


class KeptSite(PublishedSite):
    """One of which nothing is downloaded twice: for whoever may read all of it."""

    def __init__(self, url: str, downloader: Downloader, folder: Path) -> None:
        """Take where the tree is, and an empty folder for what was read of it."""
        super().__init__(url, downloader)
        self._folder = folder
        self._kept: dict[str, Path | None] = {}

    def open(self, path: str) -> BinaryIO:
        """Download a file, the first time that it is asked for."""
        if path not in self._kept:
            self._kept[path] = self._download(path)
        kept = self._kept[path]
        if kept is None:
            msg = f"{self._url}{path} is not there"
            raise StorageError(msg)
        with storage(kept):
            return kept.open("rb")

    def _download(self, path: str) -> Path | None:
        kept = self._folder / f"{len(self._kept)}"
        try:
            found = super().open(path)
        except StorageError as error:
            if isinstance(error.__cause__, NotFoundError):
                return None
            raise
        with found, storage(kept), kept.open("wb") as stream:
            shutil.copyfileobj(found, stream)
        return kept
