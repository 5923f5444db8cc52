"""SourceTree: what holds for git, bare or not, at any revision, holds for a working tree and for the fake."""

import pygit2
import pytest
from gits import commit_files

from index_builder.adapters.git import GitTree
from index_builder.adapters.worktree import WorkTree
from index_builder.errors import SourceError
from index_builder.model.source import EXECUTABLE, ORDINARY, SYMLINK, SourceEntry
from index_builder.testing import MemoryTree

FILES = {
    "index.yaml": b"schema: 1\n",
    "packages.d/a.yaml": b"name: a\n",
    "packages.d/deep/er/b.yaml": b"name: b\n",
    "policies.d/team.yaml": b"schema: 1\r\n",
    "README.md": b"not of the index\n",
    "src/x.yaml": b"not of the index\n",
}
MODES = {"packages.d/run.yaml": EXECUTABLE, "packages.d/link.yaml": SYMLINK}
SPECIAL = {"packages.d/run.yaml": b"x", "packages.d/link.yaml": b"a.yaml"}


def git(tmp_path, files, modes):
    commit_files(tmp_path / "repo", files, modes)
    return GitTree(tmp_path / "repo", "HEAD")


def bare(tmp_path, files, modes):
    commit_files(tmp_path / "repo.git", files, modes, bare=True)
    return GitTree(tmp_path / "repo.git", "HEAD")


def older(tmp_path, files, modes):
    first = commit_files(tmp_path / "repo", files, modes)
    commit_files(tmp_path / "repo", {"index.yaml": b"changed", "packages.d/new.yaml": b""}, {})
    return GitTree(tmp_path / "repo", first)


def part(tmp_path, files, modes):
    inside = {f"tools/index/{path}": content for path, content in files.items()}
    commit_files(tmp_path / "repo", inside | {"index.yaml": b"another"}, {f"tools/index/{path}": mode for path, mode in modes.items()})
    (tmp_path / "repo/tools/index").mkdir(parents=True)
    return GitTree(tmp_path / "repo/tools/index", "HEAD")


def work(tmp_path, files, modes):
    for path, content in files.items():
        target = tmp_path / "work" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if modes.get(path) == SYMLINK:
            target.symlink_to(content.decode())
        else:
            target.write_bytes(content)
            target.chmod(modes.get(path, ORDINARY) & 0o777)
    return WorkTree(tmp_path / "work")


def memory(tmp_path, files, modes):
    return MemoryTree(files, modes=modes)


@pytest.fixture(params=[git, bare, older, part, work, memory])
def tree(request, tmp_path):
    return lambda files, modes=None: request.param(tmp_path, files, modes or {})


def test_lists_the_files_of_the_index_and_nothing_else(tree):
    """index.yaml, packages.d/ and policies.d/ are listed, at any depth; files beside them are not."""
    expected = sorted(path for path in FILES if not path.startswith(("README", "src")))
    assert sorted(entry.path for entry in tree(FILES).entries()) == expected


def test_lists_what_is_asked_for(tree):
    """Only the tops that are named are walked."""
    assert sorted(entry.path for entry in tree(FILES).entries("index.yaml", "policies.d")) == ["index.yaml", "policies.d/team.yaml"]


def test_lists_what_is_at_a_path_and_inside_it(tree):
    """One file, or one folder, without a look at all others; a path that is not there has nothing, and neither has its namesake."""
    found = tree(FILES)
    assert [entry.path for entry in found.entries("packages.d/deep/er/b.yaml", "packages.d/gone.yaml")] == ["packages.d/deep/er/b.yaml"]
    assert [entry.path for entry in found.entries("packages.d/deep")] == ["packages.d/deep/er/b.yaml"]
    assert list(found.entries("packages.d/a", "packages.d/deep/er/b")) == []


def test_reads_the_bytes_as_they_are(tree):
    """Bytes come as they were written, line ends too."""
    found = tree(FILES)
    assert {entry.path: found.read(entry) for entry in found.entries()} == {
        path: content for path, content in FILES.items() if not path.startswith(("README", "src"))
    }


def test_gives_git_modes(tree):
    """An executable and a symbolic link are told from ordinary files."""
    found = tree(FILES | SPECIAL, MODES)
    modes = {entry.path: entry.mode for entry in found.entries()}
    assert modes["packages.d/run.yaml"] == EXECUTABLE
    assert modes["packages.d/link.yaml"] == SYMLINK
    assert modes["packages.d/a.yaml"] == ORDINARY


def test_an_empty_index_has_no_entries(tree):
    """Where there is nothing of the index, nothing is listed."""
    assert list(tree({"README.md": b""}).entries()) == []


def test_what_is_not_there_cannot_be_read(tree):
    """Reading an entry without content is a SourceError that names it."""
    missing = SourceEntry(path="packages.d/gone.yaml", mode=ORDINARY, blob="0" * 40)
    with pytest.raises(SourceError, match=r"packages\.d/gone\.yaml"):
        tree(FILES).read(missing)


def test_a_revision_is_a_commit_and_anything_else_has_none(tmp_path):
    """GitTree says which commit it is, whatever the revision was called; a working tree says ''."""
    commit = commit_files(tmp_path / "repo", FILES)
    repository = pygit2.Repository(str(tmp_path / "repo"))
    repository.create_tag("v1", commit, pygit2.enums.ObjectType.COMMIT, pygit2.Signature("a", "a@example.org", 0, 0), "first")
    assert {GitTree(tmp_path / "repo", name).revision for name in ("HEAD", "main", "v1", commit[:10])} == {commit}
    assert WorkTree(tmp_path / "repo").revision == MemoryTree({}).revision == ""


def test_the_same_content_has_the_identity_that_git_gives_it(tree):
    """Content is known by git's object id everywhere, so that a commit and a working tree can be compared."""
    found = tree(FILES)
    identities = {entry.path: found.identity(entry) for entry in found.entries()}
    assert identities["packages.d/a.yaml"] == str(pygit2.hash(FILES["packages.d/a.yaml"]))
    assert len(set(identities.values())) == len(identities)


def earlier_git(tmp_path, before, after):
    first = commit_files(tmp_path / "repo", before)
    commit_files(tmp_path / "repo", after)
    return GitTree(tmp_path / "repo", "HEAD"), first


def earlier_part(tmp_path, before, after):
    inside = [{f"tools/index/{path}": content for path, content in files.items()} for files in (before, after)]
    first = commit_files(tmp_path / "repo", inside[0])
    commit_files(tmp_path / "repo", inside[1] | {"elsewhere.txt": b"changed"})
    (tmp_path / "repo/tools/index").mkdir(parents=True)
    return GitTree(tmp_path / "repo/tools/index", "HEAD"), first


def earlier_memory(tmp_path, before, after):
    tree = MemoryTree(after)
    tree.earlier["first"] = MemoryTree(before)
    return tree, "first"


@pytest.mark.parametrize("make", [earlier_git, earlier_part, earlier_memory])
def test_what_changed_since_a_revision(tmp_path, make):
    """New, changed and deleted paths are named; a revision that is not at hand gives no answer rather than a wrong one."""
    after = {path: content for path, content in FILES.items() if path != "packages.d/a.yaml"} | {
        "packages.d/new.yaml": b"x",
        "index.yaml": b"y",
    }
    tree, first = make(tmp_path, FILES, after)
    changed = {change.path: change for change in tree.changed_since(first)}
    assert set(changed) == {"index.yaml", "packages.d/a.yaml", "packages.d/new.yaml"}
    assert {path: change.was_there for path, change in changed.items()} == {
        "index.yaml": True,
        "packages.d/a.yaml": True,
        "packages.d/new.yaml": False,
    }
    now = {entry.path: entry for entry in tree.entries()}
    assert {path: change.entry for path, change in changed.items()} == {path: now.get(path) for path in changed}
    assert tree.changed_since("0" * 40) is None
    assert tree.changed_since("") is None


def test_a_working_tree_does_not_know_what_it_was(tmp_path):
    """There is no earlier working tree to compare with."""
    assert work(tmp_path, FILES, {}).changed_since("HEAD") is None
