"""A target that is one archive: the tar that GitHub Pages deploys. Source: the rules of actions/upload-pages-artifact.

It holds ordinary files and folders only, readable by everybody; links are refused there, and the host takes 1 GB.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from index_builder.adapters.storage import storage
from index_builder.errors import StorageError
from index_builder.model.publication import RECORD, Limits, Publication
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.publish.apply import verified
from index_builder.publish.record import encode

_CHUNK = 1024 * 1024
#: What GitHub Pages takes. Source: its documentation of limits.
PAGES = Limits(
    total=1_000_000_000,
    ways_out="keep the files elsewhere: `releases: {repository: OWNER/NAME}` of the audience, or publish to a bucket altogether",
)


class ArtifactHost:
    """An archive, written whole each time: whoever deploys it replaces all that is there."""

    limits = PAGES
    is_immediate = False
    is_whole = True
    is_gradual = False

    def __init__(self, path: Path, live: Site | None) -> None:
        """Take where the archive is to be, and what readers get of the last one, if that can be known."""
        self._path, self._live = path, live

    def live(self) -> Site | None:
        """Return what readers get."""
        return self._live

    def requests(self, publication: Publication, wanted: Site) -> int:
        """Return none: whoever deploys it, sends it."""
        return 0

    def stage(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Write the archive beside where it is to be."""
        with storage(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with (
                self._beside.open("wb") as stream,
                tarfile.TarFile(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT, copybufsize=_CHUNK) as archive,
            ):
                folders: set[PurePosixPath] = set()
                for put in sorted(publication.puts, key=lambda put: put.path):
                    size = wanted.size(put.path)
                    if size is None:
                        msg = f"{put.path} is not there"
                        raise StorageError(msg, fix="build the tree again: index-builder build --verify")
                    _add(archive, folders, put.path, size, _Reading(verified(wanted, put, progress)))
                    progress.done(put.path)
                content = encode(publication.record)
                _add(archive, folders, RECORD, len(content), BytesIO(content))

    def switch(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Rename it to where it is deployed from."""
        with storage(self._path):
            self._beside.replace(self._path)

    @property
    def _beside(self) -> Path:
        return self._path.with_name(f".{self._path.name}.new")


def _add(archive: tarfile.TarFile, folders: set[PurePosixPath], path: str, size: int, content: IO[bytes]) -> None:
    for folder in reversed(PurePosixPath(path).parents):
        if folder.name and folder not in folders:
            folders.add(folder)
            archive.addfile(_entry(f"{folder}", tarfile.DIRTYPE, 0o755))
    entry = _entry(path, tarfile.REGTYPE, 0o644)
    entry.size = size
    archive.addfile(entry, content)
    if content.read(1):  # this also lets the digest be compared
        msg = f"{path} has more bytes than it had"
        raise StorageError(msg, fix="build the tree again: index-builder build --verify")


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"./{path}")
    entry.type, entry.mode, entry.mtime = kind, mode, 0
    return entry


class _Reading(BytesIO):
    """What `tarfile` reads from: chunks as they come."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks, self._rest = chunks, b""

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes; what ends early is an error of the archive."""
        wanted = size if size is not None and size >= 0 else 1 << 62
        while len(self._rest) < wanted:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        found, self._rest = self._rest[:wanted], self._rest[wanted:]
        return found
