"""Atom feeds. Source: RFC 4287."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

from index_builder.model.page import Page, Tier
from index_builder.model.profile import Event
from index_builder.render.web.house import House

ATOM: Final = "application/atom+xml"
#: A feed has the newest of what happened.
MOST: Final = 30
_NEVER: Final = "1970-01-01T00:00:00Z"


class Happened(NamedTuple):
    """An event with the project that it is of."""

    normalized: str
    name: str
    event: Event

    @property
    def order(self) -> tuple[str, str, str, str]:
        """What comes after what: by time, then by name."""
        return (self.event.at, self.normalized, self.event.version, self.event.kind)


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
    link = f'<link href="{escape(house.url)}"/>\n<link rel="self" href="{escape(house.url + path)}"/>\n' if house.url else ""
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>{escape(root + path, quote=False)}</id>\n<title>{escape(title, quote=False)}</title>\n<updated>{updated}</updated>\n"
        f"<author><name>{escape(house.title, quote=False)}</name></author>\n{link}{entries}</feed>\n"
    )
    return Page(path, ATOM, text.encode(), tier)


def _entry(one: Happened, root: str, house: House) -> str:
    page = f"project/{one.normalized}/index.html"
    name = f"{page}#{one.event.kind}-{one.event.version}-{one.event.at}"
    link = f'<link href="{escape(house.url + page)}"/>' if house.url else ""
    title = escape(title_of(one), quote=False)
    facts = f"<title>{title}</title><updated>{one.event.at}</updated>{link}<summary>{title}</summary>"
    return f"<entry><id>{escape(root + name, quote=False)}</id>{facts}</entry>\n"
