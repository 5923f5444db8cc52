"""YAML as strings, lists and mappings only, with a place for everything, and refusal of what two readers read differently."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from index_builder.model.problem import Place, Problem

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 32

#: A value of a document: every scalar is the string that was written.
Value = str | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]

# Control characters, byte order marks, and what only some readers of YAML take for a line break: CR alone, U+0085, U+2028, U+2029.
_BAD_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ufeff]|\r(?!\n)")
_FIXES = {"\t": "indent with spaces", "@": "put it in quotes", "`": "put it in quotes", "%": "put it in quotes"}
_STR, _SEQ, _MAP = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


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
            return ScalarNode(_STR, "", *_marks(event)), ""
        if event.anchor is not None:
            self._refuse(event, "yaml-alias", f"the anchor &{event.anchor} is there for aliases", "delete it")
        if event.tag is not None:
            self._refuse(event, "yaml-tag", f"the tag {event.tag} is not allowed", "delete the tag")
        if isinstance(event, SequenceStartEvent):
            return self._sequence(event, depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(event, depth)
        return ScalarNode(_STR, event.value, *_marks(event), style=event.style), event.value

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
        first: dict[str, int] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key, name = self._node(event, depth + 1)
            node, value = self._node(self._next(), depth + 1)
            nodes.append((key, node))
            if isinstance(name, str):
                self._check_key(key, name, first)
                values[name] = value
            else:
                self._refuse(event, "yaml-syntax", "a key is a word, not a list or mapping", "")
        return MappingNode(_MAP, nodes, *_marks(start, event), flow_style=start.flow_style), values

    def _check_key(self, key: Any, name: str, first: dict[str, int]) -> None:
        if name == "<<" and key.style in (None, ""):
            self._refuse(key, "yaml-alias", "a merge key copies another mapping", "write the keys out")
        elif name in first:
            self._refuse(key, "yaml-duplicate-key", f"the key {name!r} stands here again, first on line {first[name]}", "keep one of them")
        first.setdefault(name, key.start_mark.line + 1)

    def _refuse(self, where: Any, rule: str, message: str, fix: str) -> None:
        mark = where.start_mark
        self._found.append(_RefusedError(rule, message, fix, mark.line + 1, mark.column + 1))


def _marks(start: Any, end: Any = None) -> tuple[Any, Any]:
    return start.start_mark, (end or start).end_mark
