"""Where trees are: built, published, and shown before they are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from index_builder.model.publication import Limits, Publication, Put
    from index_builder.ports.machine import Progress


class Writer(Protocol):
    """What writes into a tree, and can be sent to another process of this machine."""

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file, whole or not at all; raises StorageError."""
        ...


class Site(Protocol):
    """One audience's published tree, in a folder. Paths are relative POSIX paths."""

    def listing(self) -> Mapping[str, int | None]:
        """Return path -> size in bytes, or None where that is unknown, of everything that a build wrote there; raises StorageError."""
        ...

    def size(self, path: str) -> int | None:
        """Return a file's size in bytes, or None where there is no ordinary file; raises StorageError."""
        ...

    def read(self, path: str) -> bytes:
        """Return a file's bytes; raises StorageError."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading, seekable; what is put in its place later does not change what is read. Raises StorageError."""
        ...

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file, whole or not at all; raises StorageError."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file, and its folders where they are left empty."""
        ...


@runtime_checkable
class SharedSite(Site, Protocol):
    """A site in which other processes may write too."""

    def writer(self) -> Writer | None:
        """Return what writes here from another process, which has paths of its own; None where nobody is to write."""
        ...


class Host(Protocol):
    """What serves a target: what readers get there, and how that is changed.

    `limits` is what it takes; where it is not `is_immediate`, somebody else deploys later what was switched to. One that `is_whole`
    takes all of a tree each time; at one that `is_gradual` pages are not staged, but put one by one when it is switched.
    """

    limits: Limits
    is_immediate: bool
    is_whole: bool
    is_gradual: bool

    def live(self) -> Site | None:
        """Return what readers get now, None where nothing is published; raises StorageError, RemoteError.

        It is what the next publication changes, and is compared with.
        """
        ...

    def requests(self, publication: Publication, wanted: Site) -> int:
        """Return how many requests over the network a publication takes, as far as that can be known before."""
        ...

    def stage(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Bring what is new to where no reader is led to it yet; raises StorageError, RemoteError."""
        ...

    def switch(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Let readers get what was staged. Raises LostRaceError where somebody else published meanwhile, StorageError, RemoteError."""
        ...


class Depot(Protocol):
    """Where an audience's files are, when its targets do not have them."""

    def missing(self, puts: Sequence[Put], wanted: Site) -> Sequence[Put]:
        """Return those that are not there yet; raises RemoteError, StorageError where one is there with other bytes."""
        ...

    def stock(self, puts: Sequence[Put], wanted: Site, progress: Progress) -> None:
        """Bring there what is missing, and overwrite nothing; raises RemoteError, StorageError."""
        ...

    def withdraw(self, paths: Iterable[str]) -> None:
        """Delete files, those too that are not there; raises RemoteError."""
        ...


class PreviewPlace(Protocol):
    """Where previews are shown. Everything raises RemoteError, StorageError."""

    def shown(self) -> Mapping[int, str]:
        """Return the commits that are shown, by the number of their pull request."""
        ...

    def put(self, number: int, head: str, folder: Path) -> None:
        """Show a tree as a pull request's; raises SourceError for what is no tree of files."""
        ...

    def drop(self, number: int) -> None:
        """Show a pull request no more."""
        ...
