"""Pull requests, and what an index's repository says of itself, in the terms of GitHub's API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from index_builder.model.names import Sha256
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

    `base` is the branch that it is to be merged into; by `mark` the same proposal is known again.
    """

    branch: str
    base: str
    parent: str
    title: str
    body: str
    mark: str
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of a release; `sha256` is None where the host does not say it."""

    name: str
    url: str
    sha256: Sha256 | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedRelease:
    """A release of a repository; `url` is its page, with the notes."""

    tag: str
    url: str
    published: datetime
    is_prerelease: bool
    assets: tuple[Asset, ...]
