"""Projects on their way to their pages, and how they are packed: between workers, and while others are not ready."""

from __future__ import annotations

import pickle
from typing import NamedTuple

from index_builder.model.profile import Profile
from index_builder.model.snapshot import ListedProject


class Item(NamedTuple):
    """A project on its way to its pages, with where it comes from and the pool's bytes that are its own.

    Where there are pages for people, `profile` says what these show besides.
    """

    project: ListedProject
    path: str = ""
    blob: str = ""
    served: tuple[str, ...] = ()
    profile: Profile | None = None


def pack(items: list[Item]) -> bytes:
    """Return projects as bytes that take little room: there may be 100,000 of them."""
    return pickle.dumps(items, protocol=pickle.HIGHEST_PROTOCOL)


def unpack(packed: bytes) -> list[Item]:
    """Return what `pack` was given; the bytes never leave the run."""
    items: list[Item] = pickle.loads(packed)  # noqa: S301 - our own, made in this run
    return items
