"""A whole index is checked, as far as it is asked for; what was checked and what was not is said."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from index_builder.client.index import VerifiedIndex
from index_builder.client.page import PageFile, read_names, read_page
from index_builder.errors import AttestationError, TrustError
from index_builder.model.attestation import Claims
from index_builder.model.names import NormalizedName, Sha256
from index_builder.ports import Attestations, Progress
from index_builder.render.simple import LIST_HTML, LIST_JSON
from index_builder.state import MARK, OutdatedStateError, decode_mark

_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How far to look: at so many projects' pages (None: all), at files, at provenance; `projects` are those that are named."""

    sample: int | None = None
    projects: Sequence[NormalizedName] = ()
    files: bool = False
    attestations: Attestations | None = None


@dataclass(slots=True)
class Verified:
    """What was checked. `failures` say what is not as it was signed, each a sentence."""

    commit: str
    expires: dict[str, datetime]
    listed: int
    pages: int = 0
    files: int = 0
    listed_files: int = 0
    attested: dict[str, tuple[Claims, ...]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def verify(index: VerifiedIndex, order: Order, progress: Progress) -> Verified:
    """Check an index. Raises TrustError where its signatures are not good, RemoteError; what else is wrong is in `failures`."""
    index.refresh()
    names = read_names(index.read(LIST_JSON))
    found = Verified(commit=_commit(index), expires=index.expiries(), listed=len(names))
    for path in (LIST_HTML, LIST_JSON):
        _try(found, lambda path=path: _live(index, path))  # type: ignore[misc]
    chosen = _chosen(names, order)
    progress.begin("Checking", 2 * len(chosen), 0)
    try:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for _ in threads.map(lambda name: _project(index, name, order, found, progress), chosen):
                pass
    finally:
        progress.end()
    found.failures.sort()
    return found


def _chosen(names: Sequence[NormalizedName], order: Order) -> list[NormalizedName]:
    if order.projects:
        return list(order.projects)
    if order.sample is None or order.sample >= len(names):
        return list(names)
    return sorted(random.sample(list(names), order.sample))


def _commit(index: VerifiedIndex) -> str:
    try:
        return decode_mark(index.read(MARK)).source
    except OutdatedStateError:
        return ""


def _try(found: Verified, check: Callable[[], None]) -> bool:
    """Note what is wrong; that a host does not answer ends all."""
    try:
        check()
    except TrustError as error:
        found.failures.append(error.message)
        return False
    return True


def _project(index: VerifiedIndex, name: NormalizedName, order: Order, found: Verified, progress: Progress) -> None:
    """Check a project's two pages, as signed and as installers meet them, then what they list."""
    path = f"simple/{name}/index.v1_json"
    files: list[PageFile] = []

    def pages() -> None:
        target = index.target(path)
        if target is None:
            msg = f"{name} is in the project list, and has no page that is signed"
            raise TrustError(msg)
        files.extend(read_page(name, index.read(path), f"{index.url}simple/{name}/").files.values())
        for page in (path, f"simple/{name}/index.html"):
            _live(index, page)
            progress.done(page)

    if _try(found, pages):
        found.pages += 1
    found.listed_files += len(files)
    for file in files:
        if order.files and _try(found, lambda file=file: _file(index, file)):  # type: ignore[misc]
            found.files += 1
        if order.attestations and file.provenance:
            _try(found, lambda file=file: _provenance(index, file, order.attestations, found))  # type: ignore[misc]


def _live(index: VerifiedIndex, path: str) -> None:
    """Compare a page as it is served with what is signed; once more with what is newest, because hosts keep old pages for minutes."""
    target = index.target(path)
    if target is None:
        msg = f"{path} is not signed"
        raise TrustError(msg)
    try:
        index.live(path, target)
    except TrustError:
        index.refresh()
        target = index.target(path)
        if target is None:
            raise
        index.live(path, target)


def _file(index: VerifiedIndex, file: PageFile) -> None:
    index.bytes_of(file.url, file.digest, file.size, file.name)
    if file.metadata:
        index.bytes_of(f"{file.url}.metadata", file.metadata, None, f"{file.name}.metadata")


def _provenance(index: VerifiedIndex, file: PageFile, attestations: Attestations | None, found: Verified) -> None:
    digest = file.provenance.rpartition("/")[2].removesuffix(".json")
    url = f"{index.url}provenance/{digest}.json"
    content = index.bytes_of(url, digest, None, f"the provenance of {file.name}")
    assert attestations is not None  # noqa: S101 - for the type checker
    try:
        found.attested[file.name] = attestations.verified(content, file.name, Sha256(file.digest))
    except AttestationError as error:
        msg = f"the provenance of {file.name} does not hold: {error.message}"
        raise TrustError(msg) from error
