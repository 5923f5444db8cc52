"""An sdist: one root folder with one PKG-INFO, read from the stream.

Source: the source distribution format specification, PEP 625 and PEP 643.
"""

from __future__ import annotations

from typing import BinaryIO

from index_builder.inspection.finding import Finding, RefusedArchiveError
from index_builder.inspection.metadata import CoreMetadata, check_metadata
from index_builder.inspection.tararchive import members
from index_builder.inspection.ziparchive import Archive
from index_builder.model.filename import FileName

_ZIP_END = b"PK\5\6"
_ZIP_END_LENGTH = 22
_ZIP_COMMENT = 0xFFFF


def inspect_sdist(stream: BinaryIO, size: int, name: FileName) -> tuple[CoreMetadata, list[Finding]]:
    """Return an sdist's core metadata and findings; raises RefusedArchiveError for one that is not read further."""
    findings = [Finding(rule="sdist-name", message=name.legacy, tolerated=True)] if name.legacy else []
    content = _from_zip(stream, size) if name.suffix == ".zip" else _from_tar(stream, size, name)
    metadata, found = check_metadata(content, name, "PKG-INFO")
    return metadata, findings + found


def _is_pkg_info(path: str) -> bool:
    return path.count("/") == 1 and path.endswith("/PKG-INFO")


def _from_zip(stream: BinaryIO, size: int) -> bytes:
    archive = Archive(stream, size)
    found = b""
    for member in archive.members:
        if _is_pkg_info(member.name):
            found = archive.read(member)
        for _ in archive.chunks(member):
            pass
    return _one_root({member.name.split("/")[0] for member in archive.members}, found)


def _ends_as_zip(stream: BinaryIO, size: int) -> bool:
    """Say whether a ZIP end record could be seen where readers look for it.

    pip unpacks as a ZIP what `zipfile.is_zipfile` takes for one, whatever it is called. That function became stricter
    over the years; this is its laxest form, the same under every Python.
    """
    stream.seek(max(size - _ZIP_COMMENT - _ZIP_END_LENGTH, 0))
    tail = stream.read()
    return 0 <= tail.rfind(_ZIP_END) <= len(tail) - _ZIP_END_LENGTH


def _from_tar(stream: BinaryIO, size: int, name: FileName) -> bytes:
    if _ends_as_zip(stream, size):
        raise RefusedArchiveError("archive-two-readings", "the file can be read as a ZIP archive too")
    roots: set[str] = set()
    found = b""
    for member in members(stream, size, name.suffix, _is_pkg_info):
        if member.name != ".":
            roots.add(member.name.split("/")[0])
        found = member.content or found
    return _one_root(roots, found)


def _one_root(roots: set[str], pkg_info: bytes) -> bytes:
    if len(roots) != 1:
        said = ", ".join(sorted(roots)[:3]) or "nothing"
        raise RefusedArchiveError("sdist-layout", f"an sdist has one root folder; this one has {said}")
    if not pkg_info:
        raise RefusedArchiveError("sdist-layout", "there is no PKG-INFO in the root folder")
    return pkg_info
