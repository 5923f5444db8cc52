"""Which releases installers are let try before a tree goes live, and a folder with just what they need for that."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import orjson
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from index_builder.errors import StorageError
from index_builder.model.index import FILES
from index_builder.pipeline.publish.difference import put_of
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.publish.apply import verified
from index_builder.render.simple import LIST_JSON, ProjectList

#: So many projects are tried at most, and so many of those that did not change: what is downloaded follows the change.
MOST: Final = 8
_UNCHANGED: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A wheel that fits this machine: its project, its version, its file name, its path in the tree, or '' where it is elsewhere."""

    project: str
    version: str
    filename: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a wheel must fit, and where its file may be.

    `elsewhere` is what the URLs of files begin with that installers get from there, `base` what those begin with that are only to be
    copied there, and are in the tree; '' for none.
    """

    tags: frozenset[Tag]
    python: str
    elsewhere: str = ""
    base: str = ""


def samples(wanted: Site, changed: Sequence[str], machine: Machine) -> tuple[list[Sample], tuple[str, ...]]:
    """Return what is tried, of projects that changed first the newest wheel of each that fits; and which of those there is none of."""
    first = dict.fromkeys(path.split("/")[1] for path in changed if path.startswith("simple/") and path.count("/") > 1)
    names = [*first, *(name for name in _names(wanted) if name not in first)]
    found: list[Sample] = []
    untried: list[str] = []
    most = MOST
    for number, name in enumerate(names[:_LOOKED_AT]):
        if number == len(first):
            most = min(MOST, len(found) + _UNCHANGED)
        if len(found) == most:
            break
        if sample := _newest(wanted, name, machine):
            found.append(sample)
        elif name in first and wanted.size(f"simple/{name}/index.html") is not None:
            untried.append(name)
    return found, tuple(untried)


_LOOKED_AT: Final = 64


def _names(wanted: Site) -> Iterator[str]:
    yield from (listed.normalized for listed in ProjectList.read(wanted.read(LIST_JSON)))


def _newest(wanted: Site, name: str, machine: Machine) -> Sample | None:
    try:
        files = orjson.loads(wanted.read(f"simple/{name}/index.v1_json"))["files"]
        return _newest_of(files, name, machine)
    except StorageError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"simple/{name}/index.v1_json is no page of ours"
        raise StorageError(msg, fix="repair the target: index-builder publish --reconcile") from error


def _newest_of(files: list[dict[str, Any]], name: str, machine: Machine) -> Sample | None:
    fitting: list[tuple[Any, Sample]] = []
    for file in files:
        path = _path_of(file["url"], name, machine)
        if path is None or file.get("yanked") or not _runs(file, machine.python):
            continue
        try:
            _, version, _, wheel_tags = parse_wheel_filename(file["filename"])
        except InvalidWheelFilename:
            continue
        if not machine.tags.isdisjoint(wheel_tags):
            sample = Sample(
                project=name, version=str(version), filename=file["filename"], path=path, digest=file["hashes"].get("sha256", "")
            )
            fitting.append((version, sample))
    return max(fitting, key=lambda found: found[0])[1] if fitting else None


def _path_of(url: str, name: str, machine: Machine) -> str | None:
    """Return where the tree has a file, '' where installers get it from elsewhere, None where a stranger has it, whom nobody asks here."""
    if machine.elsewhere and url.startswith(machine.elsewhere):
        return ""
    if machine.base and url.startswith(machine.base):
        path = posixpath.normpath(FILES + unquote(url.removeprefix(machine.base)))
    elif "://" in url:
        return None
    else:
        path = posixpath.normpath(posixpath.join(f"simple/{name}", unquote(url)))
    return path if path.startswith(FILES) else None


def _runs(file: dict[str, Any], python: str) -> bool:
    try:
        return SpecifierSet(file.get("requires-python") or "").contains(python, prereleases=True)
    except InvalidSpecifier:
        return False


def lay_out(wanted: Site, chosen: Sequence[Sample], folder: Site, machine: Machine, progress: Progress) -> None:
    """Write the pages and the files of samples into a folder, whose pages then lead to these files.

    Raises StorageError where they are not what they should be.
    """
    for sample in chosen:
        pages = [f"simple/{sample.project}/{page}" for page in ("index.html", "index.v1_json")]
        files = [(sample.path, sample.digest), (f"{sample.path}.metadata", "")] if sample.path else []
        for path, digest in [*((page, "") for page in pages), *files]:
            if wanted.size(path) is not None:
                content = verified(wanted, put_of(path, digest), progress)
                folder.put(path, _led_here(content, machine.base) if path in pages and machine.base else content)


def _led_here(page: Iterator[bytes], base: str) -> list[bytes]:
    """Return a page whose links to a base lead to the folder that it is in."""
    return [b"".join(page).replace(base.encode(), f"/{FILES}".encode())]
