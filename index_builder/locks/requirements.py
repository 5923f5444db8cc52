"""requirements.txt, with `--hash` kept. Source: pip's documentation of the requirements file format.

No kept library reads it from bytes: pip's own reader is private, and its copies outside pip read files by themselves.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from index_builder.errors import SourceError
from index_builder.locks.digests import sha256_from
from index_builder.model.filename import parse_filename
from index_builder.model.lock import Lock, Locked
from index_builder.model.names import Sha256
from index_builder.model.requirement import parse_requirement

#: The path of another file -> its bytes.
Include = Callable[[str], bytes]

_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#.*$")
#: A short option may have its value glued to it, as pip reads it.
_OPTION: Final = re.compile(r"(?:(-[a-zA-Z])\s*=?\s*|(--[a-z-]+)(?:\s*=\s*|\s+|$))(.*)")
_OTHER_FILE: Final = {"-r": False, "--requirement": False, "-c": True, "--constraint": True}
_EDITABLE: Final = ("-e", "--editable")
_FROM: Final = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")
#: Options that say how an installer installs, and nothing of what or where from.
_INSTALLING: Final = ("--no-binary", "--only-binary", "--prefer-binary", "--require-hashes", "--trusted-host", "--use-feature")
_FIX: Final = "write NAME==VERSION, one a line"
_MOST_FILES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One requirement of a file: its text without comment and options, its `--hash` values, and where it stands."""

    where: str
    text: str
    hashes: tuple[str, ...] = ()
    is_constraint: bool
    is_editable: bool = False

    @property
    def address(self) -> str:
        """What the requirement is at, where it says so; otherwise all of it but the marker."""
        found = re.match(r"[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?\s*@\s*(.*)", self.text)
        return (found[1] if found else self.text).partition(" ;")[0].strip()

    @property
    def is_elsewhere(self) -> bool:
        """Whether it names a checkout or a local file: what neither an index nor a URL has."""
        plain = self.address.partition(";")[0]
        return bool(re.match(r"(\.|/|file:|[a-z]+\+)", plain)) or (":" not in plain and "/" in plain)

    @property
    def name(self) -> str:
        """The project, for people and --exclude; the line itself where it names none."""
        found = re.match(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*@", self.text) or re.search(r"#egg=([A-Za-z0-9._-]+)", self.text)
        return found[1] if found else self.text


@dataclass(slots=True)
class _Reading:
    """What was met on the way through the files: which were read, and the indexes that they name."""

    include: Include
    seen: set[tuple[str, bool]] = field(default_factory=set)
    indexes: list[str] = field(default_factory=list)


def read_requirements(path: str, content: bytes, include: Include) -> Lock:
    """Return what a requirements.txt asks for, and the files that it names with -r, as those named with -c allow.

    Markers are passed over: an index is there for every environment. Raises SourceError.
    """
    reading = _Reading(include)
    found = list(_lines(path, content, reading, (), is_constraint=False))
    allowed: dict[str, SpecifierSet] = {}
    for line in (line for line in found if line.is_constraint and not line.is_elsewhere):
        limit = _requirement(line)
        name = canonicalize_name(limit.name)
        allowed[name] = allowed.get(name, SpecifierSet()) & limit.specifier
    entries: list[Locked] = []
    itself: list[str] = []
    unusable: list[tuple[str, str]] = []
    for line in (line for line in found if not line.is_constraint):
        if line.is_editable and line.text in (".", "./"):
            itself.append(line.text)
        elif line.is_editable or line.is_elsewhere:
            unusable.append((line.name, line.text))
        else:
            entries.append(_entry(line, allowed, ", ".join(dict.fromkeys(reading.indexes))))
    return Lock(entries=tuple(entries), itself=tuple(itself), unusable=tuple(unusable))


def _lines(path: str, content: bytes, reading: _Reading, above: tuple[str, ...], *, is_constraint: bool) -> Iterator[_Line]:
    if path in above:
        msg = f"{path} includes itself"
        raise SourceError(msg, fix="break the circle of -r and -c lines")
    if (path, is_constraint) in reading.seen:
        return
    reading.seen.add((path, is_constraint))
    if len(reading.seen) > _MOST_FILES:
        msg = f"{path} is the {_MOST_FILES}th file that is included"
        raise SourceError(msg, fix="join some of them")
    for number, text in _logical_lines(path, content):
        where = f"{path}, line {number}"
        option = _OPTION.match(text) if text.startswith("-") else None
        if option is None:
            words, *options = re.split(r"\s(?=--?[a-z])", text)
            hashes = tuple(value for name, value in (_option(part) for part in options) if name == "--hash")
            yield _Line(where=where, text=words.strip(), hashes=hashes, is_constraint=is_constraint)
            continue
        name, value = option[1] or option[2], option[3].strip().strip("\"'")
        if name in _EDITABLE:
            yield _Line(where=where, text=value, is_constraint=is_constraint, is_editable=True)
        elif name in _OTHER_FILE:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), value))
            deeper = is_constraint or _OTHER_FILE[name]
            yield from _lines(other, reading.include(other), reading, (*above, path), is_constraint=deeper)
        elif name in _FROM:
            reading.indexes.append(value)
        elif name not in _INSTALLING:
            msg = f"{where}: the option {name} is not understood here"
            raise SourceError(msg, fix="take the line out, if it says nothing of which files are meant")


def _logical_lines(path: str, content: bytes) -> Iterator[tuple[int, str]]:
    """Yield lines without comments, those that end in a backslash joined, each with the number of its first line."""
    try:
        physical = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8"
        raise SourceError(msg, fix="save it as UTF-8") from error
    begun, parts = 0, []
    for number, line in enumerate([*physical, ""], start=1):
        begun = begun or number
        # A comment line is no continuation, even where it ends in a backslash.
        continues = line.endswith("\\") and not line.lstrip().startswith("#")
        parts.append(line.removesuffix("\\") if continues else _COMMENT.sub("", line))
        if not continues:
            text = " ".join(part.strip() for part in parts).strip()
            if text:
                yield begun, text
            begun, parts = 0, []


def _option(text: str) -> tuple[str, str]:
    found = _OPTION.fullmatch(text.strip())
    return (found[1] or found[2], found[3].strip()) if found else ("", "")


def _entry(line: _Line, allowed: Mapping[str, SpecifierSet], registry: str) -> Locked:
    requirement = _requirement(line)
    url, _, fragment = (requirement.url or "").partition("#")
    requirement.url, requirement.marker = None, None
    requirement.specifier &= allowed.get(canonicalize_name(requirement.name), SpecifierSet())
    digests = {sha256_from(text, line.where) for text in line.hashes if text.startswith("sha256:")}
    if line.hashes and not digests:
        sha256_from(line.hashes[0], line.where)
    if in_url := _in_fragment(fragment, line.where):
        if digests and not digests & in_url:
            msg = f"{line.where}: the URL and --hash name different digests"
            raise SourceError(msg, fix="find out which is right")
        digests = in_url
    return Locked(requirement=requirement, digests=frozenset(digests), url=url, registry="" if url else registry)


def _in_fragment(fragment: str, where: str) -> set[Sha256]:
    """Return the digest of a URL's fragment; raises SourceError where it has one of another kind only."""
    kinds = {kind: value for kind, _, value in (part.partition("=") for part in fragment.split("&")) if re.fullmatch("sha[0-9]+|md5", kind)}
    if not kinds:
        return set()
    kind = "sha256" if "sha256" in kinds else next(iter(kinds))
    return {sha256_from(f"{kind}:{kinds[kind]}", where)}


def _requirement(line: _Line) -> Requirement:
    """Return a line as a requirement; a bare URL of a wheel or sdist is one too. Raises SourceError."""
    try:
        if re.match("https?://", line.text):
            name = parse_filename(unquote(urlsplit(line.text).path.rpartition("/")[2]))
            return parse_requirement(f"{name.project} @ {line.text}")
        return parse_requirement(line.text)
    except ValueError as error:
        msg = f"{line.where}: {line.text[:80]!r} is not a requirement: {error}"
        raise SourceError(msg, fix=_FIX) from error
