"""YAML as strings, lists and mappings only, with a place for everything, and refusal of what two readers read differently."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from index_builder.model.problem import Place, Problem

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 32

#: A value of a document: every scalar is the string that was written.
Value = str | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]

_BAD_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff\ufeff]")
_PLAIN_TAGS = {
    ScalarNode: "tag:yaml.org,2002:str",
    SequenceNode: "tag:yaml.org,2002:seq",
    MappingNode: "tag:yaml.org,2002:map",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that was read: its text, plain value and node graph."""

    path: str
    text: str
    value: Value
    root: Node

    def place(self, path: Path, *, of_key: bool = False) -> Place:
        """Return where the value at `path` stands, or the nearest thing above it; `of_key` asks for its key."""
        node, key = _find(self.root, path)
        mark = (key if of_key and key is not None else node).start_mark
        return Place(path=self.path, line=mark.line + 1, column=mark.column + 1)


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

    Duplicate keys are all reported at once; what breaks the syntax is one problem, at its place.
    """
    try:
        text = _decode(content)
        root = _compose(text)
    except _RefusedError as error:
        return None, [_problem(path, error)]
    found: list[_RefusedError] = []
    try:
        value = _plain(root, 1, set(), found)
    except _RefusedError as error:
        found.append(error)
        value = ""
    if found:
        return None, [_problem(path, error) for error in found]
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


def _compose(text: str) -> Node:
    loader = yaml.CBaseLoader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if "undefined alias" in (error.problem or ""):
            raise _alias(line, column) from error
        said = " ".join(part for part in (error.context, error.problem) if part)
        fix = "indent with spaces" if "\\t" in repr(said) or "token" in said else ""
        raise _RefusedError("yaml-syntax", said, fix, line, column) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise _RefusedError("yaml-syntax", f"the file cannot be read as YAML: {error}", "", 1, 1) from error
    finally:
        loader.dispose()
    if node is None:
        raise _RefusedError("yaml-syntax", "the file is empty", "begin with `schema: 1`", 1, 1)
    return node


def _alias(line: int, column: int) -> _RefusedError:
    return _RefusedError("yaml-alias", "an alias stands for something written elsewhere", "write the value out", line, column)


def _plain(node: Node, depth: int, seen: set[int], found: list[_RefusedError]) -> Value:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if depth > MAX_DEPTH:
        raise _RefusedError("yaml-depth", f"nested deeper than {MAX_DEPTH} levels", "flatten it", line, column)
    if id(node) in seen:
        raise _alias(line, column)
    seen.add(id(node))
    if node.tag != _PLAIN_TAGS[type(node)]:
        found.append(_RefusedError("yaml-tag", f"the tag {node.tag} is not allowed", "delete the tag", line, column))
    if isinstance(node, ScalarNode):
        return str(node.value)
    if isinstance(node, SequenceNode):
        return [_plain(item, depth + 1, seen, found) for item in node.value]
    assert isinstance(node, MappingNode)  # noqa: S101 - for the type checker: there is no fourth kind
    return _mapping(node, depth, seen, found)


def _mapping(node: MappingNode, depth: int, seen: set[int], found: list[_RefusedError]) -> Value:
    result: dict[str, Value] = {}
    first: dict[str, int] = {}
    for key, item in node.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if not isinstance(key, ScalarNode):
            raise _RefusedError("yaml-syntax", "a key is a word, not a list or mapping", "", line, column)
        name = str(_plain(key, depth + 1, seen, found))
        if name == "<<" and key.style is None:
            raise _RefusedError("yaml-alias", "a merge key copies another mapping", "write the keys out", line, column)
        if name in result:
            message = f"the key {name!r} stands here again, first on line {first[name]}"
            found.append(_RefusedError("yaml-duplicate-key", message, "keep one of them", line, column))
        first.setdefault(name, line)
        result[name] = _plain(item, depth + 1, seen, found)
    return result


def _find(root: Node, path: Path) -> tuple[Node, Node | None]:
    node, key = root, None
    for step in path:
        if isinstance(node, MappingNode):
            match = next(((k, v) for k, v in node.value if k.value == step), None)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            match = (None, node.value[step])
        else:
            match = None
        if match is None:
            break
        key, node = match
    return node, key
