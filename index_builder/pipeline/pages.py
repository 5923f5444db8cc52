"""A part of an audience's projects becomes pages, lines of `packages.json` and state. This is the work of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from index_builder.model.page import Page, WrittenPage
from index_builder.model.profile import Profile
from index_builder.model.snapshot import ListedProject
from index_builder.pipeline.items import Item, unpack
from index_builder.render.legacy import ReleaseJson, render_legacy
from index_builder.render.rows import render_rows
from index_builder.render.simple import ListedName, environment, render_html, render_json
from index_builder.state import Built, PageDigest, digest_of, shard_of

if TYPE_CHECKING:
    from jinja2 import Environment

    from index_builder.ports.places import Writer
    from index_builder.render.web.house import House
    from index_builder.render.web.shared import Entry


class Layout(NamedTuple):
    """How pages are made; those of a `preview` say that they are one.

    `root` is where the tree is published, ending in a slash, or ''; `templates` are texts by name. With a `house` there are pages
    for people too.
    """

    templates: tuple[tuple[str, str], ...]
    release_json: ReleaseJson
    root: str = ""
    simple_json: bool = True
    preview: bool = False
    house: House | None = None


class Rendered(NamedTuple):
    """A part's project pages; and of each project its lines of `packages.json`, its entry of the project list, its shard and line there.

    `entries` are what projects add to pages for people that show many of them.
    """

    pages: Sequence[Page | WrittenPage]
    rows: list[bytes]
    names: list[ListedName]
    state: list[tuple[str, bytes]]
    entries: list[Entry]


def render(task: tuple[Layout, bytes]) -> Rendered:
    """Render projects that `pack` packed."""
    return _rendered(*task, lambda page: page)


def render_into(task: tuple[Writer, Layout, bytes]) -> Rendered:
    """Render projects that `pack` packed, and write each page as soon as it is made; raises StorageError."""
    writer, layout, packed = task

    def written(page: Page) -> WrittenPage:
        writer.put(page.path, page.chunks())
        return WrittenPage(page.path)

    return _rendered(layout, packed, written)


def _rendered(layout: Layout, packed: bytes, kept: Callable[[Page], Page | WrittenPage]) -> Rendered:
    """Render; `kept` says of each page what is told of it."""
    templates = templates_of(layout)
    for_people = house_templates(layout.house) if layout.house else None
    pages: list[Page | WrittenPage] = []
    rows: list[bytes] = []
    names: list[ListedName] = []
    state: list[tuple[str, bytes]] = []
    entries: list[Entry] = []
    for item in unpack(packed):
        project = item.project
        made = list(_pages(item, layout, templates))
        if layout.house and for_people and item.profile:
            shown, entry = _for_people(project, item.profile, layout.house, for_people)
            made += shown
            entries.append(entry)
        lines = render_rows(project)
        paths = tuple(sorted({*(page.path for page in made), *item.served}))
        first = project.files[0].filename if project.files else ""
        simple = tuple(PageDigest(p.path, p.size, digest_of(p.content)) for p in made if p.path.startswith("simple/"))
        built = Built(project.normalized, item.path, item.blob, first, len(lines), paths, simple)
        pages += map(kept, made)
        rows.append(lines)
        names.append(ListedName(project.normalized, project.name, project.serial))
        state.append((shard_of(project.normalized), built.encode()))
    return Rendered(pages, rows, names, state, entries)


def _pages(item: Item, layout: Layout, templates: Environment) -> Iterator[Page]:
    yield render_html(item.project, templates)
    if layout.simple_json:
        yield render_json(item.project, preview=layout.preview)
    yield from render_legacy(item.project, layout.root, layout.release_json)


def _for_people(project: ListedProject, profile: Profile, house: House, templates: Environment) -> tuple[list[Page], Entry]:
    from index_builder.render.web.card import card_of  # noqa: PLC0415 - for pages for people only, as all below
    from index_builder.render.web.project import render_project  # noqa: PLC0415
    from index_builder.render.web.shared import entry_of  # noqa: PLC0415

    card = card_of(project, profile)
    return list(render_project(project, profile, card, house, templates)), entry_of(card, profile.events)


@lru_cache(maxsize=4)
def templates_of(layout: Layout) -> Environment:
    """Return the layout's templates, compiled once."""
    return environment(dict(layout.templates), preview=layout.preview)


@lru_cache(maxsize=4)
def house_templates(house: House) -> Environment:
    """Return the templates of pages for people, compiled once."""
    from index_builder.render.web.house import environment_of  # noqa: PLC0415

    return environment_of(house)
