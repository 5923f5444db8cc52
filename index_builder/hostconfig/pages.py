"""Hosts that take a folder with `_headers` and `_redirects` in it: Netlify and Cloudflare Pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from index_builder.hostconfig.values import ConfigFile, comment
from index_builder.model.names import Word
from index_builder.model.page import JSON, JSON_LINES, SIMPLE_JSON

if TYPE_CHECKING:
    from jinja2 import Environment

EDGES: Final = {"netlify": "Netlify", "cloudflare": "Cloudflare Pages"}
#: Content types that neither host knows by the file's name.
_TYPES: Final = {
    "/pypi/*": JSON, "/packages.json": JSON_LINES, "/package-list/*": JSON_LINES, "/simple/index.v1_json": SIMPLE_JSON,
    "/simple/:project/index.v1_json": SIMPLE_JSON,
}  # fmt: skip


def render_edge(kind: str, title: str, audience: Word, templates: Environment, *, serves_json: bool) -> list[ConfigFile]:
    """Return `_headers` and `_redirects` for the root of an audience's tree; `serves_json` gives every reader JSON, in place of HTML.

    Where a tree has no `404.html`, Cloudflare Pages takes it for an application of one page, and gives its front page, with 200, for
    all that is absent: so there it gets one.
    """
    facts = {
        "title": comment(title), "audience": audience, "host": EDGES[kind], "kind": kind, "json": serves_json, "types": _TYPES,
        "simple_json": SIMPLE_JSON,
    }  # fmt: skip
    names = {"_headers": "headers", "_redirects": "redirects"} | ({"404.html": "404.html"} if kind == "cloudflare" else {})
    return [ConfigFile(name=name, text=templates.get_template(f"hosts/{source}.jinja").render(facts)) for name, source in names.items()]
