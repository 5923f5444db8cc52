"""A facts file becomes a value: what a host says of a change."""

from __future__ import annotations

from typing import Final

from index_builder.manifests.loader import load
from index_builder.manifests.schema.facts import ActorModel, FactsModel
from index_builder.manifests.validate import validate
from index_builder.model.names import Timestamp
from index_builder.model.problem import Problem
from index_builder.model.review import Account, Proposed, Review

#: Later years leave no room to add a wait.
_LAST_YEAR: Final = 9000


def read_facts(path: str, content: bytes) -> tuple[Proposed, list[Problem]]:
    """Return what a facts file says (JSON is read as the YAML that it is), or its problems."""
    document, problems = load(path, content)
    if document is None:
        return Proposed(), problems
    model, found = validate(document, FactsModel)
    problems += found
    if model is None:
        return Proposed(), problems
    times = [time for time in (model.now, model.opened, *(review.at for review in model.reviews)) if time]
    if late := next((time for time in times if Timestamp(time).moment.year >= _LAST_YEAR), None):
        place = document.place(())
        return Proposed(), [Problem(rule="invalid-value", message=f"nobody reviews at {late}", place=place, fix="write the real time")]
    reviews = (
        Review(by=_account(review), stand=review.state, commit=review.commit, at=Timestamp(review.at).moment) for review in model.reviews
    )
    return Proposed(
        author=_account(model.author),
        head=model.head or "",
        opened=Timestamp(model.opened).moment if model.opened else None,
        now=Timestamp(model.now).moment if model.now else None,
        reviews=tuple(sorted(reviews, key=lambda review: (review.at, review.by.id))),
    ), problems


def _account(model: ActorModel) -> Account:
    return Account(id=model.id, login=model.login)
