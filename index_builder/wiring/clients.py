"""What downloads for an installer, and checks it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.storage import storage, write_whole
from index_builder.wiring.fetchers import NETWORKS, environment_of

if TYPE_CHECKING:
    from index_builder.client.index import VerifiedIndex
    from index_builder.fetch.download import Downloader
    from index_builder.ports.machine import Progress

# ruff: noqa: PLC0415 - git, HTTP and the resolver each take longer to import than many commands to run: who needs one, waits for it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What downloads for an installer."""

    downloader: Downloader


@contextmanager
def open_client(url: str, progress: Progress) -> Iterator[Client]:
    """Yield what downloads from the index at `url`, wherever that is, and from the public Internet; raises UsageError, RemoteError."""
    from index_builder.adapters.addresses import networks_of, parse_networks
    from index_builder.adapters.folder_transport import FolderTransport
    from index_builder.adapters.http import GuardedTransport
    from index_builder.fetch.download import Downloader, Limits

    clock = SystemClock()
    networks = (*parse_networks(environment_of()[NETWORKS].split(",")), *networks_of(url))
    guarded = GuardedTransport(clock, unsafe_networks=networks, connections=32)
    limits = Limits(attempts=3, patience=30.0, window=10.0)  # an installer waits less long than a builder
    transport = FolderTransport(Path(unquote(urlsplit(url).path)), guarded) if url.startswith("file:") else guarded
    try:
        yield Client(downloader=Downloader(transport=transport, clock=clock, progress=progress, limits=limits))
    finally:
        guarded.close()


@contextmanager
def open_published(where: str | Path, progress: Progress) -> Iterator[Callable[[str], bytes]]:
    """Yield what reads a path of a published tree, at a URL or in a folder. It raises StorageError, RemoteError."""
    if isinstance(where, Path):

        def read(path: str) -> bytes:
            with storage(where / path):
                return (where / path).read_bytes()

        yield read
        return
    from index_builder.adapters.published_site import PublishedSite

    with open_client(where, progress) as client:
        yield PublishedSite(where, client.downloader).read


@contextmanager
def open_verified(url: str, root: bytes, client: Client, cache: Path | None) -> Iterator[VerifiedIndex]:
    """Yield the index at `url` as `root` and what follows from it say it is; raises TrustError, StorageError."""
    from index_builder.client.cache import Cache
    from index_builder.client.index import VerifiedIndex

    remembered = Cache(cache or _cache_folder(), url, root)
    try:
        yield VerifiedIndex(url, root, remembered, client.downloader)
    finally:
        remembered.close()


def first_seen(url: str, root: bytes, cache: Path | None) -> bytes:
    """Return the root that was taken for `url` the first time: this one, where there was none. Raises StorageError."""
    path = (cache or _cache_folder()) / f"first-{hashlib.sha256(url.encode()).hexdigest()[:32]}.root.json"
    with storage(path):
        if not path.exists():
            write_whole(path, path.with_suffix(".new"), [root])
        return path.read_bytes()


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "index-builder" / "clients"
