"""What a resolver may choose from: our own wheels and those of the upstream indexes, for one environment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from index_builder.errors import DigestMismatchError, IndexBuilderError, NotFoundError, RemoteError
from index_builder.fetch.entries import check_entry
from index_builder.fetch.stage import Fetcher
from index_builder.fetch.upstream import ListedFile
from index_builder.inspection.inspect import inspect
from index_builder.model.environment import Environment
from index_builder.model.filename import FileName
from index_builder.model.index import Index
from index_builder.model.names import NormalizedName, Sha256, Word
from index_builder.model.offer import OfferedFile, Pin
from index_builder.model.plan import Fetch
from index_builder.model.problem import ProblemsFoundError
from index_builder.model.project import Hosting, IndexOrigin, Project, State
from index_builder.pipeline.add.candidate import Candidate


class CombinedOffer:
    """The wheels that fit one environment. Fills the port `Offer`.

    `failed` keeps the first error, which a resolver cannot tell, and `unbuilt` the projects that have sdists only.

    Another index may have something else under a project's name. So a hosted project is looked for nowhere; `chosen` has the
    index that somebody named for a project; what is here already is looked for where its files come from; and of the rest,
    the first index of `upstreams:` that has a project is the only one asked for it.
    """

    def __init__(
        self, index: Index, chosen: Mapping[NormalizedName, Word], own: Sequence[Candidate], environment: Environment, fetcher: Fetcher
    ) -> None:
        self._index, self._chosen, self._environment, self._fetcher = index, chosen, environment, fetcher
        self._own: dict[NormalizedName, list[Fetch]] = {}
        for candidate in own:
            self._own.setdefault(candidate.project.normalized, []).append(Fetch(project=candidate.project, file=candidate.file))
        self._here: dict[str, Fetch] = {}
        self._listed: dict[str, ListedFile] = {}
        self.sources: dict[NormalizedName, Word] = {}
        self.failed: IndexBuilderError | None = None
        self.unbuilt: set[NormalizedName] = set()

    def files(self, project: NormalizedName) -> Sequence[OfferedFile]:
        """Return a project's wheels that fit."""
        known = self._index.projects.get(project)
        if known is not None and known.status is not None and known.status.state is State.QUARANTINED:
            return []
        ours = {fetch.file.name.text: fetch for fetch in self._ours(project, known) if self._environment.fits(fetch.file.name)}
        self._here |= ours
        offered = [_of_ours(fetch) for fetch in ours.values()]
        if project in self._own or (known is not None and known.hosting is Hosting.HOSTED):
            return offered
        gone = {tombstone.name.casefold() for tombstone in known.removed} if known else set()
        listed = list(self._upstream(project, known, optional=bool(ours)))
        if listed and all(file.name.kind == "sdist" for file in listed):
            self.unbuilt.add(project)
        for file in listed:
            if self._environment.fits(file.name) and file.sha256 is not None and file.name.text.casefold() not in gone:
                self._listed[file.name.text] = file
                if file.name.text not in ours:
                    offered.append(_of_upstream(file, file.sha256))
        return offered

    def _ours(self, project: NormalizedName, known: Project | None) -> Iterator[Fetch]:
        yield from self._own.get(project, ())
        if known is not None:
            yield from (Fetch(project=known, file=file) for file in known.files)

    def _where(self, project: NormalizedName, known: Project | None) -> list[Word]:
        """Return the upstream indexes that may be asked for a project, in order."""
        if project in self._chosen:
            return [self._chosen[project]]
        upstreams = [*self._index.configuration.upstreams]
        if known is not None and known.files:
            origins = {file.origin for file in known.files if isinstance(file.origin, IndexOrigin)}
            return [name for name in upstreams if IndexOrigin(index=name, project=project) in origins]
        return upstreams

    def _upstream(self, project: NormalizedName, known: Project | None, *, optional: bool) -> Iterator[ListedFile]:
        for name in self._where(project, known):
            try:
                listing = self._fetcher.upstreams.listing(name, project)
            except NotFoundError:
                continue
            except RemoteError as error:
                self.failed = self.failed or error
                raise
            self.sources[project] = name
            yield from listing.files.values()
            return
        if not optional:
            msg = f"no index has a project {project}"
            raise NotFoundError(msg)

    def fitting(self, pin: Pin) -> list[ListedFile]:
        """Return the upstream's files of a release that was chosen; none where it is only here."""
        of_release = (f for f in self._listed.values() if (f.name.project, f.name.version) == (pin.project, pin.version))
        return sorted(of_release, key=lambda file: file.name.text)

    def metadata(self, name: str) -> bytes:
        """Return the core metadata of a wheel: as its index serves it, or out of the wheel itself."""
        try:
            if name in self._here:
                return self._of_ours(self._here[name])
            if name in self._listed:
                return self._of_listed(self._listed[name])
        except IndexBuilderError as error:
            self.failed = self.failed or error
            raise
        msg = f"{name} was not offered"
        raise NotFoundError(msg)

    def _of_ours(self, fetch: Fetch) -> bytes:
        if problems := self._fetcher.files([fetch]):
            raise ProblemsFoundError(problems)
        return self._inside(fetch.file.name, fetch.file.sha256, fetch.file.size)

    def _of_listed(self, file: ListedFile) -> bytes:
        assert file.sha256 is not None  # noqa: S101 - for the type checker: others are not offered
        pool = self._fetcher.pool
        held = pool.size(file.sha256)
        if held is None and file.metadata is not None:
            content = self._fetcher.downloader.page(f"{file.url}.metadata", "*/*").content
            if hashlib.sha256(content).hexdigest() != file.metadata:
                msg = f"{file.name.text}.metadata does not have the digest that its index promises"
                raise DigestMismatchError(msg, fix="do not trust this index before you know why")
            return content
        if held is None:
            self._fetcher.downloader.progress.note(f"fetching {file.name.text}: its index does not serve its core metadata")
            self._fetcher.downloader.file(file.url, file.sha256, file.size, pool, name=file.name.text)
            held = pool.size(file.sha256) or 0
        return self._inside(file.name, file.sha256, held)

    def _inside(self, name: FileName, digest: Sha256, size: int) -> bytes:
        check_entry(self._fetcher.pool, digest)
        with self._fetcher.pool.open(digest) as stream:
            metadata = inspect(stream, size, name).metadata
        if metadata is None:
            msg = f"{name.text} has no core metadata that can be read"
            raise NotFoundError(msg, fix="leave its project out with --exclude, or ask for another version")
        return metadata.content


def _of_ours(fetch: Fetch) -> OfferedFile:
    file = fetch.file
    return OfferedFile(name=file.name, sha256=file.sha256, requires_python=file.requires_python, is_yanked=fetch.project.is_yanked(file))


def _of_upstream(file: ListedFile, digest: Sha256) -> OfferedFile:
    return OfferedFile(name=file.name, sha256=digest, requires_python=file.requires_python, is_yanked=file.yanked is not None)
