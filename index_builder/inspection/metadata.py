"""Core metadata, parsed with packaging, and what makes it unusable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser

from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from index_builder.inspection.finding import Finding, RefusedArchiveError
from index_builder.model.filename import FileName
from index_builder.model.names import NormalizedName

_SINGLE = ("name", "version", "metadata-version", "requires-python")
#: Far above real files; packaging's reading takes (fields x kinds of fields) steps, and recurses by brackets.
_MAX_FIELDS = 20_000
_MAX_KINDS = 200
_MAX_BRACKETS = 50
#: Descriptions with pictures in them are long, in lines of any length; the e-mail parser needs memory for each line.
_MAX_BYTES = 8 * 1024 * 1024
_MAX_LINE_ENDS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreMetadata:
    """A METADATA or PKG-INFO file: its bytes, and packaging's reading of them."""

    content: bytes
    raw: RawMetadata

    @property
    def requires_python(self) -> str:
        """Requires-Python as it is written, or ''."""
        return self.raw.get("requires_python", "")


def parse_metadata(content: bytes) -> CoreMetadata:
    """Read core metadata bytes that were already found good; raises nothing."""
    raw, _ = parse_email(content)
    return CoreMetadata(content=content, raw=raw)


def check_metadata(content: bytes, name: FileName, where: str) -> tuple[CoreMetadata, list[Finding]]:
    """Read METADATA or PKG-INFO (called `where` in messages) of the file `name`, with what is wrong in it.

    Source: core metadata specification 2.4; raises RefusedArchiveError for bytes that are no text.
    """
    if len(content) > _MAX_BYTES or content.count(b"\n") + content.count(b"\r") > _MAX_LINE_ENDS:
        raise RefusedArchiveError("metadata-invalid", f"{where} has more than {_MAX_BYTES:,} bytes, or {_MAX_LINE_ENDS:,} line ends")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{where} is not UTF-8, at byte {error.start}"
        raise RefusedArchiveError("metadata-invalid", message) from error
    if "\0" in text:
        raise RefusedArchiveError("metadata-invalid", f"{where} has a NUL character")
    _check_fields(content, where)
    raw, unparsed = parse_email(content)
    findings = [
        Finding(rule="metadata-invalid", message=f"{where} has {key.title()} twice, or in a form that cannot be read")
        for key in _SINGLE
        if key in unparsed
    ]
    findings += _identity(raw, name, where) if not findings else []
    findings += _specifiers(raw, where)
    return CoreMetadata(content=content, raw=raw), findings


def _check_fields(content: bytes, where: str) -> None:
    """Refuse fields that make a message of parts, which only some readers would take apart, and too many of them."""
    fields = BytesHeaderParser().parsebytes(content)
    if fields.get_content_maintype() in ("multipart", "message"):
        raise RefusedArchiveError("metadata-invalid", f"{where} is a message in parts, by its Content-Type")
    if len(fields) > _MAX_FIELDS or len({key.lower() for key in fields.keys()}) > _MAX_KINDS:  # noqa: SIM118
        raise RefusedArchiveError("metadata-invalid", f"{where} has more than {_MAX_FIELDS:,} fields, or {_MAX_KINDS} kinds of them")


def _identity(raw: RawMetadata, name: FileName, where: str) -> Iterator[Finding]:
    for key in ("metadata_version", "name", "version"):
        if not raw.get(key):
            yield Finding(rule="metadata-invalid", message=f"{where} has no {key.replace('_', '-').title()}")
    if written := raw.get("name"):
        try:
            same = NormalizedName.of(written) == name.project
        except ValueError:
            same = False
        if not same:
            yield Finding(rule="metadata-name", message=f"{where} is of the project {written!r}, the file name says {name.project}")
    if written := raw.get("version"):
        try:
            same = Version(written) == name.version
        except ValueError:
            same = False
        if not same:
            yield Finding(rule="metadata-name", message=f"{where} is of version {written!r}, the file name says {name.version}")


def _specifiers(raw: RawMetadata, where: str) -> Iterator[Finding]:
    try:
        SpecifierSet(raw.get("requires_python", ""))
    except ValueError as error:
        yield Finding(rule="metadata-invalid", message=f"{where}: Requires-Python: {error}")
    for text in raw.get("requires_dist", []):
        try:
            _check_brackets(text)
            Requirement(text)
        except ValueError as error:
            first = str(error).partition("\n")[0]
            yield Finding(rule="metadata-invalid", message=f"{where}: Requires-Dist: {text!r}: {first}")


def _check_brackets(text: str) -> None:
    if text.count("(") > _MAX_BRACKETS:
        raise ValueError(f"more than {_MAX_BRACKETS} brackets")
