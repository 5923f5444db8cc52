"""uv.lock, version 1. Its form is uv's own; nothing but names, sources, URLs and hashes is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from index_builder.errors import SourceError
from index_builder.locks.digests import file_of, sha256_from
from index_builder.model.lock import Lock, Locked
from index_builder.model.requirement import parse_requirement

_VERSION: Final = 1
#: Sources that are folders. `.` is the project that was locked.
_FOLDERS: Final = ("virtual", "editable", "directory")


def read_uv_lock(path: str, value: Mapping[str, Any]) -> Lock:
    """Return what a uv.lock pins; raises SourceError."""
    if value["version"] != _VERSION:
        msg = f"{path} has version {value['version']!r}, and version {_VERSION} is read here"
        raise SourceError(msg, fix="export it: uv export --format pylock.toml --output-file pylock.toml")
    entries: list[Locked] = []
    itself: list[str] = []
    unusable: list[tuple[str, str]] = []
    try:
        members = value.get("manifest", {}).get("members", ())
        for package in value["package"]:
            name, source = _text(package, "name"), package["source"]
            kind = next((kind for kind in _FOLDERS if kind in source), "")
            if kind and (source[kind] == "." or name in members):
                itself.append(name)
            elif "registry" in source or "url" in source:
                try:
                    entries.append(_entry(path, package, source))
                except SourceError as error:
                    unusable.append((name, error.message))
            else:
                unusable.append((name, ", ".join(f"{word} {where}" for word, where in source.items())))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        msg = f"{path} is not a uv.lock: {error!r}"
        raise SourceError(msg, fix="lock again: uv lock") from error
    return Lock(entries=tuple(entries), itself=tuple(itself), unusable=tuple(unusable))


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str):
        msg = f"{key} is not a text"
        raise TypeError(msg)
    return value


def _entry(path: str, package: Mapping[str, Any], source: Mapping[str, Any]) -> Locked:
    requirement = parse_requirement(f"{package['name']}=={_text(package, 'version')}")
    given = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
    if "url" in source:
        digests = frozenset(sha256_from(file.get("hash", ""), f"{path}: {package['name']}") for file in given)
        return Locked(requirement=requirement, digests=digests, url=_text(source, "url"))
    files = tuple(file_of(path, _file_name(file), _hashes(file)) for file in given)
    return Locked(requirement=requirement, files=files, registry=_text(source, "registry"))


def _file_name(file: Mapping[str, Any]) -> str:
    """Return the name of a file: given where the URL does not end with it, as for `--find-links` folders."""
    where = file.get("url") or file.get("path") or ""
    return file.get("filename") or unquote(urlsplit(where).path.rpartition("/")[2])


def _hashes(file: Mapping[str, Any]) -> dict[str, str]:
    kind, _, digest = file.get("hash", "").partition(":")
    return {kind: digest} if digest else {}
