"""One line of a package list becomes a listed file.

Source: dumb-pypi's README for the keys; PEP 714 for what `core_metadata` may say.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import orjson
from packaging.version import Version

from index_builder.model.names import normalize
from index_builder.model.snapshot import ListedFile
from index_builder.packagelists.guess import PLAIN, guess, read_version

KEYS: Final = (
    "filename", "hash", "requires_dist", "requires_python", "core_metadata", "uploaded_by", "upload_timestamp", "yanked_reason",
)  # fmt: skip
_TEXTS: Final = ("hash", "requires_python", "core_metadata", "uploaded_by", "yanked_reason")
_DIGEST = re.compile(r"[a-z0-9_]+=[0-9a-f]+")
_KNOWN = frozenset(KEYS)
#: The beginning of nearly every line: a name that can be read in one way only. One as short as this has no part that is too long.
_PLAIN_NAME = re.compile(rb'\{"filename": ?"' + PLAIN.encode() + b'"', re.ASCII)
_LONGEST_PLAIN: Final = 100
_SAFE_NAME = re.compile(rb'\{"filename": ?"([A-Za-z0-9_.+!-]+)"')
#: What stands in a URL as it is (RFC 3986, section 2.3): to look is a tenth of the work of quoting.
_UNQUOTED = re.compile(r"[A-Za-z0-9_.~-]+")
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
#: The last second of the year 9999: later times cannot be written.
_LATEST: Final = 253_402_300_799


class BadLineError(ValueError):
    """A line that cannot be listed: what is wrong, and what to do."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


def as_json(line: bytes) -> bytes:
    """Return a line of plain file names as a list of objects has it; raises BadLineError."""
    try:
        return orjson.dumps({"filename": line.decode()})
    except UnicodeDecodeError as error:
        raise BadLineError("the line is not UTF-8") from error


def filename_of(line: bytes) -> str:
    """Return the file name of a line; raises BadLineError."""
    match = _SAFE_NAME.match(line)
    return match[1].decode() if match else _filename(_row(line))


def project_of(line: bytes) -> str:
    """Return the normalized name of the project that a line's file belongs to; raises BadLineError."""
    plain = _PLAIN_NAME.match(line)
    if plain and plain.end() < _LONGEST_PLAIN:
        return _normalized(plain[1])
    return _guessed(filename_of(line))[0]


@lru_cache(maxsize=1024)
def _normalized(name: bytes) -> str:
    return normalize(name.decode())


def read_line(line: bytes, packages_url: str) -> tuple[Version, ListedFile, list[str]]:
    """Return a line's version, its file, and what the file requires (Requires-Dist); raises BadLineError.

    `packages_url` is where the files are, ending in a slash: absolute, or relative to a project's detail page.
    """
    row = _row(line)
    filename = _filename(row)
    if filename != filename_of(line):
        raise BadLineError("the key 'filename' stands here twice", "keep one of them")
    try:
        version, normalized = read_version(_guessed(filename)[1])
    except ValueError as error:
        raise BadLineError(f"{filename}: {error}", "rename the file, or take the line out") from error
    url = packages_url + (filename if _UNQUOTED.fullmatch(filename) else quote(filename))
    file = ListedFile(
        filename, normalized, url, row.get("hash") or "", None, _time(row.get("upload_timestamp")), row.get("uploaded_by") or "",
        row.get("requires_python") or "", row.get("core_metadata") or "", "", row.get("yanked_reason") or None,
    )  # fmt: skip
    return version, file, row.get("requires_dist") or []


def _filename(row: dict[str, Any]) -> str:
    name = row.get("filename")
    if not isinstance(name, str):
        raise BadLineError("the key 'filename' is missing" if name is None else "'filename' is not a text")
    return name


def _guessed(filename: str) -> tuple[str, str]:
    try:
        return guess(filename)
    except ValueError as error:
        raise BadLineError(f"{filename[:300]!r}: {error}", "rename the file, or take the line out") from error


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadLineError(f"the line is not JSON: {error}", "a list of plain file names goes with --package-list") from error
    if not isinstance(value, dict):
        raise BadLineError("the line is not a JSON object", 'write it as {"filename": "…"}')
    return value


def _row(line: bytes) -> dict[str, Any]:
    row = _object(line)
    if not row.keys() <= _KNOWN:
        unknown = next(key for key in row if key not in _KNOWN)
        near = get_close_matches(unknown, KEYS, n=1)
        raise BadLineError(
            f"there is no key '{unknown}' here", f"did you mean '{near[0]}'?" if near else f"the keys are: {', '.join(KEYS)}"
        )
    for key, value in row.items():
        if value is not None and not isinstance(value, str) and key in _TEXTS:
            raise BadLineError(f"'{key}' is not a text")
    requires = row.get("requires_dist")
    if requires is not None and not (isinstance(requires, list) and all(isinstance(item, str) for item in requires)):
        raise BadLineError("'requires_dist' is not a list of texts")
    if (digest := row.get("hash")) and not _DIGEST.fullmatch(digest):
        raise BadLineError(f"the hash {digest[:100]!r} is not written as sha256=<hexadecimal digits>")
    if (metadata := row.get("core_metadata")) and metadata != "true" and not _DIGEST.fullmatch(metadata):
        raise BadLineError(f"core_metadata {metadata[:100]!r} is neither sha256=<hexadecimal digits> nor true")
    return row


def _time(seconds: object) -> str:
    if seconds is None:
        return ""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LATEST:
        raise BadLineError("'upload_timestamp' is not a number of seconds since 1970")
    if isinstance(seconds, int):
        days, rest = divmod(seconds, 86_400)
        minutes, second = divmod(rest, 60)
        return f"{_day(days)}T{minutes // 60:02}:{minutes % 60:02}:{second:02}Z"
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z"


@lru_cache(maxsize=1 << 14)
def _day(days: int) -> str:
    """Return a day by its number since 1970; lists have many files of one day, and reading a clock is slow."""
    return date.fromordinal(_FIRST_DAY + days).isoformat()
