"""The working tree as it is read, and edits of it that are interrupted, or meet a full disk."""

import os
from pathlib import Path

import pytest
from trees import contents

from index_builder.adapters.worktree import WorkTree
from index_builder.errors import SourceError
from index_builder.model.source import EXECUTABLE, ORDINARY, SUBMODULE, SYMLINK, SourceEntry


def listed(tree):
    return {entry.path: entry.mode for entry in tree.entries()}


def test_work_tree_modes(tmp_path):
    """Links, folders behind links, submodules, executables and pipes are told from files without being opened."""
    inside = tmp_path / "packages.d"
    (inside / "module").mkdir(parents=True)
    (inside / "module" / ".git").write_text("gitdir: elsewhere")
    (inside / "module" / "x.yaml").write_text("")
    (inside / "run.yaml").write_text("")
    (inside / "run.yaml").chmod(0o755)
    (inside / "folder").symlink_to(tmp_path)
    (inside / "dangling").symlink_to("nothing")
    os.mkfifo(inside / "pipe")
    (tmp_path / "policies.d").symlink_to("nothing")
    assert listed(WorkTree(tmp_path)) == {
        "packages.d/module": SUBMODULE,
        "packages.d/run.yaml": EXECUTABLE,
        "packages.d/folder": SYMLINK,
        "packages.d/dangling": SYMLINK,
        "packages.d/pipe": 0o010000,
        "policies.d": SYMLINK,
    }


def test_work_tree_unreadable(tmp_path, monkeypatch):
    """A file or folder that the system refuses is a SourceError that names it."""
    (tmp_path / "packages.d" / "a.yaml").mkdir(parents=True)
    with pytest.raises(SourceError, match=r"a\.yaml cannot be read"):
        WorkTree(tmp_path).read(SourceEntry(path="packages.d/a.yaml", mode=ORDINARY, blob="packages.d/a.yaml"))

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(SourceError, match=r"packages\.d cannot be read: Permission denied"):
        list(WorkTree(tmp_path).entries())


def write_all(root):
    WorkTree(root).write({"packages.d/a.yaml": "new a\n", "packages.d/new/c.yaml": "new c\n", "packages.d/b.yaml": "new b\n"})


@pytest.fixture
def before(tmp_path):
    (tmp_path / "packages.d").mkdir()
    for name in "ab":
        (tmp_path / "packages.d" / f"{name}.yaml").write_bytes(f"old {name}\r\n".encode())
    return contents(tmp_path)


def test_write(tmp_path, before):
    """Every file is there with its text, folders are made, modes are kept, and nothing is left beside them."""
    (tmp_path / "packages.d" / "a.yaml").chmod(0o600)
    write_all(tmp_path)
    assert contents(tmp_path) == {
        "packages.d/a.yaml": b"new a\n", "packages.d/b.yaml": b"new b\n", "packages.d/new/c.yaml": b"new c\n",
    }  # fmt: skip
    assert (tmp_path / "packages.d" / "a.yaml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("fails_at", range(3))
def test_a_write_that_fails_while_renaming_changes_nothing(tmp_path, before, monkeypatch, fails_at):
    """Whichever rename fails, all files are as they were, and new folders are gone."""
    calls = iter(range(100))
    rename = Path.replace

    def replace(self, target):
        if next(calls) == fails_at:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(SourceError, match="Input/output error") as caught:
        write_all(tmp_path)
    assert "nothing was changed" in caught.value.fix
    assert contents(tmp_path) == before
    assert not (tmp_path / "packages.d" / "new").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_while_writing_changes_nothing(tmp_path, before, monkeypatch, error):
    """A full disk or Ctrl-C before the first rename leaves no trace."""
    write = Path.write_bytes

    def full(self, content):
        if content == b"new c\n":
            write(self, content[:2])
            raise error
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises((SourceError, KeyboardInterrupt)):
        write_all(tmp_path)
    assert contents(tmp_path) == before
    assert not (tmp_path / "packages.d" / "new").exists()


def test_a_link_is_replaced_and_comes_back(tmp_path, before, monkeypatch):
    """A write replaces a link, not what it leads to; a write that fails leaves the link."""
    link, target = tmp_path / "packages.d" / "a.yaml", tmp_path / "target.yaml"
    link.rename(target)
    link.symlink_to(target)
    rename = Path.replace
    with monkeypatch.context() as patched:

        def replace(self, path):
            if path.name == "b.yaml":
                raise OSError(5, "Input/output error")
            return rename(self, path)

        patched.setattr(Path, "replace", replace)
        with pytest.raises(SourceError):
            write_all(tmp_path)
    assert link.is_symlink()
    write_all(tmp_path)
    assert not link.is_symlink()
    assert target.read_bytes() == b"old a\r\n"


def test_a_folder_in_place_of_a_file_changes_nothing(tmp_path, before):
    """Where one of the files cannot be replaced, none is."""
    (tmp_path / "packages.d" / "new" / "c.yaml").mkdir(parents=True)
    with pytest.raises(SourceError, match="cannot be written"):
        write_all(tmp_path)
    assert contents(tmp_path) == before
