"""A built tree is signed: what changed since the last signing is found by comparing states, and nothing else is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from tuf.api.metadata import TargetFile

from index_builder.errors import StorageError, TrustError
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.state import MARK, Mark, OutdatedStateError, decode_mark, decode_shard, digest_of
from index_builder.trust.committed import Committed, complete, standings
from index_builder.trust.compared import check_published
from index_builder.trust.layout import FOLDER, GRACE, POINTER, REPLACED, copied, copy_path, is_copied, is_metadata
from index_builder.trust.published import Before, check_fresh, check_not_forged, find_before, is_current, last_version
from index_builder.trust.signing import OnlineSigners, Signed, sign

#: A target's size in bytes and SHA-256.
Digest = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to sign with. A `heartbeat` renews what is published, and looks at no page.

    `commit` is what the tree must have been built of, None where that is not to be looked at: a host may show an older one.
    """

    committed: Committed
    signers: OnlineSigners
    now: datetime
    heartbeat: bool = False
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was signed: of how many targets it said something new, how many bins it signed, how many of those only to renew them.

    `due` counts bins that should have been renewed, and whose key was not there; `expired` those of them that hold no more.
    `version` is that of the pointer; `written` and `deleted` are paths. `commit` is what the signed tree was built of.
    """

    version: int
    targets: int
    bins: int
    renewed: int
    due: int
    expired: int
    written: tuple[str, ...]
    deleted: tuple[str, ...]
    commit: str


def sign_tree(order: Order, site: Site, published: Site, progress: Progress) -> Report:
    """Sign the tree in `site`; `published` is where the last signatures are, the same one unless only changes are at hand.

    Raises TrustError where a key is not there, people's signatures are missing, or a page is not what was built; StorageError.
    """
    complete(order.committed)
    check_lives(order.committed, order.now)
    foreign = check_published(order.committed, published.read)
    before = _before(order, published, progress)
    mark = (_renewed(before, published, order) if order.heartbeat and before else None) or _mark(site)
    if mark is not None and order.commit is not None and mark.source != order.commit:
        raise _of_other_commit(mark.source, order.commit, heartbeat=order.heartbeat)
    targets = {} if order.heartbeat else _Comparison(before, site, published, progress).changed(mark)
    last = 0 if before else last_version(order.committed, published.read, order.now)
    signed = sign(order.committed, before, targets, order.signers, order.now, last=last)
    replaced = _replaced_copies(before, targets)
    written = list(_copies(site, targets, progress))
    written += _metadata(site, published, signed)
    deleted = [*_taken_away(site, foreign, progress), *_tidied(site, published, [*signed.replaced, *replaced], order)]
    return Report(
        version=signed.version, targets=len(targets), bins=signed.bins, renewed=signed.renewed, due=signed.due, expired=signed.expired,
        written=tuple(written), deleted=tuple(deleted), commit=mark.source if mark else "",
    )  # fmt: skip


def _before(order: Order, published: Site, progress: Progress) -> Before | None:
    try:
        before = find_before(order.committed, published.read)
    except TrustError as error:
        if order.heartbeat:
            raise
        progress.note(f"{error.message}; signing all of it anew")
        return None
    if before is not None:
        check_not_forged(before, order.committed, order.now)
    if order.heartbeat and (before is None or not before.same_bins):
        msg = "nothing is published under the present keys, which could be renewed"
        raise TrustError(msg, fix="sign the tree: index-builder sign")
    return before


def check_lives(committed: Committed, now: datetime) -> None:
    """Raise TrustError where what people sign has expired: no client would take what is signed under it."""
    for standing in standings(committed):
        if standing.expires <= now:
            msg = f"{standing.role} expired {standing.expires:%Y-%m-%d}: whatever is signed under it, clients refuse it"
            raise TrustError(msg, fix="renew it: index-builder keys renew; its holders sign that, then sign the tree")


def _renewed(before: Before, published: Site, order: Order) -> Mark | None:
    """Return what the published tree was built of, as it is signed."""
    check_fresh(before, order.now)
    if order.commit is None:
        return None
    try:
        target = before.target(MARK)
        digest = target.hashes["sha256"] if target else ""
        content = published.read(copy_path(MARK, digest))
        if digest_of(content) == digest:
            return decode_mark(content)
    except (StorageError, OutdatedStateError):
        pass
    msg = "what is published does not say of which commit it is"
    raise TrustError(msg, fix="sign the tree itself: index-builder build; index-builder sign")


def _of_other_commit(found: str, wanted: str, *, heartbeat: bool) -> TrustError:
    was = f"of commit {found[:12]}" if found else "of files that are not committed"
    what = "what is published" if heartbeat else "the tree"
    msg = f"{what} is {was}, and this is {wanted[:12] or 'the working tree'}"
    if heartbeat:
        fix = f"build, sign and publish {wanted[:12]} first; where the other one is meant to stay: --commit {found[:12] or 'REV'}"
    else:
        fix = "build it again: index-builder build; to sign what is not committed: --worktree, after build --worktree"
    return TrustError(msg, fix=fix)


def _mark(site: Site) -> Mark | None:
    try:
        return decode_mark(site.read(MARK))
    except (StorageError, OutdatedStateError):
        return None


class _Comparison:
    """What differs between the state that was signed and the one that is to be."""

    def __init__(self, before: Before | None, site: Site, published: Site, progress: Progress) -> None:
        self._before = before if before and before.same_bins else None
        self._site, self._published, self._progress = site, published, progress

    def changed(self, mark: Mark | None) -> dict[str, TargetFile | None]:
        """Return each target that differs, or all of them. Raises StorageError where the tree is not whole."""
        if mark is None:
            msg = "there is no whole tree to be signed"
            raise StorageError(msg, fix="build it first: index-builder build")
        then, old = self._then(mark)
        now = dict(_shards(mark, old, self._site.read))
        now |= {path: (self._size(path), digest) for path, digest in mark.lists.items() if old is None or old.lists.get(path) != digest}
        encoded = mark.encode()
        if old != mark:
            now[MARK] = (len(encoded), digest_of(encoded))
        changed = {path: _target(path, digest) for path, digest in now.items() if then.get(path) != digest}
        return {**changed, **dict.fromkeys(then.keys() - now.keys())}

    def _then(self, mark: Mark) -> tuple[dict[str, Digest], Mark | None]:
        """Return what was signed of the shards that differ, and the mark that was signed; None where all must be signed anew."""
        if self._before is None:
            return {}, None
        try:
            target = self._before.target(MARK)
            if target is None:
                return {}, None
            old = decode_mark(self._copy(MARK, target.hashes["sha256"]))
            return dict(_shards(old, mark, lambda path: self._copy(path, old.shards[path]))), old
        except (OutdatedStateError, StorageError, TrustError) as error:
            why = "" if isinstance(error, OutdatedStateError) else f" ({error})"
            self._progress.note(f"what was signed last cannot be compared with{why}; signing all of it anew")
            self._before = None
            return {}, None

    def _copy(self, path: str, digest: str) -> bytes:
        """Return a state file as it was signed: mostly that is what is there, and a publication has read it already."""
        with suppress(StorageError):
            content = self._published.read(path)
            if digest_of(content) == digest:
                return content
        content = self._published.read(copy_path(path, digest))
        if digest_of(content) != digest:
            raise OutdatedStateError
        return content

    def _size(self, path: str) -> int:
        size = self._site.size(path)
        if size is None:
            msg = f"{path} is not there"
            raise StorageError(msg, fix=_BUILD_AGAIN)
        return size


def _shards(mark: Mark, other: Mark | None, read: Callable[[str], bytes]) -> Iterator[tuple[str, Digest]]:
    """Yield the shards in which a state differs from another one (None: all), and the pages of their projects."""
    for path, digest in mark.shards.items():
        if other is None or other.shards.get(path) != digest:
            content = read(path)
            yield path, (len(content), digest)
            for built in decode_shard(content, digest).values():
                for page in built.pages:
                    yield page.path, (page.size, page.digest)


def _target(path: str, digest: Digest) -> TargetFile:
    return TargetFile(digest[0], {"sha256": digest[1]}, path)


def _copies(site: Site, targets: Mapping[str, TargetFile | None], progress: Progress) -> Iterator[str]:
    """Put a copy of each page that clients ask for by its digest; what is signed, is what the tree has. Raises TrustError."""
    present = {path: target.hashes["sha256"] for path, target in targets.items() if target}
    if len(present) >= _MANY:
        progress.begin("Signing", len(present), 0)
    try:
        for path, digest in sorted(present.items()):
            content = site.read(path)
            if digest_of(content) != digest:
                msg = f"{path} is not what was built"
                raise TrustError(msg, fix=_BUILD_AGAIN)
            if is_copied(path):
                copy = copy_path(path, digest)
                site.put(copy, [content])
                yield copy
            if len(present) >= _MANY:
                progress.done(path)
    finally:
        progress.end()


def _metadata(site: Site, published: Site, signed: Signed) -> Iterator[str]:
    """Put metadata, where it is not there yet; the pointer comes last.

    What carries the new version was signed this moment and is nowhere: that is not asked.
    """
    for path, content in signed.files.items():
        is_new = path == POINTER or path.startswith(f"{FOLDER}{signed.version}.")
        if not is_new and _is_there(published, path, content):
            continue
        site.put(path, [content])
        yield path


def _is_there(site: Site, path: str, content: bytes) -> bool:
    if site.size(path) != len(content):
        return False
    return site.read(path) == content


def _taken_away(site: Site, foreign: str | None, progress: Progress) -> Iterator[str]:
    """Delete a root that stands beside what people signed, and that too few have signed: clients would refuse all for it."""
    if foreign is not None:
        progress.note(f"{foreign} was published, and too few have signed it: it is taken away; find out who put it there")
        site.delete(foreign)
        yield foreign


def _replaced_copies(before: Before | None, targets: Mapping[str, TargetFile | None]) -> Iterator[str]:
    """Yield the copies that nothing names any more."""
    if before is None or not before.same_bins:
        return
    for path in filter(is_copied, targets):
        old = before.target(path)
        if old is not None:
            yield copy_path(path, old.hashes["sha256"])


def _tidied(site: Site, published: Site, replaced: Sequence[str], order: Order) -> Iterator[str]:
    """Delete what was replaced a day ago, and note what was now. What the new signatures name is kept, whatever the note says."""
    noted = _noted(published)
    if not noted and not replaced:
        return
    limit = (order.now - GRACE).strftime(_TIME)
    now = find_before(order.committed, _newest(site, published)) if any(time <= limit for time in noted) else None
    kept: dict[str, list[str]] = {}
    for time, paths in noted.items():
        if time > limit:
            kept[time] = paths
            continue
        for path in paths:
            if now is not None and not _is_needed(path, now):
                site.delete(path)
                yield path
    if replaced:
        time = order.now.strftime(_TIME)
        kept[time] = sorted({*kept.get(time, ()), *replaced})
    if kept != noted:
        site.put(REPLACED, [orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)])


def _newest(site: Site, published: Site) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        return (site if site.size(path) is not None else published).read(path)

    return read


def _noted(published: Site) -> dict[str, list[str]]:
    """Return what was noted, as far as it is of our form: it comes from where everybody may have written."""
    try:
        found = orjson.loads(published.read(REPLACED))
        return {
            time: [path for path in paths if isinstance(path, str) and (is_metadata(path) or copied(path))]
            for time, paths in found.items()
            if isinstance(paths, list)
        }
    except (StorageError, ValueError, AttributeError):
        return {}


def _is_needed(path: str, now: Before) -> bool:
    """Say whether the new signatures name a path."""
    if found := copied(path):
        try:
            target = now.target(found[0])
        except TrustError:
            return True
        return target is not None and target.hashes.get("sha256") == found[1]
    return is_current(path, now)


#: So many pages take long enough that somebody wants to see how far it is.
_MANY: Final = 500
_BUILD_AGAIN: Final = "build the tree again: index-builder build --verify"
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
