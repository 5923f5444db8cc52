"""RECORD: every member of a wheel with its digest.

Source: the specification "Recording installed projects", and PEP 376.
"""

from __future__ import annotations

import csv
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from typing import Final

from index_builder.inspection.finding import Finding, RefusedArchiveError
from index_builder.inspection.ziparchive import Archive, Member

_HASHES = ("sha256", "sha384", "sha512")
_UNRECORDED = ("RECORD", "RECORD.jws", "RECORD.p7s")
#: RECORD may have two rows a member (empty ones count) and these, and so many bytes a row beside two of its name.
_SPARE_ROWS: Final = 1000
_ROW_BYTES: Final = 400
#: A wheel with a poor RECORD has a finding for each member: the first speak for the rest.
_MAX_FINDINGS: Final = 1000


def most_bytes(archive: Archive) -> int:
    """Return how long RECORD may be: its rows are those of the members, and some more."""
    return _SPARE_ROWS * _ROW_BYTES + sum(2 * len(member.name.encode()) + _ROW_BYTES for member in archive.members)


def check_record(archive: Archive, text: str, folder: str) -> list[Finding]:
    """Return where members and RECORD differ; raises RefusedArchiveError for bytes that the archive does not declare."""
    found = _differences(archive, text, folder)
    findings = list(islice(found, _MAX_FINDINGS))
    # The members' bytes are read to the last all the same.
    for _ in found:
        pass
    return findings


def _differences(archive: Archive, text: str, folder: str) -> Iterator[Finding]:
    most_rows = 2 * len(archive.members) + _SPARE_ROWS
    try:
        rows = list(islice(csv.reader(StringIO(text), strict=True), most_rows + 1))
    except csv.Error as error:
        yield Finding(rule="wheel-record", message=f"RECORD cannot be parsed: {error}")
        return
    if len(rows) > most_rows:
        raise RefusedArchiveError("archive-bomb", f"RECORD has more than {most_rows:,} rows for {len(archive.members):,} members")
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
