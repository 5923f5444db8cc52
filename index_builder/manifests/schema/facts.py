"""The shape of a facts file: `check --base REV --facts FILE`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from index_builder.manifests.kinds import PLAIN_NUMBER, One, Time
from index_builder.manifests.schema.shape import Shape, key
from index_builder.model.review import Stand

_LOGIN = r"^[A-Za-z0-9-]{1,39}(\[bot\])?$"
_COMMIT = r"^[0-9a-f]{40}([0-9a-f]{24})?$"
_EXAMPLE = "0c3e5f7a9b1d2c4e6f8091a2b3c4d5e6f7081929"


class ActorModel(Shape):
    """A GitHub account; the number counts, the login is for readers."""

    id: Annotated[int, Field(gt=0), PLAIN_NUMBER] = key("The account's numeric id.", "1001")
    login: Annotated[str, Field(pattern=_LOGIN)] = key("The login, for readers.", "alice")


class ReviewModel(ActorModel):
    """What somebody said of a commit."""

    state: Stand = key("What they said, as GitHub's API calls it.", "approved")
    commit: Annotated[str, Field(pattern=_COMMIT)] = key(
        "The commit that they looked at; of another than the head it does not count.", _EXAMPLE
    )
    at: Time = key("When they said it.", "2026-11-21T09:30:00Z")


class FactsModel(Shape):
    """What the host of a change knows of it: one JSON (or YAML) file."""

    schema_: One = key("Which form the file has.", "1")
    now: Time | None = key("The time to judge at, instead of the clock's.", "2026-11-24T09:30:00Z", default=None)
    opened: Time | None = key("When the change was proposed.", "2026-11-21T09:30:00Z", default=None)
    head: Annotated[str, Field(pattern=_COMMIT)] | None = key("The commit that the facts are of.", _EXAMPLE, default=None)
    author: ActorModel = key("Who proposes it: without that, an approval could be their own.", "{id: 1001, login: alice}")
    reviews: list[ReviewModel] = key(
        "What was said of it, in any order; of each person the last word counts.",
        f"[{{id: 1002, login: bob, state: approved, commit: {_EXAMPLE}, at: 2026-11-21T10:00:00Z}}]", default=[],
    )  # fmt: skip
