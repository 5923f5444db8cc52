"""Where the parts of a YAML text stand: lines, ends of nodes, keys and colons; and splices at such places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeGuard

from yaml.events import ScalarEvent
from yaml.nodes import CollectionNode, MappingNode, SequenceNode

from index_builder.manifests.loader import Node

_BLOCK_SCALARS: Final = ("|", ">")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Splice:
    """Replace the characters from `start` to `end` by `new`."""

    start: int
    end: int
    new: str = ""


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Return the text with all splices made; they do not overlap."""
    for splice in sorted(splices, reverse=True):
        text = text[: splice.start] + splice.new + text[splice.end :]
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key with its value, or a list item (then `key` is the item too), and its number in its collection."""

    number: int
    key: Node
    value: Node


def entries(parent: CollectionNode) -> list[Entry]:
    """Return what a collection holds, in the order of the text."""
    pairs = parent.value if isinstance(parent, MappingNode) else [(item, item) for item in parent.value]
    return [Entry(number=number, key=key, value=value) for number, (key, value) in enumerate(pairs)]


def line_begin(text: str, at: int) -> int:
    """Return where the line of `at` begins."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Return where the line of `at` ends, before its line break."""
    stop = text.find("\n", at)
    stop = len(text) if stop < 0 else stop
    return stop - 1 if stop > at and text[stop - 1] == "\r" else stop


def start_of_next_line(text: str, stop: int) -> int:
    """Return where the line begins that follows the one that ends at `stop`."""
    return stop + len("\r\n") if text.startswith("\r\n", stop) else min(stop + 1, len(text))


def break_before(text: str, begin: int) -> int:
    """Return where the line break in front of the line that begins at `begin` stands."""
    return begin - 2 if text[begin - 2 : begin] == "\r\n" else begin - 1


def skip(text: str, at: int) -> int:
    """Return the place of the first character from `at` on that is neither space nor comment."""
    while at < len(text):
        if text[at] == "#":
            at = line_end(text, at)
        elif not text[at].isspace():
            return at
        else:
            at += 1
    return at


def is_block(node: Node) -> TypeGuard[CollectionNode]:
    """Say whether a node is a collection in block style, which is never empty."""
    return isinstance(node, CollectionNode) and not node.flow_style


def is_empty_scalar(node: Node) -> bool:
    """Say whether nothing is written where a value could be."""
    return isinstance(node, ScalarEvent) and not node.value and node.style not in ("'", '"', *_BLOCK_SCALARS)


def last_leaf(node: Node) -> Node:
    """Return the scalar or flow collection with which a node ends."""
    while is_block(node):
        node = entries(node)[-1].value
    return node


def end_of(text: str, node: Node) -> int:
    """Return where a node's content ends; the parser's own mark of a block collection lies behind later comments."""
    leaf = last_leaf(node)
    end = int(leaf.end_mark.index)
    return len(text[:end].rstrip()) if getattr(leaf, "style", None) in _BLOCK_SCALARS else end


def end_of_lines(text: str, node: Node) -> int:
    """Return where the last line of a node's content ends, before the line break, and with a comment behind it.

    Where a block scalar keeps the blank lines behind it (`|+`), they are its content too.
    """
    leaf = last_leaf(node)
    if getattr(leaf, "style", None) in _BLOCK_SCALARS:
        header = text[leaf.start_mark.index : line_end(text, leaf.start_mark.index)].partition("#")[0]
        end = int(leaf.end_mark.index)
        if "+" in header:
            return break_before(text, end) if text[:end].endswith("\n") else end
    return line_end(text, end_of(text, node))


def end_in_flow(text: str, entry: Entry) -> int:
    """Return where an entry of a flow collection ends; the parser marks a missing value at the comma behind it."""
    if entry.key is entry.value or not is_empty_scalar(entry.value):
        return int(entry.value.end_mark.index)
    colon = skip(text, entry.key.end_mark.index)
    return colon + 1 if text[colon] == ":" else int(entry.key.end_mark.index)


def start_of_entry(text: str, parent: CollectionNode, number: int) -> int:
    """Return where an entry of a block collection begins: at its key, or at its dash."""
    if isinstance(parent, MappingNode):
        return int(parent.value[number][0].start_mark.index)
    assert isinstance(parent, SequenceNode)  # noqa: S101 - for the type checker: there is no third kind
    return skip(text, end_of(text, parent.value[number - 1])) if number else int(parent.start_mark.index)
