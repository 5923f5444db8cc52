"""A project's page, after its signature was checked: still not believed further than it must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urljoin

import orjson

from index_builder.errors import TrustError
from index_builder.model.filename import parse_filename
from index_builder.model.names import NormalizedName, Sha256


class PageFile(NamedTuple):
    """A file that a page lists: name, absolute URL, SHA-256, size in bytes, digest of the core metadata, '' where it has none."""

    name: str
    url: str
    digest: str
    size: int | None
    metadata: str
    provenance: str


class ProjectPage(NamedTuple):
    """A page as JSON (PEP 691), and its files by name."""

    value: Mapping[str, Any]
    files: Mapping[str, PageFile]


def read_page(project: NormalizedName, content: bytes, url: str) -> ProjectPage:
    """Read a project's JSON page, which is at `url`; raises TrustError where it is another project's, in part or whole.

    A signature says that the index said so. That a page of one project lists another's file, no index of ours does.
    """
    try:
        value: dict[str, Any] = orjson.loads(content)
        if value["name"] != project:
            msg = f"the page of {project} is one of {value['name']}"
            raise TrustError(msg, fix=_REPORT)
        files = {file.name: file for file in _files(project, value["files"], url)}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"the page of {project} is none of the simple API: {error}"
        raise TrustError(msg, fix=_REPORT) from error
    return ProjectPage(value, files)


def read_names(content: bytes) -> list[NormalizedName]:
    """Return the projects of a JSON project list, normalized; raises TrustError."""
    try:
        return [NormalizedName.of(project["name"]) for project in orjson.loads(content)["projects"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"the project list is none of the simple API: {error}"
        raise TrustError(msg, fix=_REPORT) from error


_REPORT = "install nothing from it, and tell its maintainers: their builder or their keys are not theirs alone"


def _files(project: NormalizedName, files: Sequence[Mapping[str, Any]], url: str) -> Iterator[PageFile]:
    for file in files:
        name = file["filename"]
        if parse_filename(name, project=project).project != project:
            msg = f"the page of {project} lists {name}, a file of another project"
            raise TrustError(msg, fix=_REPORT)
        metadata = file.get("core-metadata", False)
        digest = Sha256(metadata["sha256"]) if isinstance(metadata, dict) else ""
        yield PageFile(
            name, urljoin(url, file["url"]), Sha256(file["hashes"]["sha256"]), file.get("size"), digest, file.get("provenance") or ""
        )
