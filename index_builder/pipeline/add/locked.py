"""Files that a lock file pins: each must be what the upstream index lists, and arrive with the locked digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches

from packaging.utils import canonicalize_name

from index_builder.errors import DigestMismatchError, EditError, NotFoundError, UsageError
from index_builder.fetch.stage import Fetcher
from index_builder.fetch.upstream import ListedFile, Listing
from index_builder.manifests.kinds import https_url
from index_builder.model.index import Index
from index_builder.model.lock import Lock, Locked
from index_builder.model.names import NormalizedName, Word
from index_builder.pipeline.add.candidate import Candidate, Defaults
from index_builder.pipeline.add.own import from_urls
from index_builder.pipeline.add.upstream import choose, listed, nothing_matches, suitable

_CHANGED = "one of the two was changed: find out which before you trust either"


def from_lock(
    index: Index, path: str, lock: Lock, upstream: Word | None, exclude: Sequence[str], defaults: Defaults, fetcher: Fetcher,
) -> list[Candidate]:  # fmt: skip
    """Return what the lock file at `path` pins; `upstream` says where from, whatever the file says.

    Raises EditError for entries that have no file, UsageError where no upstream is meant, DigestMismatchError, RemoteError.
    """
    excluded: set[str] = {canonicalize_name(name) for name in exclude}
    _check(path, lock, excluded)
    unusable = [f"{name} ({why})" for name, why in lock.unusable if canonicalize_name(name) not in excluded]
    if unusable:
        msg = f"{path} locks what is no file of an index: {', '.join(unusable)}"
        raise EditError(msg, fix="build wheels of these and add them with --dist, and leave them out here with --exclude NAME")
    candidates: list[Candidate] = []
    for entry in lock.entries:
        if canonicalize_name(entry.requirement.name) not in excluded:
            candidates += _entry(index, path, entry, upstream, defaults, fetcher)
    return candidates


def _entry(
    index: Index, path: str, entry: Locked, upstream: Word | None, defaults: Defaults, fetcher: Fetcher,
) -> Iterator[Candidate]:  # fmt: skip
    if entry.url:
        yield from _at_url(index, path, entry, defaults, fetcher)
        return
    source = upstream or _upstream_of(index, path, entry, fetcher)
    listing = fetcher.upstreams.listing(source, NormalizedName.of(entry.requirement.name))
    files = _named(path, entry, source, listing, defaults) if entry.files else _by_digest(path, entry, source, listing, defaults)
    yield from listed(index, source, entry.requirement.name, files, defaults, fetcher)


def _check(path: str, lock: Lock, excluded: set[str]) -> None:
    """Refuse a lock file that pins nothing, and names to leave out that it does not have."""
    names = {
        canonicalize_name(name) for name in (*lock.itself, *(n for n, _ in lock.unusable), *(e.requirement.name for e in lock.entries))
    }
    if unknown := sorted(excluded - names):
        near = get_close_matches(unknown[0], sorted(names), n=1)
        msg = f"{path} locks no {unknown[0]}, so it cannot be left out"
        raise UsageError(msg, fix=f"did you mean {near[0]}?" if near else "look at its spelling")
    if not lock.entries and not lock.unusable:
        msg = f"{path} locks nothing"
        raise EditError(msg, fix="lock first, or name another file")


def _at_url(index: Index, path: str, entry: Locked, defaults: Defaults, fetcher: Fetcher) -> Iterator[Candidate]:
    try:
        https_url(entry.url)
    except ValueError as error:
        msg = f"{path}: {entry.url} cannot stand in a manifest: {error}"
        raise UsageError(msg, fix="files of your own are added with --dist") from error
    for candidate in from_urls(index, [entry.url], defaults, fetcher):
        if entry.digests and candidate.file.sha256 not in entry.digests:
            msg = f"{candidate.file.name.text}: {path} locks sha256 {', '.join(sorted(entry.digests))}, {candidate.file.sha256} arrived"
            raise DigestMismatchError(msg, fix=_CHANGED)
        if candidate.file.name.project != NormalizedName.of(entry.requirement.name):
            msg = f"{path} locks {entry.requirement.name} at {entry.url}, which is a file of {candidate.file.name.project}"
            raise EditError(msg, fix="find out which of the two is meant")
        yield candidate


def _upstream_of(index: Index, path: str, entry: Locked, fetcher: Fetcher) -> Word:
    """Return the upstream that an entry was locked from; where it does not say, the only one there is, or `pypi`."""
    known = index.configuration.upstreams
    if entry.registry:
        if found := fetcher.upstreams.named(entry.registry):
            return found
        msg = f"{path} locks {entry.requirement.name} from {entry.registry}, which is no upstream of index.yaml"
        raise UsageError(msg, fix=f"add it there: upstreams: {{NAME: {entry.registry}}}, or say which one is meant with --index NAME")
    if len(known) == 1:
        return next(iter(known))
    if Word("pypi") in known:
        return Word("pypi")
    msg = f"{path} does not say which index {entry.requirement.name} comes from"
    raise UsageError(msg, fix=f"say it with --index, one of: {', '.join(known) or 'none; add `upstreams:` to index.yaml'}")


def _named(path: str, entry: Locked, source: Word, listing: Listing, defaults: Defaults) -> Iterator[ListedFile]:
    """Yield the upstream's files of the locked names, all with the locked digests."""
    files = suitable(entry.files, defaults)
    if not files:
        raise nothing_matches(listing, entry.requirement, source, defaults)
    for locked in files:
        name = locked.name.text
        found = listing.files.get(name)
        if found is None:
            msg = f"{path} locks {name}, and the index '{source}' does not list it"
            raise NotFoundError(msg, fix="lock again, or say with --index where it is")
        if found.sha256 is not None and found.sha256 != locked.sha256:
            msg = f"{name}: {path} locks sha256 {locked.sha256}, the index '{source}' lists {found.sha256}"
            raise DigestMismatchError(msg, fix=_CHANGED)
        yield replace(found, sha256=locked.sha256)


def _by_digest(path: str, entry: Locked, source: Word, listing: Listing, defaults: Defaults) -> list[ListedFile]:
    """Return the files of the release that is asked for, of these the ones that the digests allow."""
    chosen = choose(listing, entry.requirement, defaults)
    if not chosen:
        raise nothing_matches(listing, entry.requirement, source, defaults)
    if not entry.digests:
        return chosen
    allowed = [file for file in chosen if file.sha256 in entry.digests]
    versions = {file.name.version for file in chosen}
    listed_digests = {file.sha256: file.name.text for file in listing.files.values() if file.name.version in versions}
    lost, strange = entry.digests - listed_digests.keys(), [n for d, n in listed_digests.items() if d not in entry.digests]
    if allowed and lost and strange:
        msg = (
            f"{entry.requirement}: {path} allows {len(lost)} digests that no file has, and {', '.join(sorted(strange)[:5])} has another one"
        )
        raise DigestMismatchError(msg, fix=f"{_CHANGED}; if files were only added and deleted there, lock again")
    if not allowed:
        msg = f"{entry.requirement}: none of the files that the index '{source}' lists has a digest that {path} allows"
        raise DigestMismatchError(msg, fix=_CHANGED)
    return allowed
