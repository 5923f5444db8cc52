"""Git repositories made object by object, so that trees can hold what a checkout could not."""

from pathlib import Path

import pygit2

from index_builder.model.source import ORDINARY

WHO = pygit2.Signature("test", "test@example.org", 1_700_000_000, 0)


def commit_files(folder: Path, files: dict[str, bytes], modes: dict[str, int] | None = None, *, bare: bool = False) -> str:
    """Commit exactly these files, without a working tree, on `main`; return the commit's id."""
    if not folder.exists():
        pygit2.init_repository(str(folder), bare=bare, initial_head="main")
    repository = pygit2.Repository(str(folder))
    index = pygit2.Index()
    for path, content in files.items():
        index.add(pygit2.IndexEntry(path, repository.create_blob(content), (modes or {}).get(path, ORDINARY)))
    parents = [] if repository.head_is_unborn else [repository.head.target]
    return str(repository.create_commit("HEAD", WHO, WHO, "change", index.write_tree(repository), parents))


def object_path(folder: Path, oid: str) -> Path:
    """Return the file of a loose object."""
    return folder / ".git" / "objects" / oid[:2] / oid[2:]
