"""What is read of git: a revision, a change that is proposed, and what was merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from index_builder.model.source import PathChange, SourceChange, SourceEntry


class SourceTree(Protocol):
    """A revision or working tree, read without a checkout."""

    revision: str

    def entries(self, *tops: str) -> Iterable[SourceEntry]:
        """Return the files of the index: `index.yaml`, `packages.d`, `policies.d`, or those at the paths that are named, and inside them.

        Raises SourceError.
        """
        ...

    def read(self, entry: SourceEntry) -> bytes:
        """Return a file's bytes; raises SourceError."""
        ...

    def identity(self, entry: SourceEntry) -> str:
        """Return git's object id of a file's content: the same content has the same one, in git or not. Raises SourceError."""
        ...

    def changed_since(self, revision: str) -> Sequence[SourceChange] | None:
        """Return the files that differ from an earlier revision, or None where that is not to be had."""
        ...


class Proposal(Protocol):
    """A change that is to be merged into a base.

    `merged` is what the base would become, `head` the change's commit id ('' for a working tree), `when` the committer time of
    the base, aware, in UTC. `outside` counts changed files of the repository that are not in the index's folder: nobody judges
    them here.
    """

    base: SourceTree
    merged: SourceTree
    head: str
    when: datetime
    outside: int

    def changes(self) -> Sequence[PathChange]:
        """Return every path of the whole repository that is not as the base has it, by path; a rename is two of them."""
        ...


class Past(Proposal, Protocol):
    """A change that was merged: a commit against its first parent, with the first line of its message and its author's mail address."""

    subject: str
    author: str


class History(Protocol):
    """What was merged into a branch, the newest first."""

    def merges(self, *, since: str = "", most: int = 0) -> Iterator[Past]:
        """Yield the merges after the revision `since`, or the last `most` of them; raises SourceError."""
        ...
