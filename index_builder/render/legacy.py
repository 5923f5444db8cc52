"""The legacy JSON of a project and its releases, and `packages.json`.

Source: Warehouse's JSON API as it is since 2022 (per release, `info` and `urls`), and dumb-pypi's package list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from urllib.parse import quote

from packaging.metadata import RawMetadata
from packaging.version import Version

from index_builder.model.page import JSON, Page, Tier
from index_builder.model.snapshot import ListedFile, ListedProject, Snapshot
from index_builder.render.simple import dump

_TEXTS = (
    "author", "author_email", "description", "description_content_type", "download_url", "home_page", "license",
    "license_expression", "maintainer", "maintainer_email", "summary",
)  # fmt: skip


class ReleaseJson(StrEnum):
    """What is written for each release: nothing, `info` and `urls`, or all releases again as Warehouse did before 2022."""

    NONE = "none"
    VERSION = "version"
    FULL = "full"


def render_rows(listed: ListedProject) -> bytes:
    """Return a project's lines in `packages.json`."""
    return b"".join(dump(_row(listed, file)) + b"\n" for file in listed.files)


def render_legacy(snapshot: Snapshot, listed: ListedProject, release_json: ReleaseJson) -> Iterator[Page]:
    """Yield a project's pages under `pypi/`; one without files has none."""
    if not listed.files:
        return
    folder = f"pypi/{listed.project.normalized}"
    by_release = {version: list(files) for version, files in groupby(listed.files, key=lambda file: file.release.version)}
    urls = {version: [_url(file, snapshot.url or "../../") for file in files] for version, files in by_release.items()}
    releases = {str(version): rows for version, rows in urls.items()}
    newest = max(by_release.values(), key=_preference)[0].release.version
    value = {
        "info": _info(snapshot, listed, by_release[newest]),
        "last_serial": listed.serial,
        "releases": releases,
        "urls": urls[newest],
        "vulnerabilities": [],
    }
    yield Page(path=f"{folder}/json", content_type=JSON, content=dump(value), tier=Tier.PROJECT)
    if release_json is ReleaseJson.NONE:
        return
    for version, files in by_release.items():
        rows = [_url(file, snapshot.url or "../../../") for file in files]
        value = {"info": _info(snapshot, listed, files), "last_serial": listed.serial, "urls": rows, "vulnerabilities": []}
        if release_json is ReleaseJson.FULL:
            value["releases"] = {str(v): [_url(file, snapshot.url or "../../../") for file in fs] for v, fs in by_release.items()}
        yield Page(path=f"{folder}/{version}/json", content_type=JSON, content=dump(value), tier=Tier.PROJECT)


def _preference(files: list[ListedFile]) -> tuple[bool, bool, Version]:
    """Return what makes a release the one that a visitor wants: not yanked, final, the highest."""
    version = files[0].release.version
    return not all(file.yanked for file in files), not version.is_prerelease, version


def _info(snapshot: Snapshot, listed: ListedProject, files: list[ListedFile]) -> dict[str, object]:
    release = files[0].release
    wheels_first = sorted(files, key=lambda file: file.file.name.kind != "wheel")
    raw: Mapping[str, object] = next((m for f in wheels_first if (m := listed.metadata.get(f.file.sha256))), RawMetadata())
    name, version = listed.project.normalized, str(release.version)
    page = f"{snapshot.url}simple/{name}/" if snapshot.url else ""
    value: dict[str, object] = {key: raw.get(key) or (None if key == "license_expression" else "") for key in _TEXTS}
    return value | {
        "bugtrack_url": None,
        "classifiers": raw.get("classifiers") or [],
        "docs_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "dynamic": raw.get("dynamic") or None,
        "keywords": ",".join(_strings(raw.get("keywords"))),
        "license_files": raw.get("license_files") or None,
        "name": listed.project.name,
        "package_url": page,
        "platform": ",".join(_strings(raw.get("platforms"))) or None,
        "project_url": page,
        "project_urls": raw.get("project_urls") or None,
        "provides_extra": raw.get("provides_extra") or None,
        "release_url": page,
        "requires_dist": raw.get("requires_dist") or None,
        "requires_python": raw.get("requires_python") or next((f.file.requires_python for f in files if f.file.requires_python), None),
        "version": version,
        "yanked": all(file.yanked for file in files),
        "yanked_reason": files[0].yanked.reason if files[0].yanked and all(file.yanked for file in files) else None,
    }


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _url(listed: ListedFile, root: str) -> dict[str, object]:
    file, name = listed.file, listed.file.name
    return {
        "digests": {"sha256": file.sha256},
        "downloads": -1,
        "filename": name.text,
        "has_sig": False,
        "packagetype": "bdist_wheel" if name.kind == "wheel" else "sdist",
        "python_version": name.stem.split("-")[-3] if name.kind == "wheel" else "source",
        "requires_python": file.requires_python or None,
        "size": file.size,
        "upload_time": file.uploaded.partition(".")[0].removesuffix("Z"),
        "upload_time_iso_8601": file.uploaded,
        "url": listed.url or root + quote(listed.path),
        "yanked": listed.yanked is not None,
        "yanked_reason": listed.yanked.reason if listed.yanked else None,
    }


def _row(listed: ListedProject, entry: ListedFile) -> dict[str, object]:
    """Return a file's line in `packages.json`: dumb-pypi's keys, then ours."""
    file, project = entry.file, listed.project
    raw = listed.metadata.get(file.sha256) if file.metadata else None
    row: dict[str, object] = {"filename": file.name.text, "hash": f"sha256={file.sha256}"}
    if raw and raw.get("requires_dist"):
        row["requires_dist"] = raw.get("requires_dist")
    if file.requires_python:
        row["requires_python"] = file.requires_python
    if file.metadata:
        row["core_metadata"] = f"sha256={file.metadata}"
    row |= {"uploaded_by": ", ".join(project.owners), "upload_timestamp": file.uploaded.unix}
    if entry.yanked:
        row["yanked_reason"] = entry.yanked.reason
    return row | {
        "project": project.normalized, "version": str(entry.release.version), "size": file.size,
        "url": entry.url or entry.path,
    }  # fmt: skip
