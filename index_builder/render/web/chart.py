"""Charts as SVG: bars, each with its figure. What colour they have, the style sheet says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from index_builder.render.web.table import escaped

_WIDTH: Final = 640
_HEIGHT: Final = 96


class Chart(NamedTuple):
    """Bars beside each other: the picture's inside as SVG, and the labels of its ends."""

    width: int
    height: int
    inside: Markup
    first: str
    last: str


def bars(values: Sequence[tuple[str, int]]) -> Chart | None:
    """Return a chart of some values, None where there is nothing to compare."""
    largest = max((value for _, value in values), default=0)
    if largest == 0 or len(values) < 2:  # noqa: PLR2004 - one bar says nothing
        return None
    step = _WIDTH / len(values)
    made = []
    for number, (label, value) in enumerate(values):
        if value:
            height = _HEIGHT * value / largest
            place = f'x="{number * step:.2f}" y="{_HEIGHT - height:.2f}" width="{step * 0.8:.2f}" height="{height:.2f}"'
            made.append(f"<rect {place}><title>{escaped(label)}: {value:,}</title></rect>\n")
    return Chart(_WIDTH, _HEIGHT, Markup("".join(made)), values[0][0], values[-1][0])  # noqa: S704 - labels are escaped


def months_between(first: str, last: str) -> list[str]:
    """Return the months from one to another one, as 2026-11."""
    year, month = int(first[:4]), int(first[5:7])
    found = []
    while (text := f"{year:04}-{month:02}") <= last:
        found.append(text)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 - December
    return found
