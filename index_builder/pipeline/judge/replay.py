"""Past merges are judged once more, by other policies: what these would have stopped or let through."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from index_builder.judge.asked import NOBODY, Asked
from index_builder.judge.explain import subject
from index_builder.judge.verdict import Ruling
from index_builder.model.names import Word
from index_builder.model.problem import ProblemsFoundError
from index_builder.pipeline.judge.evidence import Evidence
from index_builder.pipeline.judge.judge import rulings
from index_builder.pipeline.judge.reading import Change, base_settings, read_change
from index_builder.policy.decide import Verdict
from index_builder.policy.rules import Policies
from index_builder.ports.trees import Past

#: GitHub's address for a commit whose author hides theirs: it has the account's number.
_NUMBERED: Final = re.compile(r"(\d{1,18})\+[A-Za-z0-9-]+(\[bot\])?@users\.noreply\.github\.com")

Known = Callable[[Change, bool], Evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A decision on a past merge that the new policies take otherwise; `actor` is None for somebody whom they do not name."""

    commit: str
    title: str
    actor: Word | None
    action: str
    subject: str
    was: Verdict
    now: Verdict

    def __str__(self) -> str:
        """Return it in one line."""
        who = self.actor or NOBODY
        return f"{self.commit[:12]} ({self.title}): {self.action} {self.subject} by {who} was {self.was.value}, would be {self.now.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """So many merges were judged, `skipped` of them not, because their own base could not be read; and what flips."""

    merges: int
    skipped: int
    flips: tuple[Flip, ...]


def replay(merges: Iterable[Past], policies: Policies, evidence: Known, *, against: Policies | None = None) -> Replayed:
    """Judge each merge by these policies, and by others: `against`, or those of its own base.

    `evidence` says what is known of a merge's files, of their licenses where it is told that a rule asks for these.
    Who approved it is not in git, so nobody did, in both.
    Raises what `evidence` raises.
    """
    count = skipped = 0
    flips: list[Flip] = []
    for merge in merges:
        count += 1
        try:
            flips += _flips(merge, policies, evidence, against)
        except ProblemsFoundError:
            skipped += 1
    return Replayed(merges=count, skipped=skipped, flips=tuple(flips))


def _flips(merge: Past, policies: Policies, evidence: Known, against: Policies | None) -> Iterator[Flip]:
    change = read_change(merge, base_settings(merge.base))
    before = against or change.before.policies
    known = evidence(change, any(requirement.licenses for by in (before, policies) for rule in by.rules for requirement in rule.require))
    sides: list[dict[tuple[object, ...], Ruling]] = []
    for by in (before, policies):
        actor = author_of(merge.author, by)
        asked = Asked(actor=actor, shown=str(actor), now=merge.when)
        sides.append({(ruling.project, ruling.action): ruling for ruling in rulings(change, by, asked, known)})
    for key, old in sides[0].items():
        was, now = old.decision.verdict, sides[1][key].decision.verdict
        if was != now:
            yield Flip(
                commit=merge.head, title=merge.subject, actor=author_of(merge.author, policies), action=old.action.value,
                subject=subject(old), was=was, now=now,
            )  # fmt: skip


def author_of(address: str, policies: Policies) -> Word | None:
    """Return the person whose account's number is in a commit's mail address; any other address proves nothing."""
    found = _NUMBERED.fullmatch(address)
    return policies.by_account(int(found.group(1))) if found else None
