"""YAML as strings, lists and mappings only, with a place for everything, and refusal of what two readers read differently."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.nodes import MappingNode, SequenceNode

from index_builder.model.problem import Place, Problem

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 32

#: A value of a document: every scalar is the string that was written.
Value = str | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]


class Node(Protocol):
    """What stands in a file, with its marks: yaml's node of a collection, or the event of a scalar, as the parser gives it."""

    start_mark: Any
    end_mark: Any
    value: Any


# Control characters, byte order marks, and what only some readers of YAML take for a line break: CR alone, U+0085, U+2028, U+2029.
_BAD_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ufeff]|\r(?!\n)")
_FIXES = {"\t": "indent with spaces", "@": "put it in quotes", "`": "put it in quotes", "%": "put it in quotes"}
_SEQ, _MAP = (f"tag:yaml.org,2002:{kind}" for kind in ("seq", "map"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that was read: its text, plain value and node graph."""

    path: str
    text: str
    value: Value
    root: Node
    _keys: dict[int, dict[str, tuple[Node | None, Node]]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def place(self, path: Path, *, of_key: bool = False) -> Place:
        """Return where the value at `path` stands, or the nearest thing above it; `of_key` asks for its key."""
        node, key = self._find(path)
        mark = (key if of_key and key is not None else node).start_mark
        return Place(path=self.path, line=mark.line + 1, column=mark.column + 1)

    def _find(self, path: Path) -> tuple[Node, Node | None]:
        node, key = self.root, None
        for step in path:
            if isinstance(node, MappingNode) and isinstance(step, str):
                # Looked up, not searched: a manifest of 3,000 releases asks for 3,000 places.
                keys = self._keys.get(id(node))
                if keys is None:
                    keys = self._keys[id(node)] = {k.value: (k, v) for k, v in node.value}
                match = keys.get(step)
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                match = (None, node.value[step])
            else:
                match = None
            if match is None:
                break
            key, node = match
        return node, key


def at(value: Value, path: Path) -> Value:
    """Return what stands at `path`; raises KeyError where nothing does."""
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            raise KeyError(step)
    return value


class _RefusedError(Exception):
    def __init__(self, rule: str, message: str, fix: str, line: int, column: int) -> None:
        super().__init__(message)
        self.rule, self.message, self.fix, self.line, self.column = rule, message, fix, line, column


def load(path: str, content: bytes) -> tuple[Document | None, list[Problem]]:
    """Read one file; where it cannot be read, the document is None and the problems say why.

    Everything that is refused is reported at once; what breaks the syntax, or nests too deep, is the last of it.
    """
    found: list[_RefusedError] = []
    try:
        text = _decode(content)
        read = _compose(text, found)
    except _RefusedError as error:
        found.append(error)
    if found:
        return None, [_problem(path, error) for error in found]
    root, value = read
    return Document(path=path, text=text, value=value, root=root), []


def _problem(path: str, error: _RefusedError) -> Problem:
    place = Place(path=path, line=error.line, column=error.column)
    return Problem(rule=error.rule, message=error.message, place=place, fix=error.fix)


def _decode(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise _RefusedError(
            "yaml-size", f"the file has {len(content):,} bytes, more than 4 MiB", "split the project or remove old releases", 1, 1
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise _RefusedError("yaml-encoding", message, "save the file as UTF-8", before.count(b"\n") + 1, column) from error
    if bad := _BAD_CHARACTER.search(text):
        start = text.rfind("\n", 0, bad.start()) + 1
        raise _RefusedError(
            "yaml-encoding", f"the character U+{ord(bad[0]):04X} is not allowed", "delete it",
            text.count("\n", 0, bad.start()) + 1, bad.start() - start + 1,
        )  # fmt: skip
    return text


def _compose(text: str, found: list[_RefusedError]) -> tuple[Node, Value]:
    parser = yaml.CBaseLoader(text)
    try:
        return _Composer(parser, found).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = " ".join(part for part in (error.context, error.problem) if part)
        fix = _FIXES.get(text[mark.index : mark.index + 1], "") if mark and "token" in said else ""
        raise _RefusedError("yaml-syntax", said, fix, line, column) from error
    except yaml.YAMLError as error:
        raise _RefusedError("yaml-syntax", f"the file cannot be read as YAML: {error}", "", 1, 1) from error
    finally:
        parser.dispose()


class _Composer:
    """The parser's events become nodes with their values.

    PyYAML's own composer calls itself for each level, in C without a limit: 4 MiB of `[` end the interpreter.
    This one stops at MAX_DEPTH; it also sees what nodes do not keep, such as anchors.
    """

    def __init__(self, parser: yaml.CBaseLoader, found: list[_RefusedError]) -> None:
        self._next: Callable[[], Any] = parser.get_event
        self._found = found

    def document(self) -> tuple[Node, Value]:
        """Return the only document."""
        self._next()
        event = self._next()
        if isinstance(event, StreamEndEvent):
            raise _RefusedError("yaml-syntax", "the file is empty", "begin with `schema: 1`", 1, 1)
        read = self._node(self._next(), 1)
        self._next()
        event = self._next()
        if not isinstance(event, StreamEndEvent):
            self._refuse(event, "yaml-syntax", "a second document begins here", "make it a file of its own")
        return read

    def _node(self, event: Any, depth: int) -> tuple[Node, Value]:
        if depth > MAX_DEPTH:
            self._refuse(event, "yaml-depth", f"nested deeper than {MAX_DEPTH} levels", "flatten it")
            raise self._found.pop()
        if isinstance(event, AliasEvent):
            self._refuse(event, "yaml-alias", "an alias stands for something written elsewhere", "write the value out")
            return ScalarEvent(None, None, (True, False), "", *_marks(event)), ""
        if event.anchor is not None:
            self._refuse(event, "yaml-alias", f"the anchor &{event.anchor} is there for aliases", "delete it")
        if event.tag is not None:
            self._refuse(event, "yaml-tag", f"the tag {event.tag} is not allowed", "delete the tag")
        if isinstance(event, SequenceStartEvent):
            return self._sequence(event, depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(event, depth)
        return event, event.value

    def _sequence(self, start: Any, depth: int) -> tuple[Node, Value]:
        nodes: list[Node] = []
        values: list[Value] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            node, value = self._node(event, depth + 1)
            nodes.append(node)
            values.append(value)
        return SequenceNode(_SEQ, nodes, *_marks(start, event), flow_style=start.flow_style), values

    def _mapping(self, start: Any, depth: int) -> tuple[Node, Value]:
        nodes: list[tuple[Node, Node]] = []
        values: dict[str, Value] = {}
        read, deeper, next_ = self._node, depth + 1, self._next
        key: Node
        node: Node
        name: Value
        value: Value
        while True:
            event = next_()
            # A plain scalar, which nearly all events are, goes no further: this loop is what reading an index spends its time in.
            if event.__class__ is ScalarEvent and event.anchor is None and event.tag is None and depth < MAX_DEPTH:
                key, name = event, event.value
            elif event.__class__ is MappingEndEvent:
                break
            else:
                key, name = read(event, deeper)
            event = next_()
            if event.__class__ is ScalarEvent and event.anchor is None and event.tag is None and depth < MAX_DEPTH:
                node, value = event, event.value
            else:
                node, value = read(event, deeper)
            nodes.append((key, node))
            if not isinstance(name, str):
                self._refuse(key, "yaml-syntax", "a key is a word, not a list or mapping", "")
                continue
            if name in values or name == "<<":
                self._check_key(key, name, nodes)
            values[name] = value
        return MappingNode(_MAP, nodes, *_marks(start, event), flow_style=start.flow_style), values

    def _check_key(self, key: Any, name: str, nodes: list[tuple[Any, Any]]) -> None:
        if name == "<<" and key.style in (None, ""):
            self._refuse(key, "yaml-alias", "a merge key copies another mapping", "write the keys out")
            return
        first = next(other for other, _ in nodes if other.value == name)
        if first is not key:
            line = first.start_mark.line + 1
            self._refuse(key, "yaml-duplicate-key", f"the key {name!r} stands here again, first on line {line}", "keep one of them")

    def _refuse(self, where: Any, rule: str, message: str, fix: str) -> None:
        mark = where.start_mark
        self._found.append(_RefusedError(rule, message, fix, mark.line + 1, mark.column + 1))


def _marks(start: Any, end: Any = None) -> tuple[Any, Any]:
    return start.start_mark, (end or start).end_mark
