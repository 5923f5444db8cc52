"""What was bumped becomes a pull request: one a project, which is kept up to date, and judged because its judgement is started."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from index_builder.judge.markdown import code
from index_builder.model.pull import Draft, Standing
from index_builder.pipeline.add.edits import unified
from index_builder.pipeline.bump.bump import Bumped
from index_builder.ports.repository import Dispatcher, Proposals

#: So many values of a field are told.
_MOST: Final = 20


def propose(one: Bumped, base: str, parent: str, proposals: Proposals, dispatcher: Dispatcher, judge: str) -> tuple[int, Standing] | None:
    """Open a pull request into the branch `base`, beginning at the commit `parent`, or bring it up to date; None where nothing is newer.

    `judge` is the workflow that is started for it. Raises RemoteError.
    """
    if one.change is None:
        return None
    name, version = one.change.project.normalized, one.looked.version
    files = {one.change.path: one.change.after.encode(), **one.attestations}
    draft = Draft(
        branch=f"bump/{name}", base=base, parent=parent, title=f"Bump {one.change.project.name} to {version}", body=_body(one),
        mark=f"<!-- index-builder: bump {name} {version} -->", seal=f"<!-- {_digest(one)} -->", files=files,
    )  # fmt: skip
    number, standing = proposals.propose(draft)
    if standing in (Standing.OPENED, Standing.UPDATED):
        dispatcher.dispatch(judge, base, number=str(number))
    return number, standing


def _listed(values: Sequence[str]) -> str:
    more = f", and {len(values) - _MOST} more" if len(values) > _MOST else ""
    return ", ".join(map(code, values[:_MOST])) + more or "nothing"


def _digest(one: Bumped) -> str:
    """Return what a proposal is, whenever it is made: the manifest that it begins from, the files, and their attestations."""
    assert one.change  # noqa: S101 - for the type checker
    parts = [one.change.before, *(f"{file.name.text} {file.sha256}" for file in one.change.files)]
    parts += [f"{path} {hashlib.sha256(content).hexdigest()}" for path, content in sorted(one.attestations.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _body(one: Bumped) -> str:
    """Return what a pull request says: what is new, where its notes are, and what differs from the release before."""
    assert one.change  # noqa: S101 - for the type checker
    looked, change = one.looked, one.change
    lines = [f"{change.project.name} {looked.version} follows {looked.before}." if looked.before else f"{looked.version} is the first."]
    if looked.notes:
        lines.append(f"Its notes: <{looked.notes}>")
    lines += ["", "| file | size | requires Python | attested |", "|---|---|---|---|"]
    kept = {path.partition("/")[2].partition(".")[0] for path in one.attestations}
    for file in change.files:
        attested = "yes" if file.provenance or file.sha256 in kept else "no"
        lines.append(f"| {code(file.name.text)} | {file.size:,} | {code(file.requires_python or 'any')} | {attested} |")
    if one.differences:
        lines += ["", f"| core metadata | only {looked.before} | only {looked.version} |", "|---|---|---|"]
        lines += [f"| {found.field} | {_listed(found.before)} | {_listed(found.after)} |" for found in one.differences]
    difference = unified(change.path, change.before, change.after).rstrip()
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", difference)), default=0))
    return "\n".join([*lines, "", f"{fence}diff", difference, fence])
