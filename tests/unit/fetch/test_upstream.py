"""Upstream pages: JSON and HTML alike, what is odd in them, and how often they are asked for."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from index_builder.errors import InterruptedRunError, NotFoundError, RemoteError
from index_builder.fetch.download import Downloader
from index_builder.fetch.upstream import Upstreams, read_listing
from index_builder.model.names import NormalizedName, Word
from index_builder.testing import Answer, FakeClock, ScriptedTransport, SilentProgress, sha256

DEMO = NormalizedName("demo")
ACME = Word("acme")
BASE = "https://example.org/simple/demo/"
JSON = "application/vnd.pypi.simple.v1+json"
DIGEST, PAPER = sha256(b"wheel"), sha256(b"metadata")
WHEEL = "demo-1.0-py3-none-any.whl"


def file(name=WHEEL, **changes):
    facts = {
        "filename": name, "url": f"../../files/{name}", "hashes": {"sha256": DIGEST.upper()}, "size": 5,
        "upload-time": "2026-01-02T03:04:05.6Z", "requires-python": ">=3.9", "yanked": "broken", "core-metadata": {"sha256": PAPER},
        "provenance": "https://example.org/provenance",
    }  # fmt: skip
    return {key: value for key, value in (facts | changes).items() if value is not None}


def page(*files, **more):
    return json.dumps({"meta": {"api-version": "1.4"}, "name": "demo", "files": list(files), **more}).encode()


def read(content, kind=JSON):
    return read_listing(DEMO, content, kind, BASE)


def upstreams(*answers, endpoints=None, default="", url=BASE):
    transport = ScriptedTransport({url: answers})
    downloader = Downloader(transport=transport, clock=FakeClock(), progress=SilentProgress())
    return Upstreams(endpoints or {ACME: "https://example.org/simple"}, downloader, default=default), transport


class TestReading:
    def test_json(self):
        """Every fact of a file is read, URLs are whole, and digests are in lower case."""
        found = read(page(file())).files[WHEEL]
        assert found.url == f"https://example.org/files/{WHEEL}"
        assert (found.sha256, found.size, found.metadata) == (DIGEST, 5, PAPER)
        assert (found.uploaded, found.requires_python) == ("2026-01-02T03:04:05.600000Z", ">=3.9")
        assert (found.provenance_url, found.yanked) == ("https://example.org/provenance", "broken")

    @pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "TEXT/HTML", "application/vnd.pypi.simple.v1+html"])
    def test_html(self, kind):
        """HTML says the same as far as it can."""
        attributes = (
            f'data-requires-python="&gt;=3.9" data-yanked="" data-core-metadata="sha256={PAPER}" data-provenance="https://example.org/p"'
        )
        html = f'<!DOCTYPE html><html><body><a href="../../files/{WHEEL}#sha256={DIGEST}" {attributes}>{WHEEL}</a></body></html>'
        found = read(html.encode(), kind).files[WHEEL]
        assert found.url == f"https://example.org/files/{WHEEL}"
        assert (found.sha256, found.size, found.metadata) == (DIGEST, None, PAPER)
        assert (found.uploaded, found.requires_python) == (None, ">=3.9")
        assert (found.provenance_url, found.yanked) == ("https://example.org/p", "")

    def test_what_a_page_does_not_say(self):
        """A file with its name and URL only is a file."""
        bare = {"filename": WHEEL, "url": "https://example.org/w", "hashes": {}}
        found = read(page(bare)).files[WHEEL]
        assert (found.sha256, found.size, found.uploaded, found.metadata, found.yanked) == (None, None, None, None, None)
        assert (found.requires_python, found.provenance_url) == ("", "")

    @pytest.mark.parametrize(("yanked", "expected"), [(False, None), (True, ""), ("", ""), ("why", "why")])
    def test_yanked(self, yanked, expected):
        """A file may be yanked without a reason."""
        assert read(page(file(yanked=yanked))).files[WHEEL].yanked == expected

    @pytest.mark.parametrize("metadata", [True, {}, {"md5": "x"}])
    def test_metadata_without_a_digest(self, metadata):
        """Core metadata without a digest of ours cannot be pinned, and is not."""
        found = read(page(file(**{"core-metadata": metadata}))).files[WHEEL]
        assert found.metadata is None

    @pytest.mark.parametrize(
        "odd",
        [
            file("demo-1.0.egg"), file("demo.whl"), file("../../etc/passwd"), file(""), file("demo-not.a.version.tar.gz"),
            file("demo-1.0-cp310-cp310-win_amd64.exe"), file(hashes={"sha256": "short"}), file(**{"core-metadata": {"sha256": "short"}}),
            file(**{"upload-time": "0001-01-01T00:00:00+14:00"}),
        ],
    )  # fmt: skip
    def test_odd_files_are_left_out(self, odd):
        """What is neither wheel nor sdist, or has a digest or time that cannot be, hides no other file."""
        good = file("demo-2.0.tar.gz")
        assert list(read(page(odd, good)).files) == ["demo-2.0.tar.gz"]

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
    def test_a_time_without_zone_is_utc(self, zone, monkeypatch):
        """The machine's own zone is not read into an upload time."""
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            assert read(page(file(**{"upload-time": "2026-01-02T03:04:05"}))).files[WHEEL].uploaded == "2026-01-02T03:04:05Z"
        finally:
            monkeypatch.undo()
            time.tzset()

    def test_status(self):
        """A project's status and reason are read from JSON, and are '' where there is none."""
        found = read(page(**{"project-status": {"status": "deprecated", "reason": "use other"}}))
        assert (found.state, found.reason) == ("deprecated", "use other")
        found = read(page())
        assert (found.state in ("", "active"), found.reason, found.files) == (True, "", {})

    @pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "application/pdf"])
    def test_another_content_type(self, kind):
        """What is no simple page by its own word is not read as one."""
        with pytest.raises(RemoteError, match="not a simple index") as caught:
            read(page(), kind)
        assert "/simple/" in caught.value.fix

    @pytest.mark.parametrize(
        "content",
        [
            b"", b"{", b"null", b"[]", b'"x"', b"{}", b"\xff\xfe", b'{"files": 3}', b'{"meta": {"api-version": "1.0"}, "name": "demo", "files": [3]}',
            b'{"meta": {"api-version": "2.0"}, "name": "demo", "files": []}', b"[" * 200_000,
            page(file(size="large")), page(file(hashes=3)), page(file(**{"upload-time": "yesterday"})),
        ],
    )  # fmt: skip
    def test_malformed_json(self, content):
        """Whatever is wrong with a page is an error of the other side, with the URL."""
        with pytest.raises(RemoteError, match=BASE):
            read(content)

    def test_html_of_another_version(self):
        """A version that we do not know is refused, in HTML too."""
        with pytest.raises(RemoteError, match="2"):
            read(b'<meta name="pypi:repository-version" content="2.0">', "text/html")

    def test_html_that_is_none(self):
        """A page without links has no files, deep or torn as it may be."""
        for content in (b"", b"<html", b"<div>" * 20_000, b"\x00\xff"):
            assert read(content, "text/html").files == {}

    def test_a_newer_minor_version_is_no_noise(self):
        """Later versions of the API add things; nothing is said about it, from many threads as from one."""
        content = json.dumps({"meta": {"api-version": "1.99"}, "name": "demo", "files": [file()]}).encode()
        with ThreadPoolExecutor(8) as executor:
            assert all(WHEEL in listing.files for listing in executor.map(read, [content] * 40))


class TestAsking:
    def test_asks_the_projects_page(self):
        """The page is the project's, with a slash at the end, and JSON is preferred."""
        found, transport = upstreams(Answer(headers={"content-type": JSON}, body=page(file())))
        assert list(found.listing(ACME, DEMO).files) == [WHEEL]
        (request,) = transport.requests
        assert request.url == BASE
        assert request.headers["accept"].startswith(JSON)

    @pytest.mark.parametrize("base", ["https://example.org/simple", "https://example.org/simple/"])
    def test_default_is_what_the_caller_says(self, base):
        """The word `default` stands for pip's own index."""
        answer = Answer(headers={"content-type": JSON}, body=page(file()))
        found, _ = upstreams(answer, endpoints={ACME: "default"}, default=base)
        assert WHEEL in found.listing(ACME, DEMO).files

    def test_default_without_more_is_the_librarys(self):
        """Where pip has none set, pypi-simple's constant counts."""
        from pypi_simple import PYPI_SIMPLE_ENDPOINT

        found, transport = upstreams(endpoints={ACME: "default"})
        with pytest.raises(NotFoundError):
            found.listing(ACME, DEMO)
        assert transport.requests[0].url == f"{PYPI_SIMPLE_ENDPOINT.rstrip('/')}/demo/"

    def test_relative_urls_count_from_where_a_redirect_led(self):
        """A page's links are relative to its last URL."""
        end = "https://mirror.example.org/a/b/"
        found, transport = upstreams(Answer(status=301, headers={"location": end}))
        transport.add(end, Answer(headers={"content-type": JSON}, body=page(file(url="w.whl"))))
        assert found.listing(ACME, DEMO).files[WHEEL].url == "https://mirror.example.org/a/b/w.whl"

    def test_an_unknown_project(self):
        """404 says which project of which index there is not, and to look at the spelling."""
        found, transport = upstreams(Answer(status=404))
        for _ in range(3):
            with pytest.raises(NotFoundError, match="'acme' has no project demo") as caught:
                found.listing(ACME, DEMO)
        assert "spelling" in caught.value.fix
        assert len(transport.requests) == 1

    def test_a_page_is_asked_for_once_however_many_want_it(self):
        """Sixteen threads share one request, however long it takes."""

        class Slow(ScriptedTransport):
            def get(self, url, headers, *, deadline):
                time.sleep(0.05)
                return super().get(url, headers, deadline=deadline)

        transport = Slow({BASE: Answer(headers={"content-type": JSON}, body=page(file()))})
        downloader = Downloader(transport=transport, clock=FakeClock(), progress=SilentProgress())
        found = Upstreams({ACME: "https://example.org/simple"}, downloader)
        barrier = threading.Barrier(16)

        def want(_):
            barrier.wait(10)
            return found.listing(ACME, DEMO)

        with ThreadPoolExecutor(16) as executor:
            listings = list(executor.map(want, range(16)))
        assert all(listing is listings[0] for listing in listings)
        assert len(transport.requests) == 1

    def test_a_page_that_fails_is_not_tried_for_each_of_its_files(self):
        """After all its attempts the error stands for the run."""
        found, transport = upstreams(Answer(status=503))
        for _ in range(4):
            with pytest.raises(RemoteError, match="503"):
                found.listing(ACME, DEMO)
        assert len(transport.requests) == 5

    def test_pages_of_different_projects_and_indexes_are_different(self):
        """One page says nothing of another."""
        other = Word("other")
        found, transport = upstreams(
            Answer(headers={"content-type": JSON}, body=page(file())),
            endpoints={ACME: "https://example.org/simple/", other: "https://other.example.org/"},
        )
        found.listing(ACME, DEMO)
        for index, project in ((other, DEMO), (ACME, NormalizedName("six"))):
            with pytest.raises(NotFoundError):
                found.listing(index, project)
        assert len(transport.requests) == 3

    def test_an_interrupt_is_not_remembered(self):
        """A stopped run leaves no answer behind."""
        transport, clock = ScriptedTransport({BASE: Answer(status=503)}), FakeClock()
        found = Upstreams({ACME: "https://example.org/simple"}, Downloader(transport=transport, clock=clock, progress=SilentProgress()))
        clock.stop()
        for _ in range(2):
            with pytest.raises(InterruptedRunError):
                found.listing(ACME, DEMO)
        assert len(transport.requests) == 2
