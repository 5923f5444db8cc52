"""A problem: a finding with its rule, its place and its fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from index_builder.errors import IndexBuilderError
from index_builder.model.rules import RULES

#: A question is no fault: it wants the word of somebody who administers the project.
Severity = Literal["error", "warning", "question"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A point in a file of the repository; line and column count from 1."""

    path: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A finding: which rule, what was seen, where, and what to do about it."""

    rule: str
    message: str
    place: Place
    fix: str = ""
    severity: Severity = field(default="error")

    def __post_init__(self) -> None:
        """Refuse a rule that is not in RULES: it would be missing from the reference."""
        if self.rule not in RULES:
            raise KeyError(self.rule)


class ProblemsFoundError(IndexBuilderError):
    """The input was read and judged, and these problems stand in the way."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem{'s' if len(problems) != 1 else ''} found")
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[ProblemsFoundError], tuple[tuple[Problem, ...]]]:
        """Come whole out of a worker: what is raised there is sent here."""
        return type(self), (self.problems,)


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Return the problems by place, then rule: the same for every run."""
    return tuple(sorted(problems, key=lambda problem: (problem.place, problem.rule, problem.message)))
