"""What differs from a published tree, in a folder: for targets that take changes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from index_builder.adapters.directory_site import DirectorySite
from index_builder.adapters.storage import storage, write_whole
from index_builder.errors import StorageError
from index_builder.ports.places import Site


class SparseSite:
    """A Site that is read where it is published, and whose new files go into a folder, which begins empty."""

    def __init__(self, published: Site, folder: Path, audience: str) -> None:
        """Take the folder; raises StorageError where it holds something that no sparse build wrote.

        The list of changes lies beside the folder; that it is there says whose folder it is.
        """
        self._published = published
        self._folder = folder
        self._audience = audience
        self._written: DirectorySite | None = None
        self._changes = folder.with_name(f"{folder.name}.changes.json")
        self.is_whole = False
        if folder.exists() and not self._changes.is_file() and any(folder.iterdir()):
            msg = f"{folder} is not empty, and was not written by `build --sparse`"
            raise StorageError(msg, fix="choose a new folder with --output")

    def _begun(self) -> DirectorySite:
        """Clear out what an earlier sparse build left, with the first file that is written: until then, this one may fail."""
        if self._written is None:
            with storage(self._changes):
                self._changes.parent.mkdir(parents=True, exist_ok=True)
                self._changes.write_bytes(b"{}\n")
                shutil.rmtree(self._folder, ignore_errors=True)
            self._written = DirectorySite(self._folder, self._audience)
        return self._written

    def listing(self) -> Mapping[str, int | None]:
        """Return what is known to be published, path -> size. Where that is nothing, all will be written: `is_whole`."""
        found = self._published.listing()
        self.is_whole = not found
        return found

    def size(self, path: str) -> int | None:
        """Return the size of a published file."""
        return self._published.size(path)

    def read(self, path: str) -> bytes:
        """Return the bytes of a published file."""
        return self._published.read(path)

    def open(self, path: str) -> BinaryIO:
        """Open a published file."""
        return self._published.open(path)

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file into the folder."""
        self._begun().put(path, chunks)

    def delete(self, path: str) -> None:
        """Leave it to the list of changes: nothing published is touched here."""

    def finish(self, changes: bytes) -> None:
        """Write the list of changes: until then it says that the build did not end."""
        self._begun().tidy()
        with storage(self._changes):
            write_whole(self._changes, self._changes.with_suffix(".new"), [changes])
