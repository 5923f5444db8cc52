"""Pull requests that others may look at before they are merged: which are shown, and which no more."""

from __future__ import annotations

from index_builder.errors import NotFoundError
from index_builder.judge.verdict import Outcome
from index_builder.model.previews import Previews
from index_builder.model.pull import Pull
from index_builder.ports.places import PreviewPlace
from index_builder.ports.repository import Pulls


def may_be_shown(previews: Previews, pull: Pull, outcome: Outcome) -> bool:
    """Say whether the policies allow it (nothing is wrong or missing), or a maintainer who labelled it."""
    return not pull.is_draft and (outcome is Outcome.MERGES or previews.label in pull.labels)


def tidy(place: PreviewPlace, pulls: Pulls, *, dry_run: bool = False) -> tuple[int, ...]:
    """Take away the previews of pull requests that are closed or were pushed to since; return their numbers.

    Raises RemoteError, StorageError.
    """
    gone = tuple(number for number, head in sorted(place.shown().items()) if _head(pulls, number) != head)
    for number in () if dry_run else gone:
        place.drop(number)
    return gone


def _head(pulls: Pulls, number: int) -> str:
    try:
        return pulls.pull(number).head
    except NotFoundError:
        return ""
