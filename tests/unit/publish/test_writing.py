"""Publishing: the order in which a tree changes, and that a reader never meets what is not there."""

import pytest

from index_builder.adapters.directory_site import DirectorySite
from index_builder.errors import CorruptEntryError, StorageError
from index_builder.model.page import HTML, JSON, JSON_LINES, LargePage, Page, Tier, WrittenPage
from index_builder.model.snapshot import Blob
from index_builder.publish.writing import Changes, publish
from index_builder.testing import MemoryPool, MemorySite, RecordingProgress, SilentProgress, sha256

WHEEL, METADATA = b"the bytes of a wheel", b"Metadata-Version: 2.1\n"
MARK = Page(path="state/build.json", content_type=JSON, content=b'{"schema":1}\n', tier=Tier.MARK)


def blob(content, path):
    return Blob(path=path, digest=sha256(content), size=len(content))


BLOBS = [blob(WHEEL, "packages/aa/demo.whl"), blob(METADATA, "packages/aa/demo.whl.metadata")]
LIST = Page(path="simple/index.html", content_type=HTML, content=b"<a>demo</a>", tier=Tier.LIST)
PROJECT = Page(path="simple/demo/index.html", content_type=HTML, content=b"<a>demo.whl</a>", tier=Tier.PROJECT)
PAGES = [PROJECT, LIST]
WHOLE = {b.path: content for b, content in zip(BLOBS, (WHEEL, METADATA), strict=True)} | {p.path: p.content for p in [*PAGES, MARK]}


@pytest.fixture
def pool():
    return MemoryPool([WHEEL, METADATA])


def run(site, pool, blobs=BLOBS, pages=PAGES, mark=MARK):
    return publish(site, pool, mark.path, b"{}", blobs, [*pages, mark], site.listing(), SilentProgress())


def test_a_first_publication(pool):
    """The mark says at once whose folder it is; then files, core metadata, project pages, lists, and the mark itself."""
    site = MemorySite()
    changes = run(site, pool)
    order = [BLOBS[0].path, BLOBS[1].path, PROJECT.path, LIST.path, MARK.path]
    assert site.log == [("put", path) for path in [MARK.path, *order]]
    assert changes.written == tuple(order)
    assert (changes.deleted, changes.unchanged) == ((), 0)
    assert site.files == WHOLE


def test_pages_that_their_maker_writes():
    """Where nothing is there yet, the mark says so before the first page is asked for; what is written already counts, in its place."""
    site = MemorySite()

    def pages():
        assert site.files == {MARK.path: b"{}"}
        site.put(PROJECT.path, PROJECT.chunks())
        yield WrittenPage(PROJECT.path)
        yield LIST
        yield MARK

    changes = publish(site, None, MARK.path, b"{}", [], pages(), {}, SilentProgress())
    assert changes == Changes(written=(PROJECT.path, LIST.path, MARK.path), deleted=(), unchanged=0)
    assert site.log == [("put", path) for path in (MARK.path, PROJECT.path, LIST.path, MARK.path)]


def test_nothing_changed_nothing_is_written(pool):
    """The same state again touches nothing, and opens no file of the pool."""
    site = MemorySite(WHOLE)
    changes = run(site, MemoryPool())
    assert site.log == []
    assert (changes.written, changes.deleted, changes.unchanged) == ((), (), 5)


def test_only_what_changed_is_written(pool):
    """A changed page of the same size is noticed; its neighbours are left."""
    changed = Page(path=PROJECT.path, content_type=HTML, content=b"<a>demo.zip</a>", tier=Tier.PROJECT)
    site = MemorySite(WHOLE)
    changes = run(site, pool, pages=[changed, LIST])
    assert site.log == [("put", path) for path in (MARK.path, PROJECT.path, MARK.path)]
    assert (changes.written, changes.unchanged) == ((PROJECT.path, MARK.path), 3)


def test_deletions_come_last(pool):
    """What does not belong goes after everything else has come; only then does the mark say that the tree is whole."""
    site = MemorySite(WHOLE | {"packages/old": b"old", "simple/old/index.html": b"old", MARK.path: b"{}"})
    changes = run(site, pool)
    assert site.log == [("put", MARK.path), ("delete", "packages/old"), ("delete", "simple/old/index.html"), ("put", MARK.path)]
    assert changes.deleted == ("packages/old", "simple/old/index.html")
    assert site.files == WHOLE


def test_a_file_of_another_size_is_written_anew(pool):
    """A cut file is made whole."""
    site = MemorySite(WHOLE | {BLOBS[0].path: WHEEL[:-1]})
    assert run(site, pool).written == (BLOBS[0].path, MARK.path)
    assert site.files == WHOLE


@pytest.mark.parametrize("kind", ["memory", "directory"])
def test_a_corrupt_entry_is_dropped_and_never_seen(pool, kind, tmp_path):
    """Bytes that are not those of their digest do not appear, nor does any page; the next fetch gets them anew."""
    site = MemorySite() if kind == "memory" else DirectorySite(tmp_path)
    pool.entries[sha256(WHEEL)] = WHEEL[:-1] + b"!"
    with pytest.raises(CorruptEntryError, match=sha256(WHEEL)) as caught:
        run(site, pool)
    assert "again" in caught.value.fix
    assert pool.size(sha256(WHEEL)) is None
    assert set(site.listing()) == {MARK.path}


def test_a_missing_entry(pool):
    """Where the pool lost a file, no page is written."""
    pool.drop(sha256(METADATA))
    site = MemorySite()
    with pytest.raises(StorageError):
        run(site, pool)
    assert set(site.files) == {MARK.path, BLOBS[0].path}


@pytest.mark.parametrize("fails_at", range(6))
def test_a_publication_that_stops_anywhere_is_taken_up(pool, fails_at, tmp_path):
    """Wherever it stops, no page links to what is not there, and the next run ends with the whole tree."""

    class Stopping(DirectorySite):
        puts = 0

        def put(self, path, chunks):
            if self.puts == fails_at:
                msg = "stopped"
                raise StorageError(msg)
            self.puts += 1
            super().put(path, chunks)

    with pytest.raises(StorageError, match="stopped"):
        run(Stopping(tmp_path), pool)
    site = DirectorySite(tmp_path)
    present = set(site.listing())
    assert PROJECT.path not in present or {b.path for b in BLOBS} <= present
    assert LIST.path not in present or PROJECT.path in present
    run(site, pool)
    assert {path: site.read(path) for path in site.listing()} == WHOLE


def test_a_link_in_the_way_is_replaced(pool, tmp_path):
    """A folder that became a link is a folder again, with everything in it, and what it led to is untouched."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "index.html").write_text("mine")
    site = DirectorySite(tmp_path / "site")
    run(site, pool)
    folder = tmp_path / "site" / "simple" / "demo"
    (folder / "index.html").unlink()
    folder.rmdir()
    folder.symlink_to(outside)
    run(site, pool)
    assert {path: site.read(path) for path in site.listing()} == WHOLE
    assert (outside / "index.html").read_text() == "mine"


def test_progress_counts_the_files_bytes(pool):
    """Whoever waits sees the bytes of files as they are written."""
    progress = RecordingProgress()
    publish(MemorySite(), pool, MARK.path, b"{}", BLOBS, [*PAGES, MARK], {}, progress)
    assert progress.size == len(WHEEL) + len(METADATA)


def test_pages_are_written_while_they_are_made():
    """A page is out before the next one is asked for, so that an index need not fit into memory."""
    site = MemorySite()

    def pages():
        yield PROJECT
        assert PROJECT.path in site.files
        yield LIST
        assert LIST.path in site.files
        yield MARK

    publish(site, None, MARK.path, b"{}", [], pages(), {}, SilentProgress())
    assert list(site.files) == [MARK.path, PROJECT.path, LIST.path]


@pytest.mark.parametrize("there", [b"one\ntwo\n", b"one\ntwx\n", b"one\n", None])
def test_a_large_page_is_compared_piece_by_piece(there):
    """It is written where a byte differs, where it is cut, and where it is not there, and left where it is the same."""
    large = LargePage("packages.json", JSON_LINES, 8, lambda: iter([b"one\n", b"two\n"]), Tier.LIST)
    site = MemorySite({MARK.path: MARK.content} | ({} if there is None else {large.path: there}))
    changes = publish(site, None, MARK.path, b"{}", [], [large, MARK], site.listing(), SilentProgress())
    assert site.files[large.path] == b"one\ntwo\n"
    assert changes.written == (() if there == b"one\ntwo\n" else (large.path, MARK.path))
