"""Edits of a YAML file that change only the bytes they must.

The parser's marks say where a node stands; an edit splices text there. Every edit is read back and compared with
what was meant before it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from yaml.nodes import CollectionNode, MappingNode, SequenceNode

from index_builder.errors import EditError
from index_builder.manifests.layout import (
    Entry,
    Splice,
    break_before,
    end_in_flow,
    end_of,
    end_of_lines,
    entries,
    is_block,
    is_empty_scalar,
    line_begin,
    line_end,
    skip,
    spliced,
    start_of_entry,
    start_of_next_line,
)
from index_builder.manifests.loader import Document, Node, Path, Value, at, load
from index_builder.manifests.scalar import block, flow, is_one_line, scalar
from index_builder.manifests.values import with_value, without


class Editor:
    """One file's text under edit. A failed edit raises EditError and leaves `text` as it was."""

    def __init__(self, path: str, text: str) -> None:
        """Read the file; raises EditError where it is not readable YAML."""
        self._path = path
        self._document = self._load(text)
        self._newline = "\r\n" if "\r\n" in text else "\n"

    @property
    def text(self) -> str:
        """The file as it stands."""
        return self._document.text

    @property
    def value(self) -> Value:
        """What the file says."""
        return self._document.value

    def set(self, path: Path, value: Value) -> None:
        """Set the key at the end of `path`, new or not; what leads there exists."""
        parent, key = self._mapping(path[:-1]), str(path[-1])
        if any(entry.key.value == key for entry in parent):
            splices = self._replaced(path, value)
        else:
            splices = self._inserted(path[:-1], parent, {key: value})
        self._accept(path, [splices], with_value(self.value, path, value))

    def insert(self, path: Path, new: dict[str, Value]) -> None:
        """Put new keys, all at once, into the mapping at `path`; it begins with them where it is not there yet."""
        if path and not any(entry.key.value == path[-1] for entry in self._mapping(path[:-1])):
            self.set(path, new)
            return
        parent = self._mapping(path)
        if known := [entry.key.value for entry in parent if entry.key.value in new]:
            raise self._refused(path, f"it has {known[0]} already")
        listed = at(self.value, path)
        expected: Value = {**(listed if isinstance(listed, dict) else {}), **new}
        self._accept(path, [self._inserted(path, parent, new)], with_value(self.value, path, expected))

    def extend(self, path: Path, items: list[Value]) -> None:
        """Append items to the list at `path`."""
        node, listed = self._node(path), at(self.value, path)
        if not isinstance(node, SequenceNode) or not isinstance(listed, list):
            raise self._refused(path, "it is not a list")
        if not node.value:
            splices = self._replaced(path, items)
        elif node.flow_style:
            stop = int(node.value[-1].end_mark.index)
            splices = [Splice(start=stop, end=stop, new="".join(f", {flow(item)}" for item in items))]
        else:
            column, last = node.start_mark.column, node.value[-1]
            on_one_line = isinstance(last, CollectionNode) and last.flow_style
            lines = [f"{' ' * column}- {flow(item)}" for item in items] if on_one_line else block(items, column)
            splices = [self._below(node, lines)]
        self._accept(path, [splices], with_value(self.value, path, [*listed, *items]))

    def rename_all(self, paths: Sequence[Path], key: str) -> None:
        """Give another name to the key at the end of each path, all at once; values, places and what stands beside them stay."""
        splices, expected = [], deepcopy(self.value)
        for path in paths:
            holder, entry = at(expected, path[:-1]), _entry(self._node(path[:-1]), path[-1])
            if entry is None or not isinstance(holder, dict) or key in holder:
                raise self._refused(path, f"it cannot become {key}")
            splices.append(Splice(start=int(entry.key.start_mark.index), end=int(entry.key.end_mark.index), new=scalar(key)))
            holder[key] = holder.pop(str(path[-1]))
        if splices:
            self._accept(paths[0], [splices], expected)

    def delete(self, path: Path) -> None:
        """Delete a key or list item; a collection that this empties is left as `{}` or `[]`."""
        parent = self._node(path[:-1])
        entry = _entry(parent, path[-1])
        if entry is None or not isinstance(parent, CollectionNode):
            raise self._refused(path, "it is not there")
        held = entries(parent)
        if len(path) == len(held) == 1:
            raise self._refused(path, "the file would be empty")
        if parent.flow_style and self.text[parent.start_mark.index] in "[{":
            candidates = [self._without_flow_entry(parent, held, entry)]
        elif len(held) == 1:
            candidates = [self._replaced(path[:-1], {} if isinstance(parent, MappingNode) else [])]
        else:
            candidates = self._without_lines(parent, entry)
        self._accept(path, candidates, without(self.value, path))

    # -- where things stand

    def _load(self, text: str) -> Document:
        document, problems = load(self._path, text.encode("utf-8", "surrogatepass"))
        if document is None:
            first = problems[0]
            msg = f"{self._path}, line {first.place.line}: {first.message}"
            raise EditError(msg, fix="mend the file first: index-builder check --worktree shows all that is wrong")
        return document

    def _node(self, path: Path) -> Node:
        node = self._document.root
        for step in path:
            entry = _entry(node, step)
            if entry is None:
                raise self._refused(path, "it is not there")
            node = entry.value
        return node

    def _mapping(self, path: Path) -> list[Entry]:
        """Return what the mapping at `path` holds; where nothing is written, that is nothing."""
        node = self._node(path)
        if isinstance(node, MappingNode):
            return entries(node)
        if not is_empty_scalar(node):
            raise self._refused(path, "it is not a mapping")
        return []

    def _key(self, path: Path) -> Node:
        return next(entry.key for entry in self._mapping(path[:-1]) if entry.key.value == path[-1])

    def _in_flow(self, path: Path) -> bool:
        return any(bool(getattr(self._node(path[:n]), "flow_style", False)) for n in range(len(path)))

    # -- new entries

    def _below(self, node: Node, lines: list[str]) -> Splice:
        """Insert whole lines below a node of block style."""
        stop = end_of_lines(self.text, node)
        return Splice(start=stop, end=stop, new=self._lines(lines))

    def _lines(self, lines: list[str]) -> str:
        return "".join(self._newline + line for line in lines)

    def _inserted(self, path: Path, parent: list[Entry], new: dict[str, Value]) -> list[Splice]:
        if not parent:
            return self._replaced(path, new)
        node = self._node(path)
        if not is_block(node):
            stop = end_in_flow(self.text, parent[-1])
            return [Splice(start=stop, end=stop, new="".join(f", {scalar(key, is_key=True)}: {flow(new[key])}" for key in new))]
        return [self._below(node, block(new, node.start_mark.column))]

    # -- other values

    def _replaced(self, path: Path, value: Value) -> list[Splice]:
        """Put `value` where another stands: on its line where it fits there, in lines below its key otherwise."""
        if not path:
            raise self._refused(path, "it cannot be rewritten in place")
        node = self._node(path)
        if isinstance(path[-1], int):
            return [self._in_place(node, value)]
        key = self._key(path)
        if self._in_flow(path):
            return [self._flow_value(key, node, value)]
        colon = self.text.index(":", key.end_mark.index) + 1
        if is_block(node):
            return self._for_block(key, colon, node, value)
        if is_one_line(value):
            return [self._in_place(node, value)]
        return self._lines_for_line(colon, node, block(value, key.start_mark.column + 2))

    def _in_place(self, node: Node, value: Value) -> Splice:
        start = int(node.start_mark.index)
        space = "" if self.text[start - 1] in " \t\n[{," else " "
        return Splice(start=start, end=end_of(self.text, node), new=space + flow(value))

    def _flow_value(self, key: Node, node: Node, value: Value) -> Splice:
        if not is_empty_scalar(node):
            return self._in_place(node, value)
        end = end_in_flow(self.text, Entry(number=0, key=key, value=node))
        return Splice(start=end, end=end, new=f"{':' if end == key.end_mark.index else ''} {flow(value)}")

    def _for_block(self, key: Node, colon: int, node: Node, value: Value) -> list[Splice]:
        """Put `value` in place of lines; comments between them and their key stay."""
        begin, stop = line_begin(self.text, node.start_mark.index), end_of_lines(self.text, node)
        if is_one_line(value):
            return [Splice(start=colon, end=colon, new=f" {flow(value)}"), Splice(start=break_before(self.text, begin), end=stop)]
        column = node.start_mark.column if node.start_mark.column > key.start_mark.column else key.start_mark.column + 2
        return [Splice(start=break_before(self.text, begin), end=stop, new=self._lines(block(value, column)))]

    def _lines_for_line(self, colon: int, node: Node, lines: list[str]) -> list[Splice]:
        """Put lines in place of what stands on a line; a comment behind it stays there."""
        start, end = int(node.start_mark.index), end_of(self.text, node)
        begin, stop = line_begin(self.text, start), line_end(self.text, end)
        alone = not self.text[end:stop].strip()
        if begin <= colon:
            start = colon
        elif alone:
            start = break_before(self.text, begin)
        if alone:
            return [Splice(start=start, end=stop, new=self._lines(lines))]
        return [Splice(start=start, end=end), Splice(start=stop, end=stop, new=self._lines(lines))]

    # -- entries that go

    def _without_flow_entry(self, parent: CollectionNode, held: list[Entry], entry: Entry) -> list[Splice]:
        start, end = int(entry.key.start_mark.index), end_in_flow(self.text, entry)
        before = end_in_flow(self.text, held[entry.number - 1]) if entry.number else int(parent.start_mark.index) + 1
        is_last = entry.number == len(held) - 1
        after = int(parent.end_mark.index) - 1 if is_last else int(held[entry.number + 1].key.start_mark.index)
        if is_last and entry.number and "#" not in self.text[before:start]:
            return [Splice(start=before, end=end)]
        if not is_last and "#" not in self.text[end:after]:
            return [Splice(start=start, end=after)]
        if len(held) == 1 and "#" not in self.text[before:start] + self.text[end:after]:
            return [Splice(start=before, end=after)]
        comma = skip(self.text, end)
        splices = [Splice(start=start, end=end)]
        return [*splices, Splice(start=comma, end=comma + 1)] if self.text[comma] == "," else splices

    def _without_lines(self, parent: CollectionNode, entry: Entry) -> list[list[Splice]]:
        start = start_of_entry(self.text, parent, entry.number)
        begin, stop = line_begin(self.text, start), end_of_lines(self.text, entry.value)
        if self.text[begin:start].strip():
            # The first entry of a list item stands behind its dash: the next one moves there, unless a comment is between.
            following = start_of_entry(self.text, parent, entry.number + 1)
            if not self.text[stop:following].strip():
                return [[Splice(start=start, end=following)]]
            return [[Splice(start=len(self.text[:start].rstrip()), end=stop)]]
        if begin:
            plain = Splice(start=break_before(self.text, begin), end=stop)
        else:
            plain = Splice(start=begin, end=start_of_next_line(self.text, stop))
        # A comment below could become part of a block scalar above; a comment in between keeps them apart.
        return [[plain], [Splice(start=begin, end=stop, new="#")]]

    # -- the proof

    def _accept(self, path: Path, candidates: list[list[Splice]], expected: Value) -> None:
        """Take the first candidate that says what was meant."""
        why = "the edit would break the file"
        for splices in candidates:
            try:
                document = self._load(spliced(self.text, splices))
            except EditError:
                continue
            if document.value == expected:
                self._document = document
                return
            why = "the edit would change something else too"
        raise self._refused(path, why)

    def _refused(self, path: Path, why: str) -> EditError:
        place = ".".join(str(step) for step in path)
        return EditError(f"{self._path}: {place} cannot be changed: {why}", fix="edit the file by hand, then run check --worktree")


def _entry(node: Node, step: str | int) -> Entry | None:
    if not isinstance(node, CollectionNode):
        return None
    if isinstance(node, MappingNode):
        found = ((number, key, value) for number, (key, value) in enumerate(node.value) if key.value == step)
        return next((Entry(number=number, key=key, value=value) for number, key, value in found), None)
    if not isinstance(step, int) or not 0 <= step < len(node.value):
        return None
    return Entry(number=step, key=node.value[step], value=node.value[step])
