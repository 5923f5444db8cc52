"""What a release says of itself that the one before did not: the core metadata of both, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from index_builder.errors import CorruptEntryError
from index_builder.fetch.entries import check_entry
from index_builder.fetch.stage import Fetcher
from index_builder.inspection.inspect import inspect
from index_builder.inspection.metadata import CoreMetadata
from index_builder.model.plan import Fetch
from index_builder.model.project import File, Project

#: What reviewers look at, as core metadata calls it, and packaging's names of it.
_FIELDS: Final = (
    ("Requires-Python", "requires_python"), ("Requires-Dist", "requires_dist"), ("Provides-Extra", "provides_extra"),
    ("License-Expression", "license_expression"), ("License", "license"),
)  # fmt: skip
#: So much of a value is shown, in characters.
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one field says before and after, without what both say."""

    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def differences(project: Project, old: Sequence[File], new: Sequence[File], fetcher: Fetcher) -> tuple[Difference, ...]:
    """Compare the smallest wheels of two releases, or sdists where there is none; nothing where one cannot be had.

    Raises StorageError, InterruptedRunError.
    """
    before, after = (_described(project, files, fetcher) for files in (old, new))
    return tuple(_compared(before, after)) if before and after else ()


def _described(project: Project, files: Sequence[File], fetcher: Fetcher) -> CoreMetadata | None:
    if not files:
        return None
    file = min(files, key=lambda file: (file.name.kind != "wheel", file.size, file.name.text))
    fetch = Fetch(project=project, file=file)
    if fetcher.files([fetch]):
        return None
    try:
        check_entry(fetcher.pool, fetch.digest)
    except CorruptEntryError:
        return None
    with fetcher.pool.open(fetch.digest) as stream:
        return inspect(stream, file.size, file.name).metadata


def _compared(before: CoreMetadata, after: CoreMetadata) -> Iterator[Difference]:
    for field, key in _FIELDS:
        old, new = (_values(metadata.raw.get(key)) for metadata in (before, after))
        if set(old) != set(new):
            kept = set(old) & set(new)
            gone, come = (tuple(value for value in values if value not in kept) for values in (old, new))
            yield Difference(field=field, before=gone, after=come)


def _values(found: object) -> tuple[str, ...]:
    """Return what a field says, one value or several, each on one line and once."""
    values = found if isinstance(found, list) else [found] if found else []
    return tuple(dict.fromkeys(" ".join(str(value).split())[:_SHOWN] for value in values))
