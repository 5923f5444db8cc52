"""The simple API: project list and project detail, in HTML and JSON.

Source: the simple repository API specification 1.4 (PEP 503, 592, 629, 658, 691, 700, 714, 740, 792).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import quote

from jinja2 import DictLoader, Environment, StrictUndefined
from packaging.utils import canonicalize_name

from index_builder.model.page import HTML, SIMPLE_JSON, Page, Tier
from index_builder.model.project import State
from index_builder.model.snapshot import ListedFile, ListedProject, Snapshot

API_VERSION: Final = "1.4"
LIST_HTML: Final = "simple/index.html"
LIST_JSON: Final = "simple/index.v1_json"
_TO_ROOT: Final = "../../"


class ListedName(NamedTuple):
    """A project as the project list shows it."""

    normalized: str
    name: str
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A file on a project detail page; what it does not have is ''. `yanked` is None, or the reason."""

    filename: str
    url: str
    sha256: str
    size: int
    uploaded: str
    requires_python: str
    metadata: str
    provenance: str
    yanked: str | None


def environment(templates: Mapping[str, str]) -> Environment:
    """Return jinja2's environment over template texts by name: escaping always, undefined names refused."""
    return Environment(
        loader=DictLoader(dict(templates)), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def render_detail(snapshot: Snapshot, listed: ListedProject, templates: Environment) -> Iterator[Page]:
    """Yield a project's detail page, in HTML and JSON."""
    project, links = listed.project, [link(snapshot, file) for file in listed.files]
    folder = f"simple/{project.normalized}"
    html = templates.get_template("simple/detail.html").render(project=project, links=links, api_version=API_VERSION)
    yield Page(path=f"{folder}/index.html", content_type=HTML, content=html.encode(), tier=Tier.PROJECT)
    yield Page(path=f"{folder}/index.v1_json", content_type=SIMPLE_JSON, content=_detail(listed, links), tier=Tier.PROJECT)


def render_list(title: str, names: Sequence[ListedName], templates: Environment) -> Page:
    """Return the project list in HTML; `names` are in the order of their normalized form."""
    html = templates.get_template("simple/list.html").render(title=title, names=names, api_version=API_VERSION)
    return Page(path=LIST_HTML, content_type=HTML, content=html.encode(), tier=Tier.LIST)


def render_json_list(names: Sequence[ListedName]) -> Page:
    """Return the project list in JSON, with the serials that mirroring tools compare."""
    projects = [{"name": listed.name, "_last-serial": listed.serial} for listed in names]
    meta = {"api-version": API_VERSION, "_last-serial": max((listed.serial for listed in names), default=0)}
    return Page(path=LIST_JSON, content_type=SIMPLE_JSON, content=dump({"meta": meta, "projects": projects}), tier=Tier.LIST)


def read_json_list(content: bytes) -> Iterator[ListedName]:
    """Yield what `render_json_list` wrote."""
    for project in json.loads(content)["projects"]:
        name = project["name"]
        yield ListedName(normalized=canonicalize_name(name), name=name, serial=project["_last-serial"])


def link(snapshot: Snapshot, listed: ListedFile) -> Link:
    """Return a file as its project's detail page shows it, with URLs relative to that page."""
    file = listed.file
    return Link(
        filename=file.name.text,
        url=listed.url or _TO_ROOT + quote(listed.path),
        sha256=file.sha256,
        size=file.size,
        uploaded=file.uploaded,
        requires_python=file.requires_python,
        metadata=file.metadata or "",
        provenance=f"{snapshot.url}provenance/{file.provenance}.json" if file.provenance and snapshot.url else "",
        yanked=listed.yanked.reason if listed.yanked else None,
    )


def dump(value: object) -> bytes:
    """Return JSON bytes: compact, UTF-8, keys in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _detail(listed: ListedProject, links: list[Link]) -> bytes:
    project = listed.project
    value: dict[str, object] = {
        "meta": {"api-version": API_VERSION, "_last-serial": listed.serial},
        "name": project.normalized,
        "versions": list(dict.fromkeys(str(file.release.version) for file in listed.files)),
        "files": [_file(link) for link in links],
    }
    if project.status and project.status.state is not State.ACTIVE:
        status = {"status": project.status.state.value}
        if project.status.reason:
            status["reason"] = project.status.reason
        value["project-status"] = status
    return dump(value)


def _file(link: Link) -> dict[str, object]:
    value: dict[str, object] = {
        "filename": link.filename,
        "url": link.url,
        "hashes": {"sha256": link.sha256},
        "size": link.size,
        "upload-time": link.uploaded,
    }
    if link.requires_python:
        value["requires-python"] = link.requires_python
    value["yanked"] = False if link.yanked is None else link.yanked or True
    if link.metadata:
        value["core-metadata"] = {"sha256": link.metadata}
    if link.provenance:
        value["provenance"] = link.provenance
    return value
