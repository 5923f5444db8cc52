"""A file of the pool is looked into, compared with its manifest, and noted as examined."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index_builder import __version__
from index_builder.fetch.entries import check_entry, keep
from index_builder.model.plan import Fetch
from index_builder.model.problem import Problem
from index_builder.ports.pool import Pool

if TYPE_CHECKING:
    from index_builder.inspection.inspect import Inspection


def is_examined(fetch: Fetch, pool: Pool) -> bool:
    """Say whether this builder examined the file's bytes against what the manifest says now, and found no error.

    The core metadata must be in the pool too: examining puts it there.
    """
    metadata = fetch.file.metadata
    held = metadata is None or pool.size(metadata) is not None
    return held and pool.note("examined", fetch.digest) == _agreed(fetch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Every problem of a file's bytes; what its core metadata says that it requires (Requires-Dist), and its License-Expression."""

    problems: list[Problem]
    requires: tuple[str, ...]
    license: str = ""


def examine(fetch: Fetch, pool: Pool) -> Examination:
    """Look into a file; what is good is noted, and its core metadata kept.

    Raises CorruptEntryError, having dropped it, for an entry that does not hold the bytes of its digest; StorageError.
    """
    from index_builder.inspection.inspect import compare, inspect, problems_of  # noqa: PLC0415 - most builds look into no file

    file = fetch.file
    check_entry(pool, fetch.digest)
    with pool.open(fetch.digest) as stream:
        inspection = inspect(stream, file.size, file.name)
    keep_metadata(inspection, pool)
    problems = problems_of(inspection, file.name, fetch.project.hosting, fetch.place)
    problems += compare(inspection, file, fetch.project.hosting, fetch.place)
    if not any(problem.severity == "error" for problem in problems):
        pool.set_note("examined", fetch.digest, _agreed(fetch))
    return Examination(problems=problems, requires=requires_of(inspection), license=_license_of(inspection))


def license_at_hand(fetch: Fetch, pool: Pool) -> str | None:
    """Return a file's License-Expression, '' where it gives none; None where the pool has not its bytes. Nothing of the pool is changed."""
    from index_builder.inspection.inspect import inspect  # noqa: PLC0415 - as above

    if pool.size(fetch.digest) != fetch.file.size:
        return None
    with pool.open(fetch.digest) as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != fetch.digest:  # type: ignore[arg-type]
            return None
        inspection = inspect(stream, fetch.file.size, fetch.file.name)
    return _license_of(inspection) if inspection.metadata else None


def requires_of(inspection: Inspection) -> tuple[str, ...]:
    """Return the requirements of a wheel or sdist (Requires-Dist), as its core metadata writes them."""
    return tuple(inspection.metadata.raw.get("requires_dist") or ()) if inspection.metadata else ()


def _license_of(inspection: Inspection) -> str:
    return str(inspection.metadata.raw.get("license_expression") or "") if inspection.metadata else ""


def keep_metadata(inspection: Inspection, pool: Pool) -> None:
    """Put the core metadata that was found into the pool, under its own digest."""
    if inspection.metadata is not None and inspection.metadata_digest is not None:
        keep(pool, inspection.metadata_digest, inspection.metadata.content)


def _agreed(fetch: Fetch) -> str:
    """Return the facts that were compared, in one line: where one changes, so does the line."""
    file = fetch.file
    return f"{__version__} {fetch.project.hosting.value} {file.name.text} {file.metadata or '-'} {file.requires_python}".strip()
