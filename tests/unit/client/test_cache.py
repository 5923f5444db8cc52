"""What a client remembers has one writer at a time: among threads, among processes, and for as long as it is held."""

import fcntl
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from index_builder.client.cache import Cache
from index_builder.errors import StorageError

URL, ROOT = "https://pypi.example.org/", b"root"


def test_writers_take_turns(tmp_path):
    """Whoever opens it, in one process or as another one does, adds to what the one before wrote: nothing is lost."""
    shared = Cache(tmp_path, URL, ROOT)
    count = shared.folder / "count"
    count.write_text("0")

    def add(number: int) -> None:
        # Every other one opens the folder anew: the lock of another process is as much in the way as that of another opening.
        cache = shared if number % 2 else Cache(tmp_path, URL, ROOT)
        for _ in range(20):
            with cache.writing():
                before = int(count.read_text())
                os.sched_yield()
                count.write_text(str(before + 1))
        if cache is not shared:
            cache.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(8)))
    assert int(count.read_text()) == 8 * 20
    shared.close()


def test_it_is_held_until_the_last_has_left(tmp_path):
    """Writing inside of writing lets nobody in between; afterwards the next one may."""
    cache = Cache(tmp_path, URL, ROOT)
    other = os.open(cache.folder / "lock", os.O_RDWR)
    with cache.writing():
        with cache.writing():
            pass
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    waiting = threading.Thread(target=lambda: cache.writing().__enter__())
    waiting.start()
    assert waiting.is_alive()
    os.close(other)
    waiting.join(10)
    assert not waiting.is_alive()


def test_each_index_and_each_root_has_its_own(tmp_path):
    """Another URL or another root is another history; a folder that cannot be written is said."""
    folders = {Cache(tmp_path, url, root).folder for url in (URL, f"{URL}x/") for root in (ROOT, b"other")}
    assert len(folders) == 4
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written") as raised:
        Cache(tmp_path / "file", URL, ROOT)
    assert "--cache DIR" in raised.value.fix
