"""What all pages for people have in common: the templates, where the index is, and the assets, which are called after their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from index_builder.model.page import HTML, Page, Tier
from index_builder.render.simple import environment

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS: Final = "assets/"
_FOLDER: Final = "web/assets/"
_KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class House(NamedTuple):
    """What pages for people are made with. `url` is where the tree is published, or ''; `repository` is the one of the manifests.

    `templates` are texts by name. Those below `web/assets/` are the assets.
    """

    title: str
    templates: tuple[tuple[str, str], ...]
    url: str = ""
    repository: str = ""
    branch: str = "main"
    preview: bool = False

    def assets(self) -> dict[str, str]:
        """Return the paths of assets by their names."""
        return {name.removeprefix(_FOLDER): _path(name, text) for name, text in self.templates if name.startswith(_FOLDER)}

    def asset_pages(self) -> list[Page]:
        """Return the assets as pages."""
        found = ((name, text) for name, text in self.templates if name.startswith(_FOLDER))
        return [Page(_path(name, text), _KINDS[name.rpartition(".")[2]], text.encode(), Tier.PROJECT) for name, text in found]

    def source(self, path: str) -> dict[str, str]:
        """Return where people see a file of the repository, its history, and where they propose a change of it."""
        if not self.repository:
            return {}
        root, rest = self.repository.rstrip("/"), f"{quote(self.branch)}/{quote(path)}"
        return {"file": f"{root}/blob/{rest}", "history": f"{root}/commits/{rest}", "edit": f"{root}/edit/{rest}"}


def _path(name: str, text: str) -> str:
    """Return where an asset is: a page never gets one of another edition."""
    stem, _, ending = name.removeprefix(_FOLDER).rpartition(".")
    return f"{ASSETS}{stem}.{hashlib.sha256(text.encode()).hexdigest()[:12]}.{ending}"


def environment_of(house: House) -> Environment:
    """Return the templates with what all of them use."""
    made = environment(dict(house.templates), preview=house.preview)
    made.globals |= {"house": house, "assets": house.assets()}
    made.filters |= {"human": human, "grouped": grouped}
    return made


def rendered(path: str, template: str, templates: Environment, tier: Tier, **values: object) -> Page:
    """Return a page; `root` leads from it to the top of the tree, '' at the top itself."""
    root = "../" * path.count("/")
    text = templates.get_template(template).render(root=root, **values)
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
