"""Bytes by their digest, here and where they were handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

if TYPE_CHECKING:
    from index_builder.model.names import Sha256


#: `links`: the URL where a linked file was found. `examined`: what its bytes were compared with, and agreed. `readmes`: a README as HTML.
Note = Literal["links", "examined", "readmes"]


class PoolEntry(Protocol):
    """Bytes on their way into a pool. What was written survives an interrupt, until `discard`."""

    written: int

    def write(self, chunk: bytes) -> None:
        """Append bytes; raises StorageError."""
        ...

    def commit(self) -> None:
        """Make the entry visible under its digest, whole or not at all.

        Raises CorruptEntryError, keeping nothing, where the digest is another.
        """
        ...

    def discard(self) -> None:
        """Forget what was written; the entry can be written anew."""
        ...

    def close(self) -> None:
        """Keep what was written for a later try."""
        ...


class Pool(Protocol):
    """Bytes by digest: files, core metadata, provenance; and notes of files."""

    def size(self, digest: Sha256) -> int | None:
        """Return an entry's size in bytes, or None where there is none."""
        ...

    def open(self, digest: Sha256) -> BinaryIO:
        """Open an entry for reading, seekable; raises StorageError where there is none."""
        ...

    def receive(self, digest: Sha256) -> PoolEntry:
        """Begin (or take up again) writing an entry; raises StorageError."""
        ...

    def drop(self, digest: Sha256) -> None:
        """Delete an entry that proved wrong."""
        ...

    def note(self, kind: Note, digest: Sha256) -> str | None:
        """Return what was noted of a file, or None."""
        ...

    def set_note(self, kind: Note, digest: Sha256, text: str) -> None:
        """Note something of a file, in one line; raises StorageError."""
        ...


class Shelf(Protocol):
    """A place at a host where bytes lie by digest: what is published, or an inbox."""

    def open(self, digest: Sha256, name: str) -> BinaryIO | None:
        """Open a file by its digest and name, or with name '' a provenance object; None where it is not there.

        Nobody has looked yet whether its bytes are those of the digest. Raises RemoteError, StorageError.
        """
        ...


class HandedIn(Shelf, Protocol):
    """An inbox at a host."""

    def put(self, digest: Sha256, stream: BinaryIO, size: int) -> None:
        """Hand a file in, unless it is there; raises RemoteError, StorageError."""
        ...
