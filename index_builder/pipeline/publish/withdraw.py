"""Files leave where an audience has them once none of its targets leads to them any more, whichever are published to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from index_builder.errors import RemoteError, StorageError
from index_builder.pipeline.publish.difference import mark_of, record_of, used
from index_builder.pipeline.publish.order import Place
from index_builder.ports.machine import Progress
from index_builder.ports.places import Depot


def withdraw(depot: Depot, gone: Iterable[str], targets: Sequence[Place], progress: Progress) -> None:
    """Delete files that targets have let go, but for those that one of all `targets` of the audience still needs.

    What stays is deleted when the last of them lets it go.
    """
    left = set(gone)
    try:
        for place in targets:
            if left:
                left -= needed(place, left)
        depot.withdraw(sorted(left))
    except (RemoteError, StorageError) as error:
        progress.note(f"{error.message}; {len(left):,} files that nothing leads to are still there")


def needed(place: Place, paths: Iterable[str]) -> set[str]:
    """Return those paths that readers of a target may ask for: a page of it leads there, or did until a moment ago.

    Raises StorageError, RemoteError where nobody can tell.
    """
    name, live = place.target.name, place.host.live()
    if live is None and not place.host.is_immediate:
        msg = f"what '{name}' leads to cannot be read, because its audience has no url where it is deployed"
        raise StorageError(msg)
    record, mark = record_of(live), mark_of(live)
    if live is None or (record is None and mark is None):
        return set()
    if mark is None or (record and record.begun is not None):
        msg = f"what '{name}' leads to is not known, because a publication to it did not end"
        raise StorageError(msg)
    lingering = record.gone.keys() if record else frozenset()
    return set(paths) & {*lingering, *used(live, mark)}
