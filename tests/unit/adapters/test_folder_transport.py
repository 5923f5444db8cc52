"""A tree in a folder is read as a host's is: what cannot be read is not there."""

import os

import pytest

from index_builder.adapters.folder_transport import FolderTransport
from index_builder.testing import ScriptedTransport


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "tree"
    (found / "simple").mkdir(parents=True)
    (found / "simple" / "there").write_bytes(b"here")
    (found / "loop").symlink_to("loop")
    (found / "away").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_bytes(b"secret")
    os.mkfifo(found / "pipe")
    return found


def ask(folder, path):
    with FolderTransport(folder, ScriptedTransport()).get(f"{folder.as_uri()}/{path}", {}, deadline=60.0) as response:
        return response.status, b"".join(response.chunks())


def test_a_file_is_its_bytes(folder):
    """What lies below the folder is there."""
    assert ask(folder, "simple/there") == (200, b"here")


@pytest.mark.parametrize(
    "path", ["loop", "loop/x", "away", "pipe", "simple", "simple/no", "../secret", "x%00y", "x" * 5000, "simple/there/x"]
)
def test_what_cannot_be_read_is_not_there(folder, path):
    """A link in a circle, one that leads away, a pipe, a folder, a name that cannot be: 404, and no crash."""
    assert ask(folder, path) == (404, b"")
