"""The simple API: project list and project detail, in HTML and JSON.

Source: the simple repository API specification 1.4 (PEP 503, 592, 629, 658, 691, 700, 714, 740, 792).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from index_builder.model.names import normalize
from index_builder.model.page import HTML, SIMPLE_JSON, Page, Tier
from index_builder.model.project import State
from index_builder.model.snapshot import ListedFile, ListedProject

if TYPE_CHECKING:
    from jinja2 import Environment

API_VERSION: Final = "1.4"
#: What a page may call itself that does not know the size of every file: PEP 700 demands it from 1.1 on.
_WITHOUT_SIZES: Final = "1.0"
LIST_HTML: Final = "simple/index.html"
LIST_JSON: Final = "simple/index.v1_json"


class ListedName(NamedTuple):
    """A project as the project list shows it."""

    normalized: str
    name: str
    serial: int


class Logo(NamedTuple):
    """A picture on the project list; `width` is in pixels, 0 for its own."""

    url: str
    width: int = 0


NO_LOGO: Final = Logo("")


def environment(templates: Mapping[str, str], *, preview: bool = False, is_theirs: bool = False) -> Environment:
    """Return jinja2's environment over template texts by name: escaping always, undefined names refused.

    With `is_theirs`, not all of them are ours: what they may call is held in a sandbox.
    """
    from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415 - where nothing changed, nothing is rendered
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - as above

    kind = ImmutableSandboxedEnvironment if is_theirs else Environment
    made = kind(
        loader=DictLoader(dict(templates)), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    made.globals["preview"] = preview
    return made


def render_html(project: ListedProject, templates: Environment) -> Page:
    """Return a project's detail page in HTML."""
    html = templates.get_template("simple/detail.html").render(project=project, api_version=API_VERSION)
    return Page(path=f"simple/{project.normalized}/index.html", content_type=HTML, content=html.encode(), tier=Tier.PROJECT)


def render_json(project: ListedProject, *, preview: bool = False) -> Page:
    """Return a project's detail page in JSON; a preview says so in its `meta`, as nobody's standard key."""
    path = f"simple/{project.normalized}/index.v1_json"
    return Page(path=path, content_type=SIMPLE_JSON, content=_detail(project, preview), tier=Tier.PROJECT)


def render_list(title: str, names: Sequence[ListedName], templates: Environment, logo: Logo = NO_LOGO) -> Page:
    """Return the project list in HTML; `names` are in the order of their normalized form."""
    html = templates.get_template("simple/list.html").render(title=title, logo=logo, names=names, api_version=API_VERSION)
    return Page(path=LIST_HTML, content_type=HTML, content=html.encode(), tier=Tier.LIST)


def render_json_list(names: Sequence[ListedName], *, preview: bool = False) -> Page:
    """Return the project list in JSON, with the serials that mirroring tools compare."""
    projects = [{"name": name, "_last-serial": serial} for _, name, serial in names]
    meta: dict[str, object] = {"api-version": API_VERSION, "_last-serial": max((listed.serial for listed in names), default=0)}
    meta |= _PREVIEW if preview else {}
    return Page(path=LIST_JSON, content_type=SIMPLE_JSON, content=dump({"meta": meta, "projects": projects}), tier=Tier.LIST)


def read_json_list(content: bytes) -> Iterator[ListedName]:
    """Yield what `render_json_list` wrote."""
    for project in orjson.loads(content)["projects"]:
        name = project["name"]
        yield ListedName(normalize(name), name, project["_last-serial"])


def dump(value: object) -> bytes:
    """Return JSON bytes: compact, UTF-8, keys in the order given."""
    return orjson.dumps(value)


#: PEP 691: keys that begin with an underscore are whoever's they are.
_PREVIEW: Final = {"_preview": True}


def _detail(project: ListedProject, preview: bool) -> bytes:
    sized = all(file.size is not None for file in project.files)
    value: dict[str, object] = {
        "meta": {"api-version": API_VERSION if sized else _WITHOUT_SIZES, "_last-serial": project.serial, **(_PREVIEW if preview else {})},
        "name": project.normalized,
        "versions": list(dict.fromkeys(file.version for file in project.files if file.version)),
        "files": [_file(file) for file in project.files],
    }
    if project.status and project.status.state is not State.ACTIVE:
        status = {"status": project.status.state.value}
        if project.status.reason:
            status["reason"] = project.status.reason
        value["project-status"] = status
    return dump(value)


def _file(file: ListedFile) -> dict[str, object]:
    value: dict[str, object] = {"filename": file.filename, "url": file.url, "hashes": digests(file.digest)}
    if file.size is not None:
        value["size"] = file.size
    if file.uploaded:
        value["upload-time"] = file.uploaded
    if file.requires_python:
        value["requires-python"] = file.requires_python
    value["yanked"] = False if file.yanked is None else file.yanked or True
    if file.metadata:
        value["core-metadata"] = digests(file.metadata) or True
    if file.provenance:
        value["provenance"] = file.provenance
    return value


def digests(written: str) -> dict[str, str]:
    """Return `sha256=<hex>` as JSON pages have it; empty where nothing is said."""
    algorithm, equals, digest = written.partition("=")
    return {algorithm: digest} if equals else {}
