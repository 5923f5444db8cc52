"""Folders as pool and site: what a crash, a full disk, a second process or a stranger leaves there."""

import os
import subprocess
from pathlib import Path

import pytest
from trees import contents

from index_builder.adapters.directory_pool import DirectoryPool
from index_builder.adapters.directory_site import DirectorySite
from index_builder.adapters.folder_writer import FolderWriter
from index_builder.errors import StorageError
from index_builder.state import MARK
from index_builder.testing import sha256

CONTENT = b"0123456789abcdef" * 1000
DIGEST = sha256(CONTENT)


def fill(pool, content=CONTENT):
    entry = pool.receive(sha256(content))
    try:
        entry.write(content)
        entry.commit()
    finally:
        entry.close()


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


class TestPool:
    def test_layout(self, tmp_path):
        """An entry lies under its digest, and nothing is left beside it."""
        fill(DirectoryPool(tmp_path))
        assert files(tmp_path) == [f"sha256/{DIGEST.path}"]

    def test_what_a_killed_process_left_is_gone_on_with(self, tmp_path):
        """A partial file counts as far as it goes."""
        (tmp_path / "partial").mkdir()
        (tmp_path / "partial" / DIGEST).write_bytes(CONTENT[:100])
        pool = DirectoryPool(tmp_path)
        assert pool.size(DIGEST) is None
        entry = pool.receive(DIGEST)
        assert entry.written == 100
        entry.write(CONTENT[100:])
        entry.commit()
        entry.close()
        assert files(tmp_path) == [f"sha256/{DIGEST.path}"]

    def test_a_second_writer_leaves_no_partial_of_its_own(self, tmp_path):
        """What nobody could find again is not kept."""
        pool = DirectoryPool(tmp_path)
        first, second = pool.receive(DIGEST), pool.receive(DIGEST)
        first.write(b"01")
        second.write(b"0123")
        second.close()
        first.close()
        assert files(tmp_path) == [f"partial/{DIGEST}"]
        assert (tmp_path / "partial" / DIGEST).read_bytes() == b"01"

    def test_a_writer_that_opened_before_the_commit_does_not_touch_the_entry(self, tmp_path, monkeypatch):
        """Whoever gets the lock of a file that was committed meanwhile begins a new one: the entry is never truncated."""
        import fcntl

        pool = DirectoryPool(tmp_path)
        first = pool.receive(DIGEST)
        first.write(CONTENT)
        flock = fcntl.flock
        raced = []

        def late(stream, operation):
            if not raced:
                raced.append(stream)
                first.commit()
                first.close()
            flock(stream, operation)

        monkeypatch.setattr(fcntl, "flock", late)
        second = pool.receive(DIGEST)
        assert second.written == 0
        second.discard()
        second.close()
        assert pool.path(DIGEST).read_bytes() == CONTENT

    def test_a_writer_that_opened_before_the_deletion_begins_anew(self, tmp_path, monkeypatch):
        """The lock of a deleted file is worth nothing."""
        import fcntl

        pool = DirectoryPool(tmp_path)
        flock = fcntl.flock
        raced = []

        def late(stream, operation):
            if not raced:
                raced.append(stream)
                (tmp_path / "partial" / DIGEST).unlink()
            flock(stream, operation)

        monkeypatch.setattr(fcntl, "flock", late)
        fill(pool)
        assert pool.size(DIGEST) == len(CONTENT)

    def test_a_full_disk_says_so_and_the_next_run_goes_on(self, small_disk):
        """No entry appears, the error names the way out, and with more space the rest is enough."""
        content = os.urandom(3 * 1024 * 1024)
        pool, digest = DirectoryPool(small_disk / "pool"), sha256(content)
        entry = pool.receive(digest)

        def write():
            try:
                for start in range(0, len(content), 65536):
                    entry.write(content[start : start + 65536])
            finally:
                entry.close()

        with pytest.raises(StorageError, match="No space") as caught:
            write()
        assert "free some space" in caught.value.fix
        assert pool.size(digest) is None
        subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
        entry = pool.receive(digest)
        assert 0 < entry.written < len(content)
        entry.write(content[entry.written :])
        entry.commit()
        entry.close()
        assert pool.path(digest).read_bytes() == content

    @pytest.mark.parametrize("act", ["size", "open", "receive", "drop", "note", "set_note"])
    def test_a_pool_that_is_a_file_is_a_storage_error_or_empty(self, tmp_path, act):
        """Where the pool's folder cannot be one, there is no entry in it, and every other act says so."""
        (tmp_path / "pool").write_text("not a folder")
        pool = DirectoryPool(tmp_path / "pool")
        arguments = {"note": ("links", DIGEST), "set_note": ("links", DIGEST, "https://example.org/")}.get(act, (DIGEST,))
        if act == "size":
            assert pool.size(DIGEST) is None
        else:
            with pytest.raises(StorageError):
                getattr(pool, act)(*arguments)

    def test_locks_that_do_not_work_are_an_error(self, tmp_path, monkeypatch):
        """Where the file system knows no locks, nothing is written without one."""
        import fcntl

        def refuse(stream, operation):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(fcntl, "flock", refuse)
        with pytest.raises(StorageError, match="not supported"):
            DirectoryPool(tmp_path).receive(DIGEST)

    def test_a_link_that_is_no_text_is_no_link(self, tmp_path):
        """Rubbish in place of a link is passed over."""
        pool = DirectoryPool(tmp_path)
        pool.set_note("links", DIGEST, "https://example.org/")
        (tmp_path / "links" / DIGEST.path).write_bytes(b"\xff")
        assert pool.note("links", DIGEST) is None


class TestSite:
    @pytest.mark.parametrize("inside", ["thesis.tex", "state/of-affairs.txt", "state/incoming-mail/1", "simple/index.html"])
    def test_a_foreign_folder_is_refused(self, tmp_path, inside):
        """A folder that no build wrote is not touched, whatever its own folders are called."""
        path = tmp_path / "site" / inside
        path.parent.mkdir(parents=True)
        path.write_text("mine")
        with pytest.raises(StorageError, match="not written by a build") as caught:
            DirectorySite(tmp_path / "site")
        assert "--output" in caught.value.fix
        assert contents(tmp_path / "site") == {inside: b"mine"}

    def test_a_file_in_place_of_the_folder_is_refused(self, tmp_path):
        """A file is not a folder."""
        (tmp_path / "site").write_text("mine")
        with pytest.raises(StorageError):
            DirectorySite(tmp_path / "site")

    def test_a_build_stopped_before_its_mark_is_taken_up(self, tmp_path):
        """What was only incoming is ours, and is cleared."""
        DirectorySite(tmp_path)
        (tmp_path / "state" / "incoming" / "half").write_text("half")
        site = DirectorySite(tmp_path)
        assert files(tmp_path) == []
        assert site.listing() == {}

    def test_leftover_incoming_is_removed(self, tmp_path):
        """A killed build's unfinished files are gone with the next one."""
        site = DirectorySite(tmp_path)
        site.put(MARK, [b"{}"])
        (tmp_path / "state" / "incoming" / "half").write_text("half")
        DirectorySite(tmp_path)
        assert files(tmp_path) == ["state/build.json"]

    def test_foreign_files_beside_ours_survive(self, tmp_path):
        """CNAME, .nojekyll and whatever else a host wants there are neither listed nor deleted."""
        site = DirectorySite(tmp_path)
        site.put(MARK, [b"{}"])
        (tmp_path / "CNAME").write_text("example.org")
        site = DirectorySite(tmp_path)
        assert site.listing() == {"state/build.json": 2}
        assert (tmp_path / "CNAME").read_text() == "example.org"

    def test_empty_folders_go_with_their_last_file(self, tmp_path):
        """Deleting a project's last page takes its folders away, up to those that still hold something."""
        site = DirectorySite(tmp_path)
        site.put("simple/a/index.html", [b"a"])
        site.put("simple/b/c/index.html", [b"b"])
        site.delete("simple/b/c/index.html")
        assert not (tmp_path / "simple" / "b").exists()
        site.delete("simple/a/index.html")
        assert not (tmp_path / "simple").exists()
        assert tmp_path.exists()

    @pytest.mark.parametrize("link", ["simple/a/index.html", "simple/a", "simple", "packages.json"])
    def test_links_are_listed_and_replaced_and_nothing_behind_them_changes(self, tmp_path, link):
        """A link in the tree, to a file or to a folder, gives way to what is put there; its target stays."""
        outside = tmp_path / "outside"
        (outside / "a").mkdir(parents=True)
        for path in ("index.html", "a/index.html", "packages.json"):
            (outside / path).write_text("mine")
        site = DirectorySite(tmp_path / "site")
        path = tmp_path / "site" / link
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(outside / "packages.json" if "." in link else outside)
        assert site.listing()[link] == -1
        target = link if "." in link else "simple/a/index.html"
        site.put(target, [b"ours"])
        site.delete(link) if link != target else None
        assert site.read(target) == b"ours"
        assert (tmp_path / "site" / target).resolve() == (tmp_path / "site" / target)
        assert set(contents(outside).values()) == {b"mine"}

    def test_the_state_folder_itself_may_be_a_link(self, tmp_path):
        """Nothing is written or deleted through it."""
        outside = tmp_path / "outside"
        (outside / "incoming").mkdir(parents=True)
        (outside / "incoming" / "mail").write_text("mine")
        (outside / "build.json").write_text("{}")
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "state").symlink_to(outside)
        site = DirectorySite(tmp_path / "site")
        site.put(MARK, [b"[]"])
        assert contents(outside) == {"incoming/mail": b"mine", "build.json": b"{}"}
        assert site.listing() == {"state/build.json": 2}

    def test_files_and_folders_give_way_to_each_other(self, tmp_path):
        """What was a file may become a folder and the other way round; deleting what was replaced is harmless."""
        site = DirectorySite(tmp_path)
        site.put("simple/a", [b"file"])
        site.put("simple/a/index.html", [b"folder"])
        site.delete("simple/a")
        assert site.listing() == {"simple/a/index.html": 6}
        site.put("simple/a", [b"file"])
        site.delete("simple/a/index.html")
        assert site.listing() == {"simple/a": 4}

    def test_special_files_are_listed(self, tmp_path):
        """A pipe is a stray like any other, and is deleted without being opened."""
        site = DirectorySite(tmp_path)
        (tmp_path / "simple").mkdir()
        os.mkfifo(tmp_path / "simple" / "pipe")
        assert site.listing() == {"simple/pipe": 0}
        site.delete("simple/pipe")
        assert site.listing() == {}

    def test_a_full_disk_keeps_what_was_there(self, small_disk):
        """A page that does not fit leaves the old one in place and no half one."""
        site = DirectorySite(small_disk / "site")
        site.put("simple/index.html", [b"before"])
        with pytest.raises(StorageError, match="No space"):
            site.put("simple/index.html", [os.urandom(65536) for _ in range(40)])
        assert site.listing() == {"simple/index.html": 6}
        assert files(small_disk / "site") == ["simple/index.html"]


@pytest.mark.parametrize("there", ["link", "file"])
def test_two_writers_replace_the_same_thing_in_their_way(tmp_path, monkeypatch, there):
    """Another process may have made the folder between a look at what is there and its removal."""
    (tmp_path / "site").mkdir()
    way, unlink = tmp_path / "site" / "simple", Path.unlink
    if there == "link":
        way.symlink_to(tmp_path)
    else:
        way.write_text("in the way")
    writer = FolderWriter(tmp_path / "site", "state/incoming")
    writer.begin()

    def late(path, *, missing_ok=False):
        unlink(path, missing_ok=missing_ok)
        if path == way:
            way.mkdir()
            unlink(path)

    monkeypatch.setattr(Path, "unlink", late)
    writer.put("simple/index.html", [b"here"])
    assert (way / "index.html").read_bytes() == b"here"
    assert not way.is_symlink()
