"""Two indexes compared: what one gains and loses against the other, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from index_builder.model.index import Index
from index_builder.model.project import Project, Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as it was; `what` goes on after 'PROJECT gains', 'loses' or 'changes'."""

    kind: Literal["gains", "loses", "changes"]
    project: str
    what: str


def compare(before: Index, after: Index) -> Iterator[Difference]:
    """Yield the differences, by project."""
    for name in sorted(before.projects.keys() | after.projects.keys()):
        old, new = before.projects.get(name), after.projects.get(name)
        if old is None and new is not None:
            yield Difference(kind="gains", project=new.name, what=f"is new, with {_releases(new)}")
        elif new is None and old is not None:
            yield Difference(kind="loses", project=old.name, what=f"has no manifest any more, it had {_releases(old)}")
        elif old is not None and new is not None and old != new:
            yield from _project(old, new)


def _releases(project: Project) -> str:
    return ", ".join(release.written for release in project.releases) or "no release"


def _project(old: Project, new: Project) -> Iterator[Difference]:
    yield from _facts(old, new)
    olds, news = ({release.version: release for release in p.releases} for p in (old, new))
    for version in sorted(olds.keys() | news.keys()):
        if version not in olds:
            files = ", ".join(file.name.text for file in news[version].files)
            yield Difference(kind="gains", project=new.name, what=f"{news[version].written} ({files})")
        elif version not in news:
            yield Difference(kind="loses", project=new.name, what=f"{olds[version].written}{_why(new, olds[version])}")
        else:
            yield from _release(new.name, olds[version], news[version])


def _facts(old: Project, new: Project) -> Iterator[Difference]:
    for what, was, now in (
        ("name", old.name, new.name),
        ("hosting", old.hosting.value, new.hosting.value),
        ("owners", ", ".join(old.owners), ", ".join(new.owners)),
        ("audiences", ", ".join(old.audiences) or "all", ", ".join(new.audiences) or "all"),
        ("status", _status(old), _status(new)),
    ):
        if was != now:
            yield Difference(kind="changes", project=new.name, what=f"{what}: {was} → {now}")
    if (old.publishers, old.source) != (new.publishers, new.source):
        yield Difference(kind="changes", project=new.name, what="publishers or source")


def _status(project: Project) -> str:
    if project.status is None:
        return "active"
    return project.status.state.value + (f" ({project.status.reason})" if project.status.reason else "")


def _why(project: Project, release: Release) -> str:
    names = {file.name.text for file in release.files}
    reasons = {tombstone.reason for tombstone in project.removed if tombstone.name in names}
    return f" (removed: {', '.join(sorted(reasons))})" if reasons else ""


def _release(name: str, old: Release, new: Release) -> Iterator[Difference]:
    olds, news = ({file.name.text: file for file in release.files} for release in (old, new))
    for file in sorted(olds.keys() | news.keys()):
        if file not in olds:
            yield Difference(kind="gains", project=name, what=file)
        elif file not in news:
            yield Difference(kind="loses", project=name, what=file)
        elif olds[file] != news[file]:
            changed = ", ".join(_changed(olds[file], news[file]))
            yield Difference(kind="changes", project=name, what=f"{file}: {changed}")
    if old.yanked != new.yanked:
        what = f"{new.written} is yanked: {new.yanked.reason}" if new.yanked else f"{new.written} is no longer yanked"
        yield Difference(kind="changes", project=name, what=what)


def _changed(old: object, new: object) -> Iterator[str]:
    for field in ("sha256", "size", "uploaded", "origin", "requires_python", "metadata", "provenance", "yanked"):
        if getattr(old, field) != getattr(new, field):
            yield field.replace("_", "-")
