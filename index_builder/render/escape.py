"""Texts as HTML has them, for what is made without a template: there are ten times as many files as pages."""

from __future__ import annotations

from markupsafe import escape


def all_escaped(*texts: str) -> tuple[str, ...]:
    """Return some texts as HTML has them, with one look at all of them."""
    return tuple(map(escaped, texts)) if is_special("".join(texts)) else texts


def escaped(text: str) -> str:
    """Return a text as HTML has it. Most have nothing to escape, and to see that is much faster than to do it."""
    return str(escape(text)) if is_special(text) else text


def is_special(text: str) -> bool:
    """Say whether there is something to escape: five looks for a character are faster than one with an expression."""
    return "&" in text or "<" in text or ">" in text or '"' in text or "'" in text
