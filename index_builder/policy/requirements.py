"""What a rule requires, held against what is known: everything that is missing, in words, with those who could give it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from index_builder.model.names import NormalizedName, Timestamp, Word
from index_builder.policy.facts import Facts
from index_builder.policy.licenses import is_allowed
from index_builder.policy.rules import Approvals, Policies, Requirement, Reservation


class Remedy(StrEnum):
    """What would bring that which is missing."""

    WORD = "a word"
    NOBODY = "a word that nobody could give"
    ATTESTATION = "an attestation"
    TIME = "time"
    LOOK = "a look at what is not known here"
    CHANGE = "another change"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Missing:
    """What a rule requires and is not there yet, in words, and the people who could give it; `until` is when it comes by itself, or ''."""

    rule: Word
    what: str
    people: tuple[Word, ...] = ()
    until: str = ""
    remedy: Remedy = Remedy.WORD

    @property
    def is_final(self) -> bool:
        """Say whether neither a word nor time nor an attestation brings it."""
        return self.remedy in (Remedy.NOBODY, Remedy.CHANGE)


def missing(policies: Policies, principal: Word | None, rule: Word, requirement: Requirement, facts: Facts) -> Iterator[Missing]:
    """Yield what a requirement wants and does not have. Nobody approves what they do themselves."""
    if requirement.approvals:
        yield from _approvals(policies, principal, rule, requirement.approvals, facts)
    for what, remedy in (*_of_files(requirement, facts), *_of_project(requirement, facts)):
        yield Missing(rule=rule, what=what, remedy=remedy)
    if requirement.wait:
        yield from _wait(rule, requirement.wait, facts)


def unreserved(policies: Policies, principal: Word | None, reservation: Reservation, facts: Facts) -> Iterator[Missing]:
    """Yield whose word is missing for a name that is kept for others: one of theirs will do, as the doer or as an approval."""
    holders = frozenset(person for name in reservation.holders for person in policies.people_in(name))
    if principal not in holders and principal not in reservation.holders and holders.isdisjoint(facts.approved_by):
        names = ", ".join(reservation.names)
        what = f"a word of {' or '.join(reservation.holders)}, for whom {names} is reserved"
        yield Missing(rule=Word("reserved"), what=what, people=tuple(sorted(holders)), remedy=_word(1, len(holders)))


def is_reserved(reservation: Reservation, project: NormalizedName | None) -> bool:
    """Say whether a reservation speaks of a name."""
    return project is not None and any(fnmatchcase(project, pattern) for pattern in reservation.names)


def _approvals(policies: Policies, principal: Word | None, rule: Word, approvals: Approvals, facts: Facts) -> Iterator[Missing]:
    group = policies.people_in(approvals.group)
    others = group - {principal} if principal else group
    given = others & facts.approved_by
    left = approvals.count - len(given)
    if left > 0:
        what = f"{left} more approval{'s' if left > 1 else ''} of {approvals.group}"
        open_ones = tuple(sorted(others - given))
        yield Missing(rule=rule, what=what, people=open_ones, remedy=_word(left, len(open_ones)))


def _word(wanted: int, people: int) -> Remedy:
    return Remedy.WORD if wanted <= people else Remedy.NOBODY


def _of_files(requirement: Requirement, facts: Facts) -> Iterator[tuple[str, Remedy]]:
    if requirement.origins:
        patterns = " or ".join(requirement.origins)
        if not facts.origins:
            yield f"files from {patterns}", Remedy.LOOK if facts.origins is None else Remedy.CHANGE
        for origin in facts.origins or ():
            if not any(fnmatchcase(origin, pattern) for pattern in requirement.origins):
                yield f"files from {patterns}, not from {origin}", Remedy.CHANGE
    if requirement.publisher and not facts.is_published:
        yield "attestations of a publisher that the manifest declares", Remedy.ATTESTATION
    if requirement.licenses:
        allowed = " or ".join(requirement.licenses)
        if not facts.licenses:
            yield f"files under {allowed}", Remedy.LOOK if facts.licenses is None else Remedy.CHANGE
        for expression in facts.licenses or ():
            if not is_allowed(expression, requirement.licenses):
                yield f"files under {allowed}, not under {expression or 'no license expression'}", Remedy.CHANGE
    if requirement.max_size and facts.largest is not None and facts.largest > requirement.max_size:
        yield f"files of at most {requirement.max_size:,} bytes, not of {facts.largest:,}", Remedy.CHANGE


def _of_project(requirement: Requirement, facts: Facts) -> Iterator[tuple[str, Remedy]]:
    if requirement.hosting and facts.hosting not in requirement.hosting:
        modes = " or ".join(mode.value for mode in requirement.hosting)
        not_this = f", not {facts.hosting.value}" if facts.hosting else ""
        yield f"hosting: {modes}{not_this}", Remedy.CHANGE if facts.hosting else Remedy.LOOK
    if requirement.audiences:
        more = [name for name in facts.audiences if name not in requirement.audiences]
        if more or not facts.audiences:
            wanted = " or ".join(requirement.audiences)
            named = f", but it names {' and '.join(more)}" if more else ""
            yield f"audiences: no other than {wanted}{named}", Remedy.CHANGE if more else Remedy.LOOK


def _wait(rule: Word, wait: timedelta, facts: Facts) -> Iterator[Missing]:
    hours = wait.total_seconds() / 3600
    what = f"a wait of {hours:g} hour{'s' if hours != 1 else ''} since it was proposed"
    if facts.opened is None or facts.now is None:
        yield Missing(rule=rule, what=f"{what} (when that was, is not known here)", remedy=Remedy.TIME)
    elif facts.now - facts.opened < wait:
        until = Timestamp.of(facts.opened + wait)
        yield Missing(rule=rule, what=f"{what}, until {until}", until=until, remedy=Remedy.TIME)
