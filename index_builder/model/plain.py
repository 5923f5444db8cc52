"""Text of others, made harmless for whoever shows it."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return text with control characters and direction marks spelled out: a terminal or log obeys them otherwise."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
