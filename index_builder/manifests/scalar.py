"""Values as YAML text: plain where every YAML reader takes them for the same word, quoted otherwise."""

from __future__ import annotations

import re

from index_builder.manifests.loader import Value

_PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_.+/@=~%-]*(?: [A-Za-z0-9_.+/@=~%(-][A-Za-z0-9_.+/@=~%()-]*)*")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
_URL = re.compile(r"https?://[A-Za-z0-9_.+/@=~%:?-]+[A-Za-z0-9_.+/@=~%-]")
# What YAML 1.1 or 1.2 reads as something else than a string or a plain number.
_OTHER = re.compile(
    r"(?i:true|false|null|yes|no|on|off|y|n)|\d+\.\d*|\d+(?:\.\d*)?[eE][-+]?\d+|0[xXoO][0-9a-fA-F]+|0b[01]+|0\d+|\d[\d.]*_[\d_.]*"
    r"|\d{4}-\d\d?-\d\d?",
    re.ASCII,
)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


class Flow(dict[str, Value]):
    """A mapping to be written on one line, `{key: value}`."""


class Plain(str):
    """A word to be written without quotes though other YAML readers see more than a string in it, such as true."""

    __slots__ = ()


def scalar(text: str, *, is_key: bool = False) -> str:
    """Return a string as a YAML scalar, fit for block and flow context alike. A key such as 1.10 stays plain."""
    if isinstance(text, Plain):
        return text
    if text and (_PLAIN.fullmatch(text) or (not is_key and (_TIME.fullmatch(text) or _URL.fullmatch(text)))):
        special = _OTHER.fullmatch(text)
        if not special or (is_key and special[0][0].isdigit()):
            return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"


def flow(value: Value) -> str:
    """Return any value on one line."""
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return "{" + ", ".join(f"{scalar(key, is_key=True)}: {flow(item)}" for key, item in value.items()) + "}"


def block(value: Value, indent: int) -> list[str]:
    """Return a mapping or list as lines of block style, indented by `indent` spaces."""
    space = " " * indent
    if isinstance(value, list):
        return [line for item in value for line in _item(item, indent)]
    assert isinstance(value, dict)  # noqa: S101 - for the type checker: scalars are written by their parents
    lines: list[str] = []
    for key, inner in value.items():
        name = scalar(key, is_key=True)
        if is_one_line(inner):
            lines.append(f"{space}{name}: {flow(inner)}")
        else:
            lines += [f"{space}{name}:", *block(inner, indent + 2)]
    return lines


def _item(value: Value, indent: int) -> list[str]:
    if is_one_line(value):
        return [f"{' ' * indent}- {flow(value)}"]
    lines = block(value, indent + 2)
    return [f"{' ' * indent}- {lines[0][indent + 2 :]}", *lines[1:]]


def is_one_line(value: Value) -> bool:
    """Say whether a value is written on the line of its key: scalars, flow mappings, lists of scalars, empty ones."""
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, (str, Flow)) or not value
