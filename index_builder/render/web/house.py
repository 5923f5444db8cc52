"""What all pages for people have in common: the templates, where the index is, and the assets, which are called after their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, urlsplit

from index_builder.model.page import HTML, Page, Tier
from index_builder.model.problem import Place, Problem, ProblemsFoundError
from index_builder.model.source import THEME
from index_builder.render.simple import environment
from index_builder.render.web.happened import line_of

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS: Final = "assets/"
_FOLDER: Final = "web/assets/"
#: In place of an address that nobody knew at build time. `page.js` puts the page's own there; no shell and no installer takes it.
UNKNOWN: Final = "https://<address-of-this-index>/"
_KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

#: Where hosts show a file of a branch, its history, and a form that proposes a change of it; by a label of their names.
_OF_GITEA: Final = {
    "file": "/src/branch/{branch}/{path}", "history": "/commits/branch/{branch}/{path}", "edit": "/_edit/{branch}/{path}",
}  # fmt: skip
_FORMS: Final[Mapping[str, Mapping[str, str]]] = {
    "github": {"file": "/blob/{branch}/{path}", "history": "/commits/{branch}/{path}", "edit": "/edit/{branch}/{path}"},
    "gitlab": {"file": "/-/blob/{branch}/{path}", "history": "/-/commits/{branch}/{path}", "edit": "/-/edit/{branch}/{path}"},
    "gitea": _OF_GITEA, "forgejo": _OF_GITEA, "codeberg": _OF_GITEA,
    "bitbucket": {
        "file": "/src/{branch}/{path}", "history": "/history-node/{branch}/{path}", "edit": "/src/{branch}/{path}?mode=edit&at={branch}",
    },
}  # fmt: skip


class House(NamedTuple):
    """What pages for people are made with. `url` is where the tree is published, or ''; `repository` is the one of the manifests.

    `templates` are texts by name. Those below `web/assets/` are the assets. `ways` are the settings of installers: what each is called,
    which of its files they are for, and what is in it. An index `of_list` has no manifests.
    """

    title: str
    templates: tuple[tuple[str, str], ...]
    url: str = ""
    repository: str = ""
    branch: str = "main"
    preview: bool = False
    ways: tuple[tuple[str, str, str], ...] = ()
    of_list: bool = False

    @property
    def simple(self) -> str:
        """What installers are told. A preview is not where the index is published."""
        return f"{root_shown(self.url, is_preview=self.preview)}simple/"

    @property
    def is_themed(self) -> bool:
        """Say whether some of the templates are the repository's own."""
        return any(name.startswith(THEME) for name, _ in self.templates)

    def assets(self) -> dict[str, str]:
        """Return the paths of assets by their names."""
        return {name.removeprefix(_FOLDER): _path(name, text) for name, text in self.templates if name.startswith(_FOLDER)}

    def asset_pages(self) -> list[Page]:
        """Return the assets as pages."""
        found = ((name, text) for name, text in self.templates if name.startswith(_FOLDER))
        return [Page(_path(name, text), _KINDS[name.rpartition(".")[2]], text.encode(), Tier.PROJECT) for name, text in found]

    def source(self, path: str) -> dict[str, str]:
        """Return where people see a file of the repository, its history, and where they propose a change of it.

        Which software a host runs is told by its name; where it is not, nobody is sent to a page that may not be there.
        """
        labels = (urlsplit(self.repository).hostname or "").split(".")
        forms = next((forms for software, forms in _FORMS.items() if software in labels), {})
        root, branch, rest = self.repository.rstrip("/"), quote(self.branch), quote(path)
        return {what: root + form.format(branch=branch, path=rest) for what, form in forms.items()}


def root_shown(url: str, *, is_preview: bool) -> str:
    """Return the address that pages name: a preview is elsewhere than where its audience is published."""
    return url if url and not is_preview else UNKNOWN


def _path(name: str, text: str) -> str:
    """Return where an asset is: a page never gets one of another edition."""
    stem, _, ending = name.removeprefix(_FOLDER).rpartition(".")
    return f"{ASSETS}{stem}.{hashlib.sha256(text.encode()).hexdigest()[:12]}.{ending}"


def environment_of(house: House) -> Environment:
    """Return the templates with what all of them use. Those of a theme see values and change none: they run in a sandbox."""
    made = environment(dict(house.templates), preview=house.preview, is_theirs=house.is_themed)
    made.globals["base"] = _of_theme(made, "web/base.html")
    made.globals |= {"house": house, "assets": house.assets()}
    made.filters |= {"human": human, "grouped": grouped, "happened": line_of}
    return made


def _of_theme(templates: Environment, name: str) -> str:
    """Return the name of a theme's template for a page, or of the built-in one."""
    theirs = name.replace("web/", THEME, 1)
    loader = templates.loader
    return theirs if loader is not None and theirs in loader.list_templates() else name


def broken(text: str, page: str) -> tuple[int, str] | None:
    """Return the line at which a theme's template is wrong, and what is; None where it extends the built-in page as it should."""
    from jinja2 import Environment, TemplateSyntaxError, nodes  # noqa: PLC0415 - for indexes with a theme

    try:
        parsed = Environment(autoescape=True).parse(text)
    except TemplateSyntaxError as error:
        return error.lineno, f"jinja2 cannot read it: {error.message}"
    extends = parsed.find(nodes.Extends)
    if extends is None or not isinstance(extends.template, nodes.Const) or extends.template.value != page:
        return 1, "it does not extend the built-in page"
    return None


def rendered(path: str, template: str, templates: Environment, tier: Tier, **values: object) -> Page:
    """Return a page; `root` leads from it to the top of the tree, '' at the top itself."""
    root = "../" * path.count("/")
    from jinja2 import TemplateError  # noqa: PLC0415 - where nothing changed, nothing is rendered

    name = _of_theme(templates, template)
    try:
        text = templates.get_template(name).render(root=root, **values)
    except TemplateError as error:
        place = Place(path=name if name.startswith(THEME) else f"{THEME}base.html", line=1)
        message = f"{path} cannot be made with it: {error}"
        raise ProblemsFoundError(
            [Problem(rule="theme", message=message, place=place, fix="look at the built-in template's values")]
        ) from error
    return Page(path, HTML, text.encode(), tier)


def human(size: int | None) -> str:
    """Return a number of bytes as people read it."""
    if size is None:
        return ""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":  # noqa: PLR2004 - decimal units
            break
        amount /= 1000
    return f"{amount:,.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:,.1f} {unit}"  # noqa: PLR2004 - three digits are enough


def grouped(number: int) -> str:
    """Return a number with its thousands apart."""
    return f"{number:,}"


def counted(values: Mapping[str, int], most: int) -> list[tuple[str, int]]:
    """Return the largest of some counts, the largest first."""
    return sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
