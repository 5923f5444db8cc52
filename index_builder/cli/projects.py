"""Finding the project that a command names."""

from __future__ import annotations

from difflib import get_close_matches

from index_builder.cli import options
from index_builder.errors import UsageError
from index_builder.model.index import Index
from index_builder.model.project import Project


def find_project(index: Index, name: str) -> Project:
    """Return a project of an index, however its name is spelled; raises UsageError with near names."""
    project = index.projects.get(options.normalized(name))
    if project is None:
        near = get_close_matches(options.normalized(name), index.projects, n=3)
        fix = f"did you mean {' or '.join(near)}?" if near else "see what is there: index-builder list"
        msg = f"there is no project {name} in this index"
        raise UsageError(msg, fix=fix)
    return project
