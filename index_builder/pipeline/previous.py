"""What the last build of an audience left, and which manifests have changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

from index_builder.errors import StorageError
from index_builder.model.source import MANIFESTS, SourceEntry, is_manifest, stem_of
from index_builder.ports.places import Site
from index_builder.ports.trees import SourceTree
from index_builder.render.simple import LIST_HTML, LIST_JSON
from index_builder.render.web.books import BOOKS, Books, decode_books
from index_builder.state import MARK, Built, Mark, OutdatedStateError, decode_mark, decode_shard, digest_of, shard_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """A tree whose state is whole and was built from the same inputs. Shards are read when they are asked for."""

    mark: Mark
    site: Site
    _shards: dict[str, dict[str, Built]] = field(default_factory=dict)

    def is_whole(self) -> bool:
        """Say whether every shard is there with its digest, and every line of pages for people that a build goes on from."""
        try:
            lines = {path: digest for path, digest in self.books().files.items() if path.endswith(".json")}
            return all(digest_of(self.site.read(path)) == digest for path, digest in (*self.mark.shards.items(), *lines.items()))
        except (StorageError, OutdatedStateError):
            return False

    def shard(self, path: str) -> dict[str, Built]:
        """Return a shard's projects, none where there is no such shard; raises OutdatedStateError."""
        if path not in self.mark.shards:
            return {}
        if path not in self._shards:
            try:
                self._shards[path] = decode_shard(self.site.read(path), self.mark.shards[path])
            except (StorageError, ValueError, TypeError) as error:
                raise OutdatedStateError from error
        return self._shards[path]

    def built(self, name: str) -> Built | None:
        """Return what was built of a project; raises OutdatedStateError."""
        return self.shard(shard_of(name)).get(name)

    def open_rows(self, path: str) -> BinaryIO:
        """Open a file of the package list, as if it were empty where there is none; raises OutdatedStateError.

        One without a digest is as long as it was.
        """
        if path not in self.mark.rows:
            return BytesIO()
        if digest := self.mark.rows[path]:
            return BytesIO(self._read(path, digest))
        try:
            return self.site.open(path)
        except StorageError as error:
            raise OutdatedStateError from error

    def _read(self, path: str, digest: str | None) -> bytes:
        try:
            content = self.site.read(path)
        except StorageError as error:
            raise OutdatedStateError from error
        if digest_of(content) != digest:
            raise OutdatedStateError
        return content

    def books(self) -> Books:
        """Return what was remembered of pages for people, nothing where there were none; raises OutdatedStateError."""
        if not self.mark.web:
            return Books()
        try:
            return decode_books(self._read(BOOKS, self.mark.web))
        except (ValueError, TypeError) as error:
            raise OutdatedStateError from error

    def page_for_people(self, books: Books, path: str) -> bytes:
        """Return what a page that shows many projects was; raises OutdatedStateError where it is not that any more."""
        return self._read(path, books.files.get(path))

    def everything(self) -> dict[str, Built]:
        """Return all projects by normalized name; raises OutdatedStateError."""
        return {name: built for path in self.mark.shards for name, built in self.shard(path).items()}


def _has_rows(site: Site, mark: Mark) -> bool:
    """Say whether the package list is as long as it was; whether it has the same bytes, is asked of what is read of it."""
    return sum(site.size(path) or 0 for path in mark.rows) == mark.rows_size


def find_previous(site: Site, audience: str, inputs: str, *, whole: bool = True) -> Previous | None:
    """Return what the last build left, or None where it was of other inputs, did not end, or is not whole.

    Without `whole`, only what is used is looked at, when it is used: what is not, stays as it is published.
    """
    try:
        mark = decode_mark(site.read(MARK))
        if (mark.audience, mark.inputs) != (audience, inputs):
            return None
        lists = (LIST_HTML, LIST_JSON) if whole else (LIST_JSON,)
        if any(digest_of(site.read(path)) != mark.lists.get(path) for path in lists) or (whole and not _has_rows(site, mark)):
            return None
    except (StorageError, OutdatedStateError):
        return None
    previous = Previous(mark=mark, site=site)
    return previous if not whole or previous.is_whole() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What happened to `packages.d/` since a build: what differs or is new, by path, and the projects that have no manifest any more.

    With `is_edit`, every file of it was there before and is there still, so nothing of the others need be looked at.
    """

    entries: Mapping[str, SourceEntry]
    gone: frozenset[str] = frozenset()
    is_edit: bool = False


def changed_since(previous: Previous, tree: SourceTree, entries: Callable[[], Sequence[SourceEntry]]) -> Changed:
    """Compare git's object ids; raises OutdatedStateError, SourceError.

    Where the revision of the last build is at hand, two trees are compared; else each manifest with the state.
    """
    changes = tree.changed_since(previous.mark.source) if previous.mark.source else None
    if changes is not None:
        changes = [change for change in changes if change.path.startswith(MANIFESTS)]
        now = {change.path: change.entry for change in changes if change.entry}
        if all(change.was_there and change.entry for change in changes):
            return Changed(entries=now, is_edit=True)
        stems = {stem_of(entry.path) for entry in entries() if entry.path.startswith(MANIFESTS)}
        touched = {stem_of(change.path) for change in changes}
        return Changed(entries=now, gone=frozenset(name for name in touched - stems if previous.built(name)))
    built = previous.everything()
    manifests = {entry.path: entry for entry in entries() if is_manifest(entry)}
    return Changed(
        entries={
            path: entry for path, entry in manifests.items()
            if not (found := built.get(stem_of(path))) or found.path != path or found.blob != tree.identity(entry)
        },
        gone=frozenset(built.keys() - {stem_of(path) for path in manifests}),
    )  # fmt: skip


def inputs_of(tree: SourceTree, entries: Iterable[SourceEntry], builder: str, templates: Mapping[str, str], option: str) -> str:
    """Return the digest of all that any page can depend on besides its own manifest; `entries` are those of the settings."""
    settings = sorted((entry.path, entry.mode, tree.identity(entry)) for entry in entries)
    value = json.dumps([builder, sorted(templates.items()), settings, option])
    return hashlib.sha256(value.encode()).hexdigest()
