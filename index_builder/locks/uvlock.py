"""uv.lock, version 1. Its form is uv's own; nothing but names, sources, URLs and hashes is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from index_builder.errors import SourceError
from index_builder.locks.digests import file_of, sha256_from
from index_builder.model.lock import Lock, Locked

_VERSION: Final = 1
#: Sources of the project that was locked, or of one of its workspace.
_OWN: Final = ("virtual", "editable", "directory")


def read_uv_lock(path: str, value: Mapping[str, Any]) -> Lock:
    """Return what a uv.lock pins; raises SourceError."""
    if value["version"] != _VERSION:
        msg = f"{path} has version {value['version']}, and version {_VERSION} is read here"
        raise SourceError(msg, fix="export it: uv export --format pylock.toml --output-file pylock.toml")
    entries, itself, unusable = [], [], []
    try:
        for package in value["package"]:
            source = package["source"]
            if any(kind in source for kind in _OWN):
                itself.append(package["name"])
            elif "registry" in source or "url" in source:
                entries.append(_entry(path, package, source))
            else:
                unusable.append((package["name"], ", ".join(f"{kind} {where}" for kind, where in source.items())))
    except (KeyError, TypeError, AttributeError, InvalidRequirement) as error:
        msg = f"{path} is not a uv.lock: {error!r}"
        raise SourceError(msg, fix="lock again: uv lock") from error
    return Lock(entries=tuple(entries), itself=tuple(itself), unusable=tuple(unusable))


def _entry(path: str, package: Mapping[str, Any], source: Mapping[str, Any]) -> Locked:
    requirement = Requirement(f"{package['name']}=={package['version']}")
    given = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
    if "url" in source:
        digests = frozenset(sha256_from(file["hash"], f"{path}: {package['name']}") for file in given)
        return Locked(requirement=requirement, digests=digests, url=source["url"])
    files = tuple(file_of(path, _file_name(file), _hashes(file)) for file in given)
    return Locked(requirement=requirement, files=files, registry=source["registry"])


def _file_name(file: Mapping[str, Any]) -> str:
    """Return the name of a file: given where the URL does not end with it, as for `--find-links` folders."""
    where = file.get("url") or file.get("path") or ""
    return file.get("filename") or unquote(urlsplit(where).path.rpartition("/")[2])


def _hashes(file: Mapping[str, Any]) -> dict[str, str]:
    kind, _, digest = file.get("hash", "").partition(":")
    return {kind: digest} if digest else {}
