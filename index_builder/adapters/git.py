"""A revision of a git repository, or the working tree, as a SourceTree."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pygit2

from index_builder.errors import SourceError
from index_builder.model.source import EXECUTABLE, ORDINARY, SUBMODULE, SYMLINK, SourceEntry

_TOPS = ("index.yaml", "packages.d", "policies.d")
#: Larger files are cut here; the loader refuses them by their size.
_MAX_READ = 4 * 1024 * 1024 + 1


def find_root(folder: Path) -> Path:
    """Return the root of the working tree (or the bare repository) that `folder` is in, or `folder` itself."""
    if not folder.is_dir():
        msg = f"{folder} is not a folder"
        raise SourceError(msg, fix="name the index repository with --repo")
    if (folder / "index.yaml").exists():
        return folder
    try:
        found = pygit2.discover_repository(str(folder))
    except (pygit2.GitError, KeyError):
        found = None
    if not found:
        return folder
    repository = _open(Path(found))
    return Path(repository.workdir or found)


def _open(folder: Path) -> pygit2.Repository:
    try:
        return pygit2.Repository(str(folder))
    except (pygit2.GitError, KeyError, OSError) as error:
        if "owner" in str(error):
            msg = f"git does not trust {folder}: somebody else owns it"
            raise SourceError(msg, fix=f"git config --global --add safe.directory {folder}") from error
        msg = f"{folder} is not a git repository"
        fix = "read the files as they are with --worktree, or start a repository: index-builder init DIR"
        raise SourceError(msg, fix=fix) from error


class GitTree:
    """The tree of a commit, read from git's objects."""

    def __init__(self, folder: Path, revision: str) -> None:
        """Find `revision` in the repository at `folder`; raises SourceError."""
        self._repository = _open(folder)
        if self._repository.is_empty or (revision == "HEAD" and self._repository.head_is_unborn):
            msg = f"the repository {folder} has no commit yet"
            raise SourceError(msg, fix="commit first (git add . && git commit), or read the working tree with --worktree")
        try:
            commit = self._repository.revparse_single(revision).peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError) as error:
            msg = f"there is no revision {revision!r} in {folder}"
            raise SourceError(msg, fix="name a commit, branch or tag; in a shallow clone, fetch more first") from error
        self.revision = str(commit.id)
        self._tree = commit.tree

    def entries(self) -> Iterator[SourceEntry]:
        """Yield the index's files, with git's own modes."""
        for top in _TOPS:
            if top in self._tree:
                yield from self._walk(self._tree[top], top)

    def _walk(self, entry: pygit2.Object, path: str) -> Iterator[SourceEntry]:
        if isinstance(entry, pygit2.Tree):
            for inner in entry:
                yield from self._walk(inner, f"{path}/{_name(inner)}")
        else:
            mode = int(entry.filemode or 0)
            yield SourceEntry(path=path, mode=SUBMODULE if mode == SUBMODULE else mode, blob=str(entry.id))

    def read(self, entry: SourceEntry) -> bytes:
        """Return a blob's bytes."""
        try:
            blob = self._repository[entry.blob]
        except (KeyError, ValueError) as error:
            msg = f"git has no content for {entry.path}"
            raise SourceError(msg, fix="the clone is partial or damaged: git fsck") from error
        if not isinstance(blob, pygit2.Blob):
            msg = f"{entry.path} is not a file in git"
            raise SourceError(msg)
        return blob.data


def _name(entry: pygit2.Object) -> str:
    raw = entry.raw_name or b""
    return raw.decode("utf-8", "backslashreplace")


class WorkTree:
    """The files of a folder as they are, committed or not."""

    revision = ""

    def __init__(self, folder: Path) -> None:
        """Take the folder; nothing is read yet."""
        self._root = folder

    def entries(self) -> Iterator[SourceEntry]:
        """Yield the index's files, with the modes that git would give them."""
        for top in _TOPS:
            path = self._root / top
            if path.is_symlink() or path.exists():
                yield from self._walk(path, top)

    def _walk(self, path: Path, name: str) -> Iterator[SourceEntry]:
        try:
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode):
                yield SourceEntry(path=name, mode=_git_mode(mode), blob=name)
            elif (path / ".git").exists():
                yield SourceEntry(path=name, mode=SUBMODULE, blob=name)
            else:
                for inner in sorted(os.listdir(os.fsencode(path))):  # noqa: PTH208 - names as bytes, whatever they hold
                    text = inner.decode("utf-8", "backslashreplace")
                    yield from self._walk(path / os.fsdecode(inner), f"{name}/{text}")
        except OSError as error:
            msg = f"{name} cannot be read: {error.strerror}"
            raise SourceError(msg, fix=f"look at the owner and mode of {path}") from error

    def read(self, entry: SourceEntry) -> bytes:
        """Return a file's bytes, at most a little more than the loader takes."""
        path = self._root / entry.blob
        try:
            with path.open("rb") as stream:
                return stream.read(_MAX_READ)
        except OSError as error:
            msg = f"{entry.path} cannot be read: {error.strerror}"
            raise SourceError(msg, fix=f"look at the owner and mode of {path}") from error

    def write(self, texts: Mapping[str, str]) -> None:
        """Write files, each whole or not at all; all are laid ready before the first one appears. Raises SourceError."""
        ready: list[tuple[Path, Path]] = []
        try:
            for name, text in texts.items():
                path = self._root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
                ready.append((temporary, path))
                temporary.write_bytes(text.encode())
            for temporary, path in ready:
                temporary.replace(path)
        except OSError as error:
            msg = f"{error.filename or self._root} cannot be written: {error.strerror}"
            raise SourceError(msg, fix="nothing was changed; look at the folder's owner, mode and free space") from error
        finally:
            for temporary, _ in ready:
                temporary.unlink(missing_ok=True)


def _git_mode(mode: int) -> int:
    if stat.S_ISLNK(mode):
        return SYMLINK
    if not stat.S_ISREG(mode):
        return stat.S_IFMT(mode)
    return EXECUTABLE if mode & stat.S_IXUSR else ORDINARY


def start_repository(folder: Path) -> bool:
    """Make `folder` a git repository if it is in none; say whether one was made."""
    try:
        if pygit2.discover_repository(str(folder)):
            return False
    except (pygit2.GitError, KeyError):
        pass
    pygit2.init_repository(str(folder), initial_head="main")
    return True
