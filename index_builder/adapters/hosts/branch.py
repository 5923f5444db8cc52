"""A target that is a branch of a git repository, as GitHub Pages and others deploy one.

Its last tree is changed where paths differ, and becomes a commit: no file is checked out. Objects are made by pygit2;
git itself fetches and pushes, so that everybody's credentials, proxies and ssh settings work. What is fetched has no file
contents where the other side can do that: only the few that are read are asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

import pygit2
from pygit2.enums import FileMode, ObjectType

from index_builder.adapters.git_remote import Git
from index_builder.errors import StorageError
from index_builder.model.publication import RECORD, Limits, Publication
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.publish.apply import verified
from index_builder.publish.record import encode

#: What a branch takes that Pages deploys. Source: GitHub's documentation of limits.
PAGES: Final = Limits(
    total=1_000_000_000, file=100_000_000,
    ways_out="keep the files elsewhere: `releases: {repository: OWNER/NAME}` of the audience, or publish to a bucket altogether",
)  # fmt: skip
_NAME: Final = "index-builder"
#: Jekyll would leave out what begins with an underscore, and take minutes to do so.
_NO_JEKYLL: Final = ".nojekyll"

# A partial clone marks itself as such, and libgit2 refuses marks that it was not told of.
pygit2.settings.set_extensions(["partialclone"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch: a URL or folder, and its name. `history` is how many commits are kept, 0 for all."""

    url: str
    name: str
    history: int = 0


class BranchHost:
    """A branch, through a bare repository of this machine that can be thrown away."""

    limits = PAGES
    is_immediate = True
    is_whole = False
    is_gradual = False

    def __init__(self, branch: Branch, cache: Path, now: datetime, environment: Mapping[str, str] | None = None) -> None:
        """Take the branch, the folder of the bare repository, and the time of the commit; aware, in UTC."""
        self._branch, self._cache, self._now = branch, cache, now
        self._git = Git(cache, branch.url, environment if environment is not None else os.environ)
        self._tip: pygit2.Commit | None = None
        self._made: pygit2.Oid | None = None

    def live(self) -> Site | None:
        """Return the tree at the branch's tip; raises RemoteError."""
        repository = self._git.repository()
        tip = self._git.tip(self._branch.name)
        with self._git.errors():
            if tip and tip not in repository:  # what this machine pushed last, it has
                self._git.fetch(self._branch.name, self._branch.history)
            found = repository.get(tip) if tip else None
            self._tip = found if isinstance(found, pygit2.Commit) else None
            return BranchSite(repository, self._tip.tree, self._git) if self._tip else None

    def requests(self, publication: Publication, wanted: Site) -> int:
        """Return what a push takes: what is there is asked, then all is sent at once."""
        return 2

    def stage(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Make the commit; raises StorageError."""
        repository = self._git.repository()
        with self._git.errors():
            self._stage(repository, publication, wanted, progress)

    def _stage(self, repository: pygit2.Repository, publication: Publication, wanted: Site, progress: Progress) -> None:
        changes = _Folder()
        for put in publication.puts:
            changes.set(put.path, _blob(repository, verified(wanted, put, progress)))
            progress.done(put.path)
        changes.set(RECORD, repository.create_blob(encode(publication.record)))
        for path in publication.deletes:
            changes.set(path, None)
        old = self._tip.tree if self._tip else None
        if old is None or _NO_JEKYLL not in old:
            changes.set(_NO_JEKYLL, repository.create_blob(b""))
        tree = _changed(repository, old, changes)
        if tree is None:
            msg = f"nothing would be left on branch {self._branch.name}"
            raise StorageError(msg, fix="publish a tree that has something")
        parents = _kept(repository, self._tip, self._branch.history - 1) if self._tip else []
        who = pygit2.Signature(_NAME, f"{_NAME}@localhost", int(self._now.timestamp()), 0)
        self._made = repository.create_commit(None, who, who, f"Publish {publication.record.commit}\n", tree, parents)

    def switch(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Push the commit, if the branch is still where it was."""
        progress.begin(f"Pushing {self._branch.name}", 0, 0)
        try:
            self._git.push(self._branch.name, str(self._made), str(self._tip.id) if self._tip else "")
        finally:
            progress.end()


def _kept(repository: pygit2.Repository, tip: pygit2.Commit, most: int) -> list[pygit2.Oid]:
    """Return what a new commit goes on from: all that is there, or the last commits anew, so that there are no more of them."""
    if most < 0:
        return [tip.id]
    chain: list[pygit2.Commit] = []
    here: pygit2.Commit | None = tip
    while here is not None and len(chain) < most:
        chain.append(here)
        parents = [repository.get(parent) for parent in here.parent_ids[:1]]
        here = parents[0] if parents and isinstance(parents[0], pygit2.Commit) else None
    if here is None:
        return [tip.id] if chain else []
    made: list[pygit2.Oid] = []
    for commit in reversed(chain):
        made = [repository.create_commit(None, commit.author, commit.committer, commit.message, commit.tree_id, made)]
    return made


@dataclass(slots=True)
class _Folder:
    """What changes in a folder of a tree: a blob by name, None for what goes, or a folder."""

    entries: dict[str, _Folder | pygit2.Oid | None] = field(default_factory=dict)

    def set(self, path: str, blob: pygit2.Oid | None) -> None:
        name, _, rest = path.partition("/")
        if not rest:
            self.entries[name] = blob
            return
        inner = self.entries.get(name)
        if not isinstance(inner, _Folder):
            inner = self.entries[name] = _Folder()
        inner.set(rest, blob)


def _changed(repository: pygit2.Repository, old: pygit2.Tree | None, changes: _Folder) -> pygit2.Oid | None:
    """Return a tree with changes made, None where nothing is left in it."""
    builder = repository.TreeBuilder(old) if old is not None else repository.TreeBuilder()
    for name, change in changes.entries.items():
        there = old[name] if old is not None and name in old else None
        made: pygit2.Oid | None
        if isinstance(change, _Folder):
            made, mode = _changed(repository, there if isinstance(there, pygit2.Tree) else None, change), FileMode.TREE
        else:
            made, mode = change, FileMode.BLOB
        if made is not None:
            builder.insert(name, made, mode)
        elif there is not None:
            builder.remove(name)
    return builder.write() if len(builder) else None


def _blob(repository: pygit2.Repository, chunks: Iterable[bytes]) -> pygit2.Oid:
    return repository.create_blob(b"".join(chunks))


class BranchSite:
    """A tree of a git repository as a Site that is only read."""

    def __init__(self, repository: pygit2.Repository, tree: pygit2.Tree, git: Git) -> None:
        """Take the tree; contents that were not fetched are asked for when they are read."""
        self._repository, self._tree, self._git = repository, tree, git
        self._read: dict[str, bytes] = {}
        self._folders: dict[str, pygit2.Tree | None] = {"": tree}

    def listing(self) -> Mapping[str, int | None]:
        """Return every path, of sizes that nobody knows."""
        with self._git.errors():
            return dict.fromkeys(_walked(self._tree, ""))

    def _entry(self, path: str) -> pygit2.Object | None:
        folder, _, name = path.rpartition("/")
        try:
            inside = self._folder(folder)
            found = inside[name] if inside is not None and name in inside else None
        except KeyError:
            return None  # a folder was not fetched
        return found if found is not None and found.type == ObjectType.BLOB and found.filemode != FileMode.LINK else None

    def _folder(self, path: str) -> pygit2.Tree | None:
        """Return a folder's tree, read once: those of an index have tens of thousands of entries."""
        if path not in self._folders:
            above, _, name = path.rpartition("/")
            inside = self._folder(above)
            found = inside[name] if inside is not None and name in inside else None
            self._folders[path] = found if isinstance(found, pygit2.Tree) else None
        return self._folders[path]

    def size(self, path: str) -> int | None:
        """Return a file's size."""
        with self._git.errors():
            entry = self._entry(path)
            if entry is None:
                return None
            try:
                return int(self._repository.odb.read_header(entry.id)[1])
            except KeyError:
                return len(self.read(path))

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        if path not in self._read:
            with self._git.errors():
                self._read[path] = self._content(path)
        return self._read[path]

    def _content(self, path: str) -> bytes:
        entry = self._entry(path)
        if entry is None:
            msg = f"{path} is not on the branch"
            raise StorageError(msg)
        try:
            return bytes(self._repository[entry.id].data)  # type: ignore[attr-defined]
        except KeyError:
            return self._git.content(str(entry.id))

    def open(self, path: str) -> BinaryIO:
        """Open a file."""
        return BytesIO(self.read(path))

    def put(self, path: str, chunks: Iterable[bytes]) -> NoReturn:
        """Raise StorageError: a branch is changed by a commit."""
        msg = "a branch is only read"
        raise StorageError(msg)

    def delete(self, path: str) -> NoReturn:
        """Raise StorageError, as `put` does."""
        self.put(path, ())


def _walked(tree: pygit2.Tree, prefix: str) -> Iterable[str]:
    for entry in tree:
        if isinstance(entry, pygit2.Tree):
            yield from _walked(entry, f"{prefix}{entry.name}/")
        elif entry.name != _NO_JEKYLL:
            yield f"{prefix}{entry.name}"
