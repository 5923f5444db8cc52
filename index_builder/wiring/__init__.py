"""Adapters meet the pipeline here, and nowhere else."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.adapters.changes_file import add_changes
from index_builder.adapters.clock import SystemClock
from index_builder.adapters.directory_site import DirectorySite, ListSite, UntouchedListSite, UntouchedSite, exclusive
from index_builder.adapters.progress import NoProgress
from index_builder.adapters.worktree import WorkTree
from index_builder.errors import StorageError

if TYPE_CHECKING:
    from securesystemslib.signer import Key

    from index_builder.adapters.history import GitHistory
    from index_builder.adapters.keyring import KeyFolder
    from index_builder.adapters.object_store import Bucket
    from index_builder.adapters.proposal import GitProposal
    from index_builder.adapters.sparse_site import SparseSite
    from index_builder.fetch.stage import Fetcher
    from index_builder.model.environment import Environment
    from index_builder.model.index import Configuration
    from index_builder.model.names import Word
    from index_builder.model.previews import Previews
    from index_builder.ports.evidence import Attestations
    from index_builder.ports.machine import Progress
    from index_builder.ports.places import PreviewPlace, Site
    from index_builder.ports.resolving import Resolver
    from index_builder.ports.trees import SourceTree

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


def would_commit(root: Path, folder: Path) -> bool:
    """Say whether files of a folder would be committed into the repository of an index with all else."""
    from index_builder.adapters import git

    return git.is_in_repository(root) and git.would_commit(root, folder)


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


def open_previews(root: Path, previews: Previews) -> PreviewPlace:
    """Return where pull requests are shown; raises UsageError."""
    from index_builder.adapters.previews import PreviewBucket, PreviewFolder

    if previews.kind == "directory":
        return PreviewFolder(root / previews.path)
    from index_builder.adapters.object_store import open_bucket

    def inside(folder: str) -> Bucket:
        return open_bucket(f"{previews.url}{folder}", previews.endpoint, previews.region, "the place of previews")

    return PreviewBucket(inside(""), inside)


def open_history(root: Path, revision: str) -> GitHistory:
    """Return what was merged into a branch; raises SourceError."""
    from index_builder.adapters.history import GitHistory

    return GitHistory(root, revision)


def attestations() -> Attestations:
    """Return what verifies attestations: sigstore, with the trust root that comes with it."""
    from index_builder.adapters.attestations import SigstoreAttestations

    return SigstoreAttestations()


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
    from index_builder.wiring.fetchers import open_fetcher

    with open_fetcher(root, configuration, SystemClock(), NoProgress()) as fetcher:
        yield PublishedSite(where, fetcher.downloader)


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
    from index_builder.wiring.clients import open_client, open_verified

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
    from index_builder.wiring.shipped import builder

    with cluster(executor, builder) if executor else processes(count) as workers:
        yield workers


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
