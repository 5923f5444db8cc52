"""A tar archive, streamed: every header checked, nothing written, links kept inside.

Source: POSIX.1-2024 `pax`, section "ustar Interchange Format", and GNU tar's extensions.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Protocol

from index_builder.inspection.finding import (
    CHUNK,
    TEXT_BYTES,
    RefusedArchiveError,
    check_expansion,
    check_member_name,
    has_control_characters,
    parents,
    two_readings,
)
from index_builder.inspection.tarheader import (
    BLOCK,
    check_header,
    check_override,
    extended,
    header_name,
    malformed,
    number,
    text,
    wrong_type,
)

_ZEROS = bytes(BLOCK)
_FOLDER = b"5"
_FILE_TYPES = (b"0", b"\0")
_LINK_TYPES = (b"1", b"2")
_EXTENDED_TYPES = (b"x", b"g", b"L", b"K")
_REFUSED = {b"3": "a character device", b"4": "a block device", b"6": "a pipe", b"7": "a contiguous file", b"S": "a sparse file"}
_MAX_MEMBERS = 1_000_000
_MAX_HEADER = 1024 * 1024
#: The memory that the names of members and of the folders above them may take, with so much for each beside its text.
_MAX_NAMES = 128 * 1024 * 1024
_NAME_OVERHEAD = 150


class _Decompressor(Protocol):
    """What bz2 gives, and `_Gzip` too."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member, with its bytes where they were asked for."""

    name: str
    kind: bytes
    content: bytes | None


def members(stream: BinaryIO, size: int, suffix: str, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Yield the members of a compressed tar; those that are `wanted` with their bytes.

    Raises RefusedArchiveError where the archive can be read in two ways, leaves its folder, or is a bomb.
    """
    tree = _Tree()
    for count, member in enumerate(_walk(_Reader(stream, size, suffix), wanted)):
        if count >= _MAX_MEMBERS:
            raise RefusedArchiveError("archive-bomb", f"the archive has more than {_MAX_MEMBERS:,} members")
        tree.add(member)
        yield member


class _Tree:
    """What unpacking the members so far would have made: a name is one thing, and only in folders is something."""

    def __init__(self) -> None:
        self._kinds: dict[str, bytes] = {}
        self._held = 0

    def add(self, member: Member) -> None:
        """Add a member; raises RefusedArchiveError where it takes another's place or lies behind a link."""
        for parent in parents(member.name):
            kind = self._kinds.get(parent) or self._hold(parent, _FOLDER)
            if kind in _LINK_TYPES:
                raise wrong_type(f"{member.name} lies behind the link {parent}")
            if kind != _FOLDER:
                raise two_readings(f"{parent} is a file and a folder")
        if self._kinds.get(member.name, _FOLDER) != _FOLDER or (member.name in self._kinds and member.kind != _FOLDER):
            raise two_readings(f"{member.name} is in the archive twice")
        self._hold(member.name, member.kind)

    def _hold(self, name: str, kind: bytes) -> bytes:
        self._held += len(name) + _NAME_OVERHEAD
        if self._held > _MAX_NAMES:
            raise RefusedArchiveError("archive-bomb", f"the names of members and folders need over {_MAX_NAMES:,} bytes")
        self._kinds[name] = kind
        return kind


class _Reader:
    """The unpacked bytes, block by block, under the cap."""

    def __init__(self, stream: BinaryIO, size: int, suffix: str) -> None:
        self._stream = stream
        self._size = size
        self._inflate: _Decompressor = bz2.BZ2Decompressor() if suffix == ".tar.bz2" else _Gzip()
        self._buffer = BytesIO()
        self._unpacked = 0
        stream.seek(0)

    def take(self, length: int, *, keep: bool = True) -> bytes:
        """Return the next `length` bytes, fewer at the end; with keep=False they are passed over."""
        kept: list[bytes] = []
        left = length
        while left:
            piece = self._buffer.read(left)
            if not piece:
                if not (more := self._more()):
                    break
                self._buffer = BytesIO(more)
                continue
            left -= len(piece)
            if keep:
                kept.append(piece)
        return b"".join(kept)

    def _more(self) -> bytes:
        while not self._inflate.eof:
            raw = self._stream.read(CHUNK) if self._inflate.needs_input else b""
            if self._inflate.needs_input and not raw:
                raise malformed("the archive is cut off")
            try:
                found = self._inflate.decompress(raw, CHUNK)
            except (zlib.error, OSError, ValueError) as error:
                raise malformed(f"the archive cannot be unpacked: {error}") from error
            self._unpacked += len(found)
            check_expansion(self._unpacked, self._size)
            if found:
                return found
        if self._inflate.unused_data or self._stream.read(1):
            raise two_readings("there are bytes after the end of the compressed archive")
        return b""


class _Gzip:
    """zlib's gzip reader in the form of bz2's; it checks the length and checksum at the end."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _walk(reader: _Reader, wanted: Callable[[str], bool]) -> Iterator[Member]:
    override: dict[bytes, str] = {}
    seen: set[bytes] = set()
    while (header := reader.take(BLOCK)) != _ZEROS:
        check_header(header)
        kind, size = header[156:157], number(header[124:136])
        if kind in _EXTENDED_TYPES:
            found = extended(_short_content(reader, size), kind)
            # Readers differ in which of two headers wins.
            if (kind != b"g" and kind in seen) or found.keys() & override.keys():
                raise two_readings("two extended headers describe one member")
            override |= found
            seen.add(kind)
            continue
        name = _checked(override.get(b"path") or header_name(header), kind)
        check_override(header, name)
        if override.get(b"size", str(size)) != str(size):
            raise two_readings(f"{name} has another size in its extended header")
        _check_kind(name, kind, size, override.get(b"linkpath") or text(header[157:257]))
        override, seen = {}, set()
        yield _member(reader, name, kind, size, keep=kind in _FILE_TYPES and wanted(name))
    if seen - {b"g"}:
        raise malformed("an extended header describes no member")
    _check_rest(reader)


def _check_kind(name: str, kind: bytes, size: int, target: str) -> None:
    if size < 0:
        raise malformed(f"{name} has less than no bytes")
    if kind in _LINK_TYPES:
        _check_link(name, kind, target)
    elif kind not in _FILE_TYPES and kind != _FOLDER:
        raise wrong_type(f"{name} is {_REFUSED.get(kind, f'of the unknown type {kind!r}')}")
    if size and kind not in _FILE_TYPES:
        raise two_readings(f"the {'folder' if kind == _FOLDER else 'link'} {name} has content")


def _member(reader: _Reader, name: str, kind: bytes, size: int, *, keep: bool) -> Member:
    if keep and size > TEXT_BYTES:
        raise RefusedArchiveError("archive-bomb", f"{name} has {size:,} bytes")
    content = _content(reader, size, keep=keep)
    return Member(name=name, kind=kind, content=content if keep else None)


def _short_content(reader: _Reader, size: int) -> bytes:
    if not 0 <= size <= _MAX_HEADER:
        raise RefusedArchiveError("archive-bomb", f"an extended header has {size:,} bytes")
    return _content(reader, size, keep=True)


def _content(reader: _Reader, size: int, *, keep: bool) -> bytes:
    content = reader.take(size, keep=keep)
    padding = -size % BLOCK
    if len(reader.take(padding)) != padding or (keep and len(content) != size):
        raise malformed("the tar archive is cut off")
    return content


def _check_rest(reader: _Reader) -> None:
    while rest := reader.take(CHUNK):
        if rest.count(0) != len(rest):
            raise two_readings("there are members after the end mark of the tar archive")


def _checked(name: str, kind: bytes) -> str:
    """Return the member name in plain form: without `./` before it, or a folder's slash behind it."""
    if kind == _FOLDER and name in (".", "./"):
        return "."
    plain = name.removeprefix("./")
    check_member_name(plain)
    if kind != _FOLDER and plain.endswith("/"):
        raise RefusedArchiveError("archive-member-name", f"the file {name!r} has a folder's name")
    return plain.removesuffix("/")


def _check_link(name: str, kind: bytes, target: str) -> None:
    """Refuse a link that could leave the root folder, wherever other links lead.

    Only leading `..` are allowed in a symbolic link: after another part, `..` would follow that part's link.
    A hard link's target is a member name, so it begins with the root folder and has no `..`.
    """
    path = target.removesuffix("/") if kind == b"2" else target.removeprefix("./")
    parts = path.split("/")
    up = next((n for n, part in enumerate(parts) if part != ".."), len(parts))
    inside = up < name.count("/") if kind == b"2" else parts[0] == name.partition("/")[0]
    if not inside or "" in parts or ".." in parts[up:] or "\\" in target or has_control_characters(target):
        raise wrong_type(f"the link {name} leads to {target!r}, which may leave the archive's folder")
