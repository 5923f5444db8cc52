"""Markdown of text that others wrote: it formats, links and mentions nothing."""

from __future__ import annotations

import re
from typing import Final

from index_builder.model.plain import plain

#: Mentions, references and links are looked for after rendering, where an escape is gone; nothing shows of this, and it stays.
_GAP: Final = "&#8203;"
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()#+!|~-])")
#: A command within advice; what ends it has no place in one.
_COMMAND: Final = re.compile(r"(index-builder [a-z][^,;()]*[^,;() ])")


def code(text: str) -> str:
    """Return text as code, whatever backticks are in it."""
    shown = plain(text).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if "`" in shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def advice(text: str) -> str:
    """Return what to do, with the commands in it ready to be copied.

    A command stands between backticks, or goes from its name to the next comma, semicolon or parenthesis, or the end.
    """
    parts = text.split("`")
    return "".join(code(part) if number % 2 else _advice(part) for number, part in enumerate(parts) if part)


def _advice(text: str) -> str:
    return "".join(code(part) if number % 2 else escaped(part) for number, part in enumerate(_COMMAND.split(text)) if part)


def escaped(text: str) -> str:
    """Return text that is only text: no markup, no link, nobody mentioned."""
    shown = _SPECIAL.sub(r"\\\1", plain(text))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = re.sub(r"(?i)\b(gh)(?=\\-)", r"\1" + _GAP, shown.replace("$", r"\$"))
    return shown.replace("@", f"@{_GAP}").replace(r"\#", rf"\#{_GAP}").replace("://", f":{_GAP}//").replace("www.", f"www{_GAP}.")
