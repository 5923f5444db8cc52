"""The simple API: project list and project detail, in HTML and JSON.

Source: the simple repository API specification 1.4 (PEP 503, 592, 629, 658, 691, 700, 714, 740, 792).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from index_builder.model.names import normalize
from index_builder.model.page import HTML, SIMPLE_JSON, Page, Tier
from index_builder.model.project import State
from index_builder.model.snapshot import ListedFile, ListedProject
from index_builder.render.escape import escaped, is_special

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
    files = map(_escaped, project.files)
    html = templates.get_template("simple/detail.html").render(project=project, files=files, api_version=API_VERSION)
    return Page(path=f"simple/{project.normalized}/index.html", content_type=HTML, content=html.encode(), tier=Tier.PROJECT)


def _escaped(file: ListedFile) -> tuple[object, ...]:
    """Return a file's fields as HTML has them, but for those that its template leaves out.

    An index has a million files, and nearly all have nothing to be escaped but what repeats: one look is enough for all of a file.
    """
    filename, version, url, digest, size, uploaded, by, requires_python, metadata, provenance, yanked = file
    if is_special(f"{filename}{url}{digest}{uploaded}{metadata}{provenance}"):
        filename, url, digest, uploaded, metadata, provenance = map(_escape, (filename, url, digest, uploaded, metadata, provenance))
    requires_python, yanked = requires_python and _escape(requires_python), yanked and _escape(yanked)
    return filename, version, url, digest, size, uploaded, by, requires_python, metadata, provenance, yanked


_escape: Final = lru_cache(maxsize=4096)(escaped)


def render_json(project: ListedProject, *, preview: bool = False) -> Page:
    """Return a project's detail page in JSON; a preview says so in its `meta`, as nobody's standard key."""
    path = f"simple/{project.normalized}/index.v1_json"
    return Page(path=path, content_type=SIMPLE_JSON, content=_detail(project, preview), tier=Tier.PROJECT)


def render_list(title: str, names: Iterable[ListedName], templates: Environment, logo: Logo = NO_LOGO) -> Page:
    """Return the project list in HTML; `names` are in the order of their normalized form."""
    html = templates.get_template("simple/list.html").render(title=title, logo=logo, names=names, api_version=API_VERSION)
    return Page(path=LIST_HTML, content_type=HTML, content=html.encode(), tier=Tier.LIST)


class ProjectList:
    """The projects of an index in the order of their normalized names, as the JSON list has them.

    There may be 100,000, of which one changes: they stay as they were read, and only those that are asked for are looked at.
    """

    def __init__(self, projects: list[dict[str, Any]]) -> None:
        """Take the values of `projects`."""
        self._projects = projects

    @classmethod
    def of(cls, names: Iterable[ListedName]) -> ProjectList:
        """Return the list of projects that are in their order."""
        return cls([_listed(name) for name in names])

    @classmethod
    def read(cls, content: bytes) -> ProjectList:
        """Return what `page` wrote."""
        return cls(orjson.loads(content)["projects"])

    def __len__(self) -> int:
        """Return how many projects there are."""
        return len(self._projects)

    def __iter__(self) -> Iterator[ListedName]:
        """Yield each project."""
        return (ListedName(normalize(project["name"]), project["name"], project["_last-serial"]) for project in self._projects)

    def following(self, normalized: str) -> Iterator[str]:
        """Yield the normalized names that come after one."""
        place = bisect_right(self._projects, normalized, key=_normalized)
        return (normalize(self._projects[place]["name"]) for place in range(place, len(self._projects)))

    def changed(self, gone: Iterable[str], come: Iterable[ListedName]) -> ProjectList:
        """Return the list without some projects, by their normalized names, and then with others."""
        edits: dict[str, list[dict[str, Any]]] = {name: [] for name in gone}
        edits |= {listed.normalized: [_listed(listed)] for listed in come}
        projects: list[dict[str, Any]] = []
        position = 0
        for name, now in sorted(edits.items()):
            place = bisect_left(self._projects, name, position, key=_normalized)
            projects += self._projects[position:place] + now
            was_there = place < len(self._projects) and _normalized(self._projects[place]) == name
            position = place + was_there
        return ProjectList(projects + self._projects[position:])

    def is_same(self, other: ProjectList, *, but_for_serials: bool = False) -> bool:
        """Say whether another list would be the same JSON page, or but for the serials, which HTML does not have."""
        if but_for_serials:
            return [project["name"] for project in self._projects] == [project["name"] for project in other._projects]
        return self._projects == other._projects

    def page(self, *, preview: bool = False) -> Page:
        """Return the project list in JSON, with the serials that mirroring tools compare."""
        last = max((project["_last-serial"] for project in self._projects), default=0)
        meta: dict[str, object] = {"api-version": API_VERSION, "_last-serial": last, **(_PREVIEW if preview else {})}
        return Page(path=LIST_JSON, content_type=SIMPLE_JSON, content=dump({"meta": meta, "projects": self._projects}), tier=Tier.LIST)


def _listed(listed: ListedName) -> dict[str, Any]:
    return {"name": listed.name, "_last-serial": listed.serial}


def _normalized(project: dict[str, Any]) -> str:
    return normalize(project["name"])


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
