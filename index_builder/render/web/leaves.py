"""Lines by key, cut into leaves: files that a browser can load one at a time, and that change one at a time.

A leaf has the keys that begin with its prefix, but for those that begin with the prefix of a longer one. Where it would be larger
than `LARGEST`, the most that have one next character get a leaf of their own, until the rest is small enough: so the cut depends on
what is there alone, not on what came first, and a changed key touches one leaf, or the few that are made of one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
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
    _order: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put the prefixes in order."""
        self._order = sorted(self.sizes)

    def path(self, prefix: str) -> str:
        """Return where the leaf of a prefix is."""
        return self.folder + file_name(prefix)

    def line(self, key: str) -> bytes | None:
        """Return the line of a key, None where there is none."""
        leaf = leaf_of(self.sizes, key)
        return self._lines(leaf).get(key) if leaf is not None else None

    def beginning(self, start: str) -> Iterator[tuple[str, bytes]]:
        """Yield each line whose key begins so, with its key, leaf by leaf. Leaves are read as they are asked for."""
        above = leaf_of(self.sizes, start)
        below = [prefix for prefix in self.below(start) if prefix != above]
        for prefix in below if above is None else [above, *below]:
            for key, line in self._lines(prefix).items():
                if key.startswith(start):
                    yield key, line

    def changed(self, gone: Collection[str], came: Mapping[str, bytes]) -> dict[str, bytes | None]:
        """Take keys away and put lines in their place or beside; return the leaves that differ by path, None for one that goes."""
        change = _Change(self, came)
        if self.sizes:
            keys = sorted({*gone, *came})
            deltas = {key: weight(came.get(key)) - weight(self.line(key)) for key in keys}
            change.visit("", keys, deltas)
        else:
            change.cut("", sorted(came.items()))
        self._parsed.clear()
        self._order = sorted(self.sizes)
        return {
            path: change.new.get(path) for path in change.old.keys() | change.new.keys() if change.old.get(path) != change.new.get(path)
        }

    def taken(self, prefix: str) -> tuple[dict[str, bytes], bytes]:
        """Return the lines of a leaf and its bytes, and forget its size."""
        content = self.read(self.path(prefix))
        del self.sizes[prefix]
        return lines_of(content), content

    def weight_below(self, prefix: str) -> int:
        """Return the bytes of all lines whose keys begin so and that have a leaf at or below this prefix."""
        return sum(self.sizes[leaf] - _FRAME for leaf in self.below(prefix) if leaf in self.sizes)

    def has_below(self, prefix: str) -> bool:
        """Say whether there is a leaf at or below a prefix."""
        return any(leaf in self.sizes for leaf in self.below(prefix))

    def below(self, prefix: str) -> list[str]:
        """Return the prefixes that begin so, as they were before a change."""
        begin = bisect_left(self._order, prefix)
        end = bisect_left(self._order, prefix + _LAST)
        return self._order[begin:end]

    def _lines(self, prefix: str) -> dict[str, bytes]:
        if prefix not in self._parsed:
            self._parsed[prefix] = lines_of(self.read(self.path(prefix)))
        return self._parsed[prefix]


#: It comes after every character that a key has.
_LAST: Final = chr(0x10FFFF)


def leaf_of(prefixes: Container[str], key: str) -> str | None:
    """Return the prefix of the leaf that has a key, which is the longest of those that begin it; None where there is none."""
    return next((key[:end] for end in range(len(key), -1, -1) if key[:end] in prefixes), None)


def weight(line: bytes | None) -> int:
    """Return the bytes that a line takes in a leaf."""
    return len(line) + len(_FEED) if line is not None else 0


def _weight_of(lines: list[tuple[str, bytes]]) -> int:
    return sum([len(line) for _, line in lines]) + len(_FEED) * len(lines)


class _Change:
    """One change of leaves: what they had, and what they have then, by path. Sizes and cuts are kept up on the way."""

    def __init__(self, leaves: Leaves, came: Mapping[str, bytes]) -> None:
        self._leaves, self._came = leaves, came
        self.old: dict[str, bytes] = {}
        self.new: dict[str, bytes] = {}

    def visit(self, prefix: str, keys: list[str], deltas: Mapping[str, int]) -> None:
        """Bring what is at or below a prefix to what it has to be; `keys` are those that change there."""
        leaves = self._leaves
        total = leaves.weight_below(prefix) + sum(deltas[key] for key in keys)
        if total <= LARGEST or prefix in keys:
            self.cut(prefix, sorted(self._applied(self._gathered(prefix), keys).items()))
            return
        own = self._own(prefix)
        at = len(prefix)
        letters = {key[at] for key in (*own, *keys)} | {
            leaf[at] for leaf in leaves.below(prefix) if len(leaf) > at and leaf in leaves.sizes
        }
        changing = {letter: [key for key in keys if key[at] == letter] for letter in letters}
        weights = dict.fromkeys(letters, 0)
        for key, line in own.items():
            weights[key[at]] += weight(line)
        for letter in letters:
            weights[letter] += leaves.weight_below(prefix + letter) + sum(deltas[key] for key in changing[letter])
        apart = _apart(weights)
        rest: dict[str, bytes] = {}
        for letter in sorted(letters):
            below, mine = prefix + letter, {key: line for key, line in own.items() if key[at] == letter}
            if letter in apart and not mine and leaves.has_below(below):
                if changing[letter]:
                    self.visit(below, changing[letter], deltas)
                continue
            lines = self._applied(mine | self._gathered(below), changing[letter])
            if letter in apart:
                self.cut(below, sorted(lines.items()))
            else:
                rest |= lines
        self._write(prefix, sorted(rest.items()))

    def cut(self, prefix: str, lines: list[tuple[str, bytes]]) -> None:
        """Make the leaves at and below a prefix, which has none, of lines in order."""
        if not lines:
            return
        if lines[0][0] == prefix or _weight_of(lines) <= LARGEST:
            self._write(prefix, lines)
            return
        at = len(prefix)
        groups = {letter: list(group) for letter, group in groupby(lines, key=lambda pair: pair[0][at])}
        apart = _apart({letter: _weight_of(group) for letter, group in groups.items()})
        self._write(prefix, [pair for letter, group in groups.items() if letter not in apart for pair in group])
        for letter in apart:
            self.cut(prefix + letter, groups[letter])

    def _own(self, prefix: str) -> dict[str, bytes]:
        """Take the lines of the leaf at a prefix, none where there is no such leaf."""
        if prefix not in self._leaves.sizes:
            return {}
        lines, self.old[self._leaves.path(prefix)] = self._leaves.taken(prefix)
        return lines

    def _gathered(self, prefix: str) -> dict[str, bytes]:
        """Take the lines of all leaves at and below a prefix."""
        return {key: line for leaf in self._leaves.below(prefix) for key, line in self._own(leaf).items()}

    def _applied(self, lines: dict[str, bytes], keys: list[str]) -> dict[str, bytes]:
        for key in keys:
            lines.pop(key, None)
            if key in self._came:
                lines[key] = self._came[key]
        return lines

    def _write(self, prefix: str, lines: list[tuple[str, bytes]]) -> None:
        if lines:
            content = self.new[self._leaves.path(prefix)] = joined(line for _, line in lines)
            self._leaves.sizes[prefix] = len(content)


def _apart(weights: Mapping[str, int]) -> list[str]:
    """Return the characters whose lines get a leaf of their own: the heaviest, until the rest fits into one."""
    heaviest = sorted(weights, key=lambda letter: (-weights[letter], letter))
    rest = sum(weights.values())
    found = []
    for letter in heaviest:
        if rest <= LARGEST:
            break
        rest -= weights[letter]
        found.append(letter)
    return sorted(found)
