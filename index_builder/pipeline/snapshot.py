"""A plan whose bytes are in the pool becomes a snapshot, and the bytes that its tree serves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final, cast
from urllib.parse import quote

from index_builder.errors import CorruptEntryError, StorageError
from index_builder.fetch.entries import check_entry
from index_builder.fetch.upstream import link_url
from index_builder.model.index import Audience
from index_builder.model.names import Sha256
from index_builder.model.plan import Fetch, Plan
from index_builder.model.project import File, Hosting, Project, UrlOrigin, Yanked
from index_builder.model.snapshot import Blob, CoreMetadata, ListedFile, ListedProject
from index_builder.ports.pool import Pool

_PROVENANCE: Final = "provenance/"
_TO_ROOT: Final = "../../"


def take(audience: Audience, planned: Plan, pool: Pool) -> list[ListedProject]:
    """Return what the audience's pages show; raises StorageError where the pool lacks something."""
    by_project = {name: list(group) for name, group in groupby(planned.listed, key=lambda fetch: fetch.project.normalized)}
    return [_project(audience, project, by_project.get(project.normalized, []), pool) for project in planned.projects]


def _project(audience: Audience, project: Project, fetches: list[Fetch], pool: Pool) -> ListedProject:
    yanked = {file.name.text: file.yanked or release.yanked for release in project.releases for file in release.files}
    owners = ", ".join(project.owners)
    files = tuple(_listed(audience, fetch, yanked[fetch.file.name.text], owners, pool) for fetch in fetches)
    metadata = dict(_metadata(project, fetches, pool))
    return ListedProject(str(project.normalized), str(project.name), files, metadata, _serial(project), project.status)


def _serial(project: Project) -> int:
    """Return the time of the project's last change, in seconds since 1970.

    Mirroring tools want a serial that grows with each change. Nothing is unlisted without a tombstone, so this one does;
    only taking a mark away brings it back.
    """
    times = [file.uploaded for file in project.files]
    times += [mark.at for mark in (project.status, *project.removed) if mark]
    times += [y.at for r in project.releases for y in (r.yanked, *(f.yanked for f in r.files)) if y]
    return max(times).unix if times else 0  # they are written so that they are in the order of time, but for parts of a second


def blobs_of(audience: Audience, planned: Plan, pool: Pool) -> dict[str, list[Blob]]:
    """Return the pool's bytes that the tree serves, by project: files, then core metadata, then provenance."""
    found: dict[str, list[Blob]] = {project.normalized: [] for project in planned.projects}
    for fetch in planned.served:
        blob = Blob(audience.file_path(fetch.digest, fetch.file.name.text), fetch.digest, fetch.file.size)
        found[fetch.project.normalized].append(blob)
    for fetch in planned.served:
        if digest := fetch.file.metadata:
            path = f"{audience.file_path(fetch.digest, fetch.file.name.text)}.metadata"
            blob = Blob(path=path, digest=digest, size=_size(pool, digest))
            found[fetch.project.normalized].append(blob)
    for name, digest in sorted({(f.project.normalized, f.file.provenance) for f in planned.listed if f.file.provenance and audience.url}):
        found[name].append(Blob(path=f"{_PROVENANCE}{digest}.json", digest=digest, size=_size(pool, digest)))
    return found


def _size(pool: Pool, digest: Sha256) -> int:
    size = pool.size(digest)
    if size is None:
        msg = f"the pool has lost its entry {digest}"
        raise CorruptEntryError(msg, fix="run the command again to fetch it anew")
    return size


def _listed(audience: Audience, fetch: Fetch, yanked: Yanked | None, owners: str, pool: Pool) -> ListedFile:
    file = fetch.file
    provenance = f"{audience.url}{_PROVENANCE}{file.provenance}.json" if file.provenance and audience.url else ""
    return ListedFile(
        file.name.text, str(file.name.version), _url(audience, fetch, pool), f"sha256={file.sha256}", file.size, str(file.uploaded), owners,
        file.requires_python, f"sha256={file.metadata}" if file.metadata else "", provenance, yanked.reason if yanked else None,
    )  # fmt: skip


def _url(audience: Audience, fetch: Fetch, pool: Pool) -> str:
    if fetch.project.hosting is Hosting.LINKED:
        return _link(fetch.file, pool)
    where = fetch.digest, fetch.file.name.text
    return audience.file_url(*where) or _TO_ROOT + quote(audience.file_path(*where))


def _link(file: File, pool: Pool) -> str:
    """Return where a linked file is; the pool's note is checked again, because it ends in a page."""
    if isinstance(file.origin, UrlOrigin):
        return file.origin.url
    try:
        return link_url(pool.note("links", file.sha256) or "", file.name.text)
    except ValueError as error:
        msg = f"{file.name.text}: the pool's note of where it is linked to is no URL of it"
        raise StorageError(msg, fix="delete the pool's links/ folder, and run the command again") from error


def _metadata(project: Project, fetches: list[Fetch], pool: Pool) -> Iterator[tuple[str, CoreMetadata]]:
    """Yield the core metadata of files that we serve, by file name; what a linked file says is not in the commit.

    An sdist is looked into only where no wheel of its release speaks for it.
    """
    if project.hosting is Hosting.LINKED:
        return
    from index_builder.inspection.inspect import inspect  # noqa: PLC0415 - whoever only links looks into no file
    from index_builder.inspection.metadata import parse_metadata  # noqa: PLC0415

    spoken_for = {fetch.file.name.version for fetch in fetches if fetch.file.metadata}
    for fetch in fetches:
        file = fetch.file
        if file.metadata:
            yield file.name.text, cast(CoreMetadata, parse_metadata(_verified(pool, file.metadata)).raw)
        elif file.name.version not in spoken_for:
            check_entry(pool, file.sha256)
            with pool.open(file.sha256) as stream:
                found = inspect(stream, file.size, file.name).metadata
            if found:
                yield file.name.text, cast(CoreMetadata, found.raw)


def _verified(pool: Pool, digest: Sha256) -> bytes:
    check_entry(pool, digest)
    with pool.open(digest) as stream:
        return stream.read()
