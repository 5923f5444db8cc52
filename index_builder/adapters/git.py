"""A revision of a git repository as a SourceTree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pygit2

from index_builder.adapters.git_trees import DAMAGED, FOLDER, Paths, Side, compared, listed, mode_of
from index_builder.adapters.limits import MAX_ENTRIES, MAX_READ, TOPS, check_depth
from index_builder.errors import SourceError
from index_builder.model.source import SourceChange, SourceEntry

#: Looking at every file of a larger working tree would take longer than the question that was asked.
_FEW_ENTRIES = 5000


def find_root(folder: Path) -> Path:
    """Return the root of the working tree (or the bare repository) that `folder` is in, or `folder` itself."""
    if not folder.is_dir():
        msg = f"{folder} is not a folder"
        raise SourceError(msg, fix="name the index repository with --repo")
    if (folder / "index.yaml").exists():
        return folder
    found = _discovered(folder)
    if not found:
        return folder
    repository = opened(Path(found))
    return Path(repository.workdir or found)


def _discovered(folder: Path) -> str | None:
    """Return the git folder of the repository that `folder` is in; a `.git` that is damaged counts as none."""
    with suppress(pygit2.GitError, KeyError):
        return pygit2.discover_repository(str(folder))
    return None


def opened(folder: Path) -> pygit2.Repository:
    """Open the repository that a folder is the root of; raises SourceError."""
    try:
        return pygit2.Repository(str(folder))
    except (pygit2.GitError, KeyError, OSError) as error:
        if "not owned by" in str(error):
            msg = f"git does not trust {folder}: somebody else owns it"
            raise SourceError(msg, fix=f"git config --global --add safe.directory {folder}") from error
        msg = f"{folder} is not a git repository"
        fix = "read the files as they are with --worktree, or start a repository: index-builder init DIR"
        raise SourceError(msg, fix=fix) from error


def commit_of(repository: pygit2.Repository, folder: Path, revision: str) -> pygit2.Commit:
    """Return the commit that a revision names; raises SourceError."""
    if repository.is_empty or (revision == "HEAD" and repository.head_is_unborn):
        msg = f"the repository {folder} has no commit yet"
        raise SourceError(msg, fix="commit first (git add . && git commit), or read the working tree with --worktree")
    try:
        return repository.revparse_single(revision).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError) as error:
        msg = f"there is no revision {revision!r} in {folder}"
        raise SourceError(msg, fix="name a commit, branch or tag; in a shallow clone, fetch more first") from error


def moment(commit: pygit2.Commit) -> datetime:
    """Return a commit's committer time; raises SourceError for one that no calendar has."""
    try:
        return datetime.fromtimestamp(commit.commit_time, UTC)
    except (ValueError, OverflowError, OSError) as error:
        msg = f"the commit {str(commit.id)[:12]} has an impossible date"
        raise SourceError(msg, fix="commit anew on top of it, or name another --base") from error


def tree_of(repository: pygit2.Repository, folder: Path, commit: pygit2.Commit) -> pygit2.Tree:
    """Return a commit's tree of `folder`: its own, or one inside where the index is a part of its repository. Raises SourceError."""
    inside = inside_of(repository, folder)
    if not inside:
        return commit.tree
    with suppress(KeyError):
        found = commit.tree[inside]
        if isinstance(found, pygit2.Tree):
            return found
    msg = f"the commit {str(commit.id)[:12]} has no folder {inside}"
    raise SourceError(msg, fix="commit it first, or read the working tree with --worktree")


def inside_of(repository: pygit2.Repository, folder: Path) -> str:
    """Return where in its repository a folder is, as git writes paths; '' for the root, and for a bare repository."""
    inside = Path(os.path.relpath(folder.resolve(), Path(repository.workdir or folder).resolve()))
    return "" if inside.parts[:1] in ((), ("..",), (".git",)) else inside.as_posix()


def objects_of(repository: pygit2.Repository) -> Path:
    """Return where a repository's objects are; a linked working tree shares those of the first."""
    folder = Path(repository.path)
    common = folder / "commondir"
    return (folder / common.read_text("utf-8").strip() if common.exists() else folder) / "objects"


class GitTree:
    """The tree of a commit, read from git's objects."""

    def __init__(self, folder: Path, revision: str) -> None:
        """Find `revision` in the repository at `folder`; raises SourceError."""
        self._repository = opened(folder)
        commit = commit_of(self._repository, folder, revision)
        self.revision = str(commit.id)
        self._folder = folder
        self._tree = tree_of(self._repository, folder, commit)
        self._count = 0

    def entries(self, *tops: str) -> Iterator[SourceEntry]:
        """Yield the index's files, with git's own modes; raises SourceError."""
        try:
            paths = Paths(self._repository, self._tree)
            for top in tops or TOPS:
                found = paths.find(top)
                if found and found[0] == FOLDER:
                    yield from self._walk(found[1], f"{top}/")
                elif found:
                    yield SourceEntry(top, *found)
        except (KeyError, ValueError, pygit2.GitError) as error:
            msg = f"git cannot list the files of {self.revision[:12]}"
            raise SourceError(msg, fix=DAMAGED) from error

    def _walk(self, tree: str, folder: str) -> Iterator[SourceEntry]:
        check_depth(folder)
        entries = listed(self._repository, tree)
        self._counted(len(entries))
        for mode, raw, found in entries:
            name = folder + raw.decode("utf-8", "backslashreplace")
            if (kind := mode_of(mode)) == FOLDER:
                yield from self._walk(found.hex(), f"{name}/")
            else:
                yield SourceEntry(name, kind, found.hex())

    def _counted(self, more: int) -> None:
        self._count += more
        if self._count > MAX_ENTRIES:
            msg = f"the commit {self.revision[:12]} has more than {MAX_ENTRIES:,} files under packages.d/ and policies.d/"
            raise SourceError(msg)

    def read(self, entry: SourceEntry) -> bytes:
        """Return a blob's bytes, at most a little more than the loader takes."""
        try:
            if self._repository.odb.read_header(entry.blob)[1] > MAX_READ:
                return bytes(MAX_READ)
            blob = self._repository[entry.blob]
        except (KeyError, ValueError, pygit2.GitError) as error:
            msg = f"git has no content for {entry.path}"
            raise SourceError(msg, fix=DAMAGED) from error
        if not isinstance(blob, pygit2.Blob):
            msg = f"{entry.path} is not a file in git"
            raise SourceError(msg)
        return bytes(memoryview(blob)[:MAX_READ])

    def identity(self, entry: SourceEntry) -> str:
        """Return the blob's id."""
        return entry.blob

    def changed_since(self, revision: str) -> list[SourceChange] | None:
        """Compare two trees; a revision that this clone lacks gives None."""
        try:
            commit = self._repository[revision].peel(pygit2.Commit)
            then = tree_of(self._repository, self._folder, commit)
            changes = [_change(*found) for found in compared(self._repository, then, self._tree)]
        except (KeyError, ValueError, pygit2.GitError, SourceError):
            return None
        return [change for change in changes if change.path.partition("/")[0] in TOPS]


def _change(raw: bytes, before: Side | None, after: Side | None) -> SourceChange:
    path = raw.decode("utf-8", "backslashreplace")
    return SourceChange(path=path, was_there=before is not None, entry=SourceEntry(path, *after) if after else None)


def tips(folder: Path) -> list[str]:
    """Return the commits at the tips of HEAD, branches and tags; none where there is no repository or commit."""
    try:
        repository = opened(folder)
    except SourceError:
        return []
    commits = set()
    for name in repository.references:
        with suppress(KeyError, ValueError, pygit2.GitError):
            commits.add(str(repository.references[name].peel(pygit2.Commit).id))
    return sorted(commits)


def uncommitted(folder: Path) -> list[str]:
    """Return the index's files that are not as the last commit has them; none is looked for in a large repository."""
    try:
        repository = opened(folder)
    except SourceError:
        return []
    if repository.is_bare or len(repository.index) > _FEW_ENTRIES:
        return []
    inside = inside_of(repository, folder)
    prefix = f"{inside}/" if inside else ""
    changed = (path for path, flags in repository.status(untracked_files="all").items() if flags != pygit2.enums.FileStatus.IGNORED)
    return sorted(path.removeprefix(prefix) for path in changed if path.removeprefix(prefix).partition("/")[0] in TOPS)


def is_in_repository(folder: Path) -> bool:
    """Say whether a folder, there or not yet, is in a git repository."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    return _discovered(there) is not None


def would_commit(root: Path, folder: Path) -> bool:
    """Say whether files of a folder, there or not yet, would be committed into the repository of an index with all else."""
    repository = opened(root)
    work, there = Path(repository.workdir or root).resolve(), folder.resolve()
    if not there.is_relative_to(work) or there.is_relative_to(Path(repository.path).resolve()):
        return False
    return not repository.path_is_ignored((there / "file").relative_to(work).as_posix())


def start_repository(folder: Path) -> None:
    """Make `folder` a git repository; raises SourceError."""
    try:
        pygit2.init_repository(str(folder), initial_head="main")
    except pygit2.GitError as error:
        msg = f"{folder} cannot become a git repository: {error}"
        raise SourceError(msg, fix=f"look at {folder / '.git'}, and at the folder's owner and mode") from error


def remote_of(folder: Path) -> str | None:
    """Return the URL of the remote `origin`, None where there is none."""
    repository = opened(folder)
    return next((remote.url for remote in repository.remotes if remote.name == "origin"), None)


def is_ancestor(folder: Path, earlier: str, later: str) -> bool:
    """Say whether one commit leads to another one; False where one of them is not at hand."""
    repository = opened(folder)
    try:
        return bool(repository.descendant_of(later, earlier))
    except (pygit2.GitError, KeyError, ValueError):
        return False


def user_of(folder: Path) -> str:
    """Return the name that git gives to commits of this user, or ''."""
    with suppress(pygit2.GitError, KeyError, ValueError):
        return str(opened(folder).config["user.name"])
    return ""


def versions_of(folder: Path, path: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield what a folder of the repository had in HEAD and before that, the newest first: a commit, and its files by path inside.

    Of commits in which it is the same, one is enough. Raises SourceError.
    """
    repository = opened(folder)
    if repository.is_empty or repository.head_is_unborn:
        return
    seen: set[pygit2.Oid] = set()
    for commit in repository.walk(repository.head.target):
        try:
            found = tree_of(repository, folder, commit)[path]
        except (KeyError, SourceError):
            continue
        if isinstance(found, pygit2.Tree) and found.id not in seen:
            seen.add(found.id)
            yield str(commit.id), dict(_files_in(found, ""))


def _files_in(tree: pygit2.Tree, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in tree:
        if isinstance(entry, pygit2.Tree):
            yield from _files_in(entry, f"{prefix}{entry.name}/")
        elif isinstance(entry, pygit2.Blob) and entry.size <= MAX_READ:
            yield f"{prefix}{entry.name}", entry.data
