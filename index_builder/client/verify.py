"""A whole index is checked, as far as it is asked for; what was checked and what was not is said."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from tuf.api.metadata import TargetFile

from index_builder.client.index import VerifiedIndex
from index_builder.client.page import PageFile, read_names, read_page
from index_builder.errors import AttestationError, TrustError, UsageError
from index_builder.fetch.upstream import ACCEPT
from index_builder.judge.provenance import Attested, mismatch, published
from index_builder.model.attestation import Claims
from index_builder.model.names import NormalizedName, Sha256
from index_builder.model.page import HTML
from index_builder.model.project import Publisher
from index_builder.ports.evidence import Attestations
from index_builder.ports.machine import Progress
from index_builder.render.simple import LIST_HTML, LIST_JSON
from index_builder.state import MARK, OutdatedStateError, decode_mark

_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How far to look: at so many projects' pages (None: all), at files, at provenance; `projects` are those that are named.

    `publishers` are those whose attestations count, by project; None where nobody says it: then who attested is told, not judged.
    """

    sample: int | None = None
    projects: Sequence[NormalizedName] = ()
    files: bool = False
    attestations: Attestations | None = None
    publishers: Mapping[NormalizedName, Sequence[Publisher]] | None = None


@dataclass(slots=True)
class Verified:
    """What was checked. `failures` say what is not as it was signed, each a sentence.

    `answered` counts the folders, such as `simple/six/`, that were asked for as installers do; at `pageless` the host has no page.
    `bins` counts those that list no page; it is None where they were not read. `judged` counts files of `attested` that a publisher
    attested whom the manifest declares.
    """

    commit: str
    expires: dict[str, datetime]
    listed: int
    pages: int = 0
    answered: int = 0
    bins: int | None = None
    files: int = 0
    listed_files: int = 0
    attested: dict[str, tuple[Claims, ...]] = field(default_factory=dict)
    judged: int = 0
    pageless: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def verify(index: VerifiedIndex, order: Order, progress: Progress) -> Verified:
    """Check an index. What is not as it was signed is in `failures`.

    Raises TrustError where nothing of it can be read as signed, RemoteError, UsageError for a project that it has not.
    """
    index.refresh()
    names = read_names(index.read(LIST_JSON))
    found = Verified(commit=_commit(index), expires=index.expiries(), listed=len(names))
    for path in (LIST_HTML, LIST_JSON):
        _try(found, lambda path=path: _live(index, path))  # type: ignore[misc]
    _folder(index, "simple/", found)
    chosen = _chosen(names, order)
    progress.begin("Checking", 2 * len(chosen), 0)
    try:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for _ in threads.map(lambda name: _project(index, name, order, found, progress), chosen):
                pass
    finally:
        progress.end()
    if len(chosen) == len(names):
        _bins(index, names, found)
    found.failures.sort()
    return found


def _chosen(names: Sequence[NormalizedName], order: Order) -> list[NormalizedName]:
    if order.projects:
        _check_there(names, order.projects)
        return list(dict.fromkeys(order.projects))
    if order.sample is None or order.sample >= len(names):
        return list(names)
    return sorted(random.sample(list(names), order.sample))


def _check_there(names: Sequence[NormalizedName], wanted: Sequence[NormalizedName]) -> None:
    """Raise UsageError for a project that is not in the signed list: that is a mistake of who asks."""
    missing = sorted(set(wanted) - set(names))
    if missing:
        near = get_close_matches(missing[0], names, n=3)
        msg = f"there is no project {', '.join(missing)} in this index"
        raise UsageError(msg, fix=f"did you mean {' or '.join(near)}?" if near else "look at its spelling")


def _commit(index: VerifiedIndex) -> str:
    try:
        return decode_mark(index.read(MARK)).source
    except OutdatedStateError:
        return ""


def _try(found: Verified, check: Callable[[], object]) -> bool:
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
        _folder(index, f"simple/{name}/", found)
    found.listed_files += len(files)
    for file in files:
        if order.files and _try(found, lambda file=file: _file(index, file)):  # type: ignore[misc]
            found.files += 1
        if order.attestations and file.provenance:
            _try(found, lambda file=file: _provenance(index, name, file, order, found))  # type: ignore[misc]


def _live(index: VerifiedIndex, path: str) -> None:
    """Compare a page as it is served with what is signed."""
    _newest(index, lambda: index.live(path, _signed(index, path)))


def _folder(index: VerifiedIndex, folder: str, found: Verified) -> None:
    """Ask a host for a folder as installers do, who name no file: it may answer with either form, and with nothing else."""
    if not index.url.startswith("http"):
        return

    def asked() -> None:
        signed = [_signed(index, f"{folder}{page}") for page in ("index.html", "index.v1_json")]
        there = [index.answers(folder, accept, signed) for accept in (HTML, ACCEPT)]
        if all(there):
            found.answered += 1
        else:
            found.pageless.append(folder)

    _try(found, lambda: _newest(index, asked))


def _newest(index: VerifiedIndex, check: Callable[[], object]) -> None:
    """Check once more with what is newest before something counts as wrong, because hosts keep old pages for minutes."""
    try:
        check()
    except TrustError:
        index.refresh()
        check()


def _signed(index: VerifiedIndex, path: str) -> TargetFile:
    target = index.target(path)
    if target is None:
        msg = f"{path} is not signed"
        raise TrustError(msg)
    return target


def _bins(index: VerifiedIndex, names: Sequence[NormalizedName], found: Verified) -> None:
    """Read the bins that list no page too: a reader who asks for a project that is not there, reads one of them."""
    read = [LIST_JSON, *(f"simple/{name}/index.v1_json" for name in names)]
    bins = index.other_bins(read).items()
    found.bins = sum(_try(found, lambda role=role, path=path: index.target(path, role)) for role, path in bins)  # type: ignore[misc]


def _file(index: VerifiedIndex, file: PageFile) -> None:
    index.compare(file.url, file.digest, file.size, file.name)
    if file.metadata:
        index.compare(f"{file.url}.metadata", file.metadata, None, f"{file.name}.metadata")


def _provenance(index: VerifiedIndex, project: NormalizedName, file: PageFile, order: Order, found: Verified) -> None:
    digest = file.provenance.rpartition("/")[2].removesuffix(".json")
    url = f"{index.url}provenance/{digest}.json"
    content = index.bytes_of(url, digest, None, f"the provenance of {file.name}")
    assert order.attestations is not None  # noqa: S101 - for the type checker
    try:
        claims = order.attestations.verified(content, file.name, Sha256(file.digest))
    except AttestationError as error:
        msg = f"the provenance of {file.name} does not hold: {error.message}"
        raise TrustError(msg) from error
    declared = order.publishers.get(project, ()) if order.publishers is not None else ()
    if declared and not published(declared, Attested(claims=claims)):
        said = "; ".join(dict.fromkeys(mismatch(publisher, each) for publisher in declared for each in claims))
        msg = f"{file.name} is attested by nobody whom its manifest declares: {said}"
        raise TrustError(msg)
    found.attested[file.name] = claims
    found.judged += bool(declared)
