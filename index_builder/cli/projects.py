"""Finding the project that a command names."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from index_builder.cli import options
from index_builder.errors import UsageError
from index_builder.model.names import NormalizedName
from index_builder.model.project import Project
from index_builder.wiring import WorkTree


def find_project(root: Path, name: str) -> tuple[WorkTree, Project]:
    """Return the working tree and a project of it, however its name is spelled; raises UsageError with near names."""
    try:
        normalized = NormalizedName.of(name)
    except ValueError as error:
        msg = f"{name!r} is no project name: {error}"
        raise UsageError(msg) from error
    path = f"packages.d/{normalized}.yaml"
    tree, index = options.editable(root, path)
    project = index.projects.get(normalized)
    if project is None:
        near = get_close_matches(normalized, index.projects, n=3)
        fix = f"did you mean {' or '.join(near)}?" if near else "look into packages.d/ for what is there"
        msg = f"there is no project {name} in this index"
        raise UsageError(msg, fix=fix)
    return tree, project
