"""What a file's name says: project, version, and whether it is a wheel or an sdist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Literal

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from index_builder.model.names import NormalizedName, parse_version

Kind = Literal["wheel", "sdist"]
SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")
MAX_LENGTH = 255
#: Compressed tag sets multiply; real wheels have a dozen.
_MOST_TAGS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """The parts of a wheel's or sdist's file name.

    `project` and `version` are normalized; `tags` is empty for an sdist; `stem` and `suffix` join
    to the text; `legacy` says how an sdist's name departs from PEP 625 ('' where it does not).
    """

    text: str
    kind: Kind
    project: NormalizedName
    version: Version
    tags: frozenset[Tag]
    stem: str
    suffix: str
    legacy: str = ""


def parse_filename(text: str, *, project: NormalizedName | None = None) -> FileName:
    """Read a file name; `project` helps where an old sdist name could be cut in several places.

    Raises ValueError, with a sentence, for what is neither a wheel's nor an sdist's name.
    Source: the binary and source distribution format specifications; PEP 625 for `legacy`.
    """
    if len(text) > MAX_LENGTH or not _SAFE.fullmatch(text):
        msg = "a file name has ASCII letters, digits and '._+!-', begins with a letter or digit, and has at most 255 characters"
        raise ValueError(msg)
    if text.endswith(".whl"):
        return _wheel(text)
    for suffix in SDIST_SUFFIXES:
        if text.endswith(suffix):
            return _sdist(text, suffix, project)
    msg = "only wheels (.whl) and sdists (.tar.gz; old ones .zip or .tar.bz2) can be listed"
    raise ValueError(msg)


def _wheel(text: str) -> FileName:
    if prod(part.count(".") + 1 for part in text.split("-")[-3:]) > _MOST_TAGS:
        msg = f"the file name has more than {_MOST_TAGS} tags"
        raise ValueError(msg)
    try:
        name, version, _, tags = parse_wheel_filename(text)
    except InvalidWheelFilename as error:
        raise ValueError(str(error)) from error
    return FileName(
        text=text, kind="wheel", project=NormalizedName(name), version=version, tags=tags,
        stem=text.removesuffix(".whl"), suffix=".whl",
    )  # fmt: skip


def _sdist(text: str, suffix: str, project: NormalizedName | None) -> FileName:
    stem = text.removesuffix(suffix)
    cuts = [match.start() for match in re.finditer("-", stem)]
    for cut in reversed(cuts):
        name, written = stem[:cut], stem[cut + 1 :]
        try:
            found, version = NormalizedName.of(name), parse_version(written)
        except (ValueError, InvalidVersion):
            continue
        if project is not None and found != project:
            continue
        legacy = ""
        if suffix != ".tar.gz":
            legacy = f"an sdist ends with .tar.gz since PEP 625, not {suffix}"
        elif name != found.replace("-", "_") or written != str(version):
            legacy = f"PEP 625 would write {found.replace('-', '_')}-{version}.tar.gz"
        return FileName(
            text=text, kind="sdist", project=found, version=version, tags=frozenset(),
            stem=stem, suffix=suffix, legacy=legacy,
        )  # fmt: skip
    expected = f" of {project}" if project else ""
    msg = f"no project name and version{expected} can be read from this sdist name"
    raise ValueError(msg)
