"""Pool: what holds for folders holds for the fake."""

import pytest

from index_builder.adapters.directory_pool import DirectoryPool
from index_builder.errors import CorruptEntryError, StorageError
from index_builder.testing import MemoryPool, sha256

CONTENT = b"the bytes of a wheel" * 100
DIGEST = sha256(CONTENT)


@pytest.fixture(params=["directory", "memory"])
def pool(request, tmp_path):
    return DirectoryPool(tmp_path / "pool") if request.param == "directory" else MemoryPool()


def write(pool, digest, *chunks, commit=True):
    entry = pool.receive(digest)
    try:
        for chunk in chunks:
            entry.write(chunk)
        if commit:
            entry.commit()
    finally:
        entry.close()


def test_holds_what_was_committed(pool):
    """A committed entry has its size, and its bytes can be read from any point."""
    write(pool, DIGEST, CONTENT[:7], CONTENT[7:])
    assert pool.size(DIGEST) == len(CONTENT)
    with pool.open(DIGEST) as stream:
        assert stream.read() == CONTENT
        stream.seek(3)
        assert stream.read(4) == CONTENT[3:7]


def test_an_empty_entry_is_an_entry(pool):
    """No bytes are bytes too: their digest can be held."""
    write(pool, sha256(b""))
    assert pool.size(sha256(b"")) == 0


def test_holds_nothing_before(pool):
    """What was never written has no size and cannot be opened; dropping it does no harm."""
    assert pool.size(DIGEST) is None
    with pytest.raises(StorageError):
        pool.open(DIGEST)
    pool.drop(DIGEST)


def test_a_half_written_entry_is_not_seen(pool):
    """Until the commit there is no entry."""
    entry = pool.receive(DIGEST)
    entry.write(CONTENT)
    assert pool.size(DIGEST) is None
    entry.close()
    assert pool.size(DIGEST) is None


def test_goes_on_from_what_was_written(pool):
    """What was written before a close is there in the next try, and counts for the digest."""
    write(pool, DIGEST, CONTENT[:50], commit=False)
    entry = pool.receive(DIGEST)
    assert entry.written == 50
    entry.write(CONTENT[50:])
    assert entry.written == len(CONTENT)
    entry.commit()
    entry.close()
    assert pool.size(DIGEST) == len(CONTENT)


def test_discard_begins_anew(pool):
    """After a discard the entry takes the bytes from the first one."""
    entry = pool.receive(DIGEST)
    entry.write(b"others")
    entry.discard()
    assert entry.written == 0
    entry.write(CONTENT)
    entry.commit()
    entry.close()
    assert pool.size(DIGEST) == len(CONTENT)


def test_a_discarded_entry_leaves_nothing(pool):
    """What was discarded is not gone on with."""
    entry = pool.receive(DIGEST)
    entry.write(b"others")
    entry.discard()
    entry.close()
    entry = pool.receive(DIGEST)
    assert entry.written == 0
    entry.close()


def test_a_wrong_digest_keeps_nothing(pool):
    """Other bytes are refused by name of both digests, and neither an entry nor a beginning stays."""
    with pytest.raises(CorruptEntryError) as caught:
        write(pool, DIGEST, b"others")
    assert DIGEST in str(caught.value)
    assert sha256(b"others") in str(caught.value)
    assert pool.size(DIGEST) is None
    entry = pool.receive(DIGEST)
    assert entry.written == 0
    entry.close()


def test_drop_takes_an_entry_away(pool):
    """A dropped entry can be written anew."""
    write(pool, DIGEST, CONTENT)
    pool.drop(DIGEST)
    assert pool.size(DIGEST) is None
    write(pool, DIGEST, CONTENT)
    assert pool.size(DIGEST) == len(CONTENT)


def test_two_writers_at_once_both_succeed(pool):
    """A second writer begins its own; whoever commits later changes nothing."""
    one, two = pool.receive(DIGEST), pool.receive(DIGEST)
    one.write(CONTENT[:10])
    assert two.written == 0
    two.write(CONTENT)
    one.write(CONTENT[10:])
    two.commit()
    two.close()
    one.commit()
    one.close()
    with pool.open(DIGEST) as stream:
        assert stream.read() == CONTENT
    entry = pool.receive(DIGEST)
    assert entry.written == 0
    entry.close()


def test_writing_an_entry_again_leaves_it_whole(pool):
    """An entry that is there stays readable while the same bytes come again."""
    write(pool, DIGEST, CONTENT)
    write(pool, DIGEST, CONTENT[:10], commit=False)
    assert pool.size(DIGEST) == len(CONTENT)
    write(pool, DIGEST, CONTENT[10:])
    with pool.open(DIGEST) as stream:
        assert stream.read() == CONTENT


def test_links_are_remembered(pool):
    """A link is what was set last, and None before."""
    assert pool.note("links", DIGEST) is None
    pool.set_note("links", DIGEST, "https://example.org/1")
    pool.set_note("links", DIGEST, "https://example.org/2")
    assert pool.note("links", DIGEST) == "https://example.org/2"
    assert pool.size(DIGEST) is None
