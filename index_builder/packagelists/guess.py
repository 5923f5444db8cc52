"""Which project and version a file name of a package list means, as dumb-pypi reads it.

Lists are older than PEP 625, so an sdist's name may hold a hyphen anywhere and end in anything.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from packaging.version import InvalidVersion, Version

from index_builder.model.names import NormalizedName, ProjectName, normalize, parse_version

_LONGEST = 255
_SAFE = re.compile(rf"[A-Za-z0-9_.+!-]{{1,{_LONGEST}}}")
#: What nearly all names are: there is one way to read them, and no need to look at each part.
PLAIN: Final = r"([A-Za-z0-9](?:[A-Za-z0-9_]*[A-Za-z0-9])?)-([0-9]+(?:\.[0-9A-Za-z]+)*)(?:\.tar\.gz|-\w+-\w+-\w+\.whl)"
_PLAIN = re.compile(PLAIN, re.ASCII)
_WHEEL = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9_.]*[A-Za-z0-9])?)-(\d[^-]*)(?:-\d[^-]*)?-[\w.]+-[\w.]+-[\w.]+\.whl", re.ASCII)
_WITH_DIGIT_AND_DOT = re.compile(r"(?=.*\.)(?=.*[0-9])")


def guess(filename: str) -> tuple[str, str]:
    """Return the normalized project name and the version as it is written, '' where there is none; raises ValueError."""
    plain = _PLAIN.fullmatch(filename)
    if plain and len(filename) <= _LONGEST and len(plain[1]) <= ProjectName.MAX_LENGTH:
        return _normalized(plain[1]), plain[2]
    if not _SAFE.fullmatch(filename) or ".." in filename:
        msg = "a file name has ASCII letters, digits and '._+!-', at most 255, and no '..'"
        raise ValueError(msg)
    if filename.endswith(".whl"):
        match = _WHEEL.fullmatch(filename)
        if match is None:
            msg = "a wheel is called name-version-python-abi-platform.whl"
            raise ValueError(msg)
        return NormalizedName.of(match[1]), match[2]
    name, version = _cut(_stem(filename))
    return NormalizedName.of(name), version


_normalized = lru_cache(maxsize=1024)(normalize)


def _stem(filename: str) -> str:
    for _ in range(2 if filename.endswith(("gz", "bz2")) else 1):
        filename, dot, _end = filename.rpartition(".")
        if not dot:
            msg = "the file name has no ending such as .tar.gz"
            raise ValueError(msg)
    return filename


def _cut(stem: str) -> tuple[str, str]:
    """Cut an sdist's stem at its only hyphen, or before the first part that looks like a version."""
    parts = stem.split("-")
    if len(parts) == 1:
        return stem, ""
    cut = 1 if len(parts) == 2 else next((i for i in range(1, len(parts)) if _WITH_DIGIT_AND_DOT.match(parts[i])), len(parts))  # noqa: PLR2004 - name and version
    name, version = "-".join(parts[:cut]), "-".join(parts[cut:])
    if cut < len(parts) and not version:
        msg = "the file name has no version"
        raise ValueError(msg)
    return name, version


@lru_cache(maxsize=1 << 14)
def read_version(written: str) -> tuple[Version, str]:
    """Return a version to compare by, and its normalized form; where there is none, it comes before all. Raises ValueError."""
    if not written:
        return Version("0.dev0"), ""
    try:
        version = parse_version(written)
    except InvalidVersion as error:
        msg = f"{written!r} is not a version (PEP 440)"
        raise ValueError(msg) from error
    return version, str(version)
