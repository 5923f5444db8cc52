"""Make the search of a large index, and say how long it takes and how large it is.

usage: python benchmarks/search.py PROJECTS OUT_DIR

OUT_DIR becomes what pages for people share: home, names, owners, changes, and all that the search reads; no page of a project.
Names and words depend on PROJECTS alone.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from workload import SYLLABLES, project_names

from index_builder.model.profile import Event
from index_builder.render.simple import ListedName
from index_builder.render.web.books import Books
from index_builder.render.web.card import Card
from index_builder.render.web.house import House, environment_of
from index_builder.render.web.shared import Entry, Shared, entry_of
from index_builder.wiring.shipped import templates


def entries(names: list[str], rng: random.Random) -> Iterator[Entry]:
    """Yield projects with summaries of which some words are everywhere, as "python" is."""
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 3))) for _ in range(3000)] + ["python", "library", "web"] * 300
    for name in names:
        at = f"20{rng.randint(10, 26)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        events = (Event(f"{at}T00:00:00Z", "release", "1.0"),)
        card = Card(
            normalized=name, name=name, version="1.0", at=at, summary=" ".join(rng.choices(words, k=8)), owners=(f"team-{rng.randint(1, 400)}",),
            state="active", releases=1, files=2, size=rng.randint(1000, 10**7), keywords=tuple(rng.choices(words, k=2)), months=(at[:7],),
        )  # fmt: skip
        yield entry_of(card, events)


def make(projects: int, folder: Path) -> None:
    """Write the pages into a folder."""
    rng = random.Random(projects)
    names = sorted(project_names(projects, rng))
    house = House("Large", tuple(sorted(templates().items())))
    shared = Shared(house, environment_of(house), Books(), bytes.fromhex)
    for page in shared.change((), list(entries(names, rng)), [ListedName(name, name, 1) for name in names]):
        (folder / page.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / page.path).write_bytes(page.content)


def main() -> None:
    """Make it, and print the figures."""
    projects, folder = int(sys.argv[1]), Path(sys.argv[2])
    began = time.perf_counter()
    make(projects, folder)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    files = [path for path in (folder / "search").rglob("*") if path.is_file()]
    index = (folder / "search" / "index.json").stat().st_size
    print(f"{projects:,} projects: {time.perf_counter() - began:.1f} s, {memory:,.0f} MB; {len(files):,} files of the search, ", end="")
    print(f"{sum(path.stat().st_size for path in files) / 1e6:,.1f} MB; it begins with {index / 1e3:,.0f} kB")


if __name__ == "__main__":
    main()
