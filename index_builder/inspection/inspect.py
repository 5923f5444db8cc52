"""The one way into a file's bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from index_builder.inspection.finding import Finding, RefusedArchiveError
from index_builder.inspection.metadata import CoreMetadata
from index_builder.inspection.sdist import inspect_sdist
from index_builder.inspection.wheel import inspect_wheel
from index_builder.model.filename import FileName
from index_builder.model.names import Sha256
from index_builder.model.problem import Place, Problem
from index_builder.model.project import File, Hosting

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a file's bytes say. `metadata` is None where the file was refused."""

    metadata: CoreMetadata | None
    findings: tuple[Finding, ...]

    @property
    def metadata_digest(self) -> Sha256 | None:
        """The digest of the core metadata's bytes."""
        return Sha256(hashlib.sha256(self.metadata.content).hexdigest()) if self.metadata else None


def inspect(stream: BinaryIO, size: int, name: FileName) -> Inspection:
    """Inspect a seekable stream of `size` bytes as the file `name`; raises nothing for bad content."""
    try:
        reader = inspect_wheel if name.kind == "wheel" else inspect_sdist
        metadata, findings = reader(stream, size, name)
    except RefusedArchiveError as error:
        return Inspection(metadata=None, findings=(error.finding,))
    return Inspection(metadata=metadata, findings=tuple(findings))


def problems_of(inspection: Inspection, name: FileName, hosting: Hosting, place: Place) -> list[Problem]:
    """Return the findings as problems: what is tolerated is an error only where we are the file's first home.

    A wheel with a poor RECORD has a finding for each member: of a rule, the first few speak for the rest.
    """
    by_rule: dict[tuple[str, bool], list[Finding]] = {}
    for finding in inspection.findings:
        by_rule.setdefault((finding.rule, finding.tolerated), []).append(finding)
    shown = [finding for findings in by_rule.values() for finding in _folded(findings)]
    return [_problem_of(finding, name, hosting, place) for finding in shown]


def _folded(findings: list[Finding]) -> list[Finding]:
    if len(findings) <= _SHOWN:
        return findings
    last = findings[_SHOWN - 1]
    return [*findings[: _SHOWN - 1], replace(last, message=f"{last.message}, and {len(findings) - _SHOWN} more like it")]


def _problem_of(finding: Finding, name: FileName, hosting: Hosting, place: Place) -> Problem:
    fix = "ask whoever made the file for a new release; this one cannot be listed"
    warns = finding.tolerated and hosting is not Hosting.HOSTED
    if finding.tolerated:
        fix = "" if warns else "build the release again with current tools, and list that file"
    return Problem(
        rule=finding.rule, message=f"{name.text}: {finding.message}", place=place,
        severity="warning" if warns else "error", fix=fix,
    )  # fmt: skip


def compare(inspection: Inspection, file: File, hosting: Hosting, place: Place) -> list[Problem]:
    """Return where the manifest says of `file` something other than its bytes do.

    A wheel that we serve has its core metadata beside it (PEP 658); for a linked one that is the other side's choice.
    """
    if inspection.metadata is None:
        return []
    problems: list[Problem] = []
    name = file.name.text
    found = inspection.metadata.requires_python
    if found != file.requires_python:
        message = f"{name}: the manifest says requires-python {file.requires_python!r}, the file {found!r}"
        fix = f'write `requires-python: "{found}"`' if found else "delete `requires-python`"
        problems.append(Problem(rule="requires-python-differs", message=message, place=place, fix=fix))
    digest = inspection.metadata_digest
    served = file.name.kind == "wheel" and hosting is not Hosting.LINKED
    if file.metadata != digest and (file.metadata or served):
        message = f"{name}: the manifest says metadata {file.metadata or 'nothing'}, the file {digest}"
        problems.append(Problem(rule="core-metadata-differs", message=message, place=place, fix=f"write `metadata: {digest}`"))
    return problems
