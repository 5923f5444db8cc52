"""A change in git as a Proposal: what of it is not in the base yet, merged into the base without a checkout."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import pygit2

from index_builder.adapters.git import GitTree, commit_of, inside_of, moment, objects_of, opened, tree_of
from index_builder.adapters.git_trees import FOLDER, Paths, compared
from index_builder.adapters.limits import MAX_READ, TOPS
from index_builder.adapters.worktree import WorkTree
from index_builder.errors import SourceError
from index_builder.model.source import EXECUTABLE, ORDINARY, PathChange, SourceEntry
from index_builder.ports.trees import SourceTree

#: What of a working tree is read: the index, and what goes with it.
_READ: Final = (*TOPS, ".github", "attestations", "resolve.d")
#: So many merges of the base are looked through for what was approved.
_MOST_MERGES: Final = 50
#: Begins an id that stands for bytes which are no blob of the repository: of the working tree, or merged from both sides.
_ELSEWHERE: Final = "elsewhere:"


class GitProposal:
    """What merging `head` (None: the working tree) into `base` would do; where both changed a file, its lines are merged."""

    def __init__(self, folder: Path, base: str, head: str | None) -> None:
        """Find both revisions in the repository at `folder`; raises SourceError."""
        self._repository = opened(folder)
        self._folder = folder
        self.base: SourceTree = GitTree(folder, base)
        commit, tip = (commit_of(self._repository, folder, revision) for revision in (base, head or "HEAD"))
        fork: pygit2.Oid | None = self._repository.merge_base(commit.id, tip.id)
        if fork is None:
            msg = f"{base} and {head or 'HEAD'} have no commit in common"
            raise SourceError(
                msg, fix="name the branch that the change began from; in a shallow clone, fetch more history first: git fetch --unshallow"
            )
        if _has_other_base(self._repository, commit.id, tip.id, fork):
            msg = f"{base} and {head or 'HEAD'} were merged crosswise, and have more than one commit that both began from"
            raise SourceError(msg, fix=f"merge the base first, so that what is merged is what is judged: git merge {base}")
        self._base, self._tip = commit.id, tip
        self.when = moment(commit)
        self.head = "" if head is None else str(tip.id)
        self.outside = 0
        self._contents: dict[str, bytes] = {}
        self._ours = Paths(self._repository, tree_of(self._repository, folder, commit))
        self._fork = self._repository[fork].peel(pygit2.Commit)
        deltas = _by_path(self._working_deltas()) if head is None else self._deltas(tip)
        found = (self._change(*delta) for delta in deltas)
        self._changes = sorted(change for change in found if change is not None)
        self.merged: SourceTree = MergedTree(self.base, self._changes, self._contents)

    def changes(self) -> Sequence[PathChange]:
        """Return every path that is not as the base has it, by path; a rename is two of them."""
        return self._changes

    def commits(self) -> frozenset[str]:
        """Return the head's id, and those of the commits that it is but for merges of the base: who approved one, approved this.

        A merge counts where git makes the same of its two sides, the other one is the base's or was, and nobody edited anything.
        """
        found = {self.head}
        here = self._tip
        while len(here.parents) == 2 and len(found) <= _MOST_MERGES:  # noqa: PLR2004 - a merge of two
            ours, theirs = here.parents
            if not self._is_base(theirs.id) or not _is_their_merge(self._repository, here, ours, theirs):
                break
            found.add(str(ours.id))
            here = ours
        return frozenset(found)

    def _is_base(self, commit: pygit2.Oid) -> bool:
        return commit == self._base or self._repository.descendant_of(self._base, commit)

    def _deltas(self, tip: pygit2.Commit) -> Iterator[Delta]:
        inside = inside_of(self._repository, self._folder)
        if inside:
            whole = compared(self._repository, self._fork.tree, tip.tree)
            self.outside = sum(not _decoded(path).startswith(f"{inside}/") for path, _, _ in whole)
        old, new = (tree_of(self._repository, self._folder, commit) for commit in (self._fork, tip))
        return differences(self._repository, old, new)

    def _working_deltas(self) -> Iterator[Delta]:
        """Yield what the working tree has otherwise; git's own index says which files need no look."""
        inside = inside_of(self._repository, self._folder)
        prefix = f"{inside}/" if inside else ""
        flags = pygit2.enums.DiffOption.INCLUDE_UNTRACKED | pygit2.enums.DiffOption.RECURSE_UNTRACKED_DIRS
        files = WorkTree(self._folder)
        for delta in self._fork.tree.diff_to_workdir(flags).deltas:
            path = _decoded(delta.new_file.raw_path)
            if not path.startswith(prefix):
                self.outside += 1
                continue
            path = path.removeprefix(prefix)
            new = None
            if delta.status != pygit2.enums.DeltaStatus.DELETED:
                new = SourceEntry(path=path, mode=int(delta.new_file.mode), blob=path)
                is_file = new.mode in (ORDINARY, EXECUTABLE)
                new = self._keep(new, files.read(new)) if is_file and path.partition("/")[0] in _READ else new
            yield path, _side(path, delta.old_file), new

    def _change(self, path: str, old: SourceEntry | None, new: SourceEntry | None) -> PathChange | None:
        """Return what becomes of a path that the change has otherwise than the fork, or None where the base has it so already."""
        found = self._ours.find(path)
        ours = SourceEntry(path, *found) if found and found[0] != FOLDER else None
        if ours == new:
            return None
        if ours == old:
            return PathChange(path, ours, new, False)
        if old is None or ours is None or new is None or not old.mode == ours.mode == new.mode or new.mode not in (ORDINARY, EXECUTABLE):
            return PathChange(path, ours, new, True)
        content = _merged_lines(*(self._content(entry) for entry in (old, ours, new)))
        return PathChange(path, ours, new, True) if content is None else PathChange(path, ours, self._keep(ours, content), False)

    def _content(self, entry: SourceEntry) -> bytes:
        return self._contents[entry.blob] if entry.blob in self._contents else self.base.read(entry)

    def _keep(self, entry: SourceEntry, content: bytes) -> SourceEntry:
        kept = SourceEntry(path=entry.path, mode=entry.mode, blob=f"{_ELSEWHERE}{entry.path}")
        self._contents[kept.blob] = content[:MAX_READ]
        return kept


class MergedTree:
    """The base's tree with a change in it, as a SourceTree."""

    revision = ""

    def __init__(self, base: SourceTree, changes: Sequence[PathChange], contents: Mapping[str, bytes]) -> None:
        """Take the base, what changes, and the contents of what is no blob."""
        self._base = base
        self._changed = {change.path: change for change in changes}
        self._contents = contents

    def entries(self, *tops: str) -> Iterator[SourceEntry]:
        """Yield the base's files that stay, then what the change brings; raises SourceError."""
        yield from (entry for entry in self._base.entries(*tops) if entry.path not in self._changed)
        for path, change in self._changed.items():
            if change.after is not None and any(path == top or path.startswith(f"{top}/") for top in tops or TOPS):
                yield change.after

    def read(self, entry: SourceEntry) -> bytes:
        """Return a file's bytes; raises SourceError."""
        return self._contents[entry.blob] if entry.blob in self._contents else self._base.read(entry)

    def identity(self, entry: SourceEntry) -> str:
        """Return git's id of a file's content."""
        return str(pygit2.hash(self._contents[entry.blob])) if entry.blob in self._contents else entry.blob

    def changed_since(self, _revision: str) -> None:
        """Return None: a merge that nobody has made yet has no history."""


Delta = tuple[str, SourceEntry | None, SourceEntry | None]


def differences(repository: pygit2.Repository, old: pygit2.Tree, new: pygit2.Tree) -> Iterator[Delta]:
    """Yield each path that two trees have otherwise, with both sides; a rename is two of them. Raises SourceError."""
    for raw, before, after in compared(repository, old, new):
        path = _decoded(raw)
        yield path, SourceEntry(path, *before) if before else None, SourceEntry(path, *after) if after else None


def _decoded(raw: bytes) -> str:
    """Return a path; raises SourceError for one that is not UTF-8: written with escapes, it would be another path's name."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = f"the path {raw!r} is not UTF-8, and cannot be judged"
        raise SourceError(msg, fix="give it a name that is") from error


def _by_path(deltas: Iterable[Delta]) -> list[Delta]:
    """Join what libgit2 tells of one path twice: a file that becomes a link or submodule is one that goes and one that comes."""
    found: dict[str, tuple[SourceEntry | None, SourceEntry | None]] = {}
    for path, old, new in deltas:
        first = found.get(path, (None, None))
        found[path] = (old or first[0], new or first[1])
    return [(path, *sides) for path, sides in found.items()]


def _has_other_base(repository: pygit2.Repository, one: pygit2.Oid, two: pygit2.Oid, fork: pygit2.Oid) -> bool:
    """Say whether two commits have a common ancestor that is none of the fork.

    Git merges all of them first; whichever single one is taken, an attacker who sets commit dates could have chosen, so that a
    revert looks like no change.
    """
    if fork in (one, two):
        return False
    sides = []
    for commit in (one, two):
        walk = repository.walk(commit, pygit2.enums.SortMode.TOPOLOGICAL)
        walk.hide(fork)
        sides.append({found.id for found in walk})
    return not sides[0].isdisjoint(sides[1])


def _is_their_merge(repository: pygit2.Repository, merge: pygit2.Commit, one: pygit2.Commit, two: pygit2.Commit) -> bool:
    """Say whether a merge is what git makes of its two sides."""
    with tempfile.TemporaryDirectory() as folder:
        # What the merge makes is written beside the repository, and not into it.
        scratch = pygit2.init_repository(folder, bare=True)
        scratch.odb.add_disk_alternate(str(objects_of(repository)))
        index = scratch.merge_commits(one.id, two.id)
        return not index.conflicts and index.write_tree(scratch) == merge.tree_id


def _side(path: str, file: pygit2.DiffFile) -> SourceEntry | None:
    """Return one side of a difference, None where the path is not there."""
    there = bool(int(file.mode))
    return SourceEntry(path=path, mode=int(file.mode), blob=str(file.id)) if there else None


def _merged_lines(ancestor: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Merge a file as git does, or return None where both sides changed the same lines. The repository itself is not written to."""
    if any(len(side) >= MAX_READ for side in (ancestor, ours, theirs)):
        return None
    with tempfile.TemporaryDirectory() as folder, suppress(UnicodeDecodeError):
        scratch = pygit2.init_repository(folder, bare=True)
        one, two, three = (
            pygit2.IndexEntry("file", scratch.create_blob(content), pygit2.enums.FileMode.BLOB) for content in (ancestor, ours, theirs)
        )
        merged = scratch.merge_file_from_index(one, two, three)
        return merged.contents.encode() if merged.automergeable else None
    return None
