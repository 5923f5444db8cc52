"""Files of a host's configuration, and passwords: read, written where they differ, hashed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from index_builder.adapters.storage import storage
from index_builder.errors import UsageError

if TYPE_CHECKING:
    from index_builder.hostconfig.values import ConfigFile

#: A host's own group may have to read what is secret: that it is the file's group is for its owner to say.
_SECRET: Final = 0o640
_PLAIN: Final = 0o644
#: Password files of ten thousand people are smaller.
_MOST_READ: Final = 2 * 1024 * 1024


def read_text(path: Path) -> str | None:
    """Return a small file as text, None where there is none; raises StorageError, UsageError."""
    with storage(path):
        if not path.exists():
            return None
        with path.open("rb") as stream:
            content = stream.read(_MOST_READ + 1)
    try:
        if len(content) > _MOST_READ:
            msg = f"{path} is larger than any such file"
            raise UsageError(msg, fix="name another file")
        return content.decode()
    except UnicodeDecodeError as error:
        msg = f"{path} is no text in UTF-8"
        raise UsageError(msg, fix="name another file") from error


def keep_out_of_git(path: Path) -> None:
    """Raise UsageError for a file that the next `git add` of its repository would take: it is to hold secrets."""
    import pygit2  # noqa: PLC0415 - slow to import, and most files are of no secrets

    path = path.resolve()
    folder = next(parent for parent in path.parents if parent.is_dir())
    try:
        found = pygit2.discover_repository(str(folder))
        repository = pygit2.Repository(found) if found else None
    except pygit2.GitError as error:
        msg = f"{path} is in a git repository that cannot be read: {error}"
        raise UsageError(msg, fix="name a file outside of the repository") from error
    if repository is None or repository.workdir is None:
        return
    inside = path.relative_to(Path(repository.workdir).resolve()).as_posix()
    if inside in repository.index:
        msg = f"{path} is in git, where hashes of passwords must not be"
        raise UsageError(msg, fix=f"name a file outside of the repository, or: git rm --cached {inside}")
    if not repository.path_is_ignored(inside):
        msg = f"{path} is in a git repository that does not ignore it, and hashes of passwords must not come into git"
        raise UsageError(msg, fix=f"name a file outside of the repository, or add this line to its .gitignore: /{inside}")


def write_changed(folder: Path, files: Iterable[ConfigFile], *, dry_run: bool = False) -> list[str]:
    """Write each file whose text differs, whole or not at all; return their names. Raises StorageError.

    Raises UsageError, and writes nothing, where one that is secret would come into git.
    """
    files = list(files)
    for file in files:
        if file.is_secret:
            keep_out_of_git(folder / file.name)
    changed = []
    for file in files:
        path = folder / file.name
        if read_text(path) != file.text:
            changed.append(file.name)
            if not dry_run:
                write_text(path, file.text, is_secret=file.is_secret)
    return changed


def write_text(path: Path, text: str, *, is_secret: bool) -> None:
    """Write a file beside its place, then rename it. One that is there keeps its group and mode, and a link to one stays."""
    with storage(path):
        path = path.resolve() if path.is_symlink() else path
        mode = _SECRET if is_secret else _PLAIN
        beside = path.with_name(f".{path.name}.new")
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
            stream.write(text.encode())
        if path.exists():
            there = path.stat()
            os.chown(beside, -1, there.st_gid)
            mode = there.st_mode & (_SECRET if is_secret else 0o777)
        beside.chmod(mode)
        beside.replace(path)


def hashed(password: str, cost: int) -> str:
    """Return the bcrypt hash of a password; raises UsageError where the library is not installed, or it is too long."""
    try:
        import bcrypt  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = "bcrypt is not installed"
        raise UsageError(msg, fix="pip install 'index-builder[hosts]', or: htpasswd -B -C 10 FILE NAME") from error
    try:
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()
    except ValueError as error:
        msg = "bcrypt takes passwords of at most 72 bytes"
        raise UsageError(msg, fix="choose a shorter one, or leave --ask out") from error
