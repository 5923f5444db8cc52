"""Files that a package list names: a folder has them, or they are under one URL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from index_builder.errors import EditError, RemoteError
from index_builder.fetch.stage import Fetcher, Pinned
from index_builder.model.filename import FileName, parse_filename
from index_builder.model.index import Index
from index_builder.model.names import Sha256, Timestamp, one_line
from index_builder.model.project import Hosting, Origin, StoredOrigin, UrlOrigin, Yanked
from index_builder.model.snapshot import ListedFile
from index_builder.packagelists.group import PackageList
from index_builder.packagelists.line import BadLineError, read_line
from index_builder.pipeline.add.candidate import Candidate, Defaults, new_file, project_of

#: Opens a file of a folder by its name; raises OSError.
Open = Callable[[str], BinaryIO]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line that was read: the byte at which it begins, what it says, and what its file name means."""

    position: int
    file: ListedFile
    name: FileName
    digest: Sha256 | None


def from_package_list(
    index: Index, listing: PackageList, where: str | Open, defaults: Defaults, fetcher: Fetcher, bad: Callable[[int, BadLineError], None]
) -> list[Candidate]:
    """Return the files of a list, their bytes in the pool; `bad` is told of each line that cannot become a line of a manifest.

    `where` is the https URL that they are under, ending in a slash, or opens them. What the list says of a digest must be true;
    its upload times and yanked files are kept. Raises UsageError, EditError, StorageError, InterruptedRunError.
    """
    rows = list(_rows(listing, where if isinstance(where, str) else "", bad))
    if isinstance(where, str):
        pinned = [Pinned(row.name.text, row.file.url, row.digest) for row in rows if row.digest]
        failed = {lost.name: error for lost, error in fetcher.pinned(pinned)}
        rows = [row for row in rows if not _is_failed(row, failed, bad)]
    candidates: dict[str, Candidate] = {}
    for row in rows:
        try:
            candidate = _candidate(index, row, where, defaults, fetcher)
            first = candidates.setdefault(row.name.text.casefold(), candidate)
            if first.file != candidate.file:
                raise BadLineError(f"{row.name.text} is listed twice, with different facts", "keep one of the lines")  # noqa: TRY301
            _say_what_stays(candidate, fetcher)
        except BadLineError as error:
            bad(row.position, error)
    return list(candidates.values())


def _say_what_stays(candidate: Candidate, fetcher: Fetcher) -> None:
    """A file that its manifest lists already stays as it is there, whatever the list says of it."""
    listed = next((file for file in candidate.project.files if file.name.text == candidate.file.name.text), None)
    said = (candidate.file.uploaded, candidate.file.yanked is not None)
    if listed and (listed.uploaded, candidate.project.is_yanked(listed)) != said:
        fetcher.downloader.progress.note(f"{listed.name.text} is listed already: its time and mark stay as its manifest has them")


def _rows(listing: PackageList, url: str, bad: Callable[[int, BadLineError], None]) -> Iterator[_Row]:
    for position, line in listing.lines():
        try:
            _, file, _ = read_line(listing.as_json(line), url)
            yield _Row(position=position, file=file, name=_file_name(file.filename), digest=_sha256(file))
        except BadLineError as error:
            bad(position, error)


def _file_name(text: str) -> FileName:
    try:
        return parse_filename(text)
    except ValueError as error:
        raise BadLineError(f"{text!r}: {error}", "take the line out: what no installer can use, a manifest does not list") from error


def _sha256(file: ListedFile) -> Sha256 | None:
    """Return the digest that the list gives, if it is a SHA-256."""
    algorithm, _, digest = file.digest.partition("=")
    if algorithm != "sha256":
        return None
    try:
        return Sha256(digest)
    except ValueError as error:
        raise BadLineError(f"{file.filename}: {error}") from error


def _is_failed(row: _Row, failed: dict[str, RemoteError], bad: Callable[[int, BadLineError], None]) -> bool:
    error = failed.get(row.name.text)
    if error:
        bad(row.position, BadLineError(error.message, error.fix))
    return error is not None


def _candidate(index: Index, row: _Row, where: str | Open, defaults: Defaults, fetcher: Fetcher) -> Candidate:
    hosting = Hosting.MIRRORED if isinstance(where, str) else Hosting.HOSTED
    try:
        project = project_of(index, row.name.project, defaults, hosting)
    except EditError as error:
        raise BadLineError(error.message, error.fix) from error
    digest, size, origin = _bytes(row, where, fetcher)
    _check_digest(row, digest, fetcher)
    file = new_file(row.name, digest, size, origin, defaults, None)
    if row.file.uploaded:
        file = replace(file, uploaded=Timestamp(row.file.uploaded))
    if row.file.yanked:
        file = replace(file, yanked=Yanked(reason=_reason(row.file.yanked), at=file.uploaded))
    return Candidate(project=project, file=file)


def _bytes(row: _Row, where: str | Open, fetcher: Fetcher) -> tuple[Sha256, int, Origin]:
    expected = row.digest
    if not isinstance(where, str):
        try:
            with where(row.name.text) as stream:
                digest, size = fetcher.adopt(stream)
        except OSError as error:
            raise BadLineError(f"{row.name.text} cannot be read: {error.strerror}", "name the folder that has it with --dist") from error
        if expected and digest != expected:
            raise BadLineError(f"{row.name.text}: the list says sha256 {expected}, the file has {digest}", "find out which is right")
        return digest, size, StoredOrigin()
    if expected and (held := fetcher.pool.size(expected)) is not None:
        return expected, held, UrlOrigin(url=row.file.url)
    try:
        return *fetcher.adopt_url(row.file.url, row.name.text), UrlOrigin(url=row.file.url)
    except RemoteError as error:
        raise BadLineError(error.message, error.fix) from error


def _check_digest(row: _Row, digest: Sha256, fetcher: Fetcher) -> None:
    """Compare the bytes with a digest of another kind; a SHA-256 was compared on the way."""
    algorithm, _, said = row.file.digest.partition("=")
    if not said or algorithm == "sha256":
        return
    if algorithm not in hashlib.algorithms_guaranteed or algorithm.startswith("shake"):
        raise BadLineError(f"{row.name.text}: nobody can check a hash of the kind {algorithm!r}", "leave it out, or write sha256=")
    with fetcher.pool.open(digest) as stream:
        found = hashlib.file_digest(stream, algorithm).hexdigest()  # type: ignore[arg-type]
    if found != said:
        raise BadLineError(f"{row.name.text}: the list says {algorithm} {said}, the file has {found}", "find out which is right")


def _reason(text: str) -> str:
    try:
        return one_line(" ".join(text.split())[:1000])
    except ValueError as error:
        raise BadLineError(f"the reason {text[:80]!r}: {error}") from error
