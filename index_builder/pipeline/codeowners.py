"""Whether the CODEOWNERS file that was generated is still what the policies say."""

from __future__ import annotations

from collections.abc import Mapping

from index_builder.model.problem import Place, Problem
from index_builder.model.project import Project
from index_builder.model.source import ORDINARY
from index_builder.policy.codeowners import HEADER, PATH, codeowners
from index_builder.policy.rules import Policies
from index_builder.ports import SourceTree


def stale_codeowners(tree: SourceTree, policies: Policies, projects: Mapping[str, Project]) -> list[Problem]:
    """Return a warning where the file is ours and out of date; one that somebody wrote by hand is theirs."""
    entry = next((entry for entry in tree.entries(".github") if entry.path == PATH and entry.mode == ORDINARY), None)
    if entry is None:
        return []
    there = tree.read(entry).decode("utf-8", "replace")
    if not there.startswith(HEADER) or there == codeowners(policies, projects):
        return []
    message = f"{PATH} is not what policies.d/ and the manifests say now: the wrong people would be asked"
    fix = "write it anew: index-builder policy codeowners --write"
    return [Problem(rule="codeowners-stale", message=message, place=Place(path=PATH), fix=fix, severity="warning")]
