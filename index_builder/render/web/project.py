"""A project's page and its feed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import getaddresses
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from markupsafe import Markup

from index_builder.model.names import parse_version
from index_builder.model.page import Page, Tier
from index_builder.model.profile import Profile
from index_builder.model.snapshot import CoreMetadata, ListedProject
from index_builder.render.web.card import Card, metadata_of, one_line, texts
from index_builder.render.web.chart import Chart, bars
from index_builder.render.web.feed import render_feed
from index_builder.render.web.happened import Happened, newest_first
from index_builder.render.web.house import House, human, rendered
from index_builder.render.web.requirements import Requirements, by_extra
from index_builder.render.web.table import Release, row_of, section_of

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER: Final = "project/"
_MOST_BARS: Final = 40


class About(NamedTuple):
    """What the core metadata of the newest release says, as far as it is worth a line; `is_known` where there is any."""

    is_known: bool
    summary: str
    requires_python: str
    license: str
    author: str
    links: tuple[tuple[str, str], ...]
    requirements: Requirements
    classifiers: tuple[tuple[str, tuple[str, ...]], ...]


def render_project(project: ListedProject, profile: Profile, card: Card, house: House, templates: Environment) -> Iterator[Page]:
    """Yield a project's page and its feed."""
    path = f"{FOLDER}{project.normalized}/"
    newest = card.version
    releases, sections = _releases(project, profile, newest)
    yield rendered(
        f"{path}index.html", "web/project.html", templates, Tier.PROJECT,
        project=project, profile=profile, card=card, releases=releases, sections=sections,
        about=_about(metadata_of(project, newest), project, newest),
        newest=next((release for release in releases if release.version == newest), None), chart=_chart(releases),
        source=house.source(profile.manifest), removed=[event for event in profile.events if event.kind == "removed"],
    )  # fmt: skip
    events = newest_first(Happened(project.normalized, project.name, event) for event in profile.events)
    yield render_feed(f"{path}feed.xml", f"{project.name} in {house.title}", events, house, Tier.PROJECT)


def _releases(project: ListedProject, profile: Profile, newest: str) -> tuple[list[Release], Markup]:
    """Return the releases, the newest first, and their sections; files of no known version come last."""
    listed = zip(project.files, profile.origins or [""] * len(project.files), strict=True)
    releases, sections = [], []
    for version, group in groupby(listed, key=lambda pair: pair[0].version):
        pairs = list(group)
        files = [file for file, _ in pairs]
        yanked = next((file.yanked for file in files if file.yanked), "") if all(f.yanked is not None for f in files) else None
        at, size = min((file.uploaded for file in files if file.uploaded), default="")[:10], sum(file.size or 0 for file in files)
        release = Release(version, at, size, len(files), yanked, bool(version) and parse_version(version).is_prerelease)
        rows = "".join([row_of(file, origin, of_release=yanked is not None) for file, origin in pairs])
        releases.append(release)
        sections.append(section_of(release, rows, is_open=version == newest))
    return releases[::-1], Markup("".join(sections[::-1]))  # noqa: S704 - escaped


def _chart(releases: list[Release]) -> Chart | None:
    """Return the sizes of the newest releases, the oldest of them first."""
    return bars([(release.version, release.size) for release in releases[:_MOST_BARS][::-1]], human)


def _about(found: CoreMetadata, project: ListedProject, newest: str) -> About:
    listed = next((file.requires_python for file in project.files if file.version == newest), "")
    if not found:
        return About(False, "", listed, "", "", (), Requirements((), ()), ())
    requires = one_line(found.get("requires_python")) or listed
    return About(
        is_known=True,
        summary=one_line(found.get("summary")),
        requires_python=requires,
        license=_license(found),
        author=one_line(found.get("author")) or _names(one_line(found.get("author_email"))),
        links=tuple(_links(found)),
        requirements=by_extra(texts(found, "requires_dist"), texts(found, "provides_extra")),
        classifiers=_classifiers(texts(found, "classifiers")),
    )


_SHORT: Final = 120
_OF_LICENSE: Final = "License :: "


def _license(found: CoreMetadata) -> str:
    """Return the name of a licence. Some projects put the whole text there: then classifiers say it, or the text's first line."""
    if expression := one_line(found.get("license_expression")):
        return expression
    text = found.get("license")
    if len(line := one_line(text)) <= _SHORT and line:
        return line
    named = [one.rpartition(" :: ")[2] for one in texts(found, "classifiers") if one.startswith(_OF_LICENSE)]
    first = next((short for part in str(text or "").splitlines() if (short := one_line(part))), "")
    return ", ".join(named) or (first if len(first) <= _SHORT else "in the core metadata")


def _names(addresses: str) -> str:
    """Return who is named in addresses as `"Ann B." <ann@example.org>, bob@example.org`."""
    found = ((name or address).strip() for name, address in getaddresses([addresses]))
    return ", ".join(text for text in found if text) or addresses


def _links(found: CoreMetadata) -> Iterator[tuple[str, str]]:
    """Yield the links of a project by their labels: https only, and never with a name and password in front of the host."""
    urls = found.get("project_urls")
    pairs = list(urls.items()) if isinstance(urls, dict) else []
    pairs.append(("Homepage", found.get("home_page")))
    seen = set()
    for label, url in pairs:
        text = one_line(url)
        if text not in seen and _is_safe(text):
            seen.add(text)
            yield one_line(label) or "Link", text


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and not re.search(r"[\s\"'<>\\`]", url)


def _classifiers(lines: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, list[str]] = {}
    for line in lines:
        top, colons, rest = line.partition(" :: ")
        if colons:
            found.setdefault(top, []).append(rest)
    return tuple((top, tuple(rest)) for top, rest in found.items())
