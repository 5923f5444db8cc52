"""requirements.txt, with `--hash` kept. Source: pip's documentation of the requirements file format.

No kept library reads it from bytes: pip's own reader is private, and its copies outside pip read files by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from index_builder.errors import SourceError
from index_builder.locks.digests import sha256_from
from index_builder.model.filename import parse_filename
from index_builder.model.lock import Lock, Locked
from index_builder.model.names import Sha256

#: The path of another file -> its bytes.
Include = Callable[[str], bytes]

_COMMENT: Final = re.compile(r"(^|\s+)#.*$")
_OPTION: Final = re.compile(r"(--?[A-Za-z-]+)(?:[= ]\s*(.*))?")
_OTHER_FILE: Final = {"-r": False, "--requirement": False, "-c": True, "--constraint": True}
_EDITABLE: Final = ("-e", "--editable")
_FIX: Final = "write NAME==VERSION, one a line"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One requirement of a file: its text without comment and options, its `--hash` values, and where it stands."""

    where: str
    text: str
    hashes: tuple[str, ...]
    is_constraint: bool
    is_editable: bool


def read_requirements(path: str, content: bytes, include: Include) -> Lock:
    """Return what a requirements.txt asks for, and the files that it names with -r, as those named with -c allow.

    Markers are passed over: an index is there for every environment. So are options that say where or how an installer
    installs. Raises SourceError.
    """
    found = list(_lines(path, content, include, (), is_constraint=False))
    allowed: dict[str, SpecifierSet] = {}
    for line in (line for line in found if line.is_constraint):
        limit = _requirement(line)
        name = canonicalize_name(limit.name)
        allowed[name] = allowed.get(name, SpecifierSet()) & limit.specifier
    entries: list[Locked] = []
    itself: list[str] = []
    unusable: list[tuple[str, str]] = []
    for line in (line for line in found if not line.is_constraint):
        if line.is_editable and "://" not in line.text:
            itself.append(line.text)
        elif line.is_editable or _is_elsewhere(line.text):
            unusable.append((_name(line.text), line.text))
        else:
            entries.append(_entry(line, allowed))
    return Lock(entries=tuple(entries), itself=tuple(itself), unusable=tuple(unusable))


def _lines(path: str, content: bytes, include: Include, above: tuple[str, ...], *, is_constraint: bool) -> Iterator[_Line]:
    if path in above:
        msg = f"{path} includes itself"
        raise SourceError(msg, fix="break the circle of -r and -c lines")
    for number, text in _logical_lines(path, content):
        where = f"{path}, line {number}"
        option = _OPTION.match(text)
        if option is None:
            words, *options = re.split(r"\s(?=--?[a-z])", text)
            hashes = tuple(value for name, value in (_option(part) for part in options) if name == "--hash")
            yield _Line(where=where, text=words.strip(), hashes=hashes, is_constraint=is_constraint, is_editable=False)
        elif option[1] in _EDITABLE:
            yield _Line(where=where, text=(option[2] or "").strip(), hashes=(), is_constraint=is_constraint, is_editable=True)
        elif option[1] in _OTHER_FILE:
            name = (option[2] or "").strip()
            other = f"{path.rpartition('/')[0]}/{name}" if "/" in path and not name.startswith("/") else name
            deeper = is_constraint or _OTHER_FILE[option[1]]
            yield from _lines(other, include(other), include, (*above, path), is_constraint=deeper)


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
    return (found[1], (found[2] or "").strip()) if found else ("", "")


def _is_elsewhere(text: str) -> bool:
    """Say whether a line names a checkout or a local file: what neither an index nor a URL has."""
    address = text.partition(" @ ")[2].strip() or text
    return bool(re.match(r"(\.|/|file:|[a-z]+\+)", address)) or (":" not in address and "/" in address)


def _name(text: str) -> str:
    """Return the project that a line names, for people and --exclude; the line itself where it names none."""
    found = re.match(r"([A-Za-z0-9._-]+)\s*@", text) or re.search(r"#egg=([A-Za-z0-9._-]+)", text)
    return found[1] if found else text


def _entry(line: _Line, allowed: Mapping[str, SpecifierSet]) -> Locked:
    requirement = _requirement(line)
    url = requirement.url or ""
    requirement = Requirement(
        requirement.name + (f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else "") + str(requirement.specifier)
    )
    requirement.specifier &= allowed.get(canonicalize_name(requirement.name), SpecifierSet())
    digests = {sha256_from(text, line.where) for text in line.hashes if text.startswith("sha256:")}
    if line.hashes and not digests:
        sha256_from(line.hashes[0], line.where)
    plain, _, fragment = url.partition("#")
    digests |= _in_fragment(fragment, line.where)
    return Locked(requirement=requirement, digests=frozenset(digests), url=plain)


def _in_fragment(fragment: str, where: str) -> set[Sha256]:
    kinds = dict(part.partition("=")[::2] for part in fragment.split("&"))
    return {sha256_from(f"sha256:{kinds['sha256']}", where)} if "sha256" in kinds else set()


def _requirement(line: _Line) -> Requirement:
    """Return a line as a requirement; a bare URL of a wheel or sdist is one too. Raises SourceError."""
    try:
        if re.match("https?://", line.text):
            name = parse_filename(unquote(urlsplit(line.text).path.rpartition("/")[2]))
            return Requirement(f"{name.project} @ {line.text}")
        return Requirement(line.text)
    except (InvalidRequirement, ValueError) as error:
        msg = f"{line.where}: {line.text!r} is not a requirement: {str(error).partition(chr(10))[0]}"
        raise SourceError(msg, fix=_FIX) from error
