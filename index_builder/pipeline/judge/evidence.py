"""What the bytes and the attestations of new files say, gathered before anything is decided."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from index_builder.errors import AttestationError
from index_builder.judge.change import ProjectChange
from index_builder.judge.provenance import Attested, published, publishers_of
from index_builder.model.attestation import Claims
from index_builder.model.plan import Fetch
from index_builder.model.project import File, Project
from index_builder.model.source import ORDINARY, PathChange, SourceEntry
from index_builder.pipeline.examine import license_at_hand
from index_builder.pipeline.judge.reading import Change
from index_builder.ports.evidence import Attestations
from index_builder.ports.pool import Pool
from index_builder.ports.trees import SourceTree

#: Where a repository keeps attestations that no index serves: `attestations/<sha256>.sigstore.json`.
FOLDER: Final = "attestations"
ENDING: Final = ".sigstore.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """By file name: license expressions, and what attestations prove.

    `had` are the projects that had any until now, `bumps` those whose new files are what their source has for them.
    """

    licenses: Mapping[str, str] = field(default_factory=dict)
    attested: Mapping[str, Attested] = field(default_factory=dict)
    had: frozenset[str] = frozenset()
    unchecked: tuple[str, ...] = ()
    bumps: frozenset[str] = frozenset()

    def licenses_of(self, files: Sequence[File]) -> tuple[str, ...] | None:
        """Return the license expressions of files, or None where one was not looked into."""
        names = [file.name.text for file in files]
        return tuple(sorted({self.licenses[name] for name in names})) if all(name in self.licenses for name in names) else None

    def is_published(self, change: ProjectChange) -> bool:
        """Say whether all new files are attested by a publisher that counts."""
        publishers, files = publishers_of(change), change.new_files()
        return bool(files) and all(published(publishers, self.attested.get(file.name.text)) for file in files)


def evidence_at_hand(change: Change, licenses: bool, pool: Pool, attestations: Attestations) -> Evidence:
    """Return what the pool and the repository know of a change's new files; of `licenses` only where these are asked for.

    Raises StorageError, SourceError.
    """
    fetches = [Fetch(project=project.after, file=file) for project in change.projects if project.after for file in project.new_files()]
    found = {fetch.file.name.text: license_at_hand(fetch, pool) for fetch in fetches if licenses}
    known = {name: expression for name, expression in found.items() if expression is not None}
    return gather_evidence(change, fetches, known, pool, attestations)


def gather_evidence(
    change: Change, fetches: Sequence[Fetch], licenses: Mapping[str, str], pool: Pool, attestations: Attestations
) -> Evidence:
    """Verify what attestations there are of new files. Raises StorageError, SourceError."""
    kept = _kept(change.proposal.merged) if fetches else {}
    kept_before = _kept(change.proposal.base) if fetches else {}
    attested: dict[str, Attested] = {}
    unchecked: list[str] = []
    for fetch in fetches:
        name = fetch.file.name.text
        contents = _contents(change, fetch, pool, kept, unchecked)
        if contents and not attestations.is_available():
            unchecked.append(f"{name}: its attestations (pip install 'index-builder[provenance]' to verify them)")
        elif contents:
            attested[name] = _attested(contents, fetch, attestations)
        if name not in attested and (contents or fetch.file.provenance):
            attested[name] = Attested(is_unchecked=True)
    had = frozenset(str(p.name) for p in change.projects if p.before and _had_any(p.before, kept_before))
    return Evidence(licenses=licenses, attested=attested, had=had, unchecked=tuple(unchecked))


def _had_any(project: Project, kept: Container[str]) -> bool:
    """Say whether a project ever had an attestation: to remove what had one does not make it forget."""
    said = [(f.provenance, f.sha256) for f in project.files] + [(t.provenance, t.sha256) for t in project.removed]
    return any(provenance or digest in kept for provenance, digest in said)


def _contents(change: Change, fetch: Fetch, pool: Pool, kept: Mapping[str, SourceEntry], unchecked: list[str]) -> list[bytes]:
    """Return the attestations of a file: those of its provenance object, and those that lie in the repository."""
    contents = [change.proposal.merged.read(kept[fetch.digest])] if fetch.digest in kept else []
    if fetch.file.provenance:
        if pool.size(fetch.file.provenance) is None:
            unchecked.append(f"{fetch.file.name.text}: its provenance")
        else:
            with pool.open(fetch.file.provenance) as stream:
                contents.append(stream.read())
    return contents


def _attested(contents: Sequence[bytes], fetch: Fetch, attestations: Attestations) -> Attested:
    """Return what attestations prove; one that fails is told, whatever the others say."""
    claims: list[Claims] = []
    for content in contents:
        try:
            claims += attestations.verified(content, fetch.file.name.text, fetch.digest)
        except AttestationError as error:
            return Attested(failure=f"its attestation: {error.message}")
    return Attested(claims=tuple(claims))


def _kept(tree: SourceTree) -> dict[str, SourceEntry]:
    """Return the attestations in a tree, by the digest of the file that each is of."""
    entries = tree.entries(FOLDER)
    return {digest_in(entry.path): entry for entry in entries if entry.mode == ORDINARY and digest_in(entry.path)}


def is_evidence(change: PathChange, digests: Container[str]) -> bool:
    """Say whether a change of a path brings an attestation of one of these files, and is a part of their release."""
    is_new_file = change.before is None and change.after is not None and change.after.mode == ORDINARY
    return is_new_file and digest_in(change.path) in digests


def digest_in(path: str) -> str:
    """Return the digest in the path of an attestation, or ''."""
    folder, _, name = path.partition("/")
    return name.removesuffix(ENDING) if folder == FOLDER and name.endswith(ENDING) and "/" not in name else ""
