"""Git and the working tree: odd modes and names, damage, and writes that are all or nothing."""

import os
import shutil
from pathlib import Path

import pygit2
import pytest
from gits import WHO, commit_files, object_path

from index_builder.adapters.git import GitTree, find_root, is_in_repository, start_repository
from index_builder.adapters.worktree import WorkTree
from index_builder.errors import SourceError
from index_builder.model.source import EXECUTABLE, ORDINARY, SUBMODULE, SYMLINK, SourceEntry

MOST = 4 * 1024 * 1024 + 1


def listed(tree):
    return {entry.path: entry.mode for entry in tree.entries()}


def tree_with(folder: Path, *members: tuple[bytes, int]):
    """Commit a packages.d with members of any name and mode."""
    repository = pygit2.init_repository(str(folder), initial_head="main")
    blob = repository.create_blob(b"name: x\n")
    inner = repository.TreeBuilder()
    for name, mode in members:
        inner.insert(os.fsdecode(name), pygit2.Oid(hex="ab" * 20) if mode == SUBMODULE else blob, mode)
    top = repository.TreeBuilder()
    top.insert("packages.d", inner.write(), 0o040000)
    repository.create_commit("HEAD", WHO, WHO, "odd", top.write(), [])
    return GitTree(folder, "HEAD")


@pytest.mark.parametrize("mode", [ORDINARY, EXECUTABLE, SYMLINK, SUBMODULE])
def test_git_gives_every_mode(tmp_path, mode):
    """Executables, links and submodules are told by their mode."""
    assert listed(tree_with(tmp_path / "r", (b"x.yaml", mode))) == {"packages.d/x.yaml": mode}


def test_git_submodule_has_no_bytes(tmp_path):
    """What is a commit of another repository cannot be read."""
    tree = tree_with(tmp_path / "r", (b"x.yaml", SUBMODULE))
    with pytest.raises(SourceError):
        tree.read(next(iter(tree.entries())))


def test_git_folder_is_no_file(tmp_path):
    """An id that is a folder's gives no bytes."""
    commit_files(tmp_path / "r", {"packages.d/a.yaml": b""})
    folder = str(pygit2.Repository(str(tmp_path / "r")).revparse_single("HEAD:packages.d").id)
    with pytest.raises(SourceError, match="not a file in git"):
        GitTree(tmp_path / "r", "HEAD").read(SourceEntry(path="packages.d", mode=ORDINARY, blob=folder))


def test_git_symlinked_folder_is_one_entry(tmp_path):
    """A packages.d that is a link is listed as a link, and nothing behind it."""
    commit_files(tmp_path / "r", {"packages.d": b"elsewhere", "elsewhere/a.yaml": b""}, {"packages.d": SYMLINK})
    assert listed(GitTree(tmp_path / "r", "HEAD")) == {"packages.d": SYMLINK}


@pytest.mark.parametrize(
    ("raw", "shown"),
    [(b"caf\xe9.yaml", "packages.d/caf\\xe9.yaml"), ("café.yaml".encode(), "packages.d/café.yaml"), (b"a\nb.yaml", "packages.d/a\nb.yaml")],
)
def test_odd_names_are_shown_and_read(tmp_path, raw, shown):
    """Names that are not UTF-8 are written with escapes, in git and in a working tree, and their bytes can be read."""
    folder = tmp_path / "r"
    (folder / "packages.d").mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder / "packages.d") + b"/" + raw)).write_bytes(b"name: x\n")
    index = pygit2.init_repository(str(folder), initial_head="main").index
    index.add_all()
    pygit2.Repository(str(folder)).create_commit("HEAD", WHO, WHO, "odd", index.write_tree(), [])
    for tree in (GitTree(folder, "HEAD"), WorkTree(folder)):
        (entry,) = tree.entries()
        assert entry.path == shown
        assert tree.read(entry) == b"name: x\n"


def test_a_repository_without_commit(tmp_path):
    """Before the first commit the error says to make one."""
    start_repository(tmp_path / "r")
    with pytest.raises(SourceError, match="no commit yet") as caught:
        GitTree(tmp_path / "r", "HEAD")
    assert "git commit" in caught.value.fix


@pytest.mark.parametrize("revision", ["", "nope", "a" * 40, "HEAD~3", "HEAD:index.yaml", "^x", "a..b", "\ud800", "\x00"])
def test_an_unknown_revision(tmp_path, revision):
    """What names no commit is a SourceError."""
    commit_files(tmp_path / "r", {"index.yaml": b""})
    with pytest.raises(SourceError, match="no revision"):
        GitTree(tmp_path / "r", revision)


def test_not_a_repository(tmp_path):
    """A folder without git is a SourceError that knows a way out."""
    with pytest.raises(SourceError, match="not a git repository") as caught:
        GitTree(tmp_path, "HEAD")
    assert "--worktree" in caught.value.fix


def test_a_repository_of_somebody_else(tmp_path, monkeypatch):
    """Where git does not trust the owner, the error says how to tell it to."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    commit_files(tmp_path / "r", {"index.yaml": b""})
    for path in [tmp_path / "r", *(tmp_path / "r").rglob("*")]:
        os.chown(path, 12345, 12345)
    monkeypatch.delenv("SUDO_UID", raising=False)
    with pytest.raises(SourceError, match="somebody else") as caught:
        GitTree(tmp_path / "r", "HEAD")
    assert "safe.directory" in caught.value.fix


def test_a_folder_that_is_not_in_the_commit(tmp_path):
    """An index in a part of a repository must be in the commit."""
    commit_files(tmp_path / "r", {"index.yaml": b"", "file": b""})
    (tmp_path / "r" / "new").mkdir()
    with pytest.raises(SourceError, match="has no folder new"):
        GitTree(tmp_path / "r" / "new", "HEAD")


def test_the_git_folder_stands_for_its_repository(tmp_path):
    """Naming .git itself reads the whole commit."""
    commit_files(tmp_path / "r", {"index.yaml": b"x"})
    assert listed(GitTree(tmp_path / "r" / ".git", "HEAD")) == {"index.yaml": ORDINARY}


@pytest.mark.parametrize("damage", ["missing", "junk"])
def test_damaged_blobs_and_trees(tmp_path, damage):
    """Where an object is gone or rotten, the error says that the clone is damaged."""
    commit_files(tmp_path / "r", {"index.yaml": b"x", "packages.d/a.yaml": b"y"})
    tree = GitTree(tmp_path / "r", "HEAD")
    entries = list(tree.entries())
    inner = pygit2.Repository(str(tmp_path / "r")).revparse_single("HEAD:packages.d").id
    for oid in (entries[0].blob, str(inner)):
        path = object_path(tmp_path / "r", oid)
        path.unlink()
        if damage == "junk":
            path.write_bytes(b"junk")
    tree = GitTree(tmp_path / "r", "HEAD")
    with pytest.raises(SourceError, match=r"index\.yaml") as caught:
        tree.read(entries[0])
    assert "git fsck" in caught.value.fix
    with pytest.raises(SourceError, match="cannot list"):
        list(tree.entries())


def test_large_files_are_cut(tmp_path):
    """Both trees give a little more than the loader takes, so that it refuses the file by its size."""
    commit_files(tmp_path / "r", {"index.yaml": b"x" * (MOST + 100)})
    (tmp_path / "r" / "index.yaml").write_bytes(b"x" * (MOST + 100))
    for tree in (GitTree(tmp_path / "r", "HEAD"), WorkTree(tmp_path / "r")):
        assert len(tree.read(next(iter(tree.entries())))) == MOST


def test_find_root(tmp_path):
    """The root is where index.yaml is, else that of the repository, else the folder itself."""
    commit_files(tmp_path / "r", {"index.yaml": b""})
    deep = tmp_path / "r" / "a" / "b"
    deep.mkdir(parents=True)
    assert find_root(deep) == tmp_path / "r"
    (deep / "index.yaml").write_text("")
    assert find_root(deep) == deep
    (tmp_path / "plain").mkdir()
    assert find_root(tmp_path / "plain") == tmp_path / "plain"
    commit_files(tmp_path / "bare.git", {"index.yaml": b"x"}, bare=True)
    assert listed(GitTree(find_root(tmp_path / "bare.git"), "HEAD")) == {"index.yaml": ORDINARY}
    with pytest.raises(SourceError, match="not a folder"):
        find_root(tmp_path / "nothing")


def test_start_repository(tmp_path):
    """A repository is made on the branch main, and a folder in it, there or not yet, is known to be in one."""
    assert not is_in_repository(tmp_path / "r")
    start_repository(tmp_path / "r")
    assert (tmp_path / "r" / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"
    assert is_in_repository(tmp_path / "r")
    assert is_in_repository(tmp_path / "r" / "inner" / "folder")
    shutil.rmtree(tmp_path / "r" / ".git")
    assert not is_in_repository(tmp_path / "r")


def test_a_damaged_git_file(tmp_path):
    """A `.git` that leads nowhere makes the folder no repository, and none can be started over it."""
    (tmp_path / ".git").write_text("junk")
    assert find_root(tmp_path) == tmp_path
    with pytest.raises(SourceError, match="cannot become a git repository"):
        start_repository(tmp_path)
