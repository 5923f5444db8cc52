"""The legacy JSON of a project and its releases.

Source: Warehouse's JSON API as it is since 2022 (per release, `info` and `urls`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from typing import Final

from packaging.version import Version

from index_builder.model.page import JSON, Page, Tier
from index_builder.model.snapshot import CoreMetadata, ListedFile, ListedProject
from index_builder.render.simple import digests, dump

_TEXTS = (
    "author", "author_email", "description", "description_content_type", "download_url", "home_page", "license",
    "license_expression", "maintainer", "maintainer_email", "summary",
)  # fmt: skip
_TO_ROOT: Final = "../../"
_NOTHING: CoreMetadata = {}


class ReleaseJson(StrEnum):
    """What is written for each release: nothing, `info` and `urls`, or all releases again as Warehouse did before 2022."""

    NONE = "none"
    VERSION = "version"
    FULL = "full"


def render_legacy(project: ListedProject, root: str, release_json: ReleaseJson) -> Iterator[Page]:
    """Yield a project's pages under `pypi/`; one without files has none.

    `root` is where the tree is published, ending in a slash, or '' where that is not known.
    """
    if not project.files:
        return
    folder = f"pypi/{project.normalized}"
    by_release = {version: list(files) for version, files in groupby(project.files, key=lambda file: file.version)}
    urls = {version: [_url(file, root) for file in files] for version, files in by_release.items()}
    newest = _newest(by_release)
    value = {
        "info": _info(project, root, by_release[newest]),
        "last_serial": project.serial,
        "releases": {version: rows for version, rows in urls.items() if version},
        "urls": urls[newest],
        "vulnerabilities": [],
    }
    yield Page(path=f"{folder}/json", content_type=JSON, content=dump(value), tier=Tier.PROJECT)
    if release_json is ReleaseJson.NONE:
        return
    below = {version: [_url(file, root, deeper="../") for file in files] for version, files in by_release.items() if version}
    for version, rows in below.items():
        info = _info(project, root, by_release[version])
        value = {"info": info, "last_serial": project.serial, "urls": rows, "vulnerabilities": []}
        if release_json is ReleaseJson.FULL:
            value["releases"] = below
        yield Page(path=f"{folder}/{version}/json", content_type=JSON, content=dump(value), tier=Tier.PROJECT)


def _newest(releases: Mapping[str, list[ListedFile]]) -> str:
    """Return the release that a visitor wants: not yanked, final, the highest. They ascend."""
    descending = list(releases)[::-1]
    held = [version for version in descending if any(file.yanked is None for file in releases[version])] or descending
    return next((version for version in held if version and not Version(version).is_prerelease), held[0])


def _info(project: ListedProject, root: str, files: list[ListedFile]) -> dict[str, object]:
    wheels_first = sorted(files, key=lambda file: not file.filename.endswith(".whl"))
    raw = next((found for file in wheels_first if (found := project.metadata.get(file.filename))), _NOTHING)
    page = f"{root}simple/{project.normalized}/" if root else ""
    yanked = all(file.yanked is not None for file in files)
    value: dict[str, object] = {key: raw.get(key) or (None if key == "license_expression" else "") for key in _TEXTS}
    return value | {
        "bugtrack_url": None,
        "classifiers": raw.get("classifiers") or [],
        "docs_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "dynamic": raw.get("dynamic") or None,
        "keywords": ",".join(_strings(raw.get("keywords"))),
        "license_files": raw.get("license_files") or None,
        "name": project.name,
        "package_url": page,
        "platform": ",".join(_strings(raw.get("platforms"))) or None,
        "project_url": page,
        "project_urls": raw.get("project_urls") or None,
        "provides_extra": raw.get("provides_extra") or None,
        "release_url": page,
        "requires_dist": raw.get("requires_dist") or None,
        "requires_python": raw.get("requires_python") or next((f.requires_python for f in files if f.requires_python), None),
        "version": files[0].version or None,
        "yanked": yanked,
        "yanked_reason": files[0].yanked or None if yanked else None,
    }


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _url(file: ListedFile, root: str, deeper: str = "") -> dict[str, object]:
    name = file.filename
    wheel = name.endswith(".whl")
    value: dict[str, object] = {
        "digests": digests(file.digest),
        "downloads": -1,
        "filename": name,
        "has_sig": False,
        "packagetype": "bdist_wheel" if wheel else "bdist_egg" if name.endswith(".egg") else "sdist",
        "python_version": name.split("-")[-3] if wheel else "source",
        "requires_python": file.requires_python or None,
    }
    if file.size is not None:
        value["size"] = file.size
    if file.uploaded:
        value["upload_time"] = file.uploaded.partition(".")[0].removesuffix("Z")
        value["upload_time_iso_8601"] = file.uploaded
    value["url"] = _absolute(file.url, root, deeper)
    value["yanked"] = file.yanked is not None
    value["yanked_reason"] = file.yanked or None
    return value


def _absolute(url: str, root: str, deeper: str) -> str:
    """Return a URL of the detail page as a page of the legacy JSON has it, which stands as deep, or one level `deeper`."""
    if "://" in url or url.startswith("/"):
        return url
    if root and url.startswith(_TO_ROOT):
        return root + url.removeprefix(_TO_ROOT)
    return deeper + url
