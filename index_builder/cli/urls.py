"""URLs that people type; each mistake with the way out."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from index_builder.errors import UsageError

#: What to do about a URL that is to stand in a manifest.
IN_MANIFESTS: Final = "manifests hold https URLs only; files of your own are added with --dist"


def https_url(text: str, *, fix: str = "write it as https://HOST/…: what comes without TLS, anybody on the way can change") -> str:
    """Return an https URL; raises UsageError, with what to do instead."""
    try:
        is_https = urlsplit(text).scheme == "https"
    except ValueError:
        is_https = False
    if not is_https:
        msg = f"{text} is not an https URL"
        raise UsageError(msg, fix=fix)
    return text


def http_url(text: str) -> str:
    """Return the URL of an index; raises UsageError. What is signed may come without TLS from one's own network: the guard decides."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and not (parts.query or parts.fragment or "@" in parts.netloc)
    except ValueError:
        usable = False
    if not usable:
        msg = f"{text} is not the URL of an index"
        raise UsageError(msg, fix="write it as https://pypi.example.org/simple/")
    return text
