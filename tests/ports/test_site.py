"""Site: what holds for a folder holds for the fake."""

import pytest

from index_builder.adapters.directory_site import DirectorySite
from index_builder.errors import StorageError
from index_builder.testing import MemorySite


@pytest.fixture(params=["directory", "memory"])
def site(request, tmp_path):
    return DirectorySite(tmp_path / "site") if request.param == "directory" else MemorySite()


def test_a_new_site_is_empty(site):
    """Nothing was written, so nothing is listed."""
    assert site.listing() == {}


def test_lists_and_reads_what_was_put(site):
    """Paths come with their sizes, and the bytes are those of all chunks."""
    site.put("simple/a/index.html", [b"<html>", b"</html>"])
    site.put("packages.json", [])
    assert site.listing() == {"simple/a/index.html": 13, "packages.json": 0}
    assert site.read("simple/a/index.html") == b"<html></html>"
    assert site.read("packages.json") == b""


def test_sizes_are_those_of_files(site):
    """A file has its size, a folder and what is not there have none."""
    site.put("simple/a/index.html", [b"<html>", b"</html>"])
    assert [site.size(path) for path in ("simple/a/index.html", "simple/a", "simple/b", "simple/a/index.html/x")] == [13, None, None, None]


def test_an_open_file_stays_as_it_was(site):
    """What is put in a file's place while it is read does not change what is read."""
    site.put("packages.json", [b"one\n", b"two\n"])
    with site.open("packages.json") as stream:
        site.put("packages.json", [b"three\n"])
        stream.seek(4)
        assert stream.read() == b"two\n"
    with pytest.raises(StorageError):
        site.open("absent")


def test_put_replaces(site):
    """The second put wins, shorter or longer."""
    for content in (b"first", b"2", b"the third"):
        site.put("simple/index.html", [content])
        assert site.read("simple/index.html") == content


def test_a_put_that_fails_changes_nothing(site):
    """Where the chunks break off, the file is what it was before, or not there."""

    def broken():
        yield b"half of "
        msg = "broken"
        raise StorageError(msg)

    site.put("simple/index.html", [b"before"])
    for path in ("simple/index.html", "simple/new/index.html"):
        with pytest.raises(StorageError, match="broken"):
            site.put(path, broken())
    assert site.listing() == {"simple/index.html": 6}
    assert site.read("simple/index.html") == b"before"


def test_delete(site):
    """A deleted file is not listed; deleting it again does no harm."""
    site.put("simple/a/index.html", [b"a"])
    site.put("simple/b/index.html", [b"b"])
    site.delete("simple/a/index.html")
    site.delete("simple/a/index.html")
    assert site.listing() == {"simple/b/index.html": 1}


def test_what_is_not_there_cannot_be_read(site):
    """Reading a missing file is a StorageError that names it."""
    with pytest.raises(StorageError, match="nothing"):
        site.read("simple/nothing.html")
