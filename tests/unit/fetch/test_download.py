"""One URL's bytes, from a real server that breaks off, drips, lies and never ends."""

import os
import threading
import time
from io import BytesIO

import pytest
from servers import LOOPBACK, Reply, serving

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.directory_pool import DirectoryPool
from index_builder.adapters.http import GuardedTransport
from index_builder.errors import DigestMismatchError, InterruptedRunError, NotFoundError, RemoteError, StorageError
from index_builder.fetch.download import Downloader, Limits
from index_builder.testing import Answer, FakeClock, MemoryPool, RecordingProgress, ScriptedTransport, sha256

BODY = os.urandom(300_000)
SIZE = len(BODY)
DIGEST = sha256(BODY)
URL = "https://example.org/demo-1.0.tar.gz"


class Kit:
    """A downloader with a real transport, a pool in a folder, and a clock that does not sleep."""

    def __init__(self, folder, server, clock=None, **limits):
        self.server = server
        self.clock = clock or FakeClock()
        self.progress = RecordingProgress()
        self.pool = DirectoryPool(folder / "pool")
        self.folder = folder / "pool"
        self.transport = GuardedTransport(self.clock, unsafe_networks=LOOPBACK)
        self.downloader = Downloader(
            transport=self.transport, clock=self.clock, progress=self.progress, limits=Limits(**limits), jitter=lambda: 0.5
        )  # fmt: skip

    def file(self, url, *, digest=DIGEST, size=SIZE):
        self.downloader.file(url, digest, size, self.pool, name="demo-1.0.tar.gz")

    def left(self):
        """Everything in the pool's folder."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def partial(self):
        path = self.folder / "partial" / DIGEST
        return path.stat().st_size if path.exists() else 0


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def make(tmp_path, server):
    made = []

    def kit(clock=None, **limits):
        made.append(Kit(tmp_path, server, clock, **limits))
        return made[-1]

    yield kit
    for one in made:
        one.transport.close()


@pytest.fixture
def kit(make):
    return make()


def scripted(*answers, **limits):
    """Return a downloader over a script for URL, its transport and its clock."""
    transport, clock = ScriptedTransport({URL: answers}, chunk=1000), FakeClock()
    progress = RecordingProgress()
    return Downloader(transport=transport, clock=clock, progress=progress, limits=Limits(**limits), jitter=lambda: 0.5), transport, clock


class TestFile:
    def test_a_file_comes_into_the_pool(self, kit, server):
        """Its bytes are those of the server, it was asked for once, and everything counts as progress."""
        kit.file(server.on("/f", Reply(body=BODY)))
        assert kit.pool.path(DIGEST).read_bytes() == BODY
        assert kit.left() == [f"sha256/{DIGEST.path}"]
        assert server.paths() == ["/f"]
        assert "range" not in server.asked[0].headers
        assert kit.progress.size == len(BODY)
        assert kit.clock.slept == []

    @pytest.mark.parametrize("size", [len(BODY), None])
    def test_other_bytes_keep_nothing(self, kit, server, size):
        """The error names both digests, and neither an entry nor a beginning stays."""
        other = os.urandom(len(BODY))
        with pytest.raises(DigestMismatchError) as caught:
            kit.file(server.on("/f", Reply(body=other)), size=size)
        assert DIGEST in str(caught.value)
        assert sha256(other) in str(caught.value)
        assert "demo-1.0.tar.gz" in str(caught.value)
        assert "do not trust" in caught.value.fix
        assert kit.left() == []
        assert server.paths() == ["/f"]
        assert kit.progress.size == 0

    @pytest.mark.parametrize("reply", [{}, {"with_length": False}])
    def test_too_many_bytes_keep_nothing(self, kit, server, reply):
        """A file that is longer than pinned is another file, though it may begin alike."""
        with pytest.raises(DigestMismatchError, match=r"300,000 bytes"):
            kit.file(server.on("/f", Reply(body=BODY + b"more", **reply)))
        assert kit.left() == []
        assert kit.progress.size == 0

    def test_too_few_bytes_keep_nothing(self, kit, server):
        """A file that is shorter than pinned, by its own word, is another file, and is asked for once."""
        with pytest.raises(DigestMismatchError, match="has 299,999 bytes, 300,000 were expected"):
            kit.file(server.on("/f", Reply(body=BODY[:-1])))
        assert kit.left() == []
        assert len(server.asked) == 1

    def test_a_broken_connection_is_gone_on_with(self, kit, server):
        """After a break the rest is asked for by Range, and no byte crosses twice."""
        kit.file(server.on("/f", Reply(body=BODY, drop_after=100_000), Reply(body=BODY, drop_after=50_000), Reply(body=BODY)))
        assert [asked.headers.get("range") for asked in server.asked] == [None, "bytes=100000-", "bytes=150000-"]
        assert sum(asked.sent[0] for asked in server.asked) == len(BODY)
        assert kit.pool.size(DIGEST) == len(BODY)
        assert kit.progress.size == len(BODY)
        assert len(kit.clock.slept) == 2

    def test_a_connection_that_breaks_without_a_length(self, kit, server):
        """Where only the manifest knows the size, an early end is noticed all the same."""
        kit.file(server.on("/f", Reply(body=BODY, drop_after=1000, with_length=False), Reply(body=BODY)))
        assert server.asked[1].headers["range"] == "bytes=1000-"
        assert kit.pool.size(DIGEST) == len(BODY)

    def test_an_interrupt_keeps_what_came_and_the_next_run_goes_on(self, make, server):
        """Stopping a slow download ends it at once; what came is asked for no second time."""
        kit, gate = make(SystemClock()), threading.Event()
        url = server.on("/f", Reply(body=BODY, piece=100_000, gate=gate), Reply(body=BODY))
        timer = threading.Timer(0.1, kit.clock.stop)
        begun = time.monotonic()
        timer.start()
        with pytest.raises(InterruptedRunError):
            kit.file(url)
        assert time.monotonic() - begun < 2
        gate.set()
        timer.join()
        assert kit.pool.size(DIGEST) is None
        assert kit.partial() == 100_000
        again = make()
        again.file(url)
        assert server.asked[1].headers["range"] == "bytes=100000-"
        assert server.asked[1].sent[0] == 200_000
        assert again.pool.size(DIGEST) == len(BODY)
        assert again.progress.size == len(BODY)

    def test_a_complete_beginning_asks_nobody(self, kit, server):
        """Where an earlier run was stopped between the last byte and the commit, nothing is asked."""
        entry = kit.pool.receive(DIGEST)
        entry.write(BODY)
        entry.close()
        kit.file(server.on("/f", Reply(body=BODY)))
        assert server.asked == []
        assert kit.pool.size(DIGEST) == len(BODY)

    @pytest.mark.parametrize("left", [b"rubbish" * 100, os.urandom(300_000), os.urandom(400_000)])
    def test_a_wrong_beginning_is_not_blamed_on_the_server(self, kit, server, left):
        """What an earlier run left may be damaged, as by a crash: all of the file is asked for once more."""
        entry = kit.pool.receive(DIGEST)
        entry.write(left)
        entry.close()
        kit.file(server.on("/f", Reply(body=BODY)))
        assert kit.pool.path(DIGEST).read_bytes() == BODY
        assert "range" not in server.asked[-1].headers
        assert kit.progress.size == len(BODY)
        assert any("earlier run" in note for note in kit.progress.notes)

    def test_a_wrong_beginning_and_wrong_bytes(self, kit, server):
        """The second time it is the server's fault, and it is not asked a third time."""
        entry = kit.pool.receive(DIGEST)
        entry.write(b"rubbish")
        entry.close()
        with pytest.raises(DigestMismatchError):
            kit.file(server.on("/f", Reply(body=os.urandom(len(BODY)))))
        assert len(server.asked) == 2
        assert kit.left() == []

    def test_a_server_that_ignores_range(self, kit, server):
        """All of it comes again, and what we hold is passed over."""
        kit.file(server.on("/f", Reply(body=BODY, ranges=False, drop_after=100_000), Reply(body=BODY, ranges=False)))
        assert kit.pool.path(DIGEST).read_bytes() == BODY
        assert kit.progress.size == len(BODY)

    def test_416_begins_anew(self, kit, server):
        """Where the other side has fewer bytes than we hold, all of it is asked for again."""
        kit.file(server.on("/f", Reply(body=BODY, drop_after=1000), Reply(status=416), Reply(body=BODY)))
        assert [asked.headers.get("range") for asked in server.asked] == [None, "bytes=1000-", None]
        assert kit.pool.size(DIGEST) == len(BODY)

    @pytest.mark.parametrize("lie", ["bytes 0-299999/300000", "bytes 999-299999/300000", "nonsense"])
    def test_a_lie_about_content_range_begins_anew(self, kit, server, lie):
        """Bytes from another point are not taken; without Range there is nothing to lie about."""
        kit.file(server.on("/f", Reply(body=BODY, drop_after=1000), Reply(body=BODY, lie=lie), Reply(body=BODY)))
        assert [asked.headers.get("range") for asked in server.asked] == [None, "bytes=1000-", None]
        assert kit.pool.path(DIGEST).read_bytes() == BODY

    def test_a_part_nobody_asked_for(self, kit, server):
        """A server that gives a part of what was asked for whole is not asked again."""
        with pytest.raises(RemoteError, match="bytes from 0, got bytes 7-"):
            kit.file(server.on("/f", Reply(body=BODY, lie="bytes 7-299999/300000")))
        assert len(server.asked) == 1

    def test_a_full_disk_is_no_remote_error(self):
        """The pool's error passes through, and nobody is asked a second time."""
        downloader, transport, _ = scripted(Answer(body=BODY))
        with pytest.raises(StorageError):
            downloader.file(URL, DIGEST, len(BODY), MemoryPool(capacity=10_000), name="demo")
        assert len(transport.requests) == 1

    def test_a_paper_without_size_has_a_limit(self):
        """A provenance that does not end is refused where a page would be, and keeps nothing."""
        downloader, _, _ = scripted(Answer(body=b"x" * 5000), page=2000)
        pool = MemoryPool()
        with pytest.raises(DigestMismatchError, match="2,000"):
            downloader.file(URL, DIGEST, None, pool, name="demo")
        assert pool.partial == {}


class TestRetries:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_what_may_pass_is_tried_again_with_growing_waits(self, kit, server, status):
        """Five attempts with waits that double, then an error that says so."""
        with pytest.raises(RemoteError, match=str(status)) as caught:
            kit.file(server.on("/f", Reply(status=status)))
        assert kit.clock.slept == [0.5, 1.0, 2.0, 4.0]
        assert len(server.asked) == 5
        assert "5 times" in caught.value.fix
        assert all("trying again in" in note for note in kit.progress.notes)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 204, 304])
    def test_what_will_not_pass_is_asked_once(self, kit, server, status):
        """Refusals are final; 404 and 410 say that there is no such thing."""
        with pytest.raises(RemoteError, match=str(status)) as caught:
            kit.file(server.on("/f", Reply(status=status)))
        assert isinstance(caught.value, NotFoundError) is (status in (404, 410))
        assert ("credentials" in caught.value.fix) is (status in (401, 403))
        assert len(server.asked) == 1
        assert kit.left() == []

    def test_jitter_spreads_the_waits(self):
        """The waits of many runs differ by a half to either side."""
        for jitter, expected in ((0.0, 0.25), (1.0, 0.75)):
            clock = FakeClock()
            transport = ScriptedTransport({URL: [Answer(status=503), Answer(body=b"x")]})
            Downloader(transport=transport, clock=clock, progress=RecordingProgress(), jitter=lambda jitter=jitter: jitter).page(URL, "*/*")
            assert clock.slept == [expected]

    @pytest.mark.parametrize(
        ("headers", "wait"),
        [
            ({"Retry-After": "7"}, 7.0),
            ({"Retry-After": "0"}, 0.5),
            ({"Retry-After": "60"}, 60.0),
            ({"Retry-After": "Sat, 21 Nov 2026 10:00:20 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 20.0),
            ({"Retry-After": "Sat, 21 Nov 2026 09:30:30 GMT"}, 30.0),
            ({"Retry-After": "Sat, 21 Nov 2026 09:30:30 -0000", "Date": "nonsense"}, 30.0),
            ({"Retry-After": "Sat, 21 Nov 2020 09:30:30 GMT"}, 0.5),
            ({"Retry-After": "soon"}, 0.5),
            ({"Retry-After": "²"}, 0.5),
            ({"Retry-After": "-5"}, 0.5),
            ({"Retry-After": ""}, 0.5),
        ],
    )
    def test_retry_after_is_honoured(self, kit, server, headers, wait):
        """The other side may ask for a longer wait, in seconds or as a date by its own clock, up to a minute."""
        kit.file(server.on("/f", Reply(status=429, headers=headers), Reply(body=BODY)))
        assert kit.clock.slept == [wait]

    @pytest.mark.parametrize("asked", ["61", "86400", "9" * 400])
    def test_a_long_wait_is_told_instead(self, kit, server, asked):
        """Who asks to be left alone for longer than a minute is not asked again in this run."""
        with pytest.raises(RemoteError) as caught:
            kit.file(server.on("/f", Reply(status=429, headers={"Retry-After": asked}), Reply(body=BODY)))
        assert "asks to be left alone" in caught.value.fix
        assert kit.clock.slept == []

    def test_a_stop_ends_the_waiting(self):
        """A stopped run does not try again."""
        downloader, transport, clock = scripted(Answer(status=503))
        clock.stop()
        with pytest.raises(InterruptedRunError):
            downloader.page(URL, "*/*")
        assert len(transport.requests) == 1

    def test_no_attempt(self):
        """Limits that allow no attempt ask nobody."""
        downloader, transport, _ = scripted(Answer(), attempts=0)
        with pytest.raises(RemoteError, match="no attempt"):
            downloader.page(URL, "*/*")
        assert transport.requests == []


class TestLimits:
    def test_an_endless_page(self, make, server):
        """A page that does not end is refused at its limit, once."""
        kit = make(page=200_000)
        with pytest.raises(RemoteError, match="more than the 200,000 bytes") as caught:
            kit.downloader.page(server.on("/p", Reply(body=b"x" * 65536, endless=True)), "*/*")
        assert not caught.value.retryable
        assert len(server.asked) == 1

    def test_an_endless_file(self, kit, server):
        """A pinned file stops at its size."""
        with pytest.raises(DigestMismatchError):
            kit.file(server.on("/f", Reply(body=BODY, endless=True)))
        assert kit.left() == []

    def test_a_slow_body_falls_below_the_least_rate(self, make, server):
        """A server that drips is given up after a window, and asked again as often as any."""
        kit = make(FakeClock(tick=0.5), attempts=2, window=5.0)
        with pytest.raises(RemoteError, match="bytes a second") as caught:
            kit.file(server.on("/f", Reply(body=BODY, piece=10, pause=0.002)))
        assert caught.value.retryable
        assert len(server.asked) == 2

    def test_a_fast_body_never_falls_below_the_least_rate(self, make, server):
        """Windows that bring enough are no error, however many."""
        kit = make(FakeClock(tick=0.5), window=1.0)
        kit.file(server.on("/f", Reply(body=BODY)))
        assert kit.pool.size(DIGEST) == len(BODY)

    def test_the_total_deadline(self, make, server):
        """A request is over when its time is, however steadily it drips, and its size buys it more time."""
        kit = make(FakeClock(tick=0.2), attempts=1, patience=5.0, least_rate=0)
        with pytest.raises(RemoteError, match="total time"):
            kit.file(server.on("/f", Reply(body=BODY, piece=10, pause=0.002)))
        assert Limits(patience=5, steady_rate=100).deadline(1000) == 15

    def test_a_dripping_head(self, make, server):
        """The deadline holds before the first header, too."""
        kit = make(FakeClock(tick=0.5), attempts=1, patience=5.0)
        with pytest.raises(RemoteError, match="total time"):
            kit.downloader.page(server.on("/p", Reply(body=b"x", head_pause=0.002)), "*/*")

    @pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP, identity"])
    def test_an_encoded_body_is_refused(self, kit, server, encoding):
        """Plain bytes were asked for, so a digest or limit of anything else says nothing."""
        url = server.on("/f", Reply(body=BODY, headers={"Content-Encoding": encoding}))
        with pytest.raises(RemoteError, match="encoded"):
            kit.file(url)
        assert kit.left() == []

    @pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
    def test_no_encoding_by_name(self, kit, server, encoding):
        """Saying that nothing is encoded is fine."""
        kit.file(server.on("/f", Reply(body=BODY, headers={"Content-Encoding": encoding})))
        assert kit.pool.size(DIGEST) == len(BODY)


class TestPageAndUnpinned:
    def test_a_page(self, kit, server):
        """A page has its last URL, its content type and bytes; what is wanted is said."""
        end = server.on("/end", Reply(body=b"<html>", headers={"Content-Type": "text/html"}))
        page = kit.downloader.page(server.on("/p", Reply(status=301, headers={"Location": "/end"})), "text/html")
        assert (page.url, page.content_type, page.content) == (end, "text/html", b"<html>")
        assert server.asked[0].headers["accept"] == "text/html"

    def test_a_part_of_a_page_is_no_page(self, kit, server):
        """206 answers a Range, and none was asked for."""
        url = server.on("/p", Reply(body=b"half", lie="bytes 0-3/8"))
        with pytest.raises(RemoteError, match="only a part"):
            kit.downloader.page(url, "*/*")
        with pytest.raises(RemoteError, match="only a part"):
            kit.downloader.unpinned(url, BytesIO(), name="demo")

    def test_an_unpinned_file_is_written_once(self, kit, server):
        """After a break it begins anew, and the stream holds the whole and nothing else."""
        stream = BytesIO()
        kit.downloader.unpinned(server.on("/f", Reply(body=BODY, drop_after=1000), Reply(body=BODY)), stream, name="demo")
        assert stream.getvalue() == BODY
        assert kit.progress.notes[0] == "downloading demo"

    def test_an_unpinned_file_has_a_limit(self, make, server):
        """What nobody pinned must end as well."""
        kit = make(unpinned=100_000)
        with pytest.raises(RemoteError, match="100,000"):
            kit.downloader.unpinned(server.on("/f", Reply(body=BODY)), BytesIO(), name="demo")

    @pytest.mark.parametrize("act", ["write", "flush", "seek"])
    def test_a_full_disk_under_an_unpinned_file_is_no_remote_error(self, kit, server, act):
        """Our disk is not the other side: StorageError, and one request at most."""

        class Full(BytesIO):
            pass

        def full(*arguments):
            raise OSError(28, "No space left on device")

        setattr(Full, act, full)
        with pytest.raises(StorageError, match="No space left"):
            kit.downloader.unpinned(server.on("/f", Reply(body=BODY)), Full(), name="demo")
        assert len(server.asked) <= 1
