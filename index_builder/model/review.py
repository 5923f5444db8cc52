"""What is known of a change beside its files: who proposes it, since when, and who said what of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Stand(StrEnum):
    """What a reviewer said, in the words of GitHub's API, in lower case."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A GitHub account; the number counts, the login is for readers."""

    id: int
    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What somebody said of a commit, and when."""

    by: Account
    stand: Stand
    commit: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A change as its host knows it. None is not known."""

    author: Account | None = None
    head: str = ""
    opened: datetime | None = None
    now: datetime | None = None
    reviews: tuple[Review, ...] = ()
