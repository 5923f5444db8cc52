"""A wheel: its .dist-info folder, RECORD, tags and entry points.

Source: the binary distribution format specification and PEP 376 for RECORD.
"""

from __future__ import annotations

import csv
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from email.parser import HeaderParser
from io import StringIO
from math import prod
from re import IGNORECASE
from re import compile as regex
from typing import BinaryIO

from packaging.tags import Tag, parse_tag
from packaging.version import InvalidVersion, Version

from index_builder.inspection.finding import Finding, RefusedArchiveError
from index_builder.inspection.metadata import CoreMetadata, check_metadata
from index_builder.inspection.ziparchive import Archive, Member
from index_builder.model.filename import FileName
from index_builder.model.names import NormalizedName

_SCRIPT = regex(r"(?!\.+$)[\w.-]+")
#: A file name has room for fewer; a compressed tag of 32 MiB would make more than any memory holds.
_MAX_TAGS = 100_000
#: Where a wheel's .data folder puts files beside the .dist-info folder.
_DATA = regex(r"[^/]+\.data/(?:purelib|platlib)/([^/]+\.dist-info)/.*", IGNORECASE)
_HASHES = ("sha256", "sha384", "sha512")
_UNRECORDED = ("RECORD", "RECORD.jws", "RECORD.p7s")


class _EntryPoints(ConfigParser):
    """Names of entry points may differ in case alone."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def inspect_wheel(stream: BinaryIO, size: int, name: FileName) -> tuple[CoreMetadata, list[Finding]]:
    """Return a wheel's core metadata and findings; raises RefusedArchiveError for one that is not read further."""
    archive = Archive(stream, size)
    members = {member.name: member for member in archive.members}
    folder = _dist_info(archive, name)
    findings: list[Finding] = []
    if any(member.descriptor for member in archive.members):
        findings.append(Finding(rule="wheel-data-descriptor", message="sizes stand behind the members' data", tolerated=True))
    texts = {part: _text(archive, members, folder, part) for part in ("WHEEL", "RECORD")}
    metadata, found = check_metadata(archive.read(_needed(members, folder, "METADATA")), name, "METADATA")
    findings += found
    findings += _check_tags(texts["WHEEL"], name)
    findings += _check_entry_points(archive, members, folder)
    findings += _check_record(archive, texts["RECORD"], folder)
    return metadata, findings


def _dist_info(archive: Archive, name: FileName) -> str:
    tops = {member.name.split("/")[0] for member in archive.members if "/" in member.name}
    folders = sorted(top for top in tops if top.casefold().endswith(".dist-info"))
    if len(folders) != 1:
        said = " and ".join(folders) if folders else "none"
        raise RefusedArchiveError("wheel-dist-info", f"a wheel has one .dist-info folder; this one has {said}")
    folder = folders[0]
    written, _, version = folder[: -len(".dist-info")].rpartition("-")
    expected = name.text.split("-")[1]
    try:
        same = NormalizedName.of(written) == name.project and _same_version(version, expected)
    except ValueError:
        same = False
    if not same or not folder.endswith(".dist-info"):
        raise RefusedArchiveError("wheel-dist-info", f"the folder {folder} is not named after {name.project} {name.version}")
    inside = [member.name.casefold() for member in archive.members if member.name.startswith(folder + "/")]
    if len(set(inside)) != len(inside):
        raise RefusedArchiveError("wheel-dist-info", f"names in {folder} differ only in case")
    if hidden := next((member.name for member in archive.members if _DATA.fullmatch(member.name)), ""):
        raise RefusedArchiveError("wheel-dist-info", f"{hidden} would be installed as a second .dist-info folder, or over the first")
    return folder


def _same_version(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return Version(one.replace("_", "-")) == Version(other)
    except InvalidVersion:
        return False


def _needed(members: dict[str, Member], folder: str, part: str) -> Member:
    member = members.get(f"{folder}/{part}")
    if member is None:
        raise RefusedArchiveError("wheel-dist-info", f"{folder} has no {part}")
    return member


def _text(archive: Archive, members: dict[str, Member], folder: str, part: str) -> str:
    try:
        return archive.read(_needed(members, folder, part)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedArchiveError("wheel-dist-info", f"{folder}/{part} is not UTF-8") from error


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


def _check_entry_points(archive: Archive, members: dict[str, Member], folder: str) -> Iterator[Finding]:
    if f"{folder}/entry_points.txt" not in members:
        return
    parser = _EntryPoints(delimiters=("=",), strict=True, interpolation=None)
    try:
        parser.read_string(_text(archive, members, folder, "entry_points.txt"))
    except ConfigParserError as error:
        message = f"entry_points.txt cannot be parsed: {str(error).partition(chr(10))[0]}"
        yield Finding(rule="wheel-entry-points", message=message)
        return
    for section in ("console_scripts", "gui_scripts"):
        for script in parser[section] if parser.has_section(section) else ():
            if not _SCRIPT.fullmatch(script):
                yield Finding(rule="wheel-entry-points", message=f"the script name {script!r} has more than letters, digits and '._-'")


def _check_record(archive: Archive, text: str, folder: str) -> Iterator[Finding]:
    try:
        rows = list(csv.reader(StringIO(text), strict=True))
    except csv.Error as error:
        yield Finding(rule="wheel-record", message=f"RECORD cannot be parsed: {error}")
        return
    recorded: dict[str, list[str]] = {}
    for row in rows:
        if not row:
            continue
        if len(row) != 3 or row[0] in recorded:  # noqa: PLR2004 - path, hash, size
            what = "twice" if row[0] in recorded else "in a row that is not path, hash, size"
            yield Finding(rule="wheel-record", message=f"RECORD has {row[0]!r} {what}", tolerated=True)
        recorded[row[0]] = row
    for member in archive.members:
        if member.is_folder or member.name in [f"{folder}/{name}" for name in _UNRECORDED]:
            recorded.pop(member.name, None)
            # Its bytes are read all the same: a bad checksum is found wherever it is.
            for _ in archive.chunks(member):
                pass
            continue
        yield from _check_row(archive, member, recorded.pop(member.name, None))
    for name in sorted(recorded):
        yield Finding(rule="wheel-record", message=f"RECORD lists {name!r}, which is not in the wheel", tolerated=True)


def _check_row(archive: Archive, member: Member, row: list[str] | None) -> Iterator[Finding]:
    algorithm, _, expected = (row[1] if row and len(row) > 1 else "").partition("=")
    hashing = hashlib.new(algorithm if algorithm in _HASHES else "sha256")
    for chunk in archive.chunks(member):
        hashing.update(chunk)
    digest = urlsafe_b64encode(hashing.digest()).rstrip(b"=").decode()
    if row is None:
        yield Finding(rule="wheel-record", message=f"RECORD does not list {member.name}", tolerated=True)
    elif algorithm not in _HASHES:
        yield Finding(rule="wheel-record", message=f"RECORD has no SHA-2 digest of {member.name}", tolerated=True)
    elif digest != expected.rstrip("=") or any(size not in ("", str(member.unpacked)) for size in row[2:3]):
        yield Finding(rule="wheel-record", message=f"{member.name} is not what RECORD says", tolerated=True)
