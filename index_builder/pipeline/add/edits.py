"""Manifests as they will be, with their new files."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from index_builder.errors import EditError
from index_builder.manifests.changes import add_files, new_manifest
from index_builder.model.index import Index
from index_builder.model.project import File, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A manifest after an edit: its path and text ('' where it did not exist before), and the files that are new."""

    path: str
    before: str
    after: str
    project: Project
    files: tuple[File, ...]


def with_groups(index: Index, groups: Sequence[tuple[Project, list[File]]]) -> Index:
    """Return the index as it will be with these files in it."""
    known = {p.normalized: index.projects.get(p.normalized, p) for p, _ in groups}
    grown: dict[str, Project] = {p.normalized: known[p.normalized].with_files(files) for p, files in groups}
    return replace(index, projects={**index.projects, **grown})


def edits(index: Index, groups: Sequence[tuple[Project, list[File]]], texts: dict[str, str]) -> Iterator[Change]:
    """Yield each manifest as it will be; `texts` holds those that exist, by path, and '' for others. Raises EditError."""
    for project, files in groups:
        path = project.place.path
        if texts[path] and project.normalized not in index.projects:
            msg = f"{path} is there, and cannot be read"
            raise EditError(msg, fix="mend it first: index-builder check --worktree shows what is wrong")
        if project.normalized in index.projects:
            after, fresh = add_files(texts[path], project, files)
            yield Change(path=path, before=texts[path], after=after, project=project, files=tuple(fresh))
        else:
            after = new_manifest(project, files)
            yield Change(path=path, before="", after=after, project=project, files=tuple(files))


def unified(path: str, before: str, after: str) -> str:
    """Return the difference between two texts of a file, as `git diff` would show it."""
    return "".join(difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"))
