"""Where bytes come from and go to: the pool, inboxes, upstream indexes, what is published."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.directory_pool import DirectoryPool
from index_builder.adapters.progress import NoProgress
from index_builder.errors import UsageError

if TYPE_CHECKING:
    from index_builder.adapters.addresses import Network
    from index_builder.adapters.http import GuardedTransport
    from index_builder.fetch.download import Downloader
    from index_builder.fetch.stage import Fetcher
    from index_builder.model.index import Configuration
    from index_builder.model.plan import Fetch
    from index_builder.model.problem import Problem
    from index_builder.ports.machine import Clock, Progress
    from index_builder.ports.network import Response
    from index_builder.ports.pool import HandedIn, Shelf

# ruff: noqa: PLC0415 - git, HTTP and the resolver each take longer to import than many commands to run: who needs one, waits for it.


def open_pool(root: Path, configuration: Configuration, pool: Path | None = None) -> DirectoryPool:
    """Return the pool of `index.yaml`, or the folder `pool`."""
    return DirectoryPool(pool or root / configuration.pool.path)


def open_inbox(root: Path, configuration: Configuration) -> DirectoryPool:
    """Return the inbox of `index.yaml`."""
    return DirectoryPool(root / configuration.inbox.path)


@contextmanager
def open_fetcher(
    root: Path, configuration: Configuration, clock: SystemClock, progress: Progress, *,
    pool: Path | None = None, connections: int = 16, offline: bool = False, environment: Mapping[str, str] | None = None,
) -> Iterator[Fetcher]:  # fmt: skip
    """Yield a fetcher over the pool and inbox of `index.yaml`, or over `pool`.

    INDEX_BUILDER_UNSAFE_NETWORKS of `environment`, which is the process's own unless given, lists networks, besides the public
    Internet, that may be reached; PIP_INDEX_URL is what the upstream `default` means. Raises UsageError.
    """
    from index_builder.adapters.addresses import parse_networks
    from index_builder.fetch.download import Downloader
    from index_builder.fetch.stage import Fetcher
    from index_builder.fetch.upstream import Upstreams

    environment = environment if environment is not None else environment_of()
    try:
        networks = parse_networks(environment[NETWORKS].split(","))
    except ValueError as error:
        msg = f"INDEX_BUILDER_UNSAFE_NETWORKS: {error}"
        raise UsageError(msg, fix="write networks as 10.1.0.0/16, separated by commas") from error
    transport = _OnDemand(lambda: _guarded(clock, networks, connections))
    downloader = Downloader(transport=transport, clock=clock, progress=progress)
    upstreams = Upstreams(configuration.upstreams, downloader, default=environment[_DEFAULT])
    with ExitStack() as stack:
        stack.callback(transport.close)
        inbox = stack.enter_context(open_handed_in(configuration, progress))
        yield Fetcher(
            pool=open_pool(root, configuration, pool),
            inbox=open_inbox(root, configuration),
            upstreams=upstreams, downloader=downloader, connections=connections, offline=offline,
            shelves=(*([inbox] if inbox else []), *_shelves(configuration, downloader)),
        )  # fmt: skip


def _guarded(clock: Clock, networks: Sequence[Network], connections: int) -> GuardedTransport:
    from index_builder.adapters.http import GuardedTransport

    return GuardedTransport(clock, unsafe_networks=networks, connections=connections)


class _OnDemand:
    """A transport that is made by the first who asks for something: whoever fetches nothing waits for no TLS."""

    def __init__(self, make: Callable[[], GuardedTransport]) -> None:
        self._make = make
        self._made: GuardedTransport | None = None
        self._lock = threading.Lock()

    def get(self, url: str, headers: dict[str, str], *, deadline: float) -> AbstractContextManager[Response]:
        with self._lock:
            self._made = self._made or self._make()
        return self._made.get(url, headers, deadline=deadline)

    def close(self) -> None:
        if self._made:
            self._made.close()


def _shelves(configuration: Configuration, downloader: Downloader) -> Iterator[Shelf]:
    """Yield where what is published can be read again."""
    from index_builder.adapters.published_site import PublishedSite
    from index_builder.fetch.shelf import TreeShelf, UrlShelf

    for audience in configuration.audiences.values():
        if audience.releases or "://" in audience.files:
            yield UrlShelf(audience.file_url, downloader)
        if audience.url:
            yield TreeShelf(PublishedSite(audience.url, downloader), audience.folder)


@contextmanager
def open_handed_in(configuration: Configuration, progress: Progress) -> Iterator[HandedIn | None]:
    """Yield the inbox that is at a host, None where it is a folder; raises UsageError."""
    inbox = configuration.inbox
    if inbox.kind == "release":
        from index_builder.adapters.github.releases import ReleaseInbox
        from index_builder.wiring.github import open_api

        with open_api(progress) as api:
            yield ReleaseInbox(inbox.repository, api)
    elif inbox.kind == "bucket":
        from index_builder.adapters.bucket_inbox import BucketInbox
        from index_builder.adapters.object_store import open_bucket

        yield BucketInbox(open_bucket(inbox.url, inbox.endpoint, inbox.region, "the inbox"))
    else:
        yield None


NETWORKS = "INDEX_BUILDER_UNSAFE_NETWORKS"


_DEFAULT = "PIP_INDEX_URL"


def environment_of() -> dict[str, str]:
    """Return what this process is told of networks and of the upstream `default`."""
    return {name: os.environ.get(name, "") for name in (NETWORKS, _DEFAULT)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchElsewhere:
    """Fetching as a worker on another machine does it, into the same pool; what the builder's environment says, goes along."""

    root: Path
    configuration: Configuration
    pool: Path | None
    connections: int
    environment: Mapping[str, str] = field(default_factory=environment_of)

    def __call__(self, fetches: tuple[Fetch, ...]) -> list[Problem]:
        """Bring files into the pool; return a problem for each that cannot be had."""
        fetcher = open_fetcher(
            self.root, self.configuration, SystemClock(), NoProgress(),
            pool=self.pool, connections=self.connections, environment=self.environment,
        )  # fmt: skip
        with fetcher as opened:
            return opened.files(fetches)
