"""A tar archive, streamed: every header checked, nothing written, links kept inside.

Source: POSIX.1-2024 `pax`, section "ustar Interchange Format", and GNU tar's extensions.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from index_builder.inspection.finding import CHUNK, TEXT_BYTES, RefusedArchiveError, check_expansion, check_member_name

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_FILE_TYPES = (b"0", b"\0")
_LINK_TYPES = (b"1", b"2")
_REFUSED = {b"3": "a character device", b"4": "a block device", b"6": "a pipe", b"7": "a contiguous file", b"S": "a sparse file"}
_MAX_MEMBERS = 1_000_000
_MAX_HEADER = 1024 * 1024


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _two(message: str) -> RefusedArchiveError:
    return RefusedArchiveError("archive-two-readings", message)


def _type(message: str) -> RefusedArchiveError:
    return RefusedArchiveError("archive-member-type", message)


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
    reader = _Reader(stream, size, suffix)
    links: set[str] = set()
    names: set[str] = set()
    for count, member in enumerate(_walk(reader, wanted)):
        if count > _MAX_MEMBERS:
            raise RefusedArchiveError("archive-bomb", "the archive has more than a million members")
        parents = member.name.split("/")[:-1]
        if any("/".join(parents[: n + 1]) in links for n in range(len(parents))):
            raise _type(f"{member.name} lies behind a symbolic link")
        if member.kind != b"5" and member.name in names:
            raise _two(f"{member.name} is in the archive twice")
        names.add(member.name)
        if member.kind == b"2":
            links.add(member.name)
        yield member


class _Reader:
    """The unpacked bytes, block by block, under the cap."""

    def __init__(self, stream: BinaryIO, size: int, suffix: str) -> None:
        self._stream = stream
        self._size = size
        self._inflate: _Decompressor = bz2.BZ2Decompressor() if suffix == ".tar.bz2" else _Gzip()
        self._waiting = b""
        self._buffer = b""
        self._unpacked = 0
        stream.seek(0)

    def take(self, length: int, *, keep: bool = True) -> bytes:
        """Return the next `length` bytes, fewer at the end; with keep=False they are passed over."""
        kept: list[bytes] = []
        left = length
        while left:
            if not self._buffer:
                self._buffer = self._more()
                if not self._buffer:
                    break
            piece, self._buffer = self._buffer[:left], self._buffer[left:]
            left -= len(piece)
            if keep:
                kept.append(piece)
        return b"".join(kept)

    def _more(self) -> bytes:
        while not self._inflate.eof:
            if not self._waiting:
                self._waiting = self._stream.read(CHUNK)
                if not self._waiting:
                    raise RefusedArchiveError("archive-format", "the archive is cut off")
            try:
                found = self._inflate.decompress(self._waiting, CHUNK)
            except (zlib.error, OSError, ValueError) as error:
                raise RefusedArchiveError("archive-format", f"the archive cannot be unpacked: {error}") from error
            self._waiting = getattr(self._inflate, "unconsumed_tail", b"")
            self._unpacked += len(found)
            check_expansion(self._unpacked, self._size)
            if found:
                return found
        if self._inflate.unused_data or self._waiting or self._stream.read(1):
            raise _two("there are bytes after the end of the compressed archive")
        return b""


class _Gzip:
    """zlib's gzip reader with the names of bz2's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def unconsumed_tail(self) -> bytes:
        return self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(data, max_length)


def _walk(reader: _Reader, wanted: Callable[[str], bool]) -> Iterator[Member]:
    override: dict[str, str] = {}
    while True:
        header = reader.take(_BLOCK)
        if header == _ZEROS:
            _check_rest(reader)
            return
        if len(header) < _BLOCK:
            raise RefusedArchiveError("archive-format", "the tar archive ends without its end mark")
        _check_sum(header)
        kind, size = header[156:157], _number(header[124:136])
        if kind in b"xgLK" and kind:
            override = _extended(reader, kind, size, override)
            continue
        name = override.pop("path", None) or _header_name(header)
        target = override.pop("linkpath", None) or _text(header[157:257])
        if override.pop("size", str(size)) != str(size):
            raise _two(f"{name} has another size in its extended header")
        override = {}
        name = _checked(name, kind)
        if kind in _LINK_TYPES:
            _check_link(name, kind, target)
            if size:
                raise _two(f"the link {name} has content")
        elif kind == b"5" and size:
            raise _two(f"the folder {name} has content")
        elif kind not in _FILE_TYPES and kind != b"5":
            raise _type(f"{name} is {_REFUSED.get(kind, f'of the unknown type {kind!r}')}")
        keep = kind in _FILE_TYPES and wanted(name)
        if keep and size > TEXT_BYTES:
            raise RefusedArchiveError("archive-bomb", f"{name} has {size:,} bytes")
        content = _content(reader, size, keep=keep)
        yield Member(name=name, kind=kind, content=content if keep else None)


def _content(reader: _Reader, size: int, *, keep: bool) -> bytes:
    content = reader.take(size, keep=keep)
    padding = -size % _BLOCK
    if len(reader.take(padding)) != padding:
        raise RefusedArchiveError("archive-format", "the tar archive is cut off")
    return content


def _check_rest(reader: _Reader) -> None:
    while rest := reader.take(CHUNK):
        if rest.count(0) != len(rest):
            raise _two("there are members after the end mark of the tar archive")


def _check_sum(header: bytes) -> None:
    declared = _number(header[148:156])
    if sum(header[:148]) + 8 * 32 + sum(header[156:]) != declared:
        raise RefusedArchiveError("archive-format", "a tar header's checksum is wrong")


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    text = field.replace(b"\0", b" ").strip()
    try:
        return int(text or b"0", 8)
    except ValueError as error:
        raise RefusedArchiveError("archive-format", f"{field!r} is no number in a tar header") from error


def _text(field: bytes) -> str:
    try:
        return field.partition(b"\0")[0].decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedArchiveError("archive-member-name", f"the member name {field!r} is not UTF-8") from error


def _header_name(header: bytes) -> str:
    name = _text(header[:100])
    if header[257:263] == b"ustar\0" and (prefix := _text(header[345:500])):
        return f"{prefix}/{name}"
    return name


def _extended(reader: _Reader, kind: bytes, size: int, override: dict[str, str]) -> dict[str, str]:
    if size > _MAX_HEADER:
        raise RefusedArchiveError("archive-bomb", f"an extended header has {size:,} bytes")
    content = _content(reader, size, keep=True)
    if kind == b"L":
        return {**override, "path": _text(content)}
    if kind == b"K":
        return {**override, "linkpath": _text(content)}
    records = dict(_pax(content))
    if any(key.startswith("GNU.sparse") for key in records):
        raise _type("the archive has a sparse file")
    if kind == b"g":
        if records.keys() & {"path", "linkpath", "size"}:
            raise _two("a global header names or sizes every member")
        return override
    return {**override, **records}


def _pax(content: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(content):
        length, space, _ = content[at : at + 20].partition(b" ")
        if not space or not length.isdigit() or not 0 < int(length) <= len(content) - at:
            raise RefusedArchiveError("archive-format", "an extended header is malformed")
        record = content[at + len(length) + 1 : at + int(length) - 1]
        key, equals, value = record.partition(b"=")
        if not equals or b"\0" in key + value:
            raise RefusedArchiveError("archive-format", "an extended header is malformed")
        yield _text(key), _text(value)
        at += int(length)


def _checked(name: str, kind: bytes) -> str:
    plain = name.removeprefix("./").rstrip("/") if kind == b"5" else name.removeprefix("./")
    if kind == b"5" and plain in ("", "."):
        return "."
    check_member_name(plain)
    if kind != b"5" and plain.endswith("/"):
        raise RefusedArchiveError("archive-member-name", f"the file {name!r} has a folder's name")
    return plain


def _check_link(name: str, kind: bytes, target: str) -> None:
    """Refuse a link that could leave the root folder, wherever other links lead.

    Only leading `..` are allowed in a symbolic link: after another part, `..` would follow that part's link.
    """
    parts = target.removesuffix("/").split("/")
    up = next((n for n, part in enumerate(parts) if part != ".."), len(parts))
    depth = len(name.split("/")) - 1 if kind == b"2" else 0
    inside = up < depth if kind == b"2" else up == 0 and parts[0] == name.split("/", maxsplit=1)[0]
    if not inside or target.startswith("/") or "\\" in target or ".." in parts[up:] or not target or "" in parts:
        raise _type(f"the link {name} leads to {target!r}, which may leave the archive's folder")
