"""One tar header: its numbers and names, and what an extended header says of the next member.

Source: POSIX.1-2024 `pax`, section "pax Header Block", and GNU tar's extensions.
"""

from __future__ import annotations

import re
from typing import Final

from index_builder.inspection.finding import RefusedArchiveError, check_length, two_readings

BLOCK: Final = 512
#: The numbers of a header: mode, uid, gid, size, mtime, checksum, device major and minor.
_NUMBERS = ((100, 108), (108, 116), (116, 124), (124, 136), (136, 148), (148, 156), (329, 337), (337, 345))
_OCTAL = re.compile(rb" *([0-7]*) *(?:\0.*)?", re.DOTALL)
#: What an extended header may say of the next member that changes what is unpacked, and where.
_OVERRIDES = (b"path", b"linkpath", b"size")


def wrong_type(message: str) -> RefusedArchiveError:
    """A member is of a kind that archives do not have here."""
    return RefusedArchiveError("archive-member-type", message)


def malformed(message: str) -> RefusedArchiveError:
    """The archive is damaged."""
    return RefusedArchiveError("archive-format", message)


def check_header(header: bytes) -> None:
    """Refuse a header that is cut off or damaged, and one whose numbers a reader could take for the archive's end."""
    if len(header) < BLOCK:
        raise malformed("the tar archive ends without its end mark")
    if sum(header[:148]) + 8 * 32 + sum(header[156:]) != number(header[148:156]):
        raise malformed("a tar header's checksum is wrong")
    for start, end in _NUMBERS:
        number(header[start:end])


def number(field: bytes) -> int:
    """Read octal digits, or GNU tar's base 256 (0x80 positive, 0xff negative); raises RefusedArchiveError."""
    if field[0] in (0x80, 0xFF):
        return int.from_bytes(b"\0" + field[1:] if field[0] == 0x80 else field, "big", signed=True)  # noqa: PLR2004
    if not (match := _OCTAL.fullmatch(field)):
        raise malformed(f"{field!r} is no number in a tar header")
    return int(match[1] or b"0", 8)


def text(field: bytes) -> str:
    """Return the text before the first NUL; raises RefusedArchiveError where it is not UTF-8."""
    try:
        return field.partition(b"\0")[0].decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedArchiveError("archive-member-name", f"the member name {field!r} is not UTF-8") from error


def header_name(header: bytes) -> str:
    """Return the member name of a header: its prefix and name; raises RefusedArchiveError."""
    name, prefix = text(header[:100]), text(header[345:500])
    if prefix and header[257:263] != b"ustar\0":
        # Python puts it before the name, others do not.
        raise two_readings(f"{name} has a prefix in a header whose form has none")
    return f"{prefix}/{name}" if prefix else name


def check_override(header: bytes, name: str) -> None:
    """Refuse another name for an old file whose own name ends in a slash. Raises RefusedArchiveError.

    Python takes that for a folder before it looks at the other name, and the file's bytes for the next members.
    """
    if header[156:157] == b"\0" and header[:100].partition(b"\0")[0].endswith(b"/"):
        raise two_readings(f"{name} is a folder by its own header, and a file by its extended one")


def extended(content: bytes, kind: bytes) -> dict[bytes, str]:
    """Return what an extended header overrides: all of a GNU one, the OVERRIDES of a PAX one."""
    gnu = {b"L": b"path", b"K": b"linkpath"}
    records = {gnu[kind]: content.removesuffix(b"\0")} if kind in gnu else _pax(content)
    if any(key.startswith(b"GNU.sparse") for key in records):
        raise wrong_type("the archive has a sparse file")
    found = {key: records[key] for key in _OVERRIDES if key in records}
    if kind == b"g" and found:
        raise two_readings("a global header names or sizes every member")
    if any(not value or b"\0" in value for value in found.values()):
        raise two_readings("an extended header gives an empty name or size, or one with a NUL")
    texts = {key: text(value) for key, value in found.items()}
    for value in texts.values():
        check_length(value)
    return texts


def _pax(content: bytes) -> dict[bytes, bytes]:
    """Read `LENGTH KEY=VALUE\\n` records, where the length is that of the record; raises RefusedArchiveError."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(content):
        length, space, _ = content[at : at + 20].partition(b" ")
        if not space or not length.isdigit() or not 0 < int(length) <= len(content) - at:
            raise malformed("an extended header is malformed")
        end = at + int(length)
        key, equals, value = content[at + len(length) + 1 : end - 1].partition(b"=")
        if not equals or content[end - 1 : end] != b"\n":
            raise malformed("an extended header is malformed")
        if key in records:
            raise two_readings(f"an extended header has {key!r} twice")
        records[key] = value
        at = end
    return records
