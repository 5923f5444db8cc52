"""Adapters meet the pipeline here, and nowhere else."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.progress import NoProgress
from index_builder.adapters.worktree import WorkTree

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from securesystemslib.signer import Key

    from index_builder.adapters.history import GitHistory
    from index_builder.adapters.keyring import KeyFolder
    from index_builder.adapters.object_store import Bucket
    from index_builder.adapters.proposal import GitProposal
    from index_builder.model.environment import Environment
    from index_builder.model.previews import Previews
    from index_builder.ports.evidence import Attestations
    from index_builder.ports.places import PreviewPlace
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


def public_key_of(uri: str) -> Key:
    """Return the public half of a key that a key service has; raises UsageError, TrustError."""
    from index_builder.adapters.keyring import public_of

    return public_of(uri)


def open_keys(folder: Path | None, ask: Callable[[str, bool], str], *, dry_run: bool = False) -> KeyFolder:
    """Return the folder of one's own private keys, or `folder`; `ask` asks for a passphrase, twice for a new one."""
    from index_builder.adapters.keyring import KeyFolder, default_folder

    return KeyFolder(folder or default_folder(os.environ), os.environ, ask, dry_run=dry_run)


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
