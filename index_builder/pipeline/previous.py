"""What the last build of an audience left, and which manifests have changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from index_builder.errors import StorageError
from index_builder.model.source import CONFIGURATION, MANIFESTS, ORDINARY, POLICIES, SourceEntry, stem_of
from index_builder.ports import Site, SourceTree
from index_builder.render.rows import ROWS
from index_builder.render.simple import LIST_HTML, LIST_JSON
from index_builder.state import MARK, Built, Mark, OutdatedStateError, decode_mark, decode_shard, digest_of, shard_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """A tree whose state is whole and was built from the same inputs. Shards are read when they are asked for."""

    mark: Mark
    site: Site
    _shards: dict[str, dict[str, Built]] = field(default_factory=dict)

    def is_whole(self) -> bool:
        """Say whether every shard is there with its digest."""
        try:
            return all(digest_of(self.site.read(path)) == digest for path, digest in self.mark.shards.items())
        except StorageError:
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

    def everything(self) -> dict[str, Built]:
        """Return all projects by normalized name; raises OutdatedStateError."""
        return {name: built for path in self.mark.shards for name, built in self.shard(path).items()}


def find_previous(site: Site, audience: str, inputs: str) -> Previous | None:
    """Return what the last build left, or None where it was of other inputs, did not end, or is not whole."""
    try:
        mark = decode_mark(site.read(MARK))
        whole = all(digest_of(site.read(path)) == mark.lists.get(path) for path in (LIST_HTML, LIST_JSON))
        whole = whole and site.size(ROWS) == mark.rows
    except (StorageError, OutdatedStateError):
        return None
    if (mark.audience, mark.inputs) != (audience, inputs) or not whole:
        return None
    previous = Previous(mark=mark, site=site)
    return previous if previous.is_whole() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What happened to manifests since a build: `known` are the paths of those that are as they were, `gone` projects without one."""

    known: frozenset[str]
    gone: frozenset[str]


def changed_since(previous: Previous, tree: SourceTree, entries: Sequence[SourceEntry]) -> Changed:
    """Compare git's object ids; raises OutdatedStateError, SourceError.

    Where the revision of the last build is at hand, two trees are compared; else each manifest with the state.
    """
    manifests = {entry.path: entry for entry in entries if entry.path.startswith(MANIFESTS) and entry.path.endswith(".yaml")}
    ordinary = {path: entry for path, entry in manifests.items() if entry.mode == ORDINARY}
    stems = {stem_of(path) for path in manifests}
    changed = tree.changed_since(previous.mark.source) if previous.mark.source else None
    if changed is not None:
        touched = {stem_of(path) for path in changed if path.startswith(MANIFESTS)}
        return Changed(known=frozenset(ordinary.keys() - changed), gone=frozenset(name for name in touched - stems if previous.built(name)))
    built = previous.everything()
    known = {
        path for path, entry in ordinary.items()
        if (found := built.get(stem_of(path))) and found.path == path and found.blob == tree.identity(entry)
    }  # fmt: skip
    return Changed(known=frozenset(known), gone=frozenset(built.keys() - stems))


def inputs_of(tree: SourceTree, entries: Collection[SourceEntry], builder: str, templates: Mapping[str, str], option: str) -> str:
    """Return the digest of all that any page can depend on besides its own manifest."""
    settings = sorted((e.path, e.mode, tree.identity(e)) for e in entries if e.path == CONFIGURATION or e.path.startswith(POLICIES))
    value = json.dumps([builder, sorted(templates.items()), settings, option])
    return hashlib.sha256(value.encode()).hexdigest()
