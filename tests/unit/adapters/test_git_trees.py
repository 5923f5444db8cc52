"""Two trees of git: what differs is what git says, and what does not is never opened."""

from pathlib import Path

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.adapters.git import GitTree
from index_builder.adapters.git_trees import compared
from index_builder.errors import SourceError

MODES = [0o100644, 0o100755, 0o120000]
NAMES = st.sampled_from(["a", "a.yaml", "b", "z"])
TREES = st.recursive(
    st.tuples(st.sampled_from(MODES), st.binary(max_size=2)), lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
).filter(lambda tree: isinstance(tree, dict))


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return pygit2.init_repository(str(tmp_path_factory.mktemp("trees")), bare=True)


def written(repository, tree):
    builder = repository.TreeBuilder()
    for name, inner in tree.items():
        if isinstance(inner, dict):
            builder.insert(name, written(repository, inner).id, 0o040000)
        else:
            builder.insert(name, repository.create_blob(inner[1]), inner[0])
    return repository[builder.write()]


def of_git(old, new):
    """What git's own comparison of the whole trees says, a path that changes its kind being told twice by it."""
    found = {}
    for delta in old.diff_to_tree(new).deltas:
        sides = [(int(file.mode), str(file.id)) if int(file.mode) else None for file in (delta.old_file, delta.new_file)]
        first = found.get(delta.new_file.raw_path, (None, None))
        found[delta.new_file.raw_path] = (sides[0] or first[0], sides[1] or first[1])
    return found


@settings(max_examples=200, deadline=None)
@given(TREES, TREES)
def test_what_differs_is_what_git_says(repository, old, new):
    """Files, links and folders that come, go, change, or become one another."""
    sides = written(repository, old), written(repository, new)
    assert {path: (before, after) for path, before, after in compared(repository, *sides)} == of_git(*sides)


def test_entries_are_those_that_git_sees(tmp_path):
    """Files of every mode that tools ever wrote, links, submodules, and folders with their mode written in two ways."""
    repository = pygit2.init_repository(str(tmp_path), bare=True)
    blob = bytes.fromhex(str(repository.create_blob(b"x")))
    inner = bytes.fromhex(str(repository.odb.write(pygit2.enums.ObjectType.TREE, b"100644 a.yaml\0" + blob)))
    modes = ["100600", "100644", "100664", "100755", "100775", "120000", "160000", "120777", "10755", "644"]
    raw = b"".join(f"{mode} {n}.yaml".encode() + b"\0" + blob for n, mode in enumerate(modes))
    raw += b"040000 old\0" + inner + b"40000 usual\0" + inner + b"100644 \xff.yaml\0" + blob
    packages = repository[repository.odb.write(pygit2.enums.ObjectType.TREE, raw)]
    top = repository.TreeBuilder()
    top.insert("packages.d", packages.id, 0o040000)
    who = pygit2.Signature("a", "a@example.org", 0, 0)
    repository.create_commit("HEAD", who, who, "m", top.write(), [])
    found = {entry.path: (entry.mode, entry.blob) for entry in GitTree(tmp_path, "HEAD").entries()}
    seen = {
        f"packages.d/{(entry.raw_name or b'').decode('utf-8', 'backslashreplace')}": (int(entry.filemode), str(entry.id))
        for entry in packages if not isinstance(entry, pygit2.Tree)
    }  # fmt: skip
    # libgit2 takes the last three for files; git itself for the link that it is, and for submodules, as what is nothing else.
    seen |= {f"packages.d/{n}.yaml": (mode, blob.hex()) for n, mode in ((7, 0o120000), (8, 0o160000), (9, 0o160000))}
    assert found == seen | {f"packages.d/{name}/a.yaml": (0o100644, blob.hex()) for name in ("old", "usual")}


def test_a_mode_that_is_only_written_otherwise_is_no_change(tmp_path):
    """664 is 644 to every git: only what it changes besides is told, and folders of both spellings are one."""
    repository = pygit2.init_repository(str(tmp_path), bare=True)
    blob, other = (bytes.fromhex(str(repository.create_blob(content))) for content in (b"x", b"y"))
    inner = bytes.fromhex(str(repository.odb.write(pygit2.enums.ObjectType.TREE, b"100644 in\0" + blob)))
    sides = [
        repository[repository.odb.write(pygit2.enums.ObjectType.TREE, raw)]
        for raw in (
            b"100664 a\0" + blob + b"100664 b\0" + blob + b"040000 d\0" + inner,
            b"100644 a\0" + blob + b"100644 b\0" + other + b"40000 d\0" + inner,
        )
    ]
    assert list(compared(repository, *sides)) == [(b"b", (0o100644, blob.hex()), (0o100644, other.hex()))]


def test_what_is_the_same_is_not_opened(tmp_path):
    """Of folders, only those on the way to a change are read: the others may be missing from a partial clone."""
    repository = pygit2.init_repository(str(tmp_path), bare=True)
    same = {f"{n:02}": {"same": (0o100644, f"{n}".encode())} for n in range(50)}
    sides = [written(repository, {"top": {**same, "other": {"file": (0o100644, content)}}}) for content in (b"old", b"new")]
    for n in range(50):
        lost = str(sides[0]["top"][f"{n:02}"].id)
        Path(repository.path, "objects", lost[:2], lost[2:]).unlink()
    again = pygit2.Repository(str(tmp_path))
    found = list(compared(again, *(again[side.id] for side in sides)))
    assert [path for path, _, _ in found] == [b"top/other/file"]
    lost = str(sides[0]["top"]["other"].id)
    Path(repository.path, "objects", lost[:2], lost[2:]).unlink()
    third = pygit2.Repository(str(tmp_path))
    with pytest.raises(SourceError, match="no content for the folder top/other/"):
        list(compared(third, *(third[side.id] for side in sides)))


@pytest.mark.parametrize("deep", [True, False])
def test_trees_that_tools_read_differently_are_refused(repository, deep):
    """Too many folders in each other, and one name twice."""
    blob = repository.create_blob(b"x")
    if deep:
        inner = {"file": (0o100644, b"x")}
        for _ in range(260):
            inner = {"d": inner}
        bad = written(repository, inner)
    else:
        raw = b"".join(b"100644 twice\0" + bytes.fromhex(str(id_)) for id_ in (blob, repository.create_blob(b"y")))
        bad = repository[repository.odb.write(pygit2.enums.ObjectType.TREE, raw)]
    with pytest.raises(SourceError, match="more than 250 folders" if deep else "one name twice"):
        list(compared(repository, written(repository, {}), bad))
