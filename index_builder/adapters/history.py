"""What was merged into a branch, as a History."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pygit2

from index_builder.adapters.git import GitTree, commit_of, moment, opened, tree_of
from index_builder.adapters.proposal import differences
from index_builder.model.source import PathChange
from index_builder.ports.trees import SourceTree


class GitHistory:
    """The first parents of a revision: what each commit of a branch brought, whatever was merged in it."""

    def __init__(self, folder: Path, revision: str) -> None:
        """Find the revision in the repository at `folder`; raises SourceError."""
        self._folder = folder
        self._repository = opened(folder)
        self._tip = commit_of(self._repository, folder, revision)

    def merges(self, *, since: str = "", most: int = 0) -> Iterator[PastMerge]:
        """Yield the merges after the revision `since`, or the last `most` of them, the newest first; raises SourceError."""
        first = commit_of(self._repository, self._folder, since).id if since else None
        here, count = self._tip, 0
        while here.parents and here.id != first and (not most or count < most):
            yield PastMerge(self._repository, self._folder, here)
            here, count = here.parents[0], count + 1


class PastMerge:
    """A commit against its first parent, as a Past."""

    def __init__(self, repository: pygit2.Repository, folder: Path, commit: pygit2.Commit) -> None:
        """Take a commit that has a parent."""
        parent = commit.parents[0]
        self._sides = (repository, folder, parent, commit)
        self.base: SourceTree = GitTree(folder, str(parent.id))
        self.merged: SourceTree = GitTree(folder, str(commit.id))
        self.head = str(commit.id)
        self.when = moment(parent)
        self.outside = 0
        self.subject = commit.message.partition("\n")[0]
        self.author = commit.author.email

    def changes(self) -> Sequence[PathChange]:
        """Return every path that the commit has otherwise than its parent."""
        repository, folder, parent, commit = self._sides
        old, new = (tree_of(repository, folder, side) for side in (parent, commit))
        return sorted(PathChange(path, before, after, False) for path, before, after in differences(repository, old, new))
