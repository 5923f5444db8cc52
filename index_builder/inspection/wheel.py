"""A wheel: its .dist-info folder, RECORD, tags and entry points.

Source: the binary distribution format specification and PEP 376 for RECORD.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.parser import HeaderParser
from math import prod
from typing import BinaryIO

from packaging.tags import Tag, parse_tag

from index_builder.inspection.entrypoints import check_entry_points
from index_builder.inspection.finding import Finding, RefusedArchiveError
from index_builder.inspection.layout import check_layout
from index_builder.inspection.metadata import CoreMetadata, check_metadata
from index_builder.inspection.record import check_record, most_bytes
from index_builder.inspection.ziparchive import Archive, Member
from index_builder.model.filename import FileName

#: WHEEL and entry_points.txt are a few lines.
_MAX_TEXT = 1024 * 1024
#: A file name has room for fewer; a compressed tag of 1 MiB would make more than any memory holds.
_MAX_TAGS = 100_000


def inspect_wheel(stream: BinaryIO, size: int, name: FileName) -> tuple[CoreMetadata, list[Finding]]:
    """Return a wheel's core metadata and findings; raises RefusedArchiveError for one that is not read further."""
    archive = Archive(stream, size)
    members = {member.name: member for member in archive.members}
    folder = check_layout(archive, name)
    findings: list[Finding] = []
    if any(member.descriptor for member in archive.members):
        findings.append(Finding(rule="wheel-data-descriptor", message="sizes stand behind the members' data", tolerated=True))
    wheel = _text(archive, members, f"{folder}/WHEEL")
    record = _text(archive, members, f"{folder}/RECORD", most_bytes(archive))
    metadata, found = check_metadata(archive.read(_needed(members, f"{folder}/METADATA")), name, "METADATA")
    findings += found
    findings += _check_tags(wheel, name)
    if (path := f"{folder}/entry_points.txt") in members:
        findings += check_entry_points(_text(archive, members, path))
    findings += check_record(archive, record, folder)
    return metadata, findings


def _needed(members: dict[str, Member], path: str) -> Member:
    member = members.get(path)
    if member is None:
        folder, _, part = path.partition("/")
        raise RefusedArchiveError("wheel-dist-info", f"{folder} has no {part}")
    return member


def _text(archive: Archive, members: dict[str, Member], path: str, most: int = _MAX_TEXT) -> str:
    try:
        return archive.read(_needed(members, path), most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedArchiveError("wheel-dist-info", f"{path} is not UTF-8") from error


def _check_tags(text: str, name: FileName) -> Iterator[Finding]:
    headers = HeaderParser().parsestr(text)
    version = str(headers.get("Wheel-Version", ""))
    if version.partition(".")[0] != "1":
        yield Finding(rule="wheel-dist-info", message=f"WHEEL has the version {version!r}, installers read 1.x")
    written = [str(tag) for tag in headers.get_all("Tag", [])]
    if _tags(written) != name.tags:
        message = f"WHEEL has the tags {', '.join(sorted(written)) or 'none'}; the file name says otherwise"
        yield Finding(rule="wheel-tags", message=message, tolerated=True)


def _tags(written: list[str]) -> frozenset[Tag]:
    """Return the tags, or none where they are no tags or too many."""
    if sum(prod(part.count(".") + 1 for part in text.split("-")) for text in written) > _MAX_TAGS:
        return frozenset()
    try:
        return frozenset(tag for text in written for tag in parse_tag(text))
    except ValueError:
        return frozenset()
