"""Charts as SVG: bars, whose figures a screen reader gets as a table beside them. No colour is in them but the text's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

_WIDTH: Final = 640
_HEIGHT: Final = 96


class Bar(NamedTuple):
    """A bar of a chart; all numbers are in the units of the picture."""

    label: str
    value: int
    x: float
    y: float
    width: float
    height: float


class Chart(NamedTuple):
    """Bars beside each other."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    largest: int


def bars(values: Sequence[tuple[str, int]]) -> Chart | None:
    """Return a chart of some values, None where there is nothing to compare."""
    largest = max((value for _, value in values), default=0)
    if largest == 0 or len(values) < 2:  # noqa: PLR2004 - one bar says nothing
        return None
    step = _WIDTH / len(values)
    made = []
    for number, (label, value) in enumerate(values):
        height = round(_HEIGHT * value / largest, 2) if value else 0
        made.append(Bar(label, value, round(number * step, 2), round(_HEIGHT - height, 2), round(step * 0.8, 2), height))
    return Chart(_WIDTH, _HEIGHT, tuple(made), largest)


def months_between(first: str, last: str) -> list[str]:
    """Return the months from one to another one, as 2026-11."""
    year, month = int(first[:4]), int(first[5:7])
    found = []
    while (text := f"{year:04}-{month:02}") <= last:
        found.append(text)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 - December
    return found
