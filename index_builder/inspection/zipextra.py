"""The extra fields of a ZIP record: the wide sizes of ZIP64, and what must not be there.

Source: PKWARE's APPNOTE 6.3.10, sections 4.5 and 4.6.9.
"""

from __future__ import annotations

import struct
from typing import Final

from index_builder.inspection.finding import two_readings

#: The kind of ZIP64's field, and the values that send a reader to it.
ZIP64: Final = 0x0001
MAX16: Final = 0xFFFF
MAX32: Final = 0xFFFFFFFF
_UNICODE_NAME: Final = 0x7075


def extra_fields(extra: bytes) -> dict[int, bytes]:
    """Return the extra fields by their kind; refuse one that gives another name."""
    fields: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if at + 4 + length > len(extra) or (kind == ZIP64 and kind in fields):
            raise two_readings("an extra field is malformed or stands twice")
        fields[kind] = extra[at + 4 : at + 4 + length]
        at += 4 + length
    if _UNICODE_NAME in fields:
        raise two_readings("an extra field gives a member a second name")
    return fields


def widened(extra: bytes, unpacked: int, packed: int, offset: int, disk: int) -> tuple[int, int, int, int]:
    """Return the sizes, offset and disk with the ZIP64 field applied."""
    field = values = extra_fields(extra).get(ZIP64, b"")
    wide: list[int] = []
    for value in (unpacked, packed, offset):
        if value == MAX32:
            if len(values) < 8:  # noqa: PLR2004 - a ZIP64 number has eight bytes
                raise two_readings("a ZIP64 size is missing")
            value, values = int.from_bytes(values[:8], "little"), values[8:]  # noqa: PLW2901 - the wide form replaces the narrow
        wide.append(value)
    if disk == MAX16 and len(values) >= 4:  # noqa: PLR2004 - a disk number has four bytes
        disk, values = int.from_bytes(values[:4], "little"), values[4:]
    # Some writers always store both sizes; a reader that prefers them must not see others.
    if values and not field.startswith(struct.pack("<2Q", wide[0], wide[1])):
        raise two_readings("a ZIP64 field has sizes that nothing asks for")
    return wide[0], wide[1], wide[2], disk
