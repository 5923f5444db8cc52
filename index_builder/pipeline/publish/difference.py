"""What a target lacks of a tree, by their states: only the shards and bins that differ are read, and nothing is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from index_builder.errors import StorageError, TrustError
from index_builder.model.page import STATUS
from index_builder.model.publication import RECORD, Put, Record
from index_builder.model.rows import ROWS
from index_builder.pipeline.publish.digests import digests_of, is_by_digest, is_file
from index_builder.pipeline.publish.signatures import metadata_of
from index_builder.ports.places import Site
from index_builder.publish.plan import Difference, kind_of
from index_builder.publish.record import decode
from index_builder.render.web.books import BOOKS, Books, decode_books
from index_builder.state import MARK, Built, Mark, OutdatedStateError, decode_mark, decode_shard, digest_of, shard_of
from index_builder.trust.layout import POINTER, REPLACED

#: Signatures that change in place, besides the pointer.
_MUTABLE: Final = frozenset({REPLACED})


def put_of(path: str, digest: str = "") -> Put:
    """Return what is put at a path."""
    return Put(kind_of(path, mark=MARK, mutable=_MUTABLE, pointer=POINTER), path, digest)


def mark_of(site: Site | None) -> Mark | None:
    """Return what a tree was built of; None where there is no whole tree of this builder's form."""
    if site is None:
        return None
    try:
        return decode_mark(site.read(MARK))
    except (StorageError, OutdatedStateError):
        return None


def record_of(site: Site | None, *, anew: bool = False) -> Record | None:
    """Return a target's record of itself, None where there is none; raises StorageError where it is not ours.

    With `anew`, one that cannot be read counts as none.
    """
    try:
        return None if site is None or site.size(RECORD) is None else decode(site.read(RECORD))
    except StorageError:
        if anew:
            return None
        raise


def difference(wanted: Site, base: Site | None, begun: tuple[str, ...] = ()) -> Difference:
    """Compare a whole tree with the one that is there, if there is one. `begun` are paths of which nobody knows what is there.

    Raises StorageError where the wanted tree is not whole, TrustError where it is not signed and the other one is.
    """
    return _Comparison(wanted, base).difference(begun)


@dataclass(slots=True)
class _Comparison:
    wanted: Site
    base: Site | None
    _puts: dict[str, str] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)
    _projects_gone: int = 0
    _files_gone: int = 0

    def difference(self, begun: tuple[str, ...]) -> Difference:
        mark, old = mark_of(self.wanted), mark_of(self.base)
        if mark is None:
            msg = "there is no whole tree to be published"
            raise StorageError(msg, fix="build it first: index-builder build")
        self._compare_states(mark, old)
        self._compare_signatures()
        for path in begun:
            if path not in self._puts and _wants(self.wanted, mark, path):
                self._puts[path] = ""
            elif path not in self._puts:
                self._gone.add(path)
        self._gone -= self._puts.keys()
        return Difference(
            puts=tuple(sorted(put_of(path, digest) for path, digest in self._puts.items())), gone=tuple(sorted(self._gone)),
            projects=old.projects if old else 0, files=old.files if old else 0,
            projects_gone=self._projects_gone, files_gone=self._files_gone,
        )  # fmt: skip

    def _compare_states(self, mark: Mark, old: Mark | None) -> None:
        if old == mark:
            return
        same_inputs = old is not None and old.inputs == mark.inputs
        shards = old.shards if old else {}
        for path in sorted(mark.shards.keys() | shards.keys()):
            if same_inputs and mark.shards.get(path) == shards.get(path):
                continue
            now = _shard(self.wanted, path, mark.shards)
            then = _shard_there(self.base, path, shards)
            self._compare_projects(now, then, same_inputs=same_inputs)
        listed = {**mark.shards, **mark.lists, **mark.rows}
        before = {**old.shards, **old.lists, **old.rows} if old else self._may_be_there()
        self._puts |= {path: digest for path, digest in listed.items() if before.get(path) != digest}
        self._gone |= before.keys() - listed.keys()
        self._compare_for_people(mark, old)
        self._puts[MARK] = digest_of(mark.encode())

    def _may_be_there(self) -> dict[str, str]:
        """Return what builders of another form wrote, and a tree of this one may not have: nobody would take it away."""
        return {ROWS: ""} if self.base is not None and self.base.size(ROWS) is not None else {}

    def _compare_for_people(self, mark: Mark, old: Mark | None) -> None:
        """Compare what is remembered of pages for people that show many projects."""
        now, then = books_of(self.wanted, mark), _books_there(self.base, old)
        self._puts |= {path: digest for path, digest in now.files.items() if then.files.get(path) != digest}
        self._gone |= then.files.keys() - now.files.keys()
        if mark.web and (old is None or old.web != mark.web):
            self._puts[BOOKS] = mark.web
        if old and old.web and not mark.web:
            self._gone |= {BOOKS, STATUS}

    def _compare_projects(self, now: Mapping[str, Built], then: Mapping[str, Built], *, same_inputs: bool) -> None:
        """Compare the projects of a shard."""
        for name in now.keys() | then.keys():
            new, old = now.get(name), then.get(name)
            if new != old or not same_inputs:
                self._compare_project(new, old)

    def _compare_project(self, new: Built | None, old: Built | None) -> None:
        before = {page.path: page.digest for page in old.pages} if old else {}
        files = set(old.files) if old else set()
        digests = {page.path: page.digest for page in new.pages} if new else {}
        by_digest: list[str] = []
        for path in new.files if new else ():
            if path in digests:
                if before.get(path) != digests[path]:
                    self._puts[path] = digests[path]
            elif not is_by_digest(path):
                self._puts[path] = ""
            elif path not in files:
                by_digest.append(path)
        if new:
            self._puts |= digests_of(self.wanted, new, by_digest)
        gone = files - set(new.files if new else ())
        self._gone |= gone
        self._projects_gone += bool(old and old.pages and not (new and new.pages))
        self._files_gone += sum(map(is_file, gone))

    def _compare_signatures(self) -> None:
        now = metadata_of(self.wanted)
        then = metadata_of(self.base) if self.base else None
        if now is None:
            if then is not None:
                msg = "what is published is signed, and this tree is not"
                raise TrustError(msg, fix="sign it: an index keeps its keys in trust/, and whoever publishes it needs the online ones")
            return
        if then is not None and then.site.size(after := now.root_after()) is not None:
            self._gone.add(after)
        if then is not None and then.pointer == now.pointer:
            return
        self._puts |= dict.fromkeys(now.roots_beyond(then), "") | dict(now.beyond(then))
        self._gone |= {path for path, _ in then.beyond(now)} if then else set()
        if self.wanted.size(REPLACED) is not None:
            self._puts[REPLACED] = ""
        self._puts[POINTER] = digest_of(now.pointer)


def _shard(site: Site, path: str, digests: Mapping[str, str]) -> dict[str, Built]:
    if path not in digests:
        return {}
    try:
        return decode_shard(site.read(path), digests[path])
    except (OutdatedStateError, ValueError, TypeError) as error:
        msg = f"{path} is not what was built"
        raise StorageError(msg, fix="build the tree again: index-builder build --verify") from error


def _shard_there(site: Site | None, path: str, digests: Mapping[str, str]) -> dict[str, Built]:
    """Return a shard of what is there; none where it is not whole: then all of it is put."""
    if site is None or path not in digests:
        return {}
    try:
        return decode_shard(site.read(path), digests[path])
    except (StorageError, OutdatedStateError, ValueError, TypeError):
        return {}


def books_of(site: Site, mark: Mark) -> Books:
    """Return what a wanted tree remembers of pages for people; raises StorageError where that is not what was built."""
    if not mark.web:
        return Books()
    try:
        content = site.read(BOOKS)
        if digest_of(content) == mark.web:
            return decode_books(content)
    except (ValueError, TypeError):
        pass
    msg = f"{BOOKS} is not what was built"
    raise StorageError(msg, fix="build the tree again: index-builder build --verify")


def _books_there(site: Site | None, mark: Mark | None) -> Books:
    """Return what is remembered of the pages that are there; nothing where that is not whole: then all are put."""
    try:
        return books_of(site, mark) if site is not None and mark is not None else Books()
    except StorageError:
        return Books()


def _wants(site: Site, mark: Mark, path: str) -> bool:
    """Say whether a tree has a path that is no signature, by its state: what is there of it may be somebody else's."""
    top, _, rest = path.partition("/")
    name, _, inner = rest.partition("/")
    if top in ("simple", "pypi", "project") and inner:
        built = _shard(site, shard_of(name), mark.shards).get(name)
        return built is not None and path in built.files
    if path in (POINTER, REPLACED):
        return site.size(path) is not None
    if path in (BOOKS, STATUS):
        return bool(mark.web)
    return path == MARK or any(path in there for there in (mark.lists, mark.shards, mark.rows, books_of(site, mark).files))


def used(site: Site, mark: Mark) -> Iterator[str]:
    """Yield every path that the projects of a tree have."""
    for path in mark.shards:
        for built in _shard(site, path, mark.shards).values():
            yield from built.files


def is_used(site: Site) -> Callable[[str], bool]:
    """Return a function that says whether a path of a project is wanted after all: provenance may be shared."""
    paths: set[str] | None = None

    def say(path: str) -> bool:
        nonlocal paths
        if not path.startswith("provenance/"):
            return False
        if paths is None:
            mark = mark_of(site)
            paths = set(used(site, mark)) if mark else set()
        return path in paths

    return say
