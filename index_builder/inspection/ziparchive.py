"""A ZIP archive that can be read in one way only.

Installers differ in which records of a ZIP they believe. So every byte must belong to exactly one record, and
the two descriptions of each member must agree. Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from stat import S_IFMT, S_ISDIR, S_ISLNK, S_ISREG
from typing import BinaryIO

from index_builder.inspection.finding import (
    CHUNK,
    TEXT_BYTES,
    RefusedArchiveError,
    check_expansion,
    check_member_name,
    parents,
    two_readings,
)
from index_builder.inspection.zipextra import MAX16, MAX32, ZIP64, extra_fields, widened

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_DESCRIPTOR, _UTF8 = 1 << 3, 1 << 11
_KNOWN_FLAGS = _DESCRIPTOR | _UTF8 | 0b110
_TAR_MAGIC_AT = 257
_MAX_MEMBERS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file or folder: sizes in bytes, `start` where its packed data begins."""

    name: str
    packed: int
    unpacked: int
    crc: int
    method: int
    start: int
    descriptor: bool

    @property
    def is_folder(self) -> bool:
        """A member whose name ends in a slash is a folder."""
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    unpacked: int
    offset: int
    mode: int


class Archive:
    """A checked ZIP: its members, and their bytes."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        """Check the whole structure of a seekable stream of `size` bytes; raises RefusedArchiveError."""
        self._stream = stream
        self._size = size
        start, end, count = self._directory()
        entries = list(self._central(start, end, count))
        self.members = tuple(self._tiled(entries, start))
        self._check_names()
        check_expansion(sum(member.unpacked for member in self.members), size)

    def read(self, member: Member, most: int = TEXT_BYTES) -> bytes:
        """Return a member's bytes; raises RefusedArchiveError where they are over `most`, or not those described."""
        if member.unpacked > most:
            raise RefusedArchiveError("archive-bomb", f"{member.name} has {member.unpacked:,} bytes")
        return b"".join(self.chunks(member))

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield a member's bytes; raises RefusedArchiveError where they are not those described."""
        crc, length = 0, 0
        for chunk in self._unpacked(member):
            length += len(chunk)
            if length > member.unpacked:
                raise RefusedArchiveError("archive-bomb", f"{member.name} unpacks to more than the {member.unpacked:,} bytes it declares")
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if length != member.unpacked or crc != member.crc:
            raise RefusedArchiveError("archive-format", f"{member.name} does not unpack to what its record declares")

    def _unpacked(self, member: Member) -> Iterator[bytes]:
        self._stream.seek(member.start)
        left = member.packed
        inflate = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == _DEFLATED else None
        while left:
            raw = self._stream.read(min(CHUNK, left))
            if not raw:
                raise RefusedArchiveError("archive-format", f"{member.name} is cut off")
            left -= len(raw)
            if inflate is None:
                yield raw
                continue
            while raw:
                try:
                    yield inflate.decompress(raw, CHUNK)
                except zlib.error as error:
                    raise RefusedArchiveError("archive-format", f"{member.name} cannot be unpacked: {error}") from error
                raw = inflate.unconsumed_tail
                if inflate.unused_data:
                    raise two_readings(f"{member.name} has bytes after the end of its deflated data")
        # What the last call had no room for is still inside zlib: the input is consumed, the output is not.
        while inflate is not None and not inflate.eof:
            rest = inflate.decompress(b"", CHUNK)
            if not rest:
                raise RefusedArchiveError("archive-format", f"{member.name} is cut off")
            yield rest

    def _at(self, offset: int, length: int) -> bytes:
        self._stream.seek(offset)
        found = self._stream.read(length)
        if len(found) != length:
            raise RefusedArchiveError("archive-format", "the archive is cut off")
        return found

    def _directory(self) -> tuple[int, int, int]:
        if self._size < _END.size or self._at(0, 2) != b"PK":
            raise (
                two_readings("the file does not begin with a ZIP record")
                if self._size >= _END.size
                else RefusedArchiveError("archive-format", "the file is not a ZIP archive")
            )
        if self._size > _TAR_MAGIC_AT + 5 and self._at(_TAR_MAGIC_AT, 5) == b"ustar":
            raise two_readings("the file can be read as a tar archive too")
        end = self._size - _END.size
        signature, disk, first_disk, here, count, length, start, comment = _END.unpack(self._at(end, _END.size))
        if signature != b"PK\5\6" or comment:
            raise two_readings("the file does not end with the ZIP end record: there is something after it, or a comment")
        if (disk, first_disk) != (0, 0) or here != count:
            raise two_readings("the end record speaks of several disks")
        if self._haswidened(end):
            return self._directory64(end)
        if count == MAX16 or MAX32 in (length, start):
            raise two_readings("the end record points to a ZIP64 record that is not there")
        if start + length != end:
            raise two_readings("the central directory does not end where the end record begins")
        return start, end, count

    def _haswidened(self, end: int) -> bool:
        at = end - _END64_LOCATOR.size
        return at >= 0 and self._at(at, 4) == b"PK\6\7"

    def _directory64(self, end: int) -> tuple[int, int, int]:
        at = end - _END64_LOCATOR.size
        _, disk, offset, disks = _END64_LOCATOR.unpack(self._at(at, _END64_LOCATOR.size))
        if disk != 0 or disks != 1 or offset + _END64.size != at:
            raise two_readings("the ZIP64 locator does not point to the record before it")
        fields = _END64.unpack(self._at(offset, _END64.size))
        signature, size, _, _, this_disk, first_disk, here, count, length, start = fields
        if signature != b"PK\6\6" or size != _END64.size - 12 or (this_disk, first_disk) != (0, 0) or here != count:
            raise two_readings("the ZIP64 end record is not in its plain form")
        plain = _END.unpack(self._at(end, _END.size))
        if any(p not in (v, m) for p, v, m in ((plain[4], count, MAX16), (plain[5], length, MAX32), (plain[6], start, MAX32))):
            raise two_readings("the ZIP64 end record contradicts the end record")
        if start + length != offset:
            raise two_readings("the central directory does not end where the ZIP64 end record begins")
        return start, offset, count

    def _central(self, start: int, end: int, count: int) -> Iterator[_Entry]:
        if count > _MAX_MEMBERS:
            raise RefusedArchiveError("archive-bomb", f"the archive has {count:,} members")
        at = start
        for _ in range(count):
            if at + _CENTRAL.size > end:
                raise two_readings("the central directory has fewer members than the end record says")
            fields = _CENTRAL.unpack(self._at(at, _CENTRAL.size))
            (signature, _, _, flags, method, _, _, crc, packed, unpacked,
             name_length, extra_length, comment, disk, _, attributes, offset) = fields  # fmt: skip
            if signature != b"PK\1\2":
                raise two_readings("there is an unknown record in the central directory")
            name = self._at(at + _CENTRAL.size, name_length)
            extra = self._at(at + _CENTRAL.size + name_length, extra_length)
            if comment:
                raise two_readings(f"{name!r} has a comment in the central directory")
            unpacked, packed, offset, disk = widened(extra, unpacked, packed, offset, disk)
            if disk:
                raise two_readings(f"{name!r} is said to be on another disk")
            yield _Entry(
                raw_name=name, flags=flags, method=method, crc=crc, packed=packed, unpacked=unpacked,
                offset=offset, mode=attributes >> 16,
            )  # fmt: skip
            at += _CENTRAL.size + name_length + extra_length
        if at != end:
            raise two_readings("the central directory has more records than the end record says")

    def _tiled(self, entries: list[_Entry], directory: int) -> Iterator[Member]:
        expected = 0
        for entry in sorted(entries, key=lambda entry: entry.offset):
            if entry.offset != expected:
                raise two_readings(f"there are bytes that belong to no member, or to two, before {entry.raw_name!r}")
            member, expected = self._member(entry, directory)
            yield member
        if expected != directory:
            raise two_readings("there are bytes between the last member and the central directory")

    def _member(self, entry: _Entry, directory: int) -> tuple[Member, int]:
        name = _decoded(entry)
        fields = _LOCAL.unpack(self._at(entry.offset, _LOCAL.size))
        signature, _, flags, method, _, _, crc, packed, unpacked, name_length, extra_length = fields
        if signature != b"PK\3\4":
            raise two_readings(f"the local header of {name} is not where the central directory says")
        start = entry.offset + _LOCAL.size + name_length + extra_length
        if self._at(entry.offset + _LOCAL.size, name_length) != entry.raw_name:
            raise two_readings(f"{name} has another name in its local header")
        extra = self._at(entry.offset + _LOCAL.size + name_length, extra_length)
        unpacked, packed, _, _ = widened(extra, unpacked, packed, 0, 0)
        if (flags, method) != (entry.flags, entry.method):
            raise two_readings(f"{name} has other flags or another compression in its local header")
        descriptor = bool(flags & _DESCRIPTOR)
        local, central = (crc, packed, unpacked), (entry.crc, entry.packed, entry.unpacked)
        if local != central and not (descriptor and local == (0, 0, 0)):
            raise two_readings(f"{name} has another size or checksum in its local header")
        if method not in (_STORED, _DEFLATED):
            raise RefusedArchiveError(
                "archive-format", f"{name} is compressed by method {method}: only stored and deflated are read everywhere"
            )
        if method == _STORED and entry.packed != entry.unpacked:
            raise two_readings(f"{name} is stored, and has two sizes")
        if start + entry.packed > directory:
            raise two_readings(f"{name} reaches into the central directory")
        _check_type(name, entry)
        end = start + entry.packed
        if descriptor:
            end = self._after_descriptor(entry, end, wide=ZIP64 in extra_fields(extra))
        return Member(
            name=name, packed=entry.packed, unpacked=entry.unpacked, crc=entry.crc, method=method, start=start, descriptor=descriptor,
        ), end  # fmt: skip

    def _after_descriptor(self, entry: _Entry, at: int, *, wide: bool) -> int:
        """Return where the data descriptor ends: its sizes have eight bytes where the local header is `wide` (ZIP64)."""
        values = (entry.crc, entry.packed, entry.unpacked)
        forms = ["<LQQ"] if max(values) > MAX32 else ["<LQQ", "<LLL"] if wide else ["<LLL", "<LQQ"]
        for plain in (struct.pack(form, *values) for form in forms):
            for expected in (b"PK\7\10" + plain, plain):
                self._stream.seek(at)
                if self._stream.read(len(expected)) == expected:
                    return at + len(expected)
        raise two_readings(f"the data descriptor of {entry.raw_name!r} does not agree with the central directory")

    def _check_names(self) -> None:
        seen: set[str] = set()
        for member in self.members:
            name = member.name.removesuffix("/")
            if name in seen:
                raise two_readings(f"{member.name} is in the archive twice")
            seen.add(name)
        files = {member.name for member in self.members if not member.is_folder}
        for parent in chain.from_iterable(map(parents, seen)):
            if parent in files:
                raise two_readings(f"{parent} is a file and a folder")


def _decoded(entry: _Entry) -> str:
    if entry.flags & ~_KNOWN_FLAGS:
        raise RefusedArchiveError("archive-format", f"{entry.raw_name!r} is encrypted or uses an unknown feature")
    try:
        name = entry.raw_name.decode("utf-8" if entry.flags & _UTF8 else "ascii")
    except UnicodeDecodeError as error:
        raise two_readings(f"the member name {entry.raw_name!r} is neither ASCII nor marked as the UTF-8 that it is") from error
    check_member_name(name)
    return name


def _check_type(name: str, entry: _Entry) -> None:
    if S_ISLNK(entry.mode):
        raise RefusedArchiveError("archive-member-type", f"{name} is a symbolic link")
    if S_IFMT(entry.mode) and not S_ISREG(entry.mode) and not S_ISDIR(entry.mode):
        raise RefusedArchiveError("archive-member-type", f"{name} is neither a file nor a folder")
    if S_ISDIR(entry.mode) and not name.endswith("/"):
        raise RefusedArchiveError("archive-member-type", f"{name} is a file by its name and a folder by its mode")
    if name.endswith("/") and entry.unpacked:
        raise RefusedArchiveError("archive-member-type", f"{name} is a folder with content")
