"""Files leave where an audience has them once none of its targets leads to them any more, whichever are published to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from index_builder.errors import RemoteError, StorageError
from index_builder.model.names import Word
from index_builder.model.releases import FOLDER
from index_builder.pipeline.publish.difference import mark_of, record_of, used
from index_builder.pipeline.publish.order import Outcome, Place, Result
from index_builder.ports.machine import Progress
from index_builder.ports.places import Depot


def withdraw_from_all(
    places: Sequence[Place], outcomes: Mapping[Word, Outcome], others: Callable[[Word], Sequence[Place]], progress: Progress
) -> None:  # fmt: skip
    """Delete files that nothing leads to any more from where each audience has them, if none of its targets failed."""
    done = (Result.PUBLISHED, Result.UNCHANGED)
    depots = {place.target.audience: place.depot for place in places if place.depot}
    for audience, depot in depots.items():
        ours = [place for place in places if place.target.audience == audience]
        ended = [outcomes[place.target.name] for place in ours]
        gone = {path for outcome in ended for path in outcome.deletes if path.startswith(FOLDER)}
        if gone and all(outcome.result in done for outcome in ended):
            withdraw(depot, gone, [*ours, *others(audience)], progress)


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
    if place.is_unseen(live):
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
