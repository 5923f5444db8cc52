"""Which form of the simple API an Accept header asks for. Source: PEP 691; RFC 9110, section 12.5.1."""

from __future__ import annotations

import re
from typing import Final

from index_builder.model.page import HTML, SIMPLE_JSON

_SIMPLE_HTML: Final = "application/vnd.pypi.simple.v1+html"
_LATEST: Final = {
    "application/vnd.pypi.simple.latest+json": SIMPLE_JSON,
    "application/vnd.pypi.simple.latest+html": _SIMPLE_HTML,
}
OFFERED: Final = (HTML, _SIMPLE_HTML, SIMPLE_JSON)


def negotiate(accept: str) -> str | None:
    """Return the content type of the simple API that an Accept header asks for, or None where none will do.

    Quality values decide; HTML wins a tie, as PEP 691 advises for clients that say nothing.
    """
    best, best_quality = None, 0.0
    ranges = [_range(part) for part in (accept or "*/*").split(",")]
    for offered in OFFERED:
        qualities = [(specific, quality) for kind, quality in ranges if (specific := _matches(kind, offered))]
        quality = max(qualities)[1] if qualities else 0.0
        if quality > best_quality:
            best, best_quality = offered, quality
    return best


def _range(text: str) -> tuple[str, float]:
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
    return _LATEST.get(kind, kind), float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0.0


def _matches(kind: str, offered: str) -> int:
    """Return how specifically a media range names a type: 3 exactly, 2 its family, 1 anything, 0 not at all."""
    if kind == offered:
        return 3
    if kind == f"{offered.partition('/')[0]}/*":
        return 2
    return 1 if kind == "*/*" else 0
