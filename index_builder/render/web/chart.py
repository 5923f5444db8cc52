"""Charts as SVG: bars, each with its figure. What colour they have, the style sheet says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from index_builder.render.escape import escaped
from index_builder.render.web.house import grouped

_WIDTH: Final = 640
_HEIGHT: Final = 96


class Chart(NamedTuple):
    """Bars beside each other: the picture's inside as SVG, the labels of its ends, and its figures, as rows of a table."""

    width: int
    height: int
    inside: Markup
    first: str
    last: str
    rows: Markup


def bars(values: Sequence[tuple[str, int]], words: Callable[[int], str] = grouped) -> Chart | None:
    """Return a chart of some values, None where there is nothing to compare. `words` says a value as people read it."""
    largest = max((value for _, value in values), default=0)
    if largest == 0 or len(values) < 2:  # noqa: PLR2004 - one bar says nothing
        return None
    step = _WIDTH / len(values)
    made, rows = [], []
    for number, (label, value) in enumerate(values):
        if value:
            height = _HEIGHT * value / largest
            place = f'x="{number * step:.2f}" y="{_HEIGHT - height:.2f}" width="{step * 0.8:.2f}" height="{height:.2f}"'
            name, figure = escaped(label), words(value)
            made.append(f"<rect {place}><title>{name}: {figure}</title></rect>\n")
            rows.append(f'<tr><th scope="row">{name}</th><td>{figure}</td></tr>\n')
    return Chart(_WIDTH, _HEIGHT, Markup("".join(made)), values[0][0], values[-1][0], Markup("".join(rows)))  # noqa: S704 - labels are escaped


_UNITS: Final = {3: "under 1 kB", 4: "1 kB", 5: "10 kB", 6: "100 kB", 7: "1 MB", 8: "10 MB", 9: "100 MB", 10: "1 GB"}


def by_size(classes: Mapping[str, int]) -> Chart | None:
    """Return a chart of how many projects have how many bytes; `classes` has them by the number of its digits."""
    counts: dict[str, int] = dict.fromkeys(_UNITS.values(), 0)
    for digits, count in classes.items():
        counts[_UNITS[min(max(int(digits), min(_UNITS)), max(_UNITS))]] += count
    return bars([(label if label.startswith("under") else f"{label} and more", count) for label, count in counts.items()])


def months_between(first: str, last: str) -> list[str]:
    """Return the months from one to another one, as 2026-11."""
    year, month = int(first[:4]), int(first[5:7])
    found = []
    while (text := f"{year:04}-{month:02}") <= last:
        found.append(text)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 - December
    return found
