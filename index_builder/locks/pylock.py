"""pylock.toml, by the packaging library. Source: the pylock.toml specification (PEP 751)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock, PylockValidationError

from index_builder.errors import SourceError
from index_builder.locks.digests import file_of, sha256_of
from index_builder.model.lock import Lock, Locked, LockedFile
from index_builder.model.requirement import parse_requirement


def read_pylock(path: str, value: Mapping[str, Any]) -> Lock:
    """Return what a pylock.toml pins; raises SourceError."""
    try:
        packages = Pylock.from_dict(value).packages
    except (PylockValidationError, ValueError) as error:
        msg = f"{path} is not a pylock.toml: {error}"
        raise SourceError(msg, fix="lock again with the tool that wrote it") from error
    entries: list[Locked] = []
    itself: list[str] = []
    unusable: list[tuple[str, str]] = []
    for package in packages:
        if package.directory and package.directory.path == ".":
            itself.append(str(package.name))
        elif why := _elsewhere(package):
            unusable.append((str(package.name), why))
        else:
            try:
                entries.append(_entry(path, package))
            except (SourceError, PylockValidationError, ValueError) as error:
                unusable.append((str(package.name), str(error)))
    return Lock(entries=tuple(entries), itself=tuple(itself), unusable=tuple(unusable))


def _elsewhere(package: Package) -> str:
    """Return which checkout or local file a package is, or '' where it is on an index or at a URL."""
    if package.vcs:
        return f"{package.vcs.type}, {package.vcs.url or package.vcs.path}"
    if package.directory:
        return f"the folder {package.directory.path}"
    if package.archive and not package.archive.url:
        return f"the local file {package.archive.path}"
    return ""


def _entry(path: str, package: Package) -> Locked:
    version = f"=={package.version}" if package.version else ""
    requirement = parse_requirement(f"{package.name}{version}")
    if package.archive:
        where = f"{path}: {package.name}"
        return Locked(requirement=requirement, digests=frozenset({sha256_of(package.archive.hashes, where)}), url=package.archive.url or "")
    given: list[PackageWheel | PackageSdist] = [*(package.wheels or ()), *([package.sdist] if package.sdist else [])]
    files: tuple[LockedFile, ...] = tuple(file_of(path, file.filename, file.hashes) for file in given)
    return Locked(requirement=requirement, files=files, registry=package.index or "")
