"""Pages that show many projects. Those of a whole index are those of a change from an empty one: there is one way to make them.

Of a change, only what it touches is made, from the lines that were published before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from index_builder.model.page import JSON, Page, Tier
from index_builder.model.profile import Event
from index_builder.render.simple import ListedName
from index_builder.render.web.books import Books
from index_builder.render.web.card import Card, decode
from index_builder.render.web.chart import Chart, bars, by_size, months_between
from index_builder.render.web.feed import MOST as OF_A_FEED
from index_builder.render.web.feed import render_feed
from index_builder.render.web.happened import Happened
from index_builder.render.web.house import House, counted, human, rendered
from index_builder.render.web.leaves import Leaves, joined, lines_of
from index_builder.render.web.log import days_of, pages_of, read_month

if TYPE_CHECKING:
    from jinja2 import Environment

CARDS: Final = "search/cards/"
WORDS: Final = "search/words/"
# How much a page shows: a first visit to any of these loads 50 kB at most, half of which are the assets. An hour of `log` has no limit.
#: An index with more projects has pages for each two letters.
_MOST_OF_ALL: Final = 250
#: Of an owner with more projects, names alone are shown; and of one with many more, not all of these.
_MOST_CARDS: Final = 40
_MOST_NAMES: Final = 250
_MOST_OWNERS: Final = 40
_NEWEST: Final = 12
_LATEST: Final = 15
_MOST_MONTHS: Final = 36
_MOST_BARS: Final = 40


class Entry(NamedTuple):
    """What a project adds to pages that show many: its card, the words that lead to it, and by month a line of what happened."""

    card: Card
    postings: tuple[tuple[str, bytes], ...]
    happened: tuple[tuple[str, bytes], ...]


def entry_of(card: Card, events: Iterable[Event]) -> Entry:
    """Return what a project adds."""
    by_month = {month: list(group) for month, group in groupby(sorted(events), key=lambda event: event.at[:7])}
    lines = tuple(
        (month, bytes(memoryview(orjson.dumps((card.key, card.name, list(map(tuple, group))))))) for month, group in by_month.items()
    )
    return Entry(card, tuple(card.postings().items()), lines)


class Shared:
    """The pages that change, and what is remembered of all of them. `read` gives what a path had before."""

    def __init__(self, house: House, templates: Environment, before: Books, read: Callable[[str], bytes]) -> None:
        """Take what was there; `Books()` where nothing was."""
        self._house, self._templates, self._before, self._read_before = house, templates, before, read
        self.books = deepcopy(before)
        self._made: dict[str, Page | None] = {}
        self._happened: dict[str, list[Happened]] = {}
        self._cards = Leaves(CARDS, self.books.cards, self._read)
        self._words = Leaves(WORDS, self.books.words, self._read)

    def change(self, touched: Iterable[str], entries: Sequence[Entry], names: Sequence[ListedName]) -> list[Page]:
        """Take the projects of some names away and put entries in; return the pages that differ, in the order they may appear.

        `names` are all projects that there are then. Raises ValueError or TypeError where what was there is not what a build wrote.
        """
        old = [card for name in sorted(touched) if (card := self._card(name))] if self.books.cards else []
        new = [entry.card for entry in entries]
        self._count(old, -1)
        self._count(new, 1)
        months = self._change_months(old, entries)
        self._put_lines(self._words, dict(p for card in old for p in card.postings().items()), dict(p for e in entries for p in e.postings))
        self._put_lines(self._cards, {card.key: card.encode() for card in old}, {card.key: card.encode() for card in new})
        self._put("search/index.json", Page("search/index.json", JSON, self.books.index(), Tier.LIST))
        self._change_owners(old, new)
        self._change_list(old, new, names)
        if months or not self._before.files:
            self._change_news()
        self._change_home(names)
        self._remember()
        return [page for page in self._made.values() if page]

    def _card(self, name: str) -> Card | None:
        line = self._cards.line(f"{name} ")
        return decode(line) if line is not None else None

    def _read(self, path: str) -> bytes:
        if path in self._made:
            page = self._made[path]
            if page is None:
                raise KeyError(path)
            return page.content
        return self._read_before(path)

    def _put(self, path: str, page: Page | None) -> None:
        self._made[path] = page

    def _put_lines(self, leaves: Leaves, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
        """Bring leaves from old lines to new ones; what is in both, nobody need look at."""
        came = {key: line for key, line in new.items() if old.get(key) != line}
        gone = old.keys() - (new.keys() - came.keys())
        for path, content in leaves.changed(gone, came).items():
            self._put(path, None if content is None else Page(path, JSON, content, Tier.LIST))

    def _count(self, cards: Iterable[Card], sign: int) -> None:
        books = self.books
        for card in cards:
            books.projects += sign
            books.releases += sign * card.releases
            books.listed += sign * card.files
            books.size += sign * card.size
            kind = str(len(str(card.size)))
            books.classes[kind] = books.classes.get(kind, 0) + sign
            for owner in dict.fromkeys(card.owners):
                count, size = books.owners.get(owner, (0, 0))
                books.owners[owner] = [count + sign, size + sign * card.size]
        books.classes = {kind: count for kind, count in books.classes.items() if count}
        books.owners = {owner: found for owner, found in books.owners.items() if found[0]}

    def _change_months(self, old: Sequence[Card], entries: Sequence[Entry]) -> list[str]:
        """Bring the lines and pages of months to what happened; return the months that differ."""
        gone: dict[str, set[str]] = {}
        came: dict[str, dict[str, bytes]] = {}
        for card in old:
            for month in card.months:
                gone.setdefault(month, set()).add(card.key)
        for entry in entries:
            for month, line in entry.happened:
                came.setdefault(month, {})[entry.card.key] = line
        differing = []
        for month in sorted(gone.keys() | came.keys()):
            path = f"changes/{month}.json"
            before = self._read_before(path) if month in self._before.months else b""
            old_lines = lines_of(before) if before else {}
            lines = {key: line for key, line in old_lines.items() if key not in gone.get(month, ())} | came.get(month, {})
            content = joined(line for _, line in sorted(lines.items())) if lines else b""
            if content != before:
                differing.append(month)
                self._put(path, Page(path, JSON, content, Tier.LIST) if content else None)
                changed = dict(old_lines.items() ^ lines.items()).keys()
                told = (line for key in changed for line in (old_lines.get(key), lines.get(key)) if line)
                self._change_month(month, content, days_of(told) if before else ())
        return differing

    def _change_month(self, month: str, content: bytes, touched: Container[str]) -> None:
        """Bring the pages of a month to what happened in it; of its days, only some are `touched`."""
        happened = self._happened[month] = read_month(content) if content else []
        wanted = pages_of(month, happened)
        for old in [p for p in self._before.files if p.startswith(f"changes/{month}/") and p not in wanted]:
            self._put(old, None)
        if not happened:
            self.books.months.pop(month, None)
            return
        self.books.months[month] = [len(happened), sum(one.event.kind == "release" for one in happened)]
        for path, listed in wanted.items():
            if listed.day in touched or not listed.day or path not in self._before.files:
                self._page(path, "web/month.html", **listed._asdict())

    def _change_owners(self, old: Sequence[Card], new: Sequence[Card]) -> None:
        for owner in sorted({owner for card in (*old, *new) for owner in card.owners}):
            path = f"owner/{owner}/index.html"
            if owner not in self.books.owners:
                self._put(path, None)
                continue
            count, size = self.books.owners[owner]
            names = sorted(key.split(" ")[1] for key, _ in self._owned(owner))
            cards = [card for name in names if (card := self._card(name))] if count <= _MOST_CARDS else []
            largest = sorted(cards, key=lambda card: (-card.size, card.normalized))[:_MOST_CARDS]
            self._page(
                path, "web/owner.html", owner=owner, count=count, size=size, cards=cards, names=[] if cards else names,
                chart=bars([(card.name, card.size) for card in largest[:_MOST_BARS]], human),
            )  # fmt: skip

    def _owned(self, owner: str) -> Iterator[tuple[str, bytes]]:
        found = 0
        for key, line in self._words.beginning(f"{owner} "):
            if "o" in orjson.loads(line)[1]:
                yield key, line
                found += 1
                if found == _MOST_NAMES:
                    return

    def _change_list(self, old: Sequence[Card], new: Sequence[Card], names: Sequence[ListedName]) -> None:
        """Bring the pages of all names from A to Z to what there is."""
        touched = {card.normalized[:2] for card in (*old, *new)}
        is_split = len(names) > _MOST_OF_ALL
        groups = [(start, list(group)) for start, group in groupby(names, key=lambda listed: listed.normalized[:2])]
        wanted = {f"all/{start}/index.html": (start, group) for start, group in groups} if is_split else {}
        for path in [p for p in self._before.files if p.startswith("all/") and p != "all/index.html" and p not in wanted]:
            self._put(path, None)
        for path, (start, group) in wanted.items():
            if path not in self._before.files or start in touched:
                self._page(path, "web/names.html", start=start, names=group)
        letters = [(letter, list(group)) for letter, group in groupby(groups, key=lambda pair: pair[0][0])]
        self._page("all/index.html", "web/all.html", letters=letters, is_split=is_split, count=len(names))

    def _change_news(self) -> None:
        """Bring what is newest to what happened: the page of changes, and the feed."""
        latest = self._latest(OF_A_FEED)
        years = [
            (year, list(group)) for year, group in groupby(sorted(self.books.months.items(), reverse=True), key=lambda pair: pair[0][:4])
        ]
        self._page("changes/index.html", "web/changes.html", latest=latest[:_LATEST], years=years, chart=self._chart())
        self._put("feed.xml", render_feed("feed.xml", self._house.title, latest, self._house, Tier.LIST))

    def _chart(self) -> Chart | None:
        if not self.books.months:
            return None
        months = months_between(min(self.books.months), max(self.books.months))[-_MOST_MONTHS:]
        return bars([(month, self.books.months.get(month, (0, 0))[1]) for month in months])

    def _latest(self, most: int, kind: str = "") -> list[Happened]:
        found: list[Happened] = []
        for month in sorted(self.books.months, reverse=True):
            found += [one for one in self._month(month) if kind in ("", one.event.kind)]
            if len(found) >= most:
                break
        return found[:most]

    def _month(self, month: str) -> list[Happened]:
        """Return what happened in a month, the newest first."""
        if month not in self._happened:
            self._happened[month] = read_month(self._read(f"changes/{month}.json"))
        return self._happened[month]

    def _change_home(self, names: Sequence[ListedName]) -> None:
        newest = []
        for one in self._latest(_NEWEST, "release"):
            card = self._card(one.normalized)
            newest.append((one, card.summary if card else ""))
        counts = {owner: found[0] for owner, found in self.books.owners.items()}
        self._page(
            "index.html", "web/home.html", books=self.books, newest=newest, chart=self._chart(),
            example=names[0].normalized if names else "PROJECT", owners=sorted(counted(counts, _MOST_OWNERS)),
        )  # fmt: skip
        self._page("status/index.html", "web/status.html", books=self.books, chart=self._chart(), sizes=by_size(self.books.classes))
        self._page("search/index.html", "web/search.html")

    def _page(self, path: str, template: str, **values: object) -> None:
        self._put(path, rendered(path, template, self._templates, Tier.LIST, **values))

    def _remember(self) -> None:
        """Drop pages that are as they were, and note the digests of the others."""
        for page in self._house.asset_pages():
            self._made.setdefault(page.path, page)
        kept = self._house.assets().values()
        for path in [path for path in self._before.files if path.startswith("assets/") and path not in kept]:
            self._put(path, None)
        for path, made in list(self._made.items()):
            digest = hashlib.sha256(made.content).hexdigest() if made else ""
            if digest == self._before.files.get(path, ""):
                del self._made[path]
            elif made is not None:
                self.books.files[path] = digest
            else:
                self.books.files.pop(path, None)
        self._made = dict(sorted(self._made.items(), key=lambda pair: _order(pair[0])))


def _order(path: str) -> tuple[int, str]:
    """Return when a page may appear: what others load first, and what everybody begins with last."""
    ranks = {"assets/": 0, "search/cards/": 1, "search/words/": 1, "changes/": 2, "owner/": 2, "all/": 2}
    return next((rank for start, rank in ranks.items() if path.startswith(start)), 4 if path == "index.html" else 3), path
