"""What happened to a project, and as a line of a list, without a template: an index has as many as it has releases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from markupsafe import Markup

from index_builder.model.profile import Event
from index_builder.render.escape import escaped


class Happened(NamedTuple):
    """An event with the project that it is of."""

    normalized: str
    name: str
    event: Event


def newest_first(found: Iterable[Happened]) -> list[Happened]:
    """Return what happened by time, then by name, the last first."""
    return sorted(found, key=_order, reverse=True)


def _order(one: Happened) -> tuple[str, str, str, str]:
    normalized, _, (at, kind, version, _) = one
    return at, normalized, version, kind


def line_of(one: Happened, root: str) -> Markup:
    """Return the line as HTML; `root` leads from the page to the top of the tree."""
    at, kind, version, reason = one.event
    day, page = escaped(at[:10]), f"{escaped(root)}project/{escaped(one.normalized)}/index.html"
    parts = [f'<li><time datetime="{day}">{day}</time> <a href="{page}">{escaped(one.name)}</a>']
    if version:
        parts.append(f' <span class="version">{escaped(version)}</span>')
    if kind != "release":
        parts.append(f' <span class="tag {escaped(kind)}">{escaped(kind)}</span>')
    if reason:
        parts.append(f' <span class="reason">{escaped(reason)}</span>')
    parts.append("</li>\n")
    return Markup("".join(parts))  # noqa: S704 - all parts are escaped
