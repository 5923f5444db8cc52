"""A revision of a git repository, or the working tree, as a SourceTree."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pygit2

from index_builder.errors import SourceError
from index_builder.model.source import EXECUTABLE, ORDINARY, SUBMODULE, SYMLINK, SourceEntry

_TOPS = ("index.yaml", "packages.d", "policies.d")
#: Larger files are cut here; the loader refuses them by their size.
_MAX_READ = 4 * 1024 * 1024 + 1
#: Git stores a tree of a billion entries in a few kilobytes.
_MAX_ENTRIES = 2_000_000
_MAX_DEPTH = 32
_DAMAGED = "the clone is partial or damaged: git fsck"


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
    repository = _open(Path(found))
    return Path(repository.workdir or found)


def _discovered(folder: Path) -> str | None:
    """Return the git folder of the repository that `folder` is in; a `.git` that is damaged counts as none."""
    with suppress(pygit2.GitError, KeyError):
        return pygit2.discover_repository(str(folder))
    return None


def _open(folder: Path) -> pygit2.Repository:
    try:
        return pygit2.Repository(str(folder))
    except (pygit2.GitError, KeyError, OSError) as error:
        if "not owned by" in str(error):
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
        self._tree = self._top(commit.tree, folder)
        self._count = 0

    def _top(self, tree: pygit2.Tree, folder: Path) -> pygit2.Tree:
        """Return the tree of `folder`: the commit's own, or one inside where the index is a part of its repository."""
        inside = Path(os.path.relpath(folder.resolve(), Path(self._repository.workdir or folder).resolve()))
        if inside.parts[:1] in ((), ("..",), (".git",)):
            return tree
        with suppress(KeyError):
            found = tree[inside.as_posix()]
            if isinstance(found, pygit2.Tree):
                return found
        msg = f"the commit {self.revision[:12]} has no folder {inside}"
        raise SourceError(msg, fix="commit it first, or read the working tree with --worktree")

    def entries(self) -> Iterator[SourceEntry]:
        """Yield the index's files, with git's own modes; raises SourceError."""
        try:
            for top in _TOPS:
                if top in self._tree:
                    yield from self._walk(self._tree[top], top)
        except (KeyError, pygit2.GitError) as error:
            msg = f"git cannot list the files of {self.revision[:12]}"
            raise SourceError(msg, fix=_DAMAGED) from error

    def _walk(self, entry: pygit2.Object, path: str) -> Iterator[SourceEntry]:
        if isinstance(entry, pygit2.Tree):
            _check_depth(path)
            for inner in entry:
                yield from self._walk(inner, f"{path}/{_name(inner)}")
        else:
            self._count += 1
            if self._count > _MAX_ENTRIES:
                msg = f"the commit {self.revision[:12]} has more than {_MAX_ENTRIES:,} files under packages.d/ and policies.d/"
                raise SourceError(msg)
            mode = int(entry.filemode or 0)
            yield SourceEntry(path=path, mode=mode, blob=str(entry.id))

    def read(self, entry: SourceEntry) -> bytes:
        """Return a blob's bytes, at most a little more than the loader takes."""
        try:
            if self._repository.odb.read_header(entry.blob)[1] > _MAX_READ:
                return bytes(_MAX_READ)
            blob = self._repository[entry.blob]
        except (KeyError, ValueError, pygit2.GitError) as error:
            msg = f"git has no content for {entry.path}"
            raise SourceError(msg, fix=_DAMAGED) from error
        if not isinstance(blob, pygit2.Blob):
            msg = f"{entry.path} is not a file in git"
            raise SourceError(msg)
        return bytes(memoryview(blob)[:_MAX_READ])


def _check_depth(path: str) -> None:
    if path.count("/") > _MAX_DEPTH:
        msg = f"{path[:80]}… is nested deeper than {_MAX_DEPTH} folders"
        raise SourceError(msg, fix="flatten it")


def tips(folder: Path) -> list[str]:
    """Return the commits at the tips of HEAD, branches and tags; none where there is no repository or commit."""
    try:
        repository = _open(folder)
    except SourceError:
        return []
    commits = set()
    for name in repository.references:
        with suppress(KeyError, ValueError, pygit2.GitError):
            commits.add(str(repository.references[name].peel(pygit2.Commit).id))
    return sorted(commits)


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
            if os.path.lexists(path):
                yield from self._walk(path, top)

    def _walk(self, path: Path, name: str) -> Iterator[SourceEntry]:
        # `name` is for people and may be written with escapes; `blob` is the path as the system has it.
        blob = str(path.relative_to(self._root))
        try:
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode):
                yield SourceEntry(path=name, mode=_git_mode(mode), blob=blob)
            elif (path / ".git").exists():
                yield SourceEntry(path=name, mode=SUBMODULE, blob=blob)
            else:
                _check_depth(name)
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
            with open(path, "rb", opener=_plain_file) as stream:
                return stream.read(_MAX_READ)
        except OSError as error:
            msg = f"{entry.path} cannot be read: {error.strerror}"
            raise SourceError(msg, fix=f"look at the owner and mode of {path}") from error

    def text(self, path: str) -> str:
        """Return a file as text, '' where there is none; raises SourceError where it cannot be read."""
        if not (self._root / path).exists():
            return ""
        return self.read(SourceEntry(path=path, mode=ORDINARY, blob=path)).decode("utf-8", "replace")

    def write(self, texts: Mapping[str, str]) -> None:
        """Write files: all of them, or none. Raises SourceError, leaving everything as it was."""
        edit = _Edit()
        try:
            for name, text in texts.items():
                edit.lay_ready(self._root / name, text.encode())
            edit.apply()
        except OSError as error:
            edit.undo()
            msg = f"{error.filename or self._root} cannot be written: {error.strerror}"
            raise SourceError(msg, fix="nothing was changed; look at the folder's owner, mode and free space") from error
        except BaseException:
            edit.undo()
            raise
        finally:
            edit.clear()


class _Edit:
    """Several files that change together.

    Whatever needs space (the new files, and copies of the old ones) is written before the first rename,
    so that going back is renaming too.
    """

    def __init__(self) -> None:
        self._ready: list[tuple[Path, Path]] = []
        self._before: dict[Path, Path | None] = {}
        self._folders: list[Path] = []
        self._applied: list[Path] = []

    def lay_ready(self, path: Path, content: bytes) -> None:
        """Write what `path` is to hold, and keep what it holds, beside it."""
        self._make_folder(path.parent)
        new, old = (path.with_name(f".{path.name}.{secrets.token_hex(4)}") for _ in range(2))
        self._ready.append((new, path))
        new.write_bytes(content)
        self._before[path] = None
        if os.path.lexists(path):
            self._before[path] = old
            shutil.copy2(path, old, follow_symlinks=False)
            if not path.is_symlink():
                shutil.copymode(path, new)

    def _make_folder(self, path: Path) -> None:
        if not path.exists():
            self._make_folder(path.parent)
            path.mkdir()
            self._folders.append(path)

    def apply(self) -> None:
        """Rename everything into its place."""
        for new, path in self._ready:
            new.replace(path)
            self._applied.append(path)

    def undo(self) -> None:
        """Put back what was there before."""
        for path in reversed(self._applied):
            before = self._before[path]
            if before is None:
                path.unlink(missing_ok=True)
            else:
                before.replace(path)
        self.clear()
        for folder in reversed(self._folders):
            with suppress(OSError):
                folder.rmdir()

    def clear(self) -> None:
        """Delete what lies beside."""
        for path in [*(new for new, _ in self._ready), *(old for old in self._before.values() if old)]:
            path.unlink(missing_ok=True)


def _plain_file(path: str, flags: int) -> int:
    """Open without following a link at the end, or waiting for a pipe's other side."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not an ordinary file", path)
    return descriptor


def _git_mode(mode: int) -> int:
    if stat.S_ISLNK(mode):
        return SYMLINK
    if not stat.S_ISREG(mode):
        return stat.S_IFMT(mode)
    return EXECUTABLE if mode & stat.S_IXUSR else ORDINARY


def start_repository(folder: Path) -> bool:
    """Make `folder` a git repository if it is in none; say whether one was made. Raises SourceError."""
    if _discovered(folder):
        return False
    try:
        pygit2.init_repository(str(folder), initial_head="main")
    except pygit2.GitError as error:
        msg = f"{folder} cannot become a git repository: {error}"
        raise SourceError(msg, fix=f"look at {folder / '.git'}, and at the folder's owner and mode") from error
    return True
