"""A SourceTree of texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from index_builder.errors import SourceError
from index_builder.model.source import ORDINARY, SourceChange, SourceEntry

_TOPS = ("index.yaml", "packages.d", "policies.d")


class MemoryTree:
    """A SourceTree of texts; `modes` gives a path another git mode than that of an ordinary file.

    >>> tree = MemoryTree({"index.yaml": "schema: 1"})
    >>> [entry.path for entry in tree.entries()]
    ['index.yaml']
    """

    def __init__(self, files: Mapping[str, str | bytes], *, revision: str = "", modes: Mapping[str, int] | None = None) -> None:
        """Take path -> content."""
        self.revision = revision
        self._files = {path: content.encode() if isinstance(content, str) else content for path, content in files.items()}
        self._modes = modes or {}
        self.earlier: dict[str, MemoryTree] = {}

    def entries(self, *tops: str) -> Iterator[SourceEntry]:
        """Yield the files of the index; others are passed over, as in a repository."""
        for path in sorted(self._files):
            if any(path == top or path.startswith(f"{top}/") for top in tops or _TOPS):
                yield SourceEntry(path=path, mode=self._modes.get(path, ORDINARY), blob=path)

    def read(self, entry: SourceEntry) -> bytes:
        """Return a file's bytes."""
        try:
            return self._files[entry.blob]
        except KeyError as error:
            msg = f"there is no content for {entry.path}"
            raise SourceError(msg) from error

    def identity(self, entry: SourceEntry) -> str:
        """Return the id that git would give the content."""
        content = self.read(entry)
        return hashlib.sha1(b"blob %d\x00%b" % (len(content), content), usedforsecurity=False).hexdigest()

    def changed_since(self, revision: str) -> list[SourceChange] | None:
        """Compare with the tree that `earlier` has under a revision."""
        before = self.earlier.get(revision)
        if before is None:
            return None
        now, then = ({entry.path: entry for entry in tree.entries()} for tree in (self, before))
        facts = ({path: (entry.mode, tree.identity(entry)) for path, entry in of.items()} for tree, of in ((self, now), (before, then)))
        mine, theirs = facts
        changed = sorted(path for path in mine.keys() | theirs.keys() if mine.get(path) != theirs.get(path))
        return [SourceChange(path=path, was_there=path in then, entry=now.get(path)) for path in changed]
