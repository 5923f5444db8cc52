"""pylock.toml, by the packaging library. Source: the pylock.toml specification (PEP 751)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock, PylockValidationError
from packaging.requirements import Requirement

from index_builder.errors import SourceError
from index_builder.locks.digests import file_of, sha256_of
from index_builder.model.lock import Lock, Locked, LockedFile


def read_pylock(path: str, value: Mapping[str, Any]) -> Lock:
    """Return what a pylock.toml pins; raises SourceError."""
    try:
        packages = Pylock.from_dict(value).packages
    except PylockValidationError as error:
        msg = f"{path} is not a pylock.toml: {error}"
        raise SourceError(msg, fix="lock again with the tool that wrote it") from error
    itself = tuple(str(p.name) for p in packages if p.directory)
    unusable = tuple((str(p.name), why) for p in packages if (why := _unusable(p)))
    known = {*itself, *(name for name, _ in unusable)}
    return Lock(entries=tuple(_entry(path, p) for p in packages if p.name not in known), itself=itself, unusable=unusable)


def _unusable(package: Package) -> str:
    if package.vcs:
        return f"{package.vcs.type}, {package.vcs.url or package.vcs.path}"
    if package.archive and not package.archive.url:
        return f"the local file {package.archive.path}"
    return ""


def _entry(path: str, package: Package) -> Locked:
    version = f"=={package.version}" if package.version else ""
    requirement = Requirement(f"{package.name}{version}")
    if package.archive:
        where = f"{path}: {package.name}"
        return Locked(requirement=requirement, digests=frozenset({sha256_of(package.archive.hashes, where)}), url=package.archive.url or "")
    given: list[PackageWheel | PackageSdist] = [*(package.wheels or ()), *([package.sdist] if package.sdist else [])]
    files: tuple[LockedFile, ...] = tuple(file_of(path, file.filename, file.hashes) for file in given)
    return Locked(requirement=requirement, files=files, registry=package.index or "")
