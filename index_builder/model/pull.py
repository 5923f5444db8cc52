"""Pull requests, and what is proposed by one, in the terms of GitHub's API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from index_builder.model.review import Account, Review


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """An open pull request. `head` is the commit that it would merge, `base` the name of the branch that it would merge into."""

    number: int
    title: str
    author: Account
    head: str
    base: str
    opened: datetime
    is_draft: bool = False
    reviews: tuple[Review, ...] = ()
    labels: frozenset[str] = frozenset()


class Mark(StrEnum):
    """The state of a commit's status, in the words of GitHub's API."""

    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"


class Standing(StrEnum):
    """What became of a proposal that a program makes."""

    OPENED = "opened"
    UPDATED = "updated"
    THERE = "is there already"
    DECLINED = "was closed, and is not proposed again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A change that is to be proposed: files by path, on a branch of its own that begins at the commit `parent`.

    `base` is the branch that it is to be merged into. By `mark` it is known what is proposed, by `seal` that it is just this.
    """

    branch: str
    base: str
    parent: str
    title: str
    body: str
    mark: str
    seal: str
    files: Mapping[str, bytes] = field(default_factory=dict)
