"""Where trees are built, signed and read: folders, and what is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.adapters.changes_file import add_changes
from index_builder.adapters.clock import SystemClock
from index_builder.adapters.directory_site import DirectorySite, ListSite, UntouchedListSite, UntouchedSite, exclusive
from index_builder.adapters.progress import NoProgress
from index_builder.errors import StorageError

if TYPE_CHECKING:
    from index_builder.adapters.sparse_site import SparseSite
    from index_builder.fetch.stage import Fetcher
    from index_builder.model.index import Configuration
    from index_builder.model.names import Word
    from index_builder.ports.machine import Progress
    from index_builder.ports.places import Site

# ruff: noqa: PLC0415 - HTTP and TUF each take longer to import than many commands to run: who needs one, waits for it.


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
