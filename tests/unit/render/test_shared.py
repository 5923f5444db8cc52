"""Pages that show many projects: what one change of one of them costs."""

import random
import re
import string
from unittest import mock

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.model.profile import Event
from index_builder.render.simple import ListedName
from index_builder.render.web import log as log_module
from index_builder.render.web.books import Books
from index_builder.render.web.card import Card
from index_builder.render.web.house import House, environment_of
from index_builder.render.web.leaves import joined
from index_builder.render.web.shared import Shared, entry_of
from index_builder.wiring.shipped import templates

PROJECTS = 4000
#: A project's own page and feed, and what is remembered of the pages that many share.
OF_ITS_OWN = 3


def described(name: str, rng: random.Random, *events: Event):
    """Return what a project adds that is called by a word and described by fifteen others."""
    words = ["".join(rng.choices(string.ascii_lowercase, k=3)) for _ in range(15)]
    months = tuple(sorted({event.at[:7] for event in events}))
    card = Card(name, name, "1.0", "2026-01-02", " ".join(words), (f"team-{len(name)}",), "active", 1, 1, 1, (), months)
    return entry_of(card, events)


def test_one_new_summary_among_many_changes_few_files():
    """A release with a summary of other words, a yank, and all at once in a new month: pages for people are at most 40 of the files."""
    rng = random.Random(1)
    names = sorted({"".join(rng.choices(string.ascii_lowercase, k=6)) for _ in range(PROJECTS)})
    house = House("Many", tuple(templates().items()))
    before = Event("2026-01-02T00:00:00Z", "release", "1.0")
    listed = [ListedName(name, name, 1) for name in names]
    shared = Shared(house, environment_of(house), Books(), bytes.fromhex)
    pages = {page.path: page.content for page in shared.change((), [described(name, rng, before) for name in names], listed)}
    for name in rng.sample(names, 5):
        entry = described(
            name, rng, before, Event("2026-02-03T00:00:00Z", "release", "1.1"), Event("2026-02-03T00:00:01Z", "yanked", "1.0")
        )
        change = Shared(house, environment_of(house), shared.books, pages.__getitem__)
        made = change.change((name,), [entry], listed)
        gone = shared.books.files.keys() - change.books.files.keys()
        assert 20 < len(made) + len(gone) + OF_ITS_OWN <= 40


def built(before, pages, touched, histories, all_names):
    """Return the books and pages of a change: by each project's name, when its releases came."""
    house = House("Many", tuple(templates().items()))
    entries = [
        described(name, random.Random(name), *(Event(at, "release", f"1.{n}") for n, at in enumerate(times)))
        for name, times in sorted(histories.items())
    ]
    shared = Shared(house, environment_of(house), before, pages.__getitem__)
    made = shared.change(touched, entries, [ListedName(name, name, 1) for name in sorted(all_names)])
    after = pages | {page.path: page.content for page in made}
    return shared.books, {path: after[path] for path in shared.books.files}


def test_pages_of_a_busy_day_are_those_of_its_hours():
    """What comes later leaves earlier hours as they are; what is said of an earlier hour later changes its page alone."""
    day, hours = "2026-01-31", [f"2026-01-31T{hour:02}:{minute}:00Z" for hour in (8, 9, 14) for minute in (10, 20)]
    with mock.patch.object(log_module, "_MOST_OF_A_PAGE", 3):
        books, pages = built(Books(), {}, (), {"one": hours}, ["one"])
        of_day = {path: pages[path] for path in pages if path.startswith("changes/2026-01/31/")}
        assert sorted(of_day) == [f"changes/2026-01/31/{part}index.html" for part in ("08/", "09/", "14/", "")]
        for hour, versions in (("08", ["1.1", "1.0"]), ("09", ["1.3", "1.2"]), ("14", ["1.5", "1.4"])):
            assert re.findall(r'class="version">([^<]+)<', of_day[f"changes/2026-01/31/{hour}/index.html"].decode()) == versions
        for at, differing in ((f"{day}T14:30:00Z", "14/"), (f"{day}T08:00:00Z", "08/"), (f"{day}T23:59:00Z", "23/"), (day, "00/")):
            _, later = built(books, pages, ("two",), {"two": [at]}, ["one", "two"])
            differ = {path for path in later if path.startswith("changes/2026-01/") and later[path] != pages.get(path)}
            assert differ == {f"changes/2026-01/{path}index.html" for path in ("", "31/", f"31/{differing}")}
        _, earlier = built(books, pages, ("two",), {"two": ["2026-01-02T00:00:00Z"]}, ["one", "two"])
        assert {path: earlier[path] for path in of_day} == of_day


def test_a_change_on_a_busy_day_changes_few_files():
    """All projects were handed in on one day, and one of them is released, yanked, or taken away on that day."""
    rng = random.Random(2)
    names = sorted({"".join(rng.choices(string.ascii_lowercase, k=6)) for _ in range(PROJECTS)})
    house = House("Many", tuple(templates().items()))
    listed = [ListedName(name, name, 1) for name in names]
    first = {name: Event(f"2026-01-02T{rng.randrange(24):02}:00:00Z", "release", "1.0") for name in names}
    shared = Shared(house, environment_of(house), Books(), bytes.fromhex)
    pages = {page.path: page.content for page in shared.change((), [described(name, rng, first[name]) for name in names], listed)}
    for name, more in zip(
        rng.sample(names, 3), (("2026-01-02T23:59:00Z", "release"), ("2026-01-02T00:00:01Z", "yanked"), None), strict=True
    ):
        change = Shared(house, environment_of(house), shared.books, pages.__getitem__)
        entries = [described(name, rng, first[name], Event(*more, "1.1"))] if more else []
        made = change.change((name,), entries, [one for one in listed if more or one.name != name])
        gone = shared.books.files.keys() - change.books.files.keys()
        assert 5 < len(made) + len(gone) + OF_ITS_OWN <= 40


@pytest.mark.parametrize("event", [["2026-01-02", "release", ["<script>"]], [{}, "release", "1"], ["2026-01-02", "release", "1", 5]])
@pytest.mark.parametrize("name", ["one", ["<b>"]])
def test_what_no_build_wrote_is_no_month(event, name):
    """Lines come back from where they were published: what is no text would not be escaped."""
    lines = joined([orjson.dumps(("one ", name, [event]))])
    with pytest.raises(TypeError, match="told in texts"):
        log_module.read_month(lines)
    with pytest.raises(TypeError, match="told in texts"):
        log_module.days_of([orjson.dumps(("one ", name, [event]))])


PLACES = st.sampled_from(["2026-01-02", "2026-01-03", "2026-01-31", "2026-02-03"])
HISTORIES = st.dictionaries(
    st.sampled_from(["one", "two", "three", "four"]),
    st.lists(st.builds(lambda day, hour: f"{day}T{hour:02}:00:00Z", PLACES, st.integers(0, 5)), min_size=1, max_size=4),
    max_size=4,
)


@settings(deadline=None)
@given(old=HISTORIES, new=HISTORIES)
def test_months_that_change_are_those_of_a_full_build(old, new):
    """Days that come and go, months that grow too long for one page and become short again: each page is as if all were built anew."""
    with mock.patch.object(log_module, "_MOST_OF_A_PAGE", 3):
        books, pages = built(Books(), {}, (), old, old)
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        found = built(books, pages, changed, {name: new[name] for name in changed & new.keys()}, new)
        assert found == built(Books(), {}, (), new, new)


def test_pages_of_changes_are_counted_from_the_oldest():
    """The first month is page 1 for good, over the years; so are a busy month's first day and a busy day's first hour."""
    numbered = re.compile(r"<li>(?:<span[^>]*>)?([0-9]+)\.(?:</span>)? <a href=\"([^\"]+)/index.html\">")
    times = ["2024-11-02T00:00:00Z", "2025-03-02T00:00:00Z", "2026-01-30T23:00:00Z", *(f"2026-01-31T0{hour}:00:00Z" for hour in range(5))]
    with mock.patch.object(log_module, "_MOST_OF_A_PAGE", 3):
        books, pages = built(Books(), {}, (), {"one": times}, ["one"])
        for path, listed in (
            ("changes/", [("3", "2026-01"), ("2", "2025-03"), ("1", "2024-11")]),
            ("changes/2026-01/", [("2", "31"), ("1", "30")]),
            ("changes/2026-01/31/", [(str(hour + 1), f"0{hour}") for hour in (4, 3, 2, 1, 0)]),
        ):
            assert numbered.findall(pages[f"{path}index.html"].decode()) == listed, path
        _, later = built(books, pages, ("two",), {"two": ["2026-02-01T00:00:00Z"]}, ["one", "two"])
        assert numbered.findall(later["changes/index.html"].decode())[0] == ("4", "2026-02")
        closed = [path for path in pages if path.startswith("changes/20") and path.endswith(".html")]
        assert len(closed) == 10
        assert {path: later[path] for path in closed} == {path: pages[path] for path in closed}
