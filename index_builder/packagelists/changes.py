"""Which lines differ between two package lists: what they share at both ends is passed over in large pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanges:
    """Lines that one list has and the other has not; `added` has them with the byte at which they begin."""

    removed: tuple[bytes, ...]
    added: tuple[tuple[int, bytes], ...]


def digest_of_list(stream: BinaryIO) -> str:
    """Return the digest of a list's bytes, `sha256:` before it."""
    stream.seek(0)
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def changes_between(before: BinaryIO, after: BinaryIO) -> ListChanges:
    """Compare two lists line by line; neither the order of lines nor a line that is repeated counts as a change."""
    begin = _common_begin(before, after)
    before_end, after_end = _common_end(before, after, begin)
    old = {line for _, line in lines_of(before, begin, before_end)}
    found = dict.fromkeys(old, False)
    added = []
    for position, line in lines_of(after, begin, after_end):
        if line in old:
            found[line] = True
        else:
            added.append((position, line))
    removed = {line for line, is_there in found.items() if not is_there}
    if removed:
        removed.difference_update(line for _, line in lines_of(after))  # a repeated line may still stand in a shared part
    return ListChanges(removed=tuple(sorted(removed)), added=tuple(added))


def lines_of(stream: BinaryIO, begin: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that begin between two bytes, each with its own, without white space around; empty ones are passed over."""
    stream.seek(begin)
    position = begin
    for line in stream:
        if end is not None and position >= end:
            return
        if stripped := line.strip():
            yield position, stripped
        position += len(line)


def line_numbers(stream: BinaryIO, positions: Iterable[int]) -> dict[int, int]:
    """Return the number, from 1, of each line that begins at one of these bytes."""
    numbers: dict[int, int] = {}
    stream.seek(0)
    number, here = 1, 0
    for position in sorted(positions):
        while here < position and (chunk := stream.read(min(position - here, _CHUNK))):
            number += chunk.count(b"\n")
            here += len(chunk)
        numbers[position] = number
    return numbers


def _size(stream: BinaryIO) -> int:
    return stream.seek(0, 2)


def _common_begin(before: BinaryIO, after: BinaryIO) -> int:
    """Return where the first line begins that differs."""
    before.seek(0)
    after.seek(0)
    position = 0
    last_line = 0
    while True:
        one, other = before.read(_CHUNK), after.read(_CHUNK)
        if one != other or not one:
            shared = _shared(one, other)
            newline = one.rfind(b"\n", 0, shared)
            return position + newline + 1 if newline >= 0 else last_line
        newline = one.rfind(b"\n")
        if newline >= 0:
            last_line = position + newline + 1
        position += len(one)


def _shared(one: bytes, other: bytes) -> int:
    """Return how many bytes two pieces share at their beginning, by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(before: BinaryIO, after: BinaryIO, begin: int) -> tuple[int, int]:
    """Return where, in each, what both share at the end begins: at the beginning of a line, and not before `begin`."""
    ends = [_size(before), _size(after)]
    marks = list(ends)
    while min(ends) > begin:
        step = min(_CHUNK, min(ends) - begin)
        pieces = []
        for number, stream in enumerate((before, after)):
            stream.seek(ends[number] - step)
            pieces.append(stream.read(step))
        if pieces[0] != pieces[1]:
            shared = _shared(pieces[0][::-1], pieces[1][::-1])
            newline = pieces[0].find(b"\n", step - shared)
            if newline >= 0:
                marks = [end - step + newline + 1 for end in ends]
            break
        newline = pieces[0].find(b"\n")
        ends = [end - step for end in ends]
        if newline >= 0:
            marks = [end + newline + 1 for end in ends]
    return marks[0], marks[1]
