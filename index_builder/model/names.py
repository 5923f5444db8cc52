"""Strings that are right once they exist: names, digests, times."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Self
from unicodedata import category

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_LONGEST_VERSION = 128
_PROJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T(?!24)\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z", re.ASCII)
_WORD = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
#: Embedding, override and isolate marks: what people read would not be what programs read.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class ProjectName(str):
    """A project's name as its owner writes it (core metadata, Name: ASCII letters, digits, `._-`).

    Raises ValueError for anything else.
    """

    __slots__ = ()
    MAX_LENGTH = 128

    def __new__(cls, text: str) -> Self:
        """Check the text; raises ValueError."""
        if not _PROJECT.fullmatch(text):
            msg = "a project name has ASCII letters, digits, '.', '_' and '-', and begins and ends with a letter or digit"
            raise ValueError(msg)
        if len(text) > cls.MAX_LENGTH:
            msg = f"a project name has at most {cls.MAX_LENGTH} characters"
            raise ValueError(msg)
        return super().__new__(cls, text)


_SEPARATORS = re.compile(r"[-_.]+")


def normalize(name: str) -> str:
    """Return the normalized form of what is known to be a project name (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


@lru_cache(maxsize=1 << 14)
def parse_version(text: str) -> Version:
    """Return a version as PEP 440 writes it; raises InvalidVersion, also for one longer than any file name may be.

    Python refuses to print a number of thousands of digits, which a version may hold.
    """
    if len(text) > _LONGEST_VERSION or not text.isascii() or text.strip() != text:
        raise InvalidVersion(text[:80])
    return Version(text)


class NormalizedName(str):
    """A project's name in the form that URLs and comparisons use (PEP 503)."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text; raises ValueError."""
        if canonicalize_name(ProjectName(text)) != text:
            msg = f"the normalized form is {canonicalize_name(text)}"
            raise ValueError(msg)
        return super().__new__(cls, text)

    @classmethod
    def of(cls, name: str) -> Self:
        """Return the normalized form of `name`; raises ValueError if it is no project name."""
        return super().__new__(cls, canonicalize_name(ProjectName(name)))


class Sha256(str):
    """A SHA-256 digest: 64 lower-case hexadecimal digits."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text; raises ValueError."""
        if not _SHA256.fullmatch(text):
            msg = "a SHA-256 digest has 64 hexadecimal digits, in lower case"
            raise ValueError(msg)
        return super().__new__(cls, text)

    @property
    def path(self) -> str:
        """Where bytes of this digest lie under a pool or a `packages/` folder: `aa/bb/<60 hex>`."""
        return f"{self[:2]}/{self[2:4]}/{self[4:]}"


class Timestamp(str):
    """A UTC time in the simple API's form, `2026-11-21T09:30:00Z`, with up to six decimals (PEP 700)."""

    __slots__ = ("__dict__",)

    def __new__(cls, text: str) -> Self:
        """Check the text; raises ValueError."""
        if not _TIMESTAMP.fullmatch(text):
            msg = "a time is written in UTC, as 2026-11-21T09:30:00Z"
            raise ValueError(msg)
        datetime.fromisoformat(text)
        return super().__new__(cls, text)

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Return an aware `moment` in this form, without decimals where there are none."""
        text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
        return cls(text + "Z")

    @cached_property
    def moment(self) -> datetime:
        """The time as an aware datetime."""
        return datetime.fromisoformat(self)

    @property
    def unix(self) -> int:
        """Whole seconds since 1970."""
        return int(self.moment.timestamp())


class Word(str):
    """A name people choose for an audience, an upstream, a group: lower case, digits, `._-`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text; raises ValueError."""
        if not _WORD.fullmatch(text):
            msg = "lower-case letters, digits, '.', '_' and '-' only, at most 64, beginning and ending with a letter or digit"
            raise ValueError(msg)
        return super().__new__(cls, text)


def one_line(text: str) -> str:
    """Return a reason or title without spaces around it; raises ValueError for what is not one plain line."""
    if not text.strip():
        msg = "say something"
        raise ValueError(msg)
    if len(text) > 1000 or "\n" in text.strip():  # noqa: PLR2004 - one line, as the HTML attribute shows it
        msg = "at most 1,000 characters in one line"
        raise ValueError(msg)
    if any(category(c) in ("Cc", "Cs", "Zp", "Zl") or c in _DIRECTIONS for c in text.strip()):
        msg = "control characters and marks that turn the direction of text are not allowed"
        raise ValueError(msg)
    return text.strip()
