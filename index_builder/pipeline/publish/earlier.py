"""An earlier commit as it may be published again: what was taken away for good since then stays away, and so do keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from index_builder.errors import SourceError
from index_builder.manifests import changes
from index_builder.manifests.reader import Settings, read_manifest, read_settings
from index_builder.model.project import Project, Tombstone
from index_builder.model.source import MANIFESTS, SETTINGS, SourceEntry, is_manifest, stem_of
from index_builder.ports.trees import SourceTree
from index_builder.trust.layout import TRUST


class EarlierTree:
    """A revision whose manifests have the tombstones of a later one, and which has that one's `trust/`, as a SourceTree.

    Readers do not go back behind the keys that they have seen.
    """

    def __init__(self, earlier: SourceTree, later: SourceTree) -> None:
        """Take both; raises SourceError where a manifest cannot be read, and what it took away cannot be told."""
        self.revision = earlier.revision
        self._earlier, self._later = earlier, later
        self._texts = dict(_with_tombstones(earlier, later))

    def entries(self, *tops: str) -> Iterable[SourceEntry]:
        """Return the earlier revision's files, and the later one's of `trust/`."""
        found = [entry for entry in self._earlier.entries(*tops) if not _is_trust(entry)]
        keys = [top for top in tops if top.partition("/")[0] == TRUST]
        return found + list(self._later.entries(*keys)) if keys else found

    def read(self, entry: SourceEntry) -> bytes:
        """Return a file's bytes."""
        return self._texts[entry.path] if entry.path in self._texts else self._of(entry).read(entry)

    def identity(self, entry: SourceEntry) -> str:
        """Return git's id of a file's content."""
        if entry.path not in self._texts:
            return self._of(entry).identity(entry)
        content = self._texts[entry.path]
        return hashlib.sha1(b"blob %d\x00%b" % (len(content), content), usedforsecurity=False).hexdigest()

    def changed_since(self, _revision: str) -> None:
        """Return None: such a tree is in no history."""

    def _of(self, entry: SourceEntry) -> SourceTree:
        return self._later if _is_trust(entry) else self._earlier


def _is_trust(entry: SourceEntry) -> bool:
    return entry.path.startswith(f"{TRUST}/")


def _with_tombstones(earlier: SourceTree, later: SourceTree) -> Iterator[tuple[str, bytes]]:
    buried = dict(_buried(earlier, later))
    settings = _settings(earlier)
    for entry in earlier.entries("packages.d"):
        if is_manifest(entry) and (found := buried.get(stem_of(entry.path))):
            content = earlier.read(entry)
            project = _project(entry, content, settings)
            text = content.decode()
            for tombstone in found:
                if any(file.name.text == tombstone.name for release in project.releases for file in release.files):
                    text, _ = changes.remove(text, project, tombstone.name, tombstone.reason, tombstone.at)
                    project = _project(entry, text.encode(), settings)
            yield entry.path, text.encode()


def _buried(earlier: SourceTree, later: SourceTree) -> Iterator[tuple[str, tuple[Tombstone, ...]]]:
    """Yield the tombstones of each manifest that is another one later."""
    settings = _settings(later)
    changed = later.changed_since(earlier.revision)
    entries = later.entries("packages.d") if changed is None else [change.entry for change in changed if change.entry]
    for entry in entries:
        if entry.path.startswith(MANIFESTS) and is_manifest(entry):
            project = _project(entry, later.read(entry), settings)
            if project.removed:
                yield stem_of(entry.path), project.removed


def _project(entry: SourceEntry, content: bytes, settings: Settings) -> Project:
    project, problems = read_manifest(entry.path, content, settings)
    if project is None:
        msg = f"{entry.path} cannot be read: {problems[0].message if problems else 'it is empty'}"
        raise SourceError(msg, fix="correct it, or choose another commit")
    return project


def _settings(tree: SourceTree) -> Settings:
    return read_settings(sorted(tree.entries(*SETTINGS), key=lambda entry: entry.path), tree.read)
