"""Atom feeds. Source: RFC 4287."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from index_builder.model.page import Page, Tier
from index_builder.render.escape import all_escaped
from index_builder.render.web.happened import Happened
from index_builder.render.web.house import House

ATOM: Final = "application/atom+xml"
#: A feed has the newest of what happened.
MOST: Final = 30
_NEVER: Final = "1970-01-01T00:00:00Z"


def title_of(happened: Happened) -> str:
    """Return what happened, in a line."""
    kind, version, reason = happened.event.kind, happened.event.version, happened.event.reason
    said = f": {reason}" if reason else ""
    if kind == "release":
        return f"{happened.name} {version}"
    if version:
        return f"{happened.name} {version} {kind}{said}"
    return f"{happened.name} is {kind}{said}"


def render_feed(path: str, title: str, happened: Sequence[Happened], house: House, tier: Tier) -> Page:
    """Return a feed of what happened, the newest first. What no URL is known for, is named by a tag of its own (RFC 4151)."""
    root = house.url or "tag:index,2026:"
    updated = happened[0].event.at if happened else _NEVER
    entries = "".join(_entry(one, root, house) for one in happened[:MOST])
    name, title, owner, at, here, updated = all_escaped(root + path, title, house.title, house.url, house.url + path, updated)
    link = f'<link href="{at}"/>\n<link rel="self" href="{here}"/>\n' if house.url else ""
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>{name}</id>\n<title>{title}</title>\n<updated>{updated}</updated>\n"
        f"<author><name>{owner}</name></author>\n{link}{entries}</feed>\n"
    )
    return Page(path, ATOM, text.encode(), tier)


def _entry(one: Happened, root: str, house: House) -> str:
    page = f"project/{one.normalized}/index.html"
    event = one.event
    name, title, at, here = all_escaped(f"{root}{page}#{event.kind}-{event.version}-{event.at}", title_of(one), event.at, house.url + page)
    link = f'<link href="{here}"/>' if house.url else ""
    facts = f"<title>{title}</title><updated>{at}</updated>{link}<summary>{title}</summary>"
    return f"<entry><id>{name}</id>{facts}</entry>\n"
