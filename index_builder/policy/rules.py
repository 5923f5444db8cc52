"""People, groups and rules, as values; every name in them is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from index_builder.model.names import Word
from index_builder.model.problem import Place


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


#: The manifest's owners, and everybody: words that a rule may use beside declared names.
OWNERS = Word("owners")
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
    """What must hold before one of `actions` is done. `origins` are patterns of where bytes may come from."""

    actions: tuple[Action, ...]
    approvals: Approvals | None
    origins: tuple[str, ...]
    publisher: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Grants, requirements and denies for the projects (glob patterns) or audiences that it selects."""

    id: Word
    projects: tuple[str, ...]
    audiences: tuple[Word, ...]
    grant: dict[Word, tuple[Action, ...]]
    require: tuple[Requirement, ...]
    deny: dict[Word, tuple[Action, ...]]
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """All files of `policies.d/` together."""

    people: dict[Word, Person]
    groups: dict[Word, Group]
    rules: tuple[Rule, ...]

    def names(self) -> frozenset[Word]:
        """Return every declared principal."""
        return frozenset(self.people) | frozenset(self.groups)
