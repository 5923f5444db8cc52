"""Lines by key, cut into leaves: files that a browser can load one at a time, and that change one at a time.

A leaf has all keys that begin with its prefix. Where it would be larger than `LARGEST` it is cut by the next character: so the
cut depends on what is there alone, not on what came first, and a changed key touches one leaf, or the few that it makes of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

import orjson

#: Bytes of a leaf: small enough for a telephone, large enough that an index of some dozens of projects has one.
LARGEST: Final = 16 * 1024
_FEED: Final = b",\n"
#: What a leaf has besides its lines, each with a feed.
_FRAME: Final = 1


def file_name(prefix: str) -> str:
    """Return what the leaf of a prefix is called: letters, digits and `-` as they are, others by their number."""
    return re.sub(r"[^a-z0-9-]", lambda found: f"_{ord(found[0]):x}_", prefix) + ".json" if prefix else "_.json"


def joined(lines: Iterable[bytes]) -> bytes:
    """Return the bytes of a leaf."""
    return b"[" + _FEED.join(lines) + b"]\n"


def lines_of(content: bytes) -> dict[str, bytes]:
    """Return the lines of a leaf by their key, which is what each begins with; raises ValueError for what no leaf is."""
    if content[:1] != b"[" or content[-2:] != b"]\n":
        msg = "a leaf is a list"
        raise ValueError(msg)
    inner = content[1:-2]
    return {_key_of(line): line for line in inner.split(_FEED)} if inner else {}


def _key_of(line: bytes) -> str:
    end = line.find(b'"', 2)
    if line[:2] != b'["' or end < 0:
        msg = "a line begins with its key"
        raise ValueError(msg)
    key: str = orjson.loads(line[1 : end + 1])
    return key


@dataclass(slots=True)
class Leaves:
    """The leaves in a folder: `sizes` has the bytes of each by its prefix; `read` gives what a leaf has now.

    No key begins with another one, because each ends in a space.
    """

    folder: str
    sizes: dict[str, int]
    read: Callable[[str], bytes]
    _parsed: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def path(self, prefix: str) -> str:
        """Return where the leaf of a prefix is."""
        return self.folder + file_name(prefix)

    def beginning(self, start: str) -> Iterator[tuple[str, bytes]]:
        """Yield each line whose key begins so, with its key, in order. Leaves are read as they are asked for."""
        above = self._leaf_at(start)
        for prefix in sorted(p for p in self.sizes if p.startswith(start)) if above is None else [above]:
            for key, line in self._lines(prefix).items():
                if key.startswith(start):
                    yield key, line

    def changed(self, gone: Collection[str], came: Mapping[str, bytes]) -> dict[str, bytes | None]:
        """Take keys away and put lines in their place or beside; return the leaves that differ by path, None for one that goes."""
        keys = {*gone, *came}
        deltas = {key: self._weight(came.get(key)) - self._weight(self._line(key)) for key in keys}
        old: dict[str, bytes] = {}
        new: dict[str, bytes] = {}
        self._visit("", sorted(keys), deltas, came, old, new)
        self._parsed.clear()
        return {path: new.get(path) for path in old.keys() | new.keys() if old.get(path) != new.get(path)}

    def _visit(
        self, prefix: str, keys: list[str], deltas: Mapping[str, int], came: Mapping[str, bytes], old: dict[str, bytes],
        new: dict[str, bytes],
    ) -> None:  # fmt: skip
        """Bring what is below a prefix to what it has to be; `keys` are those that change below it."""
        below = [leaf for leaf in self.sizes if leaf.startswith(prefix)]
        weight = sum(self.sizes[leaf] - _FRAME for leaf in below) + sum(deltas[key] for key in keys)
        if prefix in self.sizes or not below or weight <= LARGEST:
            self._rewrite(prefix, below, keys, came, old, new)
            return
        for letter, group in groupby(keys, key=lambda key: key[len(prefix)]):
            self._visit(prefix + letter, list(group), deltas, came, old, new)

    def _rewrite(
        self, prefix: str, below: list[str], keys: list[str], came: Mapping[str, bytes], old: dict[str, bytes], new: dict[str, bytes]
    ) -> None:  # fmt: skip
        lines: dict[str, bytes] = {}
        for leaf in below:
            old[self.path(leaf)] = self.read(self.path(leaf))
            lines |= self._lines(leaf)
            del self.sizes[leaf]
        for key in keys:
            lines.pop(key, None)
            if key in came:
                lines[key] = came[key]
        for leaf, inside in _cut(prefix, sorted(lines.items())):
            content = new[self.path(leaf)] = joined(line for _, line in inside)
            self.sizes[leaf] = len(content)

    def _leaf_at(self, key: str) -> str | None:
        """Return the prefix of the leaf that has a key or would have it, None where it would be a new one."""
        return next((key[:end] for end in range(len(key) + 1) if key[:end] in self.sizes), None)

    def _line(self, key: str) -> bytes | None:
        leaf = self._leaf_at(key)
        return self._lines(leaf).get(key) if leaf is not None else None

    def _lines(self, prefix: str) -> dict[str, bytes]:
        if prefix not in self._parsed:
            self._parsed[prefix] = lines_of(self.read(self.path(prefix)))
        return self._parsed[prefix]

    @staticmethod
    def _weight(line: bytes | None) -> int:
        return len(line) + len(_FEED) if line is not None else 0


def _cut(prefix: str, lines: list[tuple[str, bytes]]) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Yield the leaves below a prefix with their lines, which are in order."""
    if not lines:
        return
    if lines[0][0] == prefix or sum(len(line) + len(_FEED) for _, line in lines) <= LARGEST:
        yield prefix, lines
        return
    for letter, group in groupby(lines, key=lambda pair: pair[0][len(prefix)]):
        yield from _cut(prefix + letter, list(group))
