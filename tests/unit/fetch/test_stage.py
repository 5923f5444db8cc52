"""The stage: pool, inbox, origin; many at once; each problem with its place; and what a stop leaves."""

import io
import json
import os
import tempfile
import threading
import time

import pytest
from servers import LOOPBACK, Reply, serving

from index_builder.adapters.clock import SystemClock
from index_builder.adapters.directory_pool import DirectoryPool
from index_builder.adapters.http import GuardedTransport
from index_builder.errors import CorruptEntryError, DigestMismatchError, InterruptedRunError, NotFoundError, StorageError
from index_builder.fetch.download import Downloader
from index_builder.fetch.stage import Fetcher
from index_builder.fetch.upstream import Upstreams
from index_builder.model.filename import parse_filename
from index_builder.model.names import NormalizedName, ProjectName, Timestamp, Word
from index_builder.model.plan import Fetch
from index_builder.model.problem import Place
from index_builder.model.project import File, Hosting, IndexOrigin, Project, StoredOrigin, UrlOrigin
from index_builder.testing import Answer, FakeClock, MemoryPool, RecordingProgress, ScriptedTransport, sha256

JSON = "application/vnd.pypi.simple.v1+json"
ACME = Word("acme")
DEMO = NormalizedName("demo")
ON_INDEX = IndexOrigin(index=ACME, project=DEMO)
PAGE = "https://example.org/simple/demo/"
PROJECT = Project(
    name=ProjectName("demo"), normalized=DEMO, owners=(), audiences=(), hosting=Hosting.MIRRORED, releases=(), place=Place(path="packages.d/demo.yaml")
)  # fmt: skip


def url_of(name):
    return f"https://example.org/files/{name}"


def fetch(content, *, name="demo-1.0.tar.gz", origin=None, size=None, provenance=None, line=7):
    file = File(
        name=parse_filename(name), sha256=sha256(content), size=len(content) if size is None else size,
        uploaded=Timestamp("2026-01-02T03:04:05Z"), origin=origin or UrlOrigin(url=url_of(name)),
        provenance=provenance, place=Place(path="packages.d/demo.yaml", line=line),
    )  # fmt: skip
    return Fetch(project=PROJECT, file=file)


def page(*wanted, digest=None, provenance=None):
    files = [
        {"filename": f.file.name.text, "url": url_of(f.file.name.text), "hashes": {"sha256": digest or f.digest}}
        | ({"provenance": provenance} if provenance else {})
        for f in wanted
    ]
    body = json.dumps({"meta": {"api-version": "1.4"}, "name": "demo", "files": files}).encode()
    return Answer(headers={"content-type": JSON}, body=body)


class Kit:
    """A fetcher over fakes."""

    def __init__(self, script=None, *, pool=None, inbox=None, offline=False, connections=4):
        self.transport, self.clock, self.progress = ScriptedTransport(script), FakeClock(), RecordingProgress()
        self.pool, self.inbox = pool or MemoryPool(), inbox or MemoryPool()
        downloader = Downloader(transport=self.transport, clock=self.clock, progress=self.progress)
        upstreams = Upstreams({ACME: "https://example.org/simple/"}, downloader)
        self.fetcher = Fetcher(
            pool=self.pool, inbox=self.inbox, upstreams=upstreams, downloader=downloader, connections=connections, offline=offline
        )

    def asked(self):
        return [request.url for request in self.transport.requests]


class TestFiles:
    def test_from_the_pool(self):
        """What the pool holds is asked from nobody, and no progress is shown."""
        kit = Kit(pool=MemoryPool([b"bytes"]))
        assert kit.fetcher.files([fetch(b"bytes")]) == []
        assert kit.asked() == []
        assert kit.progress.begun == []

    def test_from_the_inbox(self):
        """What the inbox holds is copied into the pool, and asked from nobody."""
        kit = Kit(inbox=MemoryPool([b"bytes"]))
        assert kit.fetcher.files([fetch(b"bytes")]) == []
        assert kit.pool.entries == {sha256(b"bytes"): b"bytes"}
        assert kit.asked() == []
        assert kit.progress.size == 5

    def test_from_a_url(self):
        """What neither holds comes from its origin, and everyone who waits sees it."""
        kit = Kit({url_of("demo-1.0.tar.gz"): Answer(body=b"bytes")})
        assert kit.fetcher.files([fetch(b"bytes")]) == []
        assert kit.pool.entries == {sha256(b"bytes"): b"bytes"}
        assert kit.progress.begun == [("Fetching", 1, 5)]
        assert (kit.progress.files, kit.progress.size, kit.progress.ended) == (["demo-1.0.tar.gz"], 5, 1)

    def test_from_an_index(self):
        """A file of an index is found on its project's page by name and digest."""
        wanted = fetch(b"bytes", origin=ON_INDEX)
        kit = Kit({PAGE: page(wanted), url_of("demo-1.0.tar.gz"): Answer(body=b"bytes")})
        assert kit.fetcher.files([wanted]) == []
        assert kit.asked() == [PAGE, url_of("demo-1.0.tar.gz")]

    def test_a_page_is_asked_for_once(self):
        """Many files of one project need its page once."""
        wanted = [fetch(str(n).encode(), name=f"demo-{n}.0.tar.gz", origin=ON_INDEX) for n in range(20)]
        kit = Kit({PAGE: page(*wanted), **{url_of(f"demo-{n}.0.tar.gz"): Answer(body=str(n).encode()) for n in range(20)}})
        assert kit.fetcher.files(wanted) == []
        assert kit.asked().count(PAGE) == 1
        assert len(kit.pool.entries) == 20

    def test_a_corrupt_inbox_entry_is_dropped(self):
        """Other bytes under a digest in the inbox are deleted, and the origin is asked."""
        kit = Kit({url_of("demo-1.0.tar.gz"): Answer(body=b"bytes")})
        kit.inbox.entries[sha256(b"bytes")] = b"tampe"
        assert kit.fetcher.files([fetch(b"bytes")]) == []
        assert kit.inbox.entries == {}
        assert kit.pool.entries == {sha256(b"bytes"): b"bytes"}

    @pytest.mark.parametrize("where", ["pool", "inbox"])
    def test_an_entry_of_wrong_size_is_dropped_and_fetched(self, where):
        """A cut entry counts as missing."""
        kit = Kit({url_of("demo-1.0.tar.gz"): Answer(body=b"bytes")})
        getattr(kit, where).entries[sha256(b"bytes")] = b"byt"
        assert kit.fetcher.missing([fetch(b"bytes")]) != []
        assert getattr(kit, where).entries == {}
        assert kit.fetcher.files([fetch(b"bytes")]) == []
        assert kit.pool.entries == {sha256(b"bytes"): b"bytes"}

    @pytest.mark.parametrize("where", ["pool", "inbox"])
    def test_a_wrong_size_in_the_manifest_deletes_nothing(self, where):
        """Where the bytes have their digest it is the manifest that is wrong: hosted bytes may be nowhere else."""
        kit = Kit()
        getattr(kit, where).entries[sha256(b"bytes")] = b"bytes"
        (problem,) = kit.fetcher.files([fetch(b"bytes", size=4, origin=StoredOrigin())])
        assert problem.rule == "digest-differs"
        assert "size: 5" in problem.fix
        assert getattr(kit, where).entries == {sha256(b"bytes"): b"bytes"}

    def test_stored_bytes_that_are_nowhere(self):
        """The problem stands at the file's line, and its fix is the command that puts the bytes back."""
        (problem,) = Kit().fetcher.files([fetch(b"bytes", origin=StoredOrigin(), line=42)])
        assert problem.rule == "bytes-not-reachable"
        assert problem.place == Place(path="packages.d/demo.yaml", line=42)
        assert "index-builder " in problem.fix
        assert "demo-1.0.tar.gz" in problem.fix

    @pytest.mark.parametrize(
        ("script", "rule", "words"),
        [
            ({}, "bytes-not-reachable", "404"),
            ({url_of("demo-1.0.tar.gz"): Answer(body=b"other")}, "digest-differs", sha256(b"other")),
            ({url_of("demo-1.0.tar.gz"): Answer(status=500)}, "bytes-not-reachable", "500"),
        ],
    )
    def test_an_origin_that_fails_is_a_problem(self, script, rule, words):
        """Whatever an origin does becomes a problem at the file's line."""
        kit = Kit(script)
        (problem,) = kit.fetcher.files([fetch(b"bytes")])
        assert (problem.rule, problem.place.line) == (rule, 7)
        assert words in problem.message
        assert kit.pool.entries == {}

    @pytest.mark.parametrize(
        ("answer", "rule", "words"),
        [
            (page(), "bytes-not-reachable", "not on the index 'acme' any more"),
            (page(fetch(b"bytes"), digest=sha256(b"other")), "digest-differs", sha256(b"other")),
            (Answer(status=404), "bytes-not-reachable", "no project demo"),
            (Answer(headers={"content-type": "text/plain"}), "bytes-not-reachable", "not a simple index"),
        ],
    )
    def test_an_index_that_fails_is_a_problem(self, answer, rule, words):
        """A file that is gone, or listed with another digest, is said so, and nothing is downloaded."""
        kit = Kit({PAGE: answer})
        (problem,) = kit.fetcher.files([fetch(b"bytes", origin=ON_INDEX)])
        assert problem.rule == rule
        assert words in problem.message
        assert kit.asked() == [PAGE]

    def test_an_index_without_digests_is_checked_by_the_bytes(self):
        """Where the page gives no digest, the download does."""
        wanted = fetch(b"bytes", origin=ON_INDEX)
        body = json.dumps(
            {"meta": {"api-version": "1.0"}, "name": "demo", "files": [{"filename": "demo-1.0.tar.gz", "url": url_of("x"), "hashes": {}}]}
        )
        kit = Kit({PAGE: Answer(headers={"content-type": JSON}, body=body.encode()), url_of("x"): Answer(body=b"other")})
        (problem,) = kit.fetcher.files([wanted])
        assert problem.rule == "digest-differs"

    def test_one_problem_hides_no_other_and_good_files_are_kept(self):
        """All files are tried."""
        wanted = [fetch(str(n).encode(), name=f"demo-{n}.0.tar.gz", line=n + 1) for n in range(6)]
        kit = Kit({url_of(f"demo-{n}.0.tar.gz"): Answer(body=str(n).encode()) for n in (1, 3, 5)})
        problems = kit.fetcher.files(wanted)
        assert sorted(problem.place.line for problem in problems) == [1, 3, 5]
        assert len(kit.pool.entries) == 3
        assert kit.progress.ended == 1

    def test_offline_asks_nobody(self):
        """Offline, what is not there is a problem that says so; what is in the inbox is used."""
        kit = Kit({url_of("demo-1.0.tar.gz"): Answer(body=b"bytes")}, inbox=MemoryPool([b"mine"]), offline=True)
        problems = kit.fetcher.files(
            [fetch(b"bytes"), fetch(b"mine", name="demo-2.0.tar.gz"), fetch(b"x", origin=ON_INDEX), fetch(b"y", origin=StoredOrigin())]
        )
        assert [problem.rule for problem in problems] == ["bytes-not-reachable"] * 3
        assert sum("--offline" in problem.fix for problem in problems) == 2
        assert kit.asked() == []
        assert kit.pool.entries == {sha256(b"mine"): b"mine"}

    def test_the_same_bytes_twice(self):
        """Two entries of one digest are both satisfied."""
        kit = Kit({url_of("demo-1.0.tar.gz"): Answer(body=b"bytes")})
        assert kit.fetcher.files([fetch(b"bytes")] * 8) == []
        assert kit.pool.entries == {sha256(b"bytes"): b"bytes"}

    def test_a_full_disk_stops_the_run(self):
        """Storage that fails is no problem of a manifest: it is raised, and progress ends."""
        kit = Kit({url_of("demo-1.0.tar.gz"): Answer(body=b"bytes")}, pool=MemoryPool(capacity=2))
        with pytest.raises(StorageError):
            kit.fetcher.files([fetch(b"bytes")])
        assert kit.progress.ended == 1

    def test_a_stopped_run(self):
        """Nothing goes on after the word to stop."""
        kit = Kit({url_of("demo-1.0.tar.gz"): Answer(body=b"bytes")}, inbox=MemoryPool([b"mine"]))
        kit.clock.stop()
        with pytest.raises(InterruptedRunError):
            kit.fetcher.files([fetch(b"bytes"), fetch(b"mine")])


class TestProved:
    """What lies in the pool or the inbox says nothing of where it is from: the origin is asked."""

    FILE = url_of("demo-1.0.tar.gz")

    def test_an_index_vouches_by_its_digest(self):
        """Where its page lists name and digest, nothing is downloaded; where it lists others, or none of that name, it is a problem."""
        wanted = fetch(b"bytes", origin=ON_INDEX)
        for answer, rules in ((page(wanted), []), (page(wanted, digest="0" * 64), ["digest-differs"]), (page(), ["bytes-not-reachable"])):
            kit = Kit({PAGE: answer}, pool=MemoryPool([b"bytes"]), inbox=MemoryPool([b"bytes"]))
            assert [problem.rule for problem in kit.fetcher.proved([wanted])] == rules
            assert kit.asked() == [PAGE]

    @pytest.mark.parametrize("held", [True, False])
    @pytest.mark.parametrize(("served", "rules"), [(b"bytes", []), (b"other", ["digest-differs"])])
    def test_an_index_without_digests_is_downloaded_from(self, held, served, rules):
        """Its page proves nothing then, so its bytes must."""
        wanted = fetch(b"bytes", origin=ON_INDEX)
        listing = json.dumps(
            {"meta": {"api-version": "1.4"}, "name": "demo", "files": [{"filename": "demo-1.0.tar.gz", "url": self.FILE, "hashes": {}}]}
        )
        kit = Kit(
            {PAGE: Answer(headers={"content-type": JSON}, body=listing.encode()), self.FILE: Answer(body=served)},
            pool=MemoryPool([b"bytes"] if held else []),
        )
        assert [problem.rule for problem in kit.fetcher.proved([wanted])] == rules
        assert kit.asked() == [PAGE, self.FILE]

    def test_what_a_url_served_is_kept(self):
        """It need not be fetched again; the inbox is not asked, nor is what is published."""
        kit = Kit({self.FILE: Answer(body=b"bytes")}, inbox=MemoryPool([b"bytes"]))
        assert kit.fetcher.proved([fetch(b"bytes")]) == []
        assert kit.fetcher.files([fetch(b"bytes")]) == []
        assert kit.asked() == [self.FILE]

    def test_an_upstream_that_nobody_declared(self):
        """It has no address, and that is a problem like any other."""
        wanted = fetch(b"bytes", origin=IndexOrigin(index=Word("other"), project=DEMO))
        (problem,) = Kit(pool=MemoryPool([b"bytes"])).fetcher.proved([wanted])
        assert (problem.rule, problem.message) == ("bytes-not-reachable", "the upstream index 'other' is not known here")


class TestProvenance:
    PAPER = b'{"version": 1}'
    WHERE = "https://example.org/provenance/demo"

    def wanted(self, **more):
        return fetch(b"bytes", provenance=sha256(self.PAPER), **{"origin": ON_INDEX, **more})

    def test_comes_from_the_index(self):
        """The paper is where the page says, and is checked by its digest."""
        wanted = self.wanted()
        kit = Kit({PAGE: page(wanted, provenance=self.WHERE), self.WHERE: Answer(body=self.PAPER)}, pool=MemoryPool([b"bytes"]))
        assert kit.fetcher.provenance([wanted]) == []
        assert kit.pool.entries[sha256(self.PAPER)] == self.PAPER
        assert kit.progress.files == ["the provenance of demo-1.0.tar.gz"]
        assert kit.fetcher.provenance([wanted]) == []
        assert len(kit.asked()) == 2

    def test_comes_from_the_inbox(self):
        """A paper may be pushed like a file."""
        kit = Kit(pool=MemoryPool([b"bytes"]), inbox=MemoryPool([self.PAPER]))
        assert kit.fetcher.provenance([self.wanted(origin=StoredOrigin())]) == []
        assert kit.pool.entries[sha256(self.PAPER)] == self.PAPER

    @pytest.mark.parametrize(
        ("origin", "where", "offline"),
        [(ON_INDEX, None, False), (ON_INDEX, WHERE, True), (StoredOrigin(), None, False), (UrlOrigin(url=url_of("x")), None, False)],
    )
    def test_a_paper_that_is_nowhere(self, origin, where, offline):
        """The problem says which paper, and how to do without it."""
        wanted = self.wanted(origin=origin)
        kit = Kit({PAGE: page(wanted, provenance=where)}, pool=MemoryPool([b"bytes"]), offline=offline)
        (problem,) = kit.fetcher.provenance([wanted])
        assert problem.rule == "bytes-not-reachable"
        assert "provenance of demo-1.0.tar.gz" in problem.message
        assert "provenance:" in problem.fix

    def test_another_paper(self):
        """Other bytes are a digest that differs."""
        wanted = self.wanted()
        kit = Kit({PAGE: page(wanted, provenance=self.WHERE), self.WHERE: Answer(body=b"{}")}, pool=MemoryPool([b"bytes"]))
        (problem,) = kit.fetcher.provenance([wanted])
        assert problem.rule == "digest-differs"


class TestLinks:
    def test_are_noted_once(self):
        """Where a linked file is stays in the pool, and the next build asks nobody."""
        wanted = fetch(b"bytes", origin=ON_INDEX)
        kit = Kit({PAGE: page(wanted)})
        assert kit.fetcher.links([wanted]) == []
        assert kit.pool.note("links", wanted.digest) == url_of("demo-1.0.tar.gz")
        assert kit.progress.begun == [("Locating", 1, 0)]
        assert kit.fetcher.links([wanted]) == []
        assert kit.asked() == [PAGE]
        assert kit.pool.entries == {}

    def test_that_cannot_be_found(self):
        """A link that leads nowhere is a problem with its place, offline too."""
        wanted = fetch(b"bytes", origin=ON_INDEX)
        for kit in (Kit({PAGE: page()}), Kit({PAGE: page(wanted)}, offline=True)):
            (problem,) = kit.fetcher.links([wanted])
            assert (problem.rule, problem.place.line) == ("bytes-not-reachable", 7)
            assert kit.pool.notes == {}
            assert kit.progress.ended == 1
        assert kit.asked() == []


class TestAdopting:
    def test_adopt(self):
        """Bytes of a stream come into the pool, and their digest and size are told."""
        kit = Kit()
        assert kit.fetcher.adopt(io.BytesIO(b"bytes")) == (sha256(b"bytes"), 5)
        assert kit.pool.entries == {sha256(b"bytes"): b"bytes"}

    def test_adopt_what_is_there_writes_nothing(self):
        """The pool is not written again; a cut entry is made whole."""
        kit = Kit(pool=MemoryPool([b"bytes"], capacity=0))
        assert kit.fetcher.adopt(io.BytesIO(b"bytes")) == (sha256(b"bytes"), 5)
        kit = Kit()
        kit.pool.entries[sha256(b"bytes")] = b"by"
        kit.fetcher.adopt(io.BytesIO(b"bytes"))
        assert kit.pool.entries == {sha256(b"bytes"): b"bytes"}

    def test_adopt_does_not_go_on_from_an_old_beginning(self):
        """What an earlier run left is not put before the bytes."""
        kit = Kit()
        kit.pool.partial[sha256(b"bytes")] = b"rubbish"
        kit.fetcher.adopt(io.BytesIO(b"bytes"))
        assert kit.pool.entries == {sha256(b"bytes"): b"bytes"}

    def test_adopt_of_a_file_that_changes(self):
        """Bytes that are others at the second look are refused."""

        class Changing(io.BytesIO):
            def seek(self, *arguments):
                self.__init__(b"other")
                return 0

        with pytest.raises(CorruptEntryError):
            Kit().fetcher.adopt(Changing(b"bytes"))

    def test_adopt_of_a_file_that_cannot_be_read(self):
        """A disk that fails is a StorageError."""

        class Broken(io.BytesIO):
            def read(self, *arguments):
                raise OSError(5, "Input/output error")

        with pytest.raises(StorageError, match="Input/output"):
            Kit().fetcher.adopt(Broken())

    def test_adopt_url(self):
        """A file whose digest nobody knows is downloaded, hashed and kept."""
        kit = Kit({url_of("x"): Answer(body=b"bytes")})
        assert kit.fetcher.adopt_url(url_of("x"), "x") == (sha256(b"bytes"), 5)
        assert kit.pool.entries == {sha256(b"bytes"): b"bytes"}
        with pytest.raises(NotFoundError):
            kit.fetcher.adopt_url(url_of("y"), "y")

    def test_adopt_url_without_room_for_temporary_files(self, monkeypatch):
        """A temporary folder that is full is a StorageError, and nobody is asked again and again."""

        def full():
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(tempfile, "TemporaryFile", full)
        kit = Kit({url_of("x"): Answer(body=b"bytes")})
        with pytest.raises(StorageError, match="No space left") as caught:
            kit.fetcher.adopt_url(url_of("x"), "x")
        assert "TMPDIR" in caught.value.fix

    def test_digest_of(self):
        """A small document has a digest, or is not there."""
        kit = Kit({url_of("x"): Answer(body=b"metadata")})
        assert kit.fetcher.digest_of(url_of("x")) == sha256(b"metadata")
        assert kit.fetcher.digest_of(url_of("y")) is None

    def test_listed_says_what_differs(self):
        """Whoever asks for one file gets the error itself."""
        kit = Kit({PAGE: page(fetch(b"bytes"), digest=sha256(b"other"))})
        with pytest.raises(DigestMismatchError) as caught:
            kit.fetcher.listed(fetch(b"bytes", origin=ON_INDEX))
        assert sha256(b"bytes") in str(caught.value)
        assert sha256(b"other") in str(caught.value)


class TestManyAtOnce:
    """With a real server and a real pool."""

    @pytest.fixture
    def server(self):
        with serving() as running:
            yield running

    @pytest.fixture
    def make(self, tmp_path, server):
        made = []

        def fetcher(clock=None, connections=16):
            clock = clock or FakeClock()
            made.append(GuardedTransport(clock, unsafe_networks=LOOPBACK, connections=connections))
            downloader = Downloader(transport=made[-1], clock=clock, progress=RecordingProgress())
            return Fetcher(
                pool=DirectoryPool(tmp_path / "pool"), inbox=DirectoryPool(tmp_path / "inbox"),
                upstreams=Upstreams({}, downloader), downloader=downloader, connections=connections,
            )  # fmt: skip

        yield fetcher
        for transport in made:
            transport.close()

    def wanted(self, server, number, **reply):
        bodies = [os.urandom(20_000) for _ in range(number)]
        return [
            fetch(body, name=f"demo-{n}.0.tar.gz", origin=UrlOrigin(url=server.on(f"/{n}", Reply(body=body, **reply))))
            for n, body in enumerate(bodies)
        ]

    def test_sixteen_at_a_time_and_no_more(self, make, server):
        """A hundred files share sixteen connections, each of which is kept."""
        fetcher, wanted = make(), self.wanted(server, 100, pause=0.005)
        assert fetcher.files(wanted) == []
        assert fetcher.missing(wanted) == []
        assert 2 <= server.most_at_once <= 16
        assert server.connections <= 16
        assert len(server.asked) == 100

    def test_an_interrupt_keeps_what_was_verified_and_the_next_run_goes_on(self, make, server):
        """The word to stop ends all workers within two seconds; nothing that came is asked for again."""
        fast = self.wanted(server, 6)
        gate = threading.Event()
        body = os.urandom(100_000)
        held = Reply(body=body, piece=40_000, gate=gate)
        slow = fetch(body, name="demo-9.0.tar.gz", origin=UrlOrigin(url=server.on("/slow", held, Reply(body=body))))
        never = fetch(
            body + b"x",
            name="demo-10.0.tar.gz",
            origin=UrlOrigin(url=server.on("/never", Reply(body=body + b"x", piece=40_000, gate=gate))),
        )
        clock, stopped = SystemClock(), []
        first = make(clock, connections=2)

        def stop():
            until = time.monotonic() + 10
            while time.monotonic() < until and "/never" not in server.paths():
                time.sleep(0.01)
            time.sleep(0.05)
            stopped.append(time.monotonic())
            clock.stop()

        thread = threading.Thread(target=stop)
        thread.start()
        with pytest.raises(InterruptedRunError):
            first.files([slow, *fast, never])
        assert time.monotonic() - stopped[0] < 2
        thread.join()
        gate.set()
        assert first.missing([slow, *fast, never]) == [slow, never]
        before = len(server.asked)
        second = make()
        assert second.files([slow, *fast]) == []
        (again,) = server.asked[before:]
        assert (again.path, again.headers["range"], again.sent[0]) == ("/slow", "bytes=40000-", 60_000)
