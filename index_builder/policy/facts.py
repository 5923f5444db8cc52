"""What is known of a project, and of what is about to be done to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from index_builder.model.names import Word
from index_builder.model.project import Hosting


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decisions rest on, beside names. None is not known yet, and no requirement is met by what is not known.

    `owners` are those of the manifest as it was before; `audiences` those that will see the project. `approved_by` are people.
    `origins` say where the bytes come from (`github:owner/repository`, `index:name`, `url:https://…`, `stored`); `is_published`
    says whether a declared publisher attested all files, `is_bump` whether they are what the base's own `source` has for it now;
    `licenses` are the files' license expressions (PEP 639), '' for one without; `largest` is the size of the largest file, in
    bytes. `opened` is when it was proposed, `now` when it is judged.
    """

    owners: tuple[Word, ...] = ()
    audiences: tuple[Word, ...] = ()
    approved_by: frozenset[Word] = frozenset()
    origins: tuple[str, ...] | None = None
    is_published: bool | None = None
    is_bump: bool | None = None
    hosting: Hosting | None = None
    licenses: tuple[str, ...] | None = None
    largest: int | None = None
    opened: datetime | None = None
    now: datetime | None = None
