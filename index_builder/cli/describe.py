"""Projects in words and as JSON, for `list`, `show`, `search` and `diff`."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from index_builder.cli.console import count, human
from index_builder.model.project import File, IndexOrigin, Project, Release, State, UrlOrigin


def origin(file: File) -> str:
    """Return where a file's bytes come from, in a few words."""
    if isinstance(file.origin, UrlOrigin):
        return file.origin.url
    if isinstance(file.origin, IndexOrigin):
        same = file.origin.project == file.name.project
        return f"index {file.origin.index}" + ("" if same else f", as {file.origin.project}")
    return "the pool"


def state(project: Project) -> str:
    """Return the project's status marker; 'removed' where only tombstones are left."""
    if not project.releases:
        return "removed"
    return project.status.state.value if project.status else State.ACTIVE.value


def newest(project: Project) -> str:
    """Return the newest release as its manifest spells it, or ''."""
    return project.releases[-1].written if project.releases else ""


def size(project: Project) -> int:
    """Return the bytes of all listed files."""
    return sum(file.size for file in project.files)


def summary_json(project: Project) -> dict[str, object]:
    """Return a project's line of `list` as JSON values."""
    return {
        "name": project.name, "normalized": project.normalized, "newest": newest(project), "releases": len(project.releases),
        "files": len(project.files), "size": size(project), "hosting": project.hosting.value, "status": state(project),
        "owners": list(project.owners), "audiences": list(project.audiences), "path": project.place.path,
    }  # fmt: skip


def to_json(project: Project) -> dict[str, object]:
    """Return all that a manifest says as JSON values."""
    status = project.status
    return summary_json(project) | {
        "status": {"state": state(project), "reason": status.reason if status else "", "at": status.at if status else None},
        "releases": [_release_json(release) for release in project.releases],
        "removed": [
            {"name": t.name, "version": str(t.version), "sha256": t.sha256, "reason": t.reason, "at": t.at} for t in project.removed
        ],
    }


def _release_json(release: Release) -> dict[str, object]:
    return {
        "version": release.written,
        "yanked": release.yanked.reason if release.yanked else None,
        "files": [
            {
                "name": file.name.text, "sha256": file.sha256, "size": file.size, "uploaded": file.uploaded,
                "requires-python": file.requires_python, "metadata": file.metadata, "provenance": file.provenance,
                "yanked": file.yanked.reason if file.yanked else None, "origin": origin(file),
            }
            for file in release.files
        ],
    }  # fmt: skip


def table(projects: Iterable[Project]) -> Table:
    """Return the projects as a table of one line each."""
    result = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading, justify in (("project", "left"), ("newest", "left"), ("releases", "right"), ("files", "right"), ("size", "right")):
        result.add_column(heading, justify="right" if justify == "right" else "left", no_wrap=True)
    for heading in ("hosting", "status", "owners"):
        result.add_column(heading)
    for p in projects:
        figures = (f"{len(p.releases):,}", f"{len(p.files):,}", human(size(p)))
        result.add_row(p.name, newest(p), *figures, p.hosting.value, state(p), ", ".join(p.owners))
    return result


def show(console: Console, project: Project) -> None:
    """Print all that a manifest says, as a person reads it."""
    console.print(f"[bold]{project.name}[/]  {project.place.path}")
    facts = {
        "hosting": project.hosting.value,
        "status": state(project) + (f": {project.status.reason}" if project.status and project.status.reason else ""),
        "owners": ", ".join(project.owners),
        "audiences": ", ".join(project.audiences) or "all",
        "files": f"{len(project.files):,}, {human(size(project))}",
    }
    for name, value in facts.items():
        console.print(f"  {name + ':':<10} {escape(value)}")
    for release in reversed(project.releases):
        yanked = f"  [yellow]yanked: {escape(release.yanked.reason)}[/]" if release.yanked else ""
        console.print(f"\n[bold]{release.written}[/]{yanked}")
        for file in release.files:
            _show_file(console, file)
    if project.removed:
        console.print(f"\n[bold]removed[/], {count(len(project.removed), 'file')}")
    for tombstone in project.removed:
        console.print(f"  {tombstone.name}  {tombstone.at}  {escape(tombstone.reason)}")


def _show_file(console: Console, file: File) -> None:
    python = f", Python {file.requires_python}" if file.requires_python else ""
    yanked = f"  [yellow]yanked: {escape(file.yanked.reason)}[/]" if file.yanked else ""
    console.print(f"  {file.name.text}{yanked}")
    console.print(f"    [dim]{human(file.size)}, uploaded {file.uploaded}{escape(python)}, from {escape(origin(file))}[/]")
    console.print(f"    [dim]sha256 {file.sha256}[/]")
