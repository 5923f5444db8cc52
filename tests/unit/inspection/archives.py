"""Wheels and sdists made byte by byte, so that every record can be wrong."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO

from index_builder.inspection.inspect import Inspection, inspect
from index_builder.model.filename import parse_filename

WHEEL_NAME = "acme_tools-1.2-py3-none-any.whl"
SDIST_NAME = "acme_tools-1.2.tar.gz"
INFO = "acme_tools-1.2.dist-info"
ROOT = "acme_tools-1.2"
METADATA = b"Metadata-Version: 2.1\nName: Acme.Tools\nVersion: 1.2\nRequires-Python: >=3.9\nRequires-Dist: six>=1\n\nHello.\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = b"[console_scripts]\nacme = acme_tools:main\n"
CODE = b"print('hello')\n" * 20
DESCRIPTOR, UTF8, ENCRYPTED = 1 << 3, 1 << 11, 1
STORED, DEFLATED = 0, 8
MAX16, MAX32 = 0xFFFF, 0xFFFFFFFF


def look(content: bytes, name: str) -> Inspection:
    """Inspect these bytes as a file of this name."""
    return inspect(BytesIO(content), len(content), parse_filename(name))


def rules(inspection: Inspection) -> list[tuple[str, bool]]:
    """Return each finding's rule id, and whether it is tolerated."""
    return [(finding.rule, finding.tolerated) for finding in inspection.findings]


def messages(inspection: Inspection) -> str:
    return "\n".join(finding.message for finding in inspection.findings)


# ZIP


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipMember:
    """One member; `local_*` is what the local header says where that is to differ from the central directory."""

    name: bytes
    content: bytes = CODE
    method: int = DEFLATED
    flags: int = 0
    mode: int = 0o100644
    packed: bytes | None = None
    crc: int | None = None
    declared: int | None = None
    local_name: bytes | None = None
    local_sizes: tuple[int, int, int] | None = None
    local_flags: int | None = None
    local_method: int | None = None
    local_extra: bytes = b""
    central_sizes: tuple[int, int] | None = None
    extra: bytes = b""
    comment: bytes = b""
    disk: int = 0
    shift: int = 0
    central_offset: int | None = None
    descriptor: bytes | None = None
    signature: bytes = b"PK\3\4"
    central_signature: bytes = b"PK\1\2"

    @property
    def data(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflate(self.content) if self.method == DEFLATED else self.content

    @property
    def sizes(self) -> tuple[int, int, int]:
        crc = zlib.crc32(self.content) if self.crc is None else self.crc
        return crc, len(self.data), len(self.content) if self.declared is None else self.declared

    def local(self) -> bytes:
        name = self.name if self.local_name is None else self.local_name
        sizes = self.local_sizes or ((0, 0, 0) if self.flags & DESCRIPTOR else self.sizes)
        flags = self.flags if self.local_flags is None else self.local_flags
        method = self.method if self.local_method is None else self.local_method
        header = struct.pack("<4s5H3L2H", self.signature, 20, flags, method, 0, 33, *sizes, len(name), len(self.local_extra))
        behind = b"PK\7\10" + struct.pack("<3L", *self.sizes) if self.flags & DESCRIPTOR else b""
        return header + name + self.local_extra + self.data + (behind if self.descriptor is None else self.descriptor)

    def central(self, offset: int) -> bytes:
        packed, unpacked = self.central_sizes or self.sizes[1:]
        at = offset + self.shift if self.central_offset is None else self.central_offset
        return struct.pack(
            "<4s6H3L5H2L", self.central_signature, 788, 20, self.flags, self.method, 0, 33, self.sizes[0], packed, unpacked,
            len(self.name), len(self.extra), len(self.comment), self.disk, 0, self.mode << 16, at,
        ) + self.name + self.extra + self.comment  # fmt: skip


def deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What the end record says where that is to differ from what is true."""

    count: int | None = None
    here: int | None = None
    length: int | None = None
    start: int | None = None
    disk: int = 0
    comment: bytes = b""
    signature: bytes = b"PK\5\6"


def zip_file(members: Iterable[ZipMember], end: End | None = None, *, between: bytes = b"", after: bytes = b"", wide: bytes = b"") -> bytes:
    """Join the records; `between` stands before the central directory, `after` behind it, `wide` are ZIP64 records."""
    end = end or End()
    body, directory, count = b"", b"", 0
    for member in members:
        directory += member.central(len(body))
        body += member.local()
        count += 1
    body += between
    total = count if end.count is None else end.count
    return body + directory + after + wide + struct.pack(
        "<4s4H2LH", end.signature, end.disk, 0, total if end.here is None else end.here, total,
        len(directory) if end.length is None else end.length, len(body) if end.start is None else end.start, len(end.comment),
    ) + end.comment  # fmt: skip


def zip64_file(members: list[ZipMember], end: End | None = None, **changes: int) -> bytes:
    """Return an archive with ZIP64 end records; `changes` names the fields that are to be wrong."""
    body = b"".join(member.local() for member in members)
    length = len(zip_file(members)) - len(body) - 22
    at = len(body) + length
    field = {
        "size": 44, "this_disk": 0, "first_disk": 0, "here": len(members), "count": len(members), "length": length,
        "start": len(body), "locator_disk": 0, "offset": at, "disks": 1, "signature": int.from_bytes(b"PK\6\6", "little"), **changes,
    }  # fmt: skip
    record = struct.pack(
        "<LQ2H2L4Q", field["signature"], field["size"], 45, 45, field["this_disk"], field["first_disk"],
        field["here"], field["count"], field["length"], field["start"],
    )  # fmt: skip
    locator = struct.pack("<4sLQL", b"PK\6\7", field["locator_disk"], field["offset"], field["disks"])
    return zip_file(members, end or End(count=MAX16, length=MAX32, start=MAX32), wide=record + locator)


def zip64_field(*numbers: int) -> bytes:
    return struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers)


# wheels


def record_row(name: str, content: bytes) -> str:
    digest = urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def record_of(members: Iterable[ZipMember], info: str = INFO) -> str:
    """Return the RECORD of these members."""
    rows = [record_row(member.name.decode(), member.content) for member in members if not member.name.endswith(b"/")]
    return "".join(rows) + f"{info}/RECORD,,\n"


def wheel_members(
    extra: Iterable[ZipMember] = (), *, metadata: bytes | None = METADATA, wheel: bytes | None = WHEEL, record: bytes | None = b"",
    entry_points: bytes | None = ENTRY_POINTS, info: str = INFO,
) -> list[ZipMember]:  # fmt: skip
    """Return a wheel's members; None leaves a file out, and an empty RECORD stands for the right one."""
    texts = {"METADATA": metadata, "WHEEL": wheel, "entry_points.txt": entry_points}
    members = [ZipMember(name=b"acme_tools/__init__.py"), ZipMember(name=b"acme_tools/code.py", method=STORED), *extra]
    members += [ZipMember(name=f"{info}/{name}".encode(), content=text) for name, text in texts.items() if text is not None]
    if record is not None:
        content = record or record_of(members, info).encode()
        members.append(ZipMember(name=f"{info}/RECORD".encode(), content=content))
    return members


def wheel(extra: Iterable[ZipMember] = (), **parts: bytes | str | None) -> bytes:
    return zip_file(wheel_members(extra, **parts))


def wheel_with(position: int = 0, /, **changes: object) -> bytes:
    """Return the good wheel with one member changed after RECORD was made."""
    members = wheel_members()
    members[position] = replace(members[position], **changes)
    return zip_file(members)


# tar


@dataclass(frozen=True, slots=True, kw_only=True)
class TarMember:
    """One header and its content; `size` where it is to be wrong."""

    name: bytes
    content: bytes = b""
    kind: bytes = b"0"
    target: bytes = b""
    size: int | bytes | None = None
    magic: bytes = b"ustar\x0000"
    prefix: bytes = b""
    mtime: bytes = b"00000000000\0"
    checksum: bytes | None = None

    def block(self) -> bytes:
        size = len(self.content) if self.size is None else self.size
        number = size if isinstance(size, bytes) else b"%011o\0" % size
        fields = [
            self.name.ljust(100, b"\0"), b"0000644\0", b"0000000\0", b"0000000\0", number, self.mtime, b" " * 8, self.kind,
            self.target.ljust(100, b"\0"), self.magic.ljust(8, b"\0"), bytes(64), bytes(16), self.prefix.ljust(155, b"\0"), bytes(12),
        ]  # fmt: skip
        header = b"".join(fields)
        checksum = b"%06o\0 " % sum(header) if self.checksum is None else self.checksum
        return header[:148] + checksum + header[156:] + self.content + bytes(-len(self.content) % 512)


def pax(kind: bytes = b"x", *records: tuple[bytes, bytes]) -> TarMember:
    """Return an extended header with these records."""
    return TarMember(name=b"PaxHeaders/x", kind=kind, content=b"".join(pax_record(key, value) for key, value in records))


def pax_record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return str(length).encode() + rest


def tar_file(members: Iterable[TarMember], end: bytes = bytes(1024)) -> bytes:
    return b"".join(member.block() for member in members) + end


def sdist_members(*extra: TarMember, pkg_info: bytes | None = METADATA) -> list[TarMember]:
    members = [TarMember(name=b"acme_tools-1.2/", kind=b"5"), TarMember(name=b"acme_tools-1.2/setup.py", content=CODE)]
    if pkg_info is not None:
        members.append(TarMember(name=b"acme_tools-1.2/PKG-INFO", content=pkg_info))
    return [*members, *extra]


def gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def sdist(*extra: TarMember, pkg_info: bytes | None = METADATA, end: bytes = bytes(1024)) -> bytes:
    return gz(tar_file(sdist_members(*extra, pkg_info=pkg_info), end))


def zip_sdist(*extra: ZipMember) -> bytes:
    return zip_file([ZipMember(name=b"acme_tools-1.2/PKG-INFO", content=METADATA), ZipMember(name=b"acme_tools-1.2/setup.py"), *extra])
