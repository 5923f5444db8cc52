"""Which releases installers are let try before a tree goes live, and a folder with just what they need for that."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import orjson
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from index_builder.errors import StorageError
from index_builder.pipeline.publish.difference import put_of
from index_builder.ports import Progress, Site
from index_builder.publish.apply import verified
from index_builder.render.simple import LIST_JSON, read_json_list

#: So many projects are tried.
MOST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A wheel that fits this machine: its project, its version, its file name, its path in the tree, or '' where it is elsewhere."""

    project: str
    version: str
    filename: str
    path: str
    digest: str


def samples(wanted: Site, changed: Sequence[str], tags: Collection[Tag], python: str, elsewhere: str = "") -> list[Sample]:
    """Return what is tried: of projects that changed first, the newest wheel of each that fits `tags` and `python`.

    `elsewhere` is what the URLs of files begin with that are not in the tree.
    """
    first = dict.fromkeys(path.split("/")[1] for path in changed if path.startswith("simple/") and path.count("/") > 1)
    names = [*first, *(name for name in _names(wanted) if name not in first)]
    found: list[Sample] = []
    for name in names[:_LOOKED_AT]:
        if len(found) == MOST:
            break
        if sample := _newest(wanted, name, frozenset(tags), python, elsewhere):
            found.append(sample)
    return found


_LOOKED_AT: Final = 64


def _names(wanted: Site) -> Iterator[str]:
    yield from (listed.normalized for listed in read_json_list(wanted.read(LIST_JSON)))


def _newest(wanted: Site, name: str, tags: frozenset[Tag], python: str, elsewhere: str) -> Sample | None:
    try:
        files = orjson.loads(wanted.read(f"simple/{name}/index.v1_json"))["files"]
        return _newest_of(files, name, tags, python, elsewhere)
    except StorageError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"simple/{name}/index.v1_json is no page of ours"
        raise StorageError(msg, fix="repair the target: index-builder publish --reconcile") from error


def _newest_of(files: list[dict[str, Any]], name: str, tags: frozenset[Tag], python: str, elsewhere: str) -> Sample | None:
    fitting: list[tuple[Any, Sample]] = []
    for file in files:
        path = posixpath.normpath(posixpath.join(f"simple/{name}", unquote(file["url"])))
        if elsewhere and file["url"].startswith(elsewhere):
            path = ""
        elif "://" in file["url"] or not path.startswith("packages/"):
            continue
        if file.get("yanked") or not _runs(file, python):
            continue
        try:
            _, version, _, wheel_tags = parse_wheel_filename(file["filename"])
        except InvalidWheelFilename:
            continue
        if not tags.isdisjoint(wheel_tags):
            sample = Sample(
                project=name, version=str(version), filename=file["filename"], path=path, digest=file["hashes"].get("sha256", "")
            )
            fitting.append((version, sample))
    return max(fitting, key=lambda found: found[0])[1] if fitting else None


def _runs(file: dict[str, Any], python: str) -> bool:
    try:
        return SpecifierSet(file.get("requires-python") or "").contains(python, prereleases=True)
    except InvalidSpecifier:
        return False


def lay_out(wanted: Site, chosen: Sequence[Sample], folder: Site, progress: Progress) -> None:
    """Write the pages and the files of samples into a folder; raises StorageError where they are not what they should be."""
    for sample in chosen:
        pages = [f"simple/{sample.project}/{page}" for page in ("index.html", "index.v1_json")]
        files = [(sample.path, sample.digest), (f"{sample.path}.metadata", "")] if sample.path else []
        for path, digest in [*((page, "") for page in pages), *files]:
            if wanted.size(path) is not None:
                folder.put(path, verified(wanted, put_of(path, digest), progress))
