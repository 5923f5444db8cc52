"""What a wheel's member names say: one .dist-info folder, and one member for each file that is installed.

Source: the binary distribution format specification, sections "File contents" and "The .data directory".
"""

from __future__ import annotations

from collections.abc import Iterable
from re import IGNORECASE
from re import compile as regex

from packaging.version import InvalidVersion, Version

from index_builder.inspection.finding import RefusedArchiveError
from index_builder.inspection.ziparchive import Archive
from index_builder.model.filename import FileName
from index_builder.model.names import NormalizedName

_LIBRARIES = ("purelib", "platlib")
_SCHEMES = (*_LIBRARIES, "headers", "scripts", "data")
_METADATA = (".dist-info", ".egg-info")
#: Where `data` reaches what other schemes install, on one system or another.
_SITE = regex(r"lib(?:64)?/(?:python[^/]*/)?site-packages/", IGNORECASE)
_SCRIPTS = regex(r"(?:bin|scripts)/", IGNORECASE)


def check_layout(archive: Archive, name: FileName) -> str:
    """Return the .dist-info folder; raises RefusedArchiveError where installers could take another, or differ in .data."""
    folder = _dist_info(archive, name)
    inside = [member.name.casefold() for member in archive.members if member.name.startswith(folder + "/")]
    if len(set(inside)) != len(inside):
        raise _refused(f"names in {folder} differ only in case")
    data = folder.removesuffix(".dist-info") + ".data"
    targets: dict[str, str] = {}
    for member in archive.members:
        path = member.name.removesuffix("/")
        target = _target(path, data, is_folder=member.is_folder)
        if not member.is_folder and targets.setdefault(target, path) != path:
            raise _refused(f"{path} and {targets[target]} would be installed as one file")
    return folder


def _refused(message: str) -> RefusedArchiveError:
    return RefusedArchiveError("wheel-dist-info", message)


def _dist_info(archive: Archive, name: FileName) -> str:
    tops = {member.name.partition("/")[0] for member in archive.members}
    folders = sorted(_metadata_in(tops))
    if len(folders) != 1:
        said = " and ".join(folders) if folders else "none"
        raise _refused(f"a wheel has one .dist-info folder; this one has {said}")
    folder = folders[0]
    written, _, version = folder[: -len(".dist-info")].rpartition("-")
    expected = name.text.split("-")[1]
    try:
        same = NormalizedName.of(written) == name.project and _same_version(version, expected)
    except ValueError:
        same = False
    if not same or not folder.endswith(".dist-info"):
        raise _refused(f"the folder {folder} is not named after {name.project} {name.version}")
    return folder


def _metadata_in(parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part.casefold().endswith(_METADATA)]


def _target(path: str, data: str, *, is_folder: bool) -> str:
    """Return where a member is installed: a path in the library's folder, or another scheme's name and a path in its own."""
    top, *rest = path.split("/")
    if not top.casefold().endswith(".data"):
        return path
    if top != data:
        raise _refused(f"{path} is in {top}, but the wheel's .data folder is {data}")
    if rest and rest[0] not in _SCHEMES:
        raise _refused(f"{path} has none of {', '.join(_SCHEMES)} after {data}")
    if len(rest) < 2:  # noqa: PLR2004 - a scheme and a name
        if not is_folder:
            raise _refused(f"{path} is a file where {data} has folders")
        return path
    if _metadata_in(rest):
        raise _refused(f"{path} would be installed as a second .dist-info folder, or over the first")
    scheme, inner = rest[0], "/".join(rest[1:])
    if scheme == "data" and (site := _SITE.match(inner)):
        scheme, inner = "purelib", inner[site.end() :]
    elif scheme == "data" and (scripts := _SCRIPTS.match(inner)):
        scheme, inner = "scripts", inner[scripts.end() :]
    return inner if scheme in _LIBRARIES else f"{data}/{scheme}/{inner}"


def _same_version(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return Version(one.replace("_", "-")) == Version(other)
    except InvalidVersion:
        return False
