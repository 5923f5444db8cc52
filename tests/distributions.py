"""Wheels and sdists made in memory, the same bytes for the same arguments."""

import base64
import hashlib
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Sequence

EPOCH = (2020, 2, 2, 0, 0, 0)


def metadata(
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    requires_python: str = "",
    extras: Sequence[str] = (),
    summary: str = "",
    headers: Sequence[str] = (),
    license_: str = "",
    readme: str = "A project for tests.\n",
) -> bytes:
    form = "2.4" if license_ else "2.1"  # PEP 639 came with 2.4
    lines = [f"Metadata-Version: {form}", f"Name: {name}", f"Version: {version}", f"Summary: {summary or f'{name} for tests'}", *headers]
    lines += [f"License-Expression: {license_}"] if license_ else []
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {text}" for text in requires]
    return ("\n".join(lines) + f"\n\n{readme}").encode()


def wheel(name: str, version: str, *, tag: str = "py3-none-any", body: str = "", **facts) -> tuple[str, bytes]:
    """Return a wheel's file name and bytes; it holds one module that says its version."""
    stem = f"{name.lower().replace('-', '_').replace('.', '_')}-{version}"
    module = stem.split("-", maxsplit=1)[0]
    info = f"{stem}.dist-info"
    members = {
        f"{module}/__init__.py": f'version = "{version}"\n{body}'.encode(),
        f"{info}/METADATA": metadata(name, version, **facts),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    rows = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in members.items()]
    members[f"{info}/RECORD"] = ("\n".join([*rows, f"{info}/RECORD,,"]) + "\n").encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in members.items():
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return f"{stem}-{tag}.whl", buffer.getvalue()


def sdist(name: str, version: str, *, setup: str = "", **facts) -> tuple[str, bytes]:
    """Return an sdist's file name and bytes; `setup` is the text of its setup.py."""
    stem = f"{name.lower().replace('-', '_').replace('.', '_')}-{version}"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in (("PKG-INFO", metadata(name, version, **facts)), ("setup.py", setup.encode())):
            entry = tarfile.TarInfo(f"{stem}/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return f"{stem}.tar.gz", stored_gzip(buffer.getvalue())


def stored_gzip(content: bytes) -> bytes:
    """Return a gzip file of stored blocks: zlib's compressed bytes differ from one build of Python to another."""
    blocks = [content[n : n + 0xFFFF] for n in range(0, len(content), 0xFFFF)] or [b""]
    body = b"".join(struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ 0xFFFF) + block for block in blocks)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return head + body + struct.pack("<LL", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
