"""Whether the CODEOWNERS file that was generated is still what the policies say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from index_builder.model.problem import Place, Problem
from index_builder.model.project import Project
from index_builder.model.source import ORDINARY
from index_builder.policy.codeowners import HEADER, PATH, codeowners, lines_of
from index_builder.policy.rules import Policies
from index_builder.ports.trees import SourceTree


def stale_codeowners(tree: SourceTree, policies: Policies, projects: Mapping[str, Project]) -> list[Problem]:
    """Return a warning where the file is ours and out of date; one that somebody wrote by hand is theirs."""
    there = _ours(tree)
    return [_stale()] if there and there != codeowners(policies, projects) else []


def stale_lines(tree: SourceTree, policies: Policies, paths: Collection[str], projects: Sequence[Project]) -> list[Problem]:
    """Return the same warning, as far as the lines of some manifests go: no other manifest is read for it.

    `paths` are where these are or were, `projects` those that are there.
    """
    there = _ours(tree)
    lines = [line for line in there.splitlines() if line.startswith("/") and line[1:].partition(" ")[0] in paths]
    return [_stale()] if there and sorted(lines) != sorted(lines_of(policies, projects)) else []


def _ours(tree: SourceTree) -> str:
    """Return the file that was generated, or ''."""
    entry = next((entry for entry in tree.entries(".github") if entry.path == PATH and entry.mode == ORDINARY), None)
    there = tree.read(entry).decode("utf-8", "replace") if entry else ""
    return there if there.startswith(HEADER) else ""


def _stale() -> Problem:
    message = f"{PATH} is not what policies.d/ and the manifests say now: the wrong people would be asked"
    fix = "write it anew: index-builder policy codeowners --write"
    return Problem(rule="codeowners-stale", message=message, place=Place(path=PATH), fix=fix, severity="warning")
