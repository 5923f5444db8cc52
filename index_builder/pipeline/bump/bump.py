"""A project's manifest with the newest release in it, and the attestations that go beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from index_builder.errors import AttestationError, IndexBuilderError, InterruptedRunError
from index_builder.fetch.stage import Fetcher
from index_builder.judge.provenance import Attested, published
from index_builder.model.index import Index
from index_builder.model.names import Timestamp
from index_builder.model.problem import ProblemsFoundError
from index_builder.model.project import File, Project
from index_builder.pipeline.add.candidate import Defaults
from index_builder.pipeline.add.edits import Change, edits
from index_builder.pipeline.add.pin import pin
from index_builder.pipeline.bump.differences import Difference, differences
from index_builder.pipeline.bump.look import Find, Looked, candidates, look
from index_builder.pipeline.kept import kept_path, with_provenance
from index_builder.ports.evidence import Attestations
from index_builder.ports.repository import ReleaseFeed


@dataclass(frozen=True, slots=True, kw_only=True)
class Bumped:
    """What became of a project: what was found, its manifest before and after, and files beside it, by path.

    `differences` are what the new release's core metadata says otherwise than that of the release before.
    """

    looked: Looked
    change: Change | None = None
    attestations: Mapping[str, bytes] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    error: IndexBuilderError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """What bumping needs: the index as it is, where bytes and releases come from, who verifies attestations, and the time."""

    index: Index
    fetcher: Fetcher
    feed: ReleaseFeed
    attestations: Attestations
    now: Timestamp

    def bump(self, project: Project, text: str) -> Bumped:
        """Look at one project, whose manifest has this text, and edit that; what fails is in what is returned.

        Raises StorageError, InterruptedRunError.
        """
        defaults = Defaults(
            owners=project.owners, audiences=project.audiences, hosting=None, environments=self.index.configuration.clients,
            pre=bool(project.source and project.source.pre), now=self.now,
        )  # fmt: skip
        looked = look(project, self.fetcher, self.feed, defaults)
        if looked.find is not Find.NEWER:
            return Bumped(looked=looked, error=looked.error)
        try:
            pinned = pin(candidates(looked, self.index, self.fetcher, defaults), self.fetcher)
            bundles = self._bundles(project, [file for _, files in pinned.groups for file in files])
            groups = [(each, with_provenance(files, bundles)) for each, files in pinned.groups]
            change = next(edits(self.index, groups, {project.place.path: text}))
            old = next((release.files for release in project.releases if release.version == looked.before), ())
            new = [file for file in change.files if file.name.version == looked.version]
            told = differences(project, old, new, self.fetcher)
            return Bumped(looked=looked, change=change, attestations=bundles, differences=told)
        except InterruptedRunError:
            raise
        except ProblemsFoundError as error:
            first = next(problem for problem in error.problems if problem.severity == "error")
            more = f", and {len(error.problems) - 1} more problems" if len(error.problems) > 1 else ""
            return Bumped(looked=looked, error=IndexBuilderError(f"{first.message} ({first.rule}){more}", fix=first.fix))
        except IndexBuilderError as error:
            return Bumped(looked=looked, error=error)

    def _bundles(self, project: Project, files: Sequence[File]) -> dict[str, bytes]:
        """Return the attestations of new files as a repository keeps them, by path.

        The publishers' repositories are asked, else the source's. Of several of a file, one of a declared publisher is kept.
        """
        source = project.source
        asked = dict.fromkeys([*(publisher.github for publisher in project.publishers), *([source.github] if source else [])])
        kept: dict[str, bytes] = {}
        for file in files:
            found = [content for repository in filter(None, asked) for content in self.feed.attestations(repository, file.sha256)]
            if found:
                kept[kept_path(file.sha256)] = next((c for c in found if self._is_declared(c, project, file)), found[0])
        return kept

    def _is_declared(self, content: bytes, project: Project, file: File) -> bool:
        if not self.attestations.is_available():
            return False
        try:
            claims = self.attestations.verified(content, file.name.text, file.sha256)
        except AttestationError:
            return False
        return published(project.publishers, Attested(claims=claims))
