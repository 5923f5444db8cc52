"""What an archive shows: findings, on two levels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from unicodedata import category

#: Content may unpack to this many bytes, or to EXPANSION times its size, whichever is more.
UNPACKED_BYTES: Final = 64 * 1024 * 1024
EXPANSION: Final = 50
#: What is read whole has its own cap, and never more than this.
TEXT_BYTES: Final = 32 * 1024 * 1024
CHUNK: Final = 256 * 1024
#: A member name has at most so many characters and parts: no system unpacks longer ones, and every parent is looked at.
NAME_LENGTH: Final = 4096
NAME_PARTS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that a file breaks.

    `tolerated` ones are errors when hosted, and warnings when mirrored or linked: old real files have them, and
    installers cope.
    """

    rule: str
    message: str
    tolerated: bool = False


class RefusedArchiveError(Exception):
    """The archive is not read any further."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.finding = Finding(rule=rule, message=message)


def two_readings(message: str) -> RefusedArchiveError:
    """Return the refusal of what two readers would read differently."""
    return RefusedArchiveError("archive-two-readings", message)


def has_control_characters(text: str) -> bool:
    """Say whether something in `text` is not written but obeyed: NUL, line ends, escapes."""
    return any(category(character) == "Cc" for character in text)


def check_length(name: str) -> None:
    """Refuse a member's name, or a link's target, that no system could have. Raises RefusedArchiveError."""
    if len(name) > NAME_LENGTH:
        message = f"the member name {name[:40]!r}... has {len(name):,} characters: over {NAME_LENGTH:,}"
        raise RefusedArchiveError("archive-member-name", message)


def check_member_name(name: str) -> None:
    """Refuse what could leave its folder, or be read as another name. Raises RefusedArchiveError."""
    rule = "archive-member-name"
    check_length(name)
    if name.count("/") >= NAME_PARTS:
        raise RefusedArchiveError(rule, f"the member name {name[:40]!r}... has more than {NAME_PARTS} parts")
    if has_control_characters(name):
        raise RefusedArchiveError(rule, f"the member name {name!r} has control characters")
    if "\\" in name:
        raise RefusedArchiveError(rule, f"the member name {name!r} has a backslash")
    if name.startswith("/") or name[1:2] == ":":
        raise RefusedArchiveError(rule, f"the member name {name!r} is absolute")
    parts = name.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise RefusedArchiveError(rule, f"the member name {name!r} leaves its folder or is not in plain form")


def parents(name: str) -> Iterator[str]:
    """Yield the folders above a member, the outermost first."""
    at = name.find("/")
    while at >= 0:
        yield name[:at]
        at = name.find("/", at + 1)


def check_expansion(unpacked: int, packed: int) -> None:
    """Refuse a bomb. Raises RefusedArchiveError."""
    if unpacked > UNPACKED_BYTES and unpacked > EXPANSION * packed:
        message = f"{packed:,} bytes unpack to {unpacked:,} or more: over 64 MiB and over {EXPANSION} times as many"
        raise RefusedArchiveError("archive-bomb", message)
