"""Edits of a YAML file that change only the bytes they must.

The parser's marks say where a node stands; an edit splices text there. Every edit is read back and compared with
what was meant before it counts.
"""

from __future__ import annotations

from typing import Final

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from index_builder.errors import EditError
from index_builder.manifests.loader import Document, Path, Value, at, load
from index_builder.manifests.scalar import block, flow, is_one_line, scalar

_BLOCK_SCALARS: Final = ("|", ">")


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
        parent = self._node(path[:-1])
        if not isinstance(parent, (MappingNode, ScalarNode)) or (isinstance(parent, ScalarNode) and parent.value):
            raise self._refused(path, "its parent is not a mapping")
        key = str(path[-1])
        if isinstance(parent, MappingNode) and any(k.value == key for k, _ in parent.value):
            text = self._replaced(path, value)
        else:
            text = self._inserted(path[:-1], parent, key, value)
        self._accept(path, text, _with(self.value, path, value))

    def extend(self, path: Path, items: list[Value]) -> None:
        """Append items to the list at `path`."""
        node = self._node(path)
        if not isinstance(node, SequenceNode):
            raise self._refused(path, "it is not a list")
        listed = at(self.value, path)
        assert isinstance(listed, list)  # noqa: S101 - for the type checker: the node is a sequence
        expected: list[Value] = [*listed, *items]
        if not node.value:
            text = self._replaced(path, [*items])
        elif node.flow_style:
            stop = _end(self.text, node.value[-1])
            text = self._spliced(stop, stop, "".join(f", {flow(item)}" for item in items))
        else:
            on_one_line = isinstance(node.value[-1], CollectionNode) and node.value[-1].flow_style
            column = node.start_mark.column
            lines = [f"{' ' * column}- {flow(i)}" for i in items] if on_one_line else block(items, column)
            text = self._after_line(_end(self.text, node), lines)
        self._accept(path, text, _with(self.value, path, expected))

    def delete(self, path: Path) -> None:
        """Delete a key or list item; a collection that this empties is left as `{}` or `[]`."""
        parent = self._node(path[:-1])
        if not isinstance(parent, CollectionNode):
            raise self._refused(path, "it is not there")
        number, start_node, node = self._entry(parent, path)
        if len(parent.value) == 1:
            empty: Value = {} if isinstance(parent, MappingNode) else []
            if len(path) == 1:
                raise self._refused(path, "the file would be empty")
            text = self._replaced(path[:-1], empty)
        elif parent.flow_style:
            text = self._without_flow_entry(parent, number, start_node, node)
        else:
            text = self._without_lines(parent, number, start_node, node)
        self._accept(path, text, _without(self.value, path))

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
            if isinstance(node, MappingNode):
                found = [value for key, value in node.value if key.value == step]
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = [node.value[step]]
            else:
                found = []
            if not found:
                raise self._refused(path, "it is not there")
            node = found[0]
        return node

    def _entry(self, parent: CollectionNode, path: Path) -> tuple[int, Node, Node]:
        self._node(path)
        if isinstance(parent, MappingNode):
            return next((n, key, value) for n, (key, value) in enumerate(parent.value) if key.value == path[-1])
        number = path[-1]
        assert isinstance(number, int)  # noqa: S101 - for the type checker: _node refused other steps
        return number, parent.value[number], parent.value[number]

    def _in_flow(self, path: Path) -> bool:
        return any(bool(getattr(self._node(path[:n]), "flow_style", False)) for n in range(len(path)))

    # -- splices

    def _spliced(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]

    def _after_line(self, place: int, lines: list[str]) -> str:
        """Insert whole lines after the line on which `place` stands."""
        stop = _line_end(self.text, place)
        return self._spliced(stop, stop, "".join(self._newline + line for line in lines))

    def _inserted(self, path: Path, parent: Node, key: str, value: Value) -> str:
        if not isinstance(parent, MappingNode) or not parent.value:
            return self._replaced(path, {key: value})
        if parent.flow_style:
            stop = _end(self.text, parent.value[-1][1])
            return self._spliced(stop, stop, f", {scalar(key, is_key=True)}: {flow(value)}")
        return self._after_line(_end(self.text, parent), block({key: value}, parent.start_mark.column))

    def _replaced(self, path: Path, value: Value) -> str:
        """Put `value` where another stands: on its line where it fits there, in lines below its key otherwise."""
        node = self._node(path)
        start, end = node.start_mark.index, _end(self.text, node)
        if self._in_flow(path) or is_one_line(value):
            if start > 0 and self.text[start - 1] not in " \n[{,":
                return self._spliced(start, end, f" {flow(value)}")
            if isinstance(node, CollectionNode) and not node.flow_style and path and isinstance(path[-1], str):
                colon = self._after_colon(path)
                return self._spliced(colon, end, f" {flow(value)}{self._comment(colon)}")
            return self._spliced(start, end, flow(value))
        if not path or not isinstance(path[-1], str):
            raise self._refused(path, "it cannot be rewritten in place")
        indent = self._key(path).start_mark.column + 2
        colon = self._after_colon(path)
        if isinstance(node, CollectionNode) and not node.flow_style:
            return self._spliced(colon, end, "".join(self._newline + line for line in block(value, indent)))
        rest = self.text[end : _line_end(self.text, end)]
        lines = "".join(self._newline + line for line in block(value, indent))
        return self._spliced(colon, _line_end(self.text, end), (rest.rstrip() and f"  {rest.strip()}") + lines)

    def _comment(self, colon: int) -> str:
        """Return the comment that stands behind a key whose block value goes."""
        rest = self.text[colon : _line_end(self.text, colon)].rstrip()
        return rest if rest.lstrip().startswith("#") else ""

    def _key(self, path: Path) -> Node:
        parent = self._node(path[:-1])
        key: Node = next(key for key, _ in parent.value if key.value == path[-1])
        return key

    def _after_colon(self, path: Path) -> int:
        return self.text.index(":", self._key(path).end_mark.index) + 1

    def _without_flow_entry(self, parent: CollectionNode, number: int, first: Node, last: Node) -> str:
        start, end = first.start_mark.index, _end(self.text, last)
        if number == len(parent.value) - 1:
            before = parent.value[number - 1]
            node = before[1] if isinstance(parent, MappingNode) else before
            stop = _end(self.text, node)
            comma = _skip(self.text, stop)
            between = self.text[comma + 1 : start]
            if not between.strip():
                return self._spliced(stop, end, "")
            return self.text[:comma] + between.rstrip(" ") + self.text[end:]
        comma = _skip(self.text, end)
        rest = self.text[comma + 1 :]
        return self.text[:start] + self.text[end:comma] + (rest.lstrip(" ") if not self.text[end:comma].strip() else rest)

    def _without_lines(self, parent: CollectionNode, number: int, first: Node, last: Node) -> str:
        start = first.start_mark.index
        if isinstance(parent, SequenceNode):
            start = parent.start_mark.index if number == 0 else _skip(self.text, _end(self.text, parent.value[number - 1]))
        elif number == 0:
            start = parent.start_mark.index
        begin = self.text.rfind("\n", 0, start) + 1
        stop = _line_end(self.text, _end(self.text, last))
        if self.text[begin:start].strip():
            # The first key of a list item stands behind its dash: the next one may begin on its own line.
            return self.text[:start].rstrip(" ") + self.text[stop:]
        after = stop + len(self._newline) if stop < len(self.text) else stop
        return self._spliced(begin, after, "")

    # -- the proof

    def _accept(self, path: Path, text: str, expected: Value) -> None:
        try:
            document = self._load(text)
        except EditError as error:
            raise self._refused(path, "the edit would break the file") from error
        if document.value != expected:
            raise self._refused(path, "the edit would change something else too")
        self._document = document

    def _refused(self, path: Path, why: str) -> EditError:
        place = ".".join(str(step) for step in path)
        return EditError(f"{self._path}: {place} cannot be changed: {why}", fix="edit the file by hand, then run check --worktree")


def _line_end(text: str, at: int) -> int:
    """Return where the line of `at` ends, before its line break."""
    stop = text.find("\n", at)
    stop = len(text) if stop < 0 else stop
    return stop - 1 if stop > at and text[stop - 1] == "\r" else stop


def _end(text: str, node: Node) -> int:
    """Return where a node's content ends; the parser's own mark of a block collection lies behind later comments."""
    if isinstance(node, ScalarNode) and node.style in _BLOCK_SCALARS:
        return len(text[: node.end_mark.index].rstrip())
    if not isinstance(node, CollectionNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    if isinstance(node, SequenceNode):
        return max(_end(text, last), int(node.start_mark.index))
    return max(_end(text, last[1]), int(last[0].end_mark.index))


def _skip(text: str, at: int) -> int:
    """Return the place of the first character from `at` on that is neither space nor comment."""
    while at < len(text):
        if text[at] == "#":
            at = _line_end(text, at)
        elif not text[at].isspace():
            return at
        else:
            at += 1
    return at


def _with(value: Value, path: Path, new: Value) -> Value:
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        assert isinstance(value, list)  # noqa: S101 - for the type checker: the path was followed already
        return [_with(item, rest, new) if n == step else item for n, item in enumerate(value)]
    mapping = value if isinstance(value, dict) else {}
    return {**mapping, step: _with(mapping.get(step, {}), rest, new)}


def _without(value: Value, path: Path) -> Value:
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        kept = [(n, item) for n, item in enumerate(value) if rest or n != step]
        return [_without(item, rest) if n == step else item for n, item in kept]
    assert isinstance(value, dict)  # noqa: S101 - for the type checker: the path was followed already
    return {key: _without(item, rest) if key == step else item for key, item in value.items() if rest or key != step}
