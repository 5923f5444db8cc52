"""What a change does to a project, and which actions of the policy that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from index_builder.model.names import NormalizedName
from index_builder.model.project import File, IndexOrigin, Project, StoredOrigin, UrlOrigin
from index_builder.policy.rules import Action

#: GitHub's releases: the one host whose URLs say who publishes there.
_RELEASES = ("https://github.com/", "/releases/download/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChange:
    """A project before and after; None where it has no manifest. The paths are '' there."""

    name: NormalizedName
    before: Project | None
    after: Project | None
    path_before: str = ""
    path_after: str = ""

    @property
    def path(self) -> str:
        """Where the manifest is, or was."""
        return self.path_after or self.path_before

    def new_files(self) -> tuple[File, ...]:
        """Return the files that were not listed before, and those whose bytes are to come from elsewhere now."""
        if self.after is None:
            return ()
        known = {file.name.text: file.origin for file in self.before.files} if self.before else {}
        return tuple(file for file in self.after.files if known.get(file.name.text) != file.origin)

    def unproved_files(self) -> tuple[File, ...]:
        """Return the files of which the change says something that their bytes must bear out: not that one is yanked."""
        if self.after is None:
            return ()
        same_hosting = self.before is not None and self.before.hosting == self.after.hosting
        known = {file.name.text: replace(file, yanked=None) for file in self.before.files} if self.before and same_hosting else {}
        return tuple(file for file in self.after.files if known.get(file.name.text) != replace(file, yanked=None))


def actions_of(change: ProjectChange) -> tuple[Action, ...]:
    """Return what a change does, as policies name it, in the order of `Action`. Whoever does it must be allowed each."""
    found = set(_actions(change))
    return tuple(action for action in Action if action in found)


def _actions(change: ProjectChange) -> Iterator[Action]:
    before, after = change.before, change.after
    if before is None:
        yield Action.CREATE
        return
    if after is None:
        yield Action.REMOVE
        return
    if change.new_files():
        yield Action.RELEASE
    gone = {file.name.text for file in before.files} - {file.name.text for file in after.files}
    if gone or set(before.removed) != set(after.removed):
        yield Action.REMOVE
    if (before.owners, before.publishers, before.audiences) != (after.owners, after.publishers, after.audiences):
        yield Action.TRANSFER
    if _yanks(before, after):
        yield Action.YANK
    if _rest(before, after) != _rest(after, before) or change.path_before != change.path_after or before == after:
        yield Action.EDIT


def _yanks(before: Project, after: Project) -> bool:
    """Say whether a mark was set or taken away, on a release or file that stays."""
    olds = {release.version: release for release in before.releases}
    for release in after.releases:
        old = olds.get(release.version)
        if old is None:
            if release.yanked or any(file.yanked for file in release.files):
                return True
            continue
        marks = {file.name.text: file.yanked for file in old.files}
        if old.yanked != release.yanked or any(marks.get(f.name.text) != f.yanked for f in release.files):
            return True
    return False


def _rest(project: Project, other: Project) -> object:
    """Return everything of a project that is none of the more particular actions, to be compared with another's."""
    shared = {file.name.text for file in other.files}
    files = tuple(replace(file, yanked=None) for file in project.files if file.name.text in shared)
    versions = {release.version for release in other.releases}
    spelled = tuple(release.written for release in project.releases if release.version in versions)
    return (project.name, project.hosting, project.status, project.source, files, spelled)


def origin_of(file: File) -> str:
    """Return where a file's bytes come from, as requirements name it."""
    match file.origin:
        case IndexOrigin(index=index):
            return f"index:{index}"
        case StoredOrigin():
            return "stored"
        case UrlOrigin(url=url):
            host, mark = _RELEASES
            owner, _, rest = url.removeprefix(host).partition("/")
            repository, found, _ = rest.partition(mark)
            is_release = url.startswith(host) and found and "/" not in repository
            return f"github:{owner}/{repository}" if is_release else f"url:{url}"
