"""Plain values as YAML text in any style that people use, with comments anywhere."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from hypothesis import strategies as st

TEXTS = [
    "1.1", "1.10", "no", "false", "null", "~", "", "a b", "some longer words here", "naïve café", "🎉 done", "日本語 テキスト",
    "quote ' and \" here", "colon: here", "hash # here", "- dash", "{x", "[", "x]", "a,b", "https://example.org/x?y=1",
    "2026-11-21T09:30:00Z", ">=3.9", "line one\nline two", "ends with newline\n", " lead", "trail ", "tab\there", "*x", "&a", "!t",
    "%", "@", "`", "|", ">", "? x", ": y", "---", "...", "<<", "\u2028", "#", "\\", "\x7f", "😀", "x\u0301",
]  # fmt: skip
texts = st.sampled_from(TEXTS) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
values = st.recursive(
    texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
roots = st.dictionaries(texts, values, min_size=1, max_size=4)

_WORDS = re.compile(r"[A-Za-z0-9_é😀ü日/>=.][A-Za-z0-9_é😀ü日/.+=?-]*(:?[A-Za-z0-9_/é😀-]+)*( [A-Za-z0-9_é😀ü日/][A-Za-z0-9_é😀ü日/.+-]*)*")
_NOT_PLAIN = re.compile(r"---|\.\.\.|[>=].*|<<|.*[:?]")

Path = tuple[Any, ...]


class Writer:
    """One document on its way; `comments` tells which comment belongs to which path."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []
        self.comments: dict[str, Path] = {}
        self.ends_in_block_scalar = False

    # -- chance

    def maybe(self, chance: float = 0.3) -> bool:
        return self.random.random() > 1 - chance  # so that what shrinks to nought writes nothing

    def wide(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    # -- comments

    def comment(self, owner: Path) -> str:
        mark = f"c{len(self.comments)};"
        self.comments[mark] = owner
        return f"# {mark} é 😀: [x"

    def behind(self, owner: Path) -> str:
        return " " * self.wide(1, 3) + self.comment(owner) if self.maybe(0.2) else " " * self.wide(0, 1)

    def gap(self, owner: Path, indent: int) -> None:
        """Write blank lines and comments; behind a block scalar they are not indented deeper than its parent."""
        while self.maybe(0.2):
            deepest = indent if self.ends_in_block_scalar else indent + 6
            self.lines.append("" if self.maybe() else " " * self.wide(0, deepest) + self.comment(owner))

    # -- scalars

    def key(self, text: str, *, in_flow: bool = False) -> str:
        return self.one_line(text) + (":" if in_flow or self.maybe(0.9) else " :")

    def one_line(self, text: str) -> str:
        styles = [self.double(text)]
        if is_plain(text):
            styles += [text, text]
        if is_single(text):
            styles.append("'" + text.replace("'", "''") + "'")
        return self.random.choice(styles)

    def double(self, text: str) -> str:
        return '"' + "".join(self.escaped(character) for character in text) + '"'

    def escaped(self, character: str) -> str:
        if character in '"\\':
            return "\\" + character
        if not character.isprintable() or self.maybe(0.05):
            return f"\\U{ord(character):08x}" if ord(character) > 0xFFFF or self.maybe() else f"\\u{ord(character):04x}"
        return character

    def folded(self, text: str, indent: int) -> str:
        """Break a scalar's text at single spaces between words."""
        pieces = re.split(r"(?<=\w) (?=[A-Za-z])", text)
        return "".join(
            piece if n == 0 else (("\n" + " " * self.wide(indent + 1, indent + 6)) if self.maybe(0.5) else " ") + piece
            for n, piece in enumerate(pieces)
        )

    def scalar(self, text: str, indent: int) -> str:
        written = self.one_line(text)
        return self.folded(written, indent) if self.maybe() and "\\" not in written else written

    def block_scalar(self, text: str, indent: int, owner: Path) -> list[str] | None:
        """Return header and lines of `|` or `>` where the text can be written so."""
        body = text.removesuffix("\n")
        if not re.fullmatch(r"[A-Za-z][A-Za-z ]*[a-z](\n[A-Za-z][a-z ]*[a-z])*", body) or re.search(" {2}", body):
            return None
        space = " " * self.wide(indent + 1, indent + 4)
        literal = "\n" in body or self.maybe(0.5)
        lines = body.split("\n") if literal else self.folded(body, 0).replace("\n", "\n ").split("\n")
        header = ("|" if literal else ">") + ("" if text.endswith("\n") else "-")
        comment = f" {self.comment(owner)}" if self.maybe(0.2) else ""
        return [header + comment, *(space + line.strip() for line in lines)]

    # -- flow style

    def flow(self, value: Any, indent: int, owner: Path) -> str:
        if isinstance(value, str):
            return self.scalar(value, indent)
        inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        out = "{" if isinstance(value, dict) else "["
        out += self.flow_space(indent, owner)
        for number, (step, item) in enumerate(inner):
            path = (*owner, step)
            if isinstance(value, dict):
                written = self.key(step, in_flow=True)
                quoted = written.startswith('"') and isinstance(item, str) is False
                out += written + ("" if quoted and self.maybe() else " ")
            out += self.flow(item, indent, path)
            last = number == len(inner) - 1
            if not last or self.maybe(0.15):
                out += self.flow_space(indent, owner) + "," + (self.flow_space(indent, owner) or ("" if last else " "))
            else:
                out += self.flow_space(indent, owner)
        return out + ("}" if isinstance(value, dict) else "]")

    def flow_space(self, indent: int, owner: Path) -> str:
        if self.maybe(0.8):
            return ""
        if self.maybe(0.5):
            return " "
        comment = f" {self.comment(owner)}" if self.maybe() else ""
        return f"{comment}\n{' ' * self.wide(indent + 1, indent + 6)}"

    # -- block style

    def value(self, head: str, value: Any, indent: int, path: Path, *, in_list: bool) -> None:
        """Write a value behind `head`, which ends with a colon or dash; `indent` is that of its collection."""
        if isinstance(value, str) or not value or self.maybe(0.25):
            self.inline(head, value, indent, path)
            return
        if in_list and self.maybe(0.8):
            spaces = self.wide(1, 4)
            self.collection(value, indent + 1 + spaces, path, head + " " * spaces)
            return
        self.lines.append(head + self.behind(path))
        self.ends_in_block_scalar = False
        least = 0 if isinstance(value, list) and not in_list else 1
        self.collection(value, indent + self.wide(least, 8), path, None)

    def inline(self, head: str, value: Any, indent: int, path: Path) -> None:
        block = self.block_scalar(value, max(indent, 0), path) if isinstance(value, str) and self.maybe(0.5) else None
        if block:
            self.lines += [f"{head} {block[0]}", *block[1:]]
            self.ends_in_block_scalar = True
            return
        if value == "" and self.maybe():
            self.lines.append(head + self.behind(path))
        else:
            written = self.flow(value, indent, path)
            if self.maybe(0.1):
                self.lines.append(head + self.behind(path))
                self.ends_in_block_scalar = False
                self.gap(path, indent)
                head = " " * self.wide(indent, indent + 6)
            self.lines += f"{head} {written}{self.behind(path)}".split("\n")
        self.ends_in_block_scalar = False

    def collection(self, value: Any, indent: int, path: Path, head: str | None) -> None:
        """Write a collection of block style; its first line follows `head` where there is one."""
        inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        for number, (step, item) in enumerate(inner):
            if head is None or number:
                self.gap(path, indent)
            begin = head if head is not None and number == 0 else " " * indent
            mark = self.key(step) if isinstance(value, dict) else "-"
            self.value(begin + mark, item, indent, (*path, step), in_list=isinstance(value, list))


def is_plain(text: str) -> bool:
    return bool(_WORDS.fullmatch(text)) and not _NOT_PLAIN.fullmatch(text)


def is_single(text: str) -> bool:
    return all(character.isprintable() for character in text)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Path]]:
    """Draw a text, what it says, and which path each of its comments belongs to."""
    value = draw(roots)
    writer = Writer(draw(st.randoms(use_true_random=False)))
    writer.gap((), 0)
    if writer.maybe(0.2):
        writer.lines.append("---")
    writer.collection(value, 0, (), None)
    keeps_end = writer.ends_in_block_scalar
    writer.gap((), 0)
    text = "\n".join(writer.lines) + ("\n" if keeps_end or writer.maybe(0.8) else "")
    return text.replace("\n", "\r\n") if writer.maybe(0.2) else text, value, writer.comments
