"""Who asks for a change, and whose word is with it: what a host knows, in the names of the policies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from index_builder.model.names import Word
from index_builder.model.review import Proposed, Review, Stand
from index_builder.policy.rules import Policies

#: What to call who asks, where nothing is known of them.
NOBODY: Final = "somebody whom no policy names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`actor` is None for somebody whom no policy names; `shown` is what to call them.

    `approved_by` are people of the policies, `objecting` those of them who want changes, `stale` those whose approval was of
    an earlier commit.
    """

    actor: Word | None
    shown: str
    approved_by: frozenset[Word] = frozenset()
    objecting: tuple[Word, ...] = ()
    stale: tuple[Word, ...] = ()
    opened: datetime | None = None
    now: datetime


def asked(proposed: Proposed, commits: frozenset[str], policies: Policies, now: datetime) -> Asked:
    """Return who asks, and who is for it. People are known by their account's number; of each the last word counts.

    An approval counts for the `commits` that are the same change (a push takes it back), an objection until it is withdrawn.
    Nobody approves what they do themselves.
    """
    actor = policies.by_account(proposed.author.id) if proposed.author else None
    last: dict[Word, Review] = {}
    for review in proposed.reviews:
        person = policies.by_account(review.by.id)
        if person and person != actor and review.stand not in (Stand.COMMENTED, Stand.PENDING):
            last[person] = review
    approving = {person: review.commit for person, review in last.items() if review.stand is Stand.APPROVED}
    return Asked(
        actor=actor,
        shown=_shown(proposed, actor),
        approved_by=frozenset(person for person, commit in approving.items() if commit in commits),
        objecting=tuple(sorted(person for person, review in last.items() if review.stand is Stand.CHANGES_REQUESTED)),
        stale=tuple(sorted(person for person, commit in approving.items() if commit not in commits)),
        opened=proposed.opened,
        now=proposed.now or now,
    )


def _shown(proposed: Proposed, actor: Word | None) -> str:
    """Return what to call who asks: a login alone would pass for somebody whom the policies know by that name."""
    if proposed.author is None:
        return NOBODY
    login = f"{proposed.author.login} (account {proposed.author.id})"
    return f"{actor}, as {login}" if actor else f"{login}, whom no policy names"
