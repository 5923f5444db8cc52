"""What happened in a month: its lines, and the pages that tell it, from the month to the hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import orjson

from index_builder.model.profile import Event
from index_builder.render.web.happened import Happened, newest_first
from index_builder.render.web.leaves import lines_of

#: A month with more events has a page for each day, and a day with more has one for each hour.
_MOST_OF_A_PAGE: Final = 100
_TO_DAY: Final = 10
_OF_HOUR: Final = slice(11, 13)


class Log(NamedTuple):
    """A page of changes: the events that it shows, the newest first, or the title, address and number of events of the pages that do.

    `day` is the one that it is of, '' for a month.
    """

    title: str
    day: str
    total: int
    events: Sequence[Happened] = ()
    pages: Sequence[tuple[str, str, int]] = ()


def days_of(lines: Iterable[bytes]) -> set[str]:
    """Return the days on which something happened that lines of a month tell; raises TypeError, as `read_month`."""
    return {one.event.at[:_TO_DAY] for line in lines for one in _happened("", line)}


def read_month(content: bytes) -> list[Happened]:
    """Return what a month's lines say, the newest first; raises TypeError for what no build wrote. It may come from another host."""
    return newest_first(one for key, line in lines_of(content).items() for one in _happened(key.removesuffix(" "), line))


def _happened(normalized: str, line: bytes) -> list[Happened]:
    _, name, events = orjson.loads(line)
    found = [Happened(normalized, name, Event(*event)) for event in events]
    for one in found:
        if not all(type(text) is str for text in (name, *one.event)):
            msg = "what happened is told in texts"
            raise TypeError(msg)
    return found


def pages_of(month: str, happened: Sequence[Happened]) -> dict[str, Log]:
    """Return the pages of a month by path; `happened` is the newest first.

    They are numbered as the calendar does, from the oldest: what comes later leaves those of earlier hours as they are, and what is
    said of an earlier hour later changes its page alone.
    """
    path = f"changes/{month}/"
    if len(happened) <= _MOST_OF_A_PAGE:
        return {f"{path}index.html": Log(month, "", len(happened), happened)} if happened else {}
    days = [(day, list(group)) for day, group in groupby(happened, key=lambda one: one.event.at[:_TO_DAY])]
    links = [(day, f"{day[8:]}/index.html", len(group)) for day, group in days]
    found = {f"{path}index.html": Log(month, "", len(happened), pages=links)}
    for day, group in days:
        below = f"{path}{day[8:]}/"
        if len(group) <= _MOST_OF_A_PAGE:
            found[f"{below}index.html"] = Log(day, day, len(group), group)
            continue
        hours = [(hour, list(events)) for hour, events in groupby(group, key=lambda one: one.event.at[_OF_HOUR] or "00")]
        links = [(f"{hour}:00 UTC", f"{hour}/index.html", len(events)) for hour, events in hours]
        found[f"{below}index.html"] = Log(day, day, len(group), pages=links)
        found |= {f"{below}{hour}/index.html": Log(f"{day} {hour}:00 UTC", day, len(events), events) for hour, events in hours}
    return found
