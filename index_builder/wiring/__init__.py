"""Adapters meet the pipeline here, and nowhere else."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import index_builder
from index_builder import __version__
from index_builder.adapters.changes_file import add_changes
from index_builder.adapters.clock import SystemClock
from index_builder.adapters.directory_pool import DirectoryPool
from index_builder.adapters.directory_site import DirectorySite, ListSite, UntouchedListSite, UntouchedSite, exclusive
from index_builder.adapters.progress import NoProgress
from index_builder.adapters.storage import storage, write_whole
from index_builder.adapters.worktree import WorkTree
from index_builder.errors import StorageError, UsageError

if TYPE_CHECKING:
    from securesystemslib.signer import Key

    from index_builder.adapters.history import GitHistory
    from index_builder.adapters.keyring import KeyFolder
    from index_builder.adapters.proposal import GitProposal
    from index_builder.adapters.sparse_site import SparseSite
    from index_builder.client.index import VerifiedIndex
    from index_builder.fetch.download import Downloader
    from index_builder.fetch.stage import Fetcher
    from index_builder.model.environment import Environment
    from index_builder.model.index import Configuration
    from index_builder.model.names import Word
    from index_builder.model.plan import Fetch
    from index_builder.model.problem import Problem
    from index_builder.ports import Attestations, HandedIn, Progress, Resolver, Shelf, Site, SourceTree

__all__ = ["NoProgress", "SystemClock", "WorkTree"]

# ruff: noqa: PLC0415 - git, HTTP and the resolver each take longer to import than many commands to run: who needs one, waits for it.


def find_root(folder: Path) -> Path:
    """Return the root of the index repository that `folder` is in; raises SourceError."""
    from index_builder.adapters import git

    return git.find_root(folder)


def is_in_repository(folder: Path) -> bool:
    """Say whether a folder, there or not yet, is in a git repository."""
    from index_builder.adapters import git

    return git.is_in_repository(folder)


def start_repository(folder: Path) -> None:
    """Make a folder a git repository; raises SourceError."""
    from index_builder.adapters import git

    git.start_repository(folder)


def tips(folder: Path) -> list[str]:
    """Return the commits at the tips of HEAD, branches and tags."""
    from index_builder.adapters import git

    return git.tips(folder)


def versions_of(folder: Path, path: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield what a folder of the repository had in each commit in which it was another one; none where there is no repository."""
    from index_builder.adapters import git

    return git.versions_of(folder, path) if git.is_in_repository(folder) else iter(())


def uncommitted(folder: Path) -> list[str]:
    """Return the index's files that are not as the last commit has them."""
    from index_builder.adapters import git

    return git.uncommitted(folder)


def open_tree(root: Path, revision: str, *, worktree: bool) -> SourceTree:
    """Return a revision of the repository at `root`, or its working tree; raises SourceError."""
    if worktree:
        return WorkTree(root)
    from index_builder.adapters.git import GitTree

    return GitTree(root, revision)


def open_proposal(root: Path, base: str, head: str | None) -> GitProposal:
    """Return what merging `head` (None: the working tree) into `base` would do; raises SourceError."""
    from index_builder.adapters.proposal import GitProposal

    return GitProposal(root, base, head)


def open_history(root: Path, revision: str) -> GitHistory:
    """Return what was merged into a branch; raises SourceError."""
    from index_builder.adapters.history import GitHistory

    return GitHistory(root, revision)


def attestations() -> Attestations:
    """Return what verifies attestations: sigstore, with the trust root that comes with it."""
    from index_builder.adapters.attestations import SigstoreAttestations

    return SigstoreAttestations()


def open_pool(root: Path, configuration: Configuration, pool: Path | None = None) -> DirectoryPool:
    """Return the pool of `index.yaml`, or the folder `pool`."""
    return DirectoryPool(pool or root / configuration.pool.path)


def open_inbox(root: Path, configuration: Configuration) -> DirectoryPool:
    """Return the inbox of `index.yaml`."""
    return DirectoryPool(root / configuration.inbox.path)


@contextmanager
def open_site(output: Path, audience: str, *, dry_run: bool = False) -> Iterator[DirectorySite]:
    """Yield an audience's folder, locked against other builds, or with `dry_run` as it is; raises StorageError."""
    if (output / f"{audience}.changes.json").exists():
        msg = f"{output / audience} holds what a sparse build wrote, which is no whole tree"
        raise StorageError(msg, fix="choose another --output")
    if dry_run:
        yield UntouchedSite(output / audience, audience)
        return
    with exclusive(output / audience):
        site = DirectorySite(output / audience, audience)
        try:
            yield site
        finally:
            site.tidy()


@contextmanager
def open_fetcher(
    root: Path, configuration: Configuration, clock: SystemClock, progress: Progress, *,
    pool: Path | None = None, connections: int = 16, offline: bool = False, environment: Mapping[str, str] | None = None,
) -> Iterator[Fetcher]:  # fmt: skip
    """Yield a fetcher over the pool and inbox of `index.yaml`, or over `pool`.

    INDEX_BUILDER_UNSAFE_NETWORKS of `environment`, which is the process's own unless given, lists networks, besides the public
    Internet, that may be reached; PIP_INDEX_URL is what the upstream `default` means. Raises UsageError.
    """
    from index_builder.adapters.http import GuardedTransport, parse_networks
    from index_builder.fetch.download import Downloader
    from index_builder.fetch.stage import Fetcher
    from index_builder.fetch.upstream import Upstreams

    environment = environment if environment is not None else _environment()
    try:
        networks = parse_networks(environment[_NETWORKS].split(","))
    except ValueError as error:
        msg = f"INDEX_BUILDER_UNSAFE_NETWORKS: {error}"
        raise UsageError(msg, fix="write networks as 10.1.0.0/16, separated by commas") from error
    transport = GuardedTransport(clock, unsafe_networks=networks, connections=connections)
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


_NETWORKS = "INDEX_BUILDER_UNSAFE_NETWORKS"
_DEFAULT = "PIP_INDEX_URL"


def _environment() -> dict[str, str]:
    return {name: os.environ.get(name, "") for name in (_NETWORKS, _DEFAULT)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchElsewhere:
    """Fetching as a worker on another machine does it, into the same pool; what the builder's environment says, goes along."""

    root: Path
    configuration: Configuration
    pool: Path | None
    connections: int
    environment: Mapping[str, str] = field(default_factory=_environment)

    def __call__(self, fetches: tuple[Fetch, ...]) -> list[Problem]:
        """Bring files into the pool; return a problem for each that cannot be had."""
        fetcher = open_fetcher(
            self.root, self.configuration, SystemClock(), NoProgress(),
            pool=self.pool, connections=self.connections, environment=self.environment,
        )  # fmt: skip
        with fetcher as opened:
            return opened.files(fetches)


@contextmanager
def open_sites(output: Path, audiences: Sequence[Word], *, dry_run: bool = False) -> Iterator[dict[Word, DirectorySite]]:
    """Yield each audience's folder, as `open_site` does."""
    with ExitStack() as stack:
        yield {audience: stack.enter_context(open_site(output, audience, dry_run=dry_run)) for audience in audiences}


@contextmanager
def open_sparse_sites(
    output: Path, published: Mapping[Word, str | Path], fetcher: Fetcher, roots: Mapping[Word, bytes]
) -> Iterator[dict[Word, SparseSite]]:
    """Yield for each audience a folder for what differs from the tree that is published at a URL or in a folder.

    Where an audience has a root, what is published counts as far as it is signed. Raises StorageError.
    """
    from index_builder.adapters.published_site import PublishedSite
    from index_builder.adapters.sparse_site import SparseSite

    with exclusive(output), ExitStack() as stack:
        sites = {}
        for audience, where in published.items():
            there: Site = PublishedSite(where, fetcher.downloader) if isinstance(where, str) else UntouchedSite(where, audience)
            if audience in roots:
                there = stack.enter_context(_signed_site(where, roots[audience], there, fetcher.downloader.progress))
            sites[audience] = SparseSite(there, output / audience, audience)
        yield sites


@contextmanager
def open_signing(
    root: Path, output: Path, audience: Word, published: str | Path | None, configuration: Configuration, *, dry_run: bool = False
) -> Iterator[tuple[DirectorySite, Site, Callable[[Sequence[str], Sequence[str]], None]]]:
    """Yield an audience's folder, locked; where its last signatures are; and what takes note of the paths written and deleted.

    With `published`, the folder has only what differs from the tree at that URL or in that folder. Raises StorageError.
    """
    changes = output / f"{audience}.changes.json"
    if published is None and changes.exists():
        msg = f"{output / audience} holds what a sparse build wrote, which is no whole tree"
        raise StorageError(msg, fix="say of what it is a part: --published WHERE")
    with ExitStack() as stack:
        if dry_run:
            site: DirectorySite = UntouchedSite(output / audience, audience)
        else:
            stack.enter_context(exclusive(output / audience))
            site = DirectorySite(output / audience, audience)
            stack.callback(site.tidy)
        there: Site = site
        if published is not None:
            there = stack.enter_context(open_reading(root, configuration, audience, published))
        yield (
            site,
            there,
            lambda written, deleted: add_changes(changes, audience, written, deleted) if published is not None and not dry_run else None,
        )


@contextmanager
def open_reading(root: Path, configuration: Configuration, audience: Word, where: str | Path) -> Iterator[Site]:
    """Yield an audience's tree at a URL or in a folder, to be read. Raises StorageError."""
    if isinstance(where, Path):
        yield UntouchedSite(where, audience)
        return
    from index_builder.adapters.published_site import PublishedSite

    with open_fetcher(root, configuration, SystemClock(), NoProgress()) as fetcher:
        yield PublishedSite(where, fetcher.downloader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What downloads for an installer."""

    downloader: Downloader


@contextmanager
def open_client(url: str, progress: Progress) -> Iterator[Client]:
    """Yield what downloads from the index at `url`, wherever that is, and from the public Internet; raises UsageError, RemoteError."""
    from index_builder.adapters.folder_transport import FolderTransport
    from index_builder.adapters.http import GuardedTransport, networks_of, parse_networks
    from index_builder.fetch.download import Downloader, Limits

    clock = SystemClock()
    networks = (*parse_networks(_environment()[_NETWORKS].split(",")), *networks_of(url))
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


def public_key_of(uri: str) -> Key:
    """Return the public half of a key that a key service has; raises UsageError, TrustError."""
    from index_builder.adapters.keyring import public_of

    return public_of(uri)


def open_keys(folder: Path | None, ask: Callable[[str, bool], str], *, dry_run: bool = False) -> KeyFolder:
    """Return the folder of one's own private keys, or `folder`; `ask` asks for a passphrase, twice for a new one."""
    from index_builder.adapters.keyring import KeyFolder, default_folder

    return KeyFolder(folder or default_folder(os.environ), os.environ, ask, dry_run=dry_run)


@contextmanager
def _signed_site(where: str | Path, root: bytes, there: Site, progress: Progress) -> Iterator[Site]:
    """Yield a published tree as far as it is signed. Nothing is remembered of it: a builder goes on from whatever is there."""
    from tempfile import TemporaryDirectory

    from index_builder.client.site import SignedSite

    url = where if isinstance(where, str) else where.resolve().as_uri() + "/"
    with (
        TemporaryDirectory(prefix="index-builder-") as folder,
        open_client(url, progress) as client,
        open_verified(url, root, client, Path(folder)) as index,
    ):
        yield SignedSite(index, there, progress)


@contextmanager
def open_list_site(output: Path, *, dry_run: bool = False) -> Iterator[DirectorySite]:
    """Yield the folder of a package list's tree, locked against other builds, or with `dry_run` as it is; raises StorageError."""
    if dry_run:
        yield UntouchedListSite(output)
        return
    with exclusive(output):
        site = ListSite(output)
        try:
            yield site
        finally:
            site.tidy()


@contextmanager
def open_workers(jobs: int | None, executor: str = "") -> Iterator[Executor | None]:
    """Yield where parts of an index are worked on: `jobs` processes (None: one a processor), or the cluster that `executor` names.

    It is None where that is this process alone. Raises UsageError, RemoteError.
    """
    count = jobs or len(os.sched_getaffinity(0)) if sys.platform == "linux" else jobs or os.cpu_count() or 1
    if not executor and count == 1:
        yield None
        return
    from index_builder.adapters.workers import cluster, processes

    with cluster(executor, builder) if executor else processes(count) as workers:
        yield workers


_PACKAGE = Path(index_builder.__file__).parent


def builder() -> str:
    """Return which builder this is: its version, and a digest of its code and of the libraries that decide what pages say."""
    from importlib.metadata import version

    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.read_bytes())
    for library in ("jinja2", "markupsafe", "nh3", "orjson", "packaging", "readme_renderer"):
        digest.update(f"{library} {version(library)}".encode())
    return f"{__version__} {digest.hexdigest()[:16]}"


def resolver() -> Resolver:
    """Return the resolver of dependencies: uv, which sees what it is offered on loopback and nothing else."""
    from index_builder.adapters.uv import UvResolver
    from index_builder.gateway.offer import serving

    return UvResolver(serving)


def this_environment() -> Environment:
    """Return the Python and platform that this process runs on, with plain `linux_…` where that is Linux."""
    from packaging.tags import platform_tags

    from index_builder.model.environment import Environment

    machine = platform.machine()
    tag = f"linux_{machine}" if sys.platform == "linux" else next(platform_tags())
    return Environment.of(f"{sys.version_info[0]}.{sys.version_info[1]}", tag)


def _templates() -> Path:
    """Return the folder of the built-in templates: in the installed package, or beside it in a source checkout."""
    inside = _PACKAGE / "templates"
    return inside if inside.is_dir() else _PACKAGE.parent / "templates"


def workflows() -> dict[str, str]:
    """Return the workflows of an index on GitHub, by file name; the builder's own repository is what they use."""
    return {path.name: path.read_text("utf-8") for path in sorted((_templates() / "github").glob("*.yml"))}


def host_templates() -> dict[str, str]:
    """Return the built-in templates of configuration files by name."""
    return _named(".jinja")


def templates() -> dict[str, str]:
    """Return the built-in templates of pages by name, with what lies beside them."""
    return _named(".html", ".css", ".js", ".svg")


def _named(*endings: str) -> dict[str, str]:
    folder = _templates()
    found = sorted(path for path in folder.rglob("*") if path.suffix in endings)
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}
