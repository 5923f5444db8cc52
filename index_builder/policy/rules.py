"""People, groups and rules, as values; every name in them is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from index_builder.model.names import Word
from index_builder.model.problem import Place
from index_builder.model.project import Hosting


class Action(StrEnum):
    """What a principal may be allowed to do. Changing owners, publishers or audiences is `transfer`."""

    CREATE = "create"
    RELEASE = "release"
    YANK = "yank"
    EDIT = "edit"
    TRANSFER = "transfer"
    REMOVE = "remove"
    DOWNLOAD = "download"
    ADMINISTER = "administer"


#: The manifest's owners, its publishers, and everybody: words that a rule may use beside declared names.
OWNERS = Word("owners")
PUBLISHERS = Word("publishers")
ANYONE = Word("anyone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A human, known by a numeric account id: a login can change hands."""

    name: Word
    github_login: str
    github_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People and other groups under one name."""

    name: Word
    members: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """How many people of which group must approve."""

    count: int
    group: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What must hold before one of `actions` is done.

    `origins` are patterns of where bytes may come from, `licenses` of what a license expression may name (PEP 639);
    `max_size` is in bytes, 0 for no limit.
    """

    actions: tuple[Action, ...]
    approvals: Approvals | None = None
    origins: tuple[str, ...] = ()
    publisher: str = ""
    hosting: tuple[Hosting, ...] = ()
    audiences: tuple[Word, ...] = ()
    licenses: tuple[str, ...] = ()
    wait: timedelta | None = None
    max_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Grants, requirements and denies for the projects (glob patterns) or audiences that it selects.

    `merge` are the actions that need no person to merge them, once nothing is missing.
    """

    id: Word
    projects: tuple[str, ...]
    audiences: tuple[Word, ...]
    grant: dict[Word, tuple[Action, ...]]
    require: tuple[Requirement, ...]
    deny: dict[Word, tuple[Action, ...]]
    merge: tuple[Action, ...] = ()
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Names of new projects (glob patterns) that are kept for some people or groups."""

    names: tuple[str, ...]
    holders: tuple[Word, ...]
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """When a new name is too near another: within `distance` edits of a project here or of a well-known one; `known` adds to those.

    Names of less than `min_length` characters are not compared in this way.
    """

    distance: int = 1
    min_length: int = 5
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """All files of `policies.d/` together."""

    people: dict[Word, Person]
    groups: dict[Word, Group]
    rules: tuple[Rule, ...]
    reserved: tuple[Reservation, ...] = ()
    naming: Naming = field(default_factory=Naming)

    def names(self) -> frozenset[Word]:
        """Return every declared principal."""
        return frozenset(self.people) | frozenset(self.groups)

    def by_account(self, number: int) -> Word | None:
        """Return the person of a numeric GitHub account id, or None for somebody whom no policy names."""
        return next((person.name for person in self.people.values() if person.github_id == number), None)

    def people_in(self, name: Word) -> frozenset[Word]:
        """Return the people that a name stands for: itself, or the members of a group and of the groups in it."""
        found: set[Word] = set()
        waiting, seen = [name], set[Word]()
        while waiting:
            here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            if here in self.people:
                found.add(here)
            elif here in self.groups:
                waiting += self.groups[here].members
        return frozenset(found)
