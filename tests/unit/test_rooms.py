"""Rooms in which trees are made."""

import pytest

from index_builder.errors import StorageError
from index_builder.wiring.targets import open_rooms


def test_one_folder_that_cannot_be_had_does_not_hold_up_the_others(tmp_path):
    """Folders are locked before any work, and what fails then is told where that audience's tree is made."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "public").write_text("mine")
    with open_rooms(tmp_path, tmp_path / "site", {"internal", "public"}) as room:
        written, _, _ = room("internal", None, full=True)
        written.put("simple/index.html", [b"here"])
        with pytest.raises(StorageError, match="public"):
            room("public", None, full=True)
    assert (tmp_path / "site" / "internal" / "simple" / "index.html").read_bytes() == b"here"
    assert (tmp_path / "site" / "public").read_text() == "mine"
