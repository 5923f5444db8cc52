"""Transport: what holds for HTTP on loopback holds for the script."""

import pytest
from servers import LOOPBACK, Reply, serving

from index_builder.adapters.http import GuardedTransport
from index_builder.errors import RemoteError
from index_builder.testing import Answer, FakeClock, ScriptedTransport

BODY = bytes(range(256)) * 40


class Real:
    """Says what the server answers, in the words of the script."""

    def __init__(self, server):
        self.transport = GuardedTransport(FakeClock(), unsafe_networks=LOOPBACK)
        self._server = server

    def on(self, path, **reply):
        return self._server.on(path, Reply(**reply))

    def url(self, path):
        return self._server.url + path

    def asked(self):
        return [(asked.path, asked.headers.get("range", "")) for asked in self._server.asked]


class Scripted:
    """Says the same to the fake."""

    def __init__(self):
        self.transport = ScriptedTransport()

    def on(self, path, *, drop_after=None, **reply):
        fields = {name.lower(): value for name, value in reply.pop("headers", {}).items()}
        self.transport.add(self.url(path), Answer(headers=fields, breaks_after=drop_after, **reply))
        return self.url(path)

    def url(self, path):
        return f"https://example.org{path}"

    def asked(self):
        return [(request.url.removeprefix("https://example.org"), request.headers.get("range", "")) for request in self.transport.requests]


@pytest.fixture(params=["real", "scripted"])
def other(request):
    if request.param == "scripted":
        yield Scripted()
        return
    with serving() as server:
        real = Real(server)
        yield real
        real.transport.close()


def ask(other, url, **headers):
    with other.transport.get(url, headers, deadline=60.0) as response:
        return response.status, response.headers, response.url, b"".join(response.chunks())


def test_gives_status_headers_and_body(other):
    """Header names are lower case, and the body is whole."""
    url = other.on("/file", body=BODY, headers={"Content-Type": "text/html", "X-Odd": "yes"})
    status, headers, found, body = ask(other, url)
    assert (status, found, body) == (200, url, BODY)
    assert headers["content-type"] == "text/html"
    assert headers["x-odd"] == "yes"


@pytest.mark.parametrize("status", [404, 403, 429, 500, 503])
def test_a_status_is_no_error(other, status):
    """Whoever asks decides what a status means."""
    assert ask(other, other.on("/file", status=status, body=b"no"))[0] == status


def test_what_nobody_wrote_is_404(other):
    """Unknown paths are not found."""
    assert ask(other, other.url("/nothing"))[0] == 404


def test_headers_arrive(other):
    """A Range is sent and honoured."""
    url = other.on("/file", body=BODY)
    status, headers, _, body = ask(other, url, range="bytes=10000-")
    assert (status, body) == (206, BODY[10000:])
    assert headers["content-range"] == f"bytes 10000-{len(BODY) - 1}/{len(BODY)}"
    assert other.asked() == [("/file", "bytes=10000-")]


def test_a_range_behind_the_end_is_416(other):
    """There is nothing after the last byte."""
    assert ask(other, other.on("/file", body=BODY), range=f"bytes={len(BODY)}-")[0] == 416


def test_a_range_may_be_ignored(other):
    """Where the other side knows no ranges, all of it comes with 200."""
    status, _, _, body = ask(other, other.on("/file", body=BODY, ranges=False), range="bytes=5-")
    assert (status, body) == (200, BODY)


def test_redirects_are_followed_and_counted(other):
    """The URL is the last one; a circle ends with an error."""
    end = other.on("/end", body=b"here")
    middle = other.on("/middle", status=302, headers={"Location": end})
    begin = other.on("/begin", status=301, headers={"Location": middle})
    assert ask(other, begin)[2:] == (end, b"here")
    circle = other.on("/circle", status=302, headers={"Location": other.url("/circle")})
    with pytest.raises(RemoteError, match="redirects") as caught:
        ask(other, circle)
    assert not caught.value.retryable


def test_a_broken_connection_is_a_remote_error(other):
    """What breaks off may be asked for again."""
    url = other.on("/file", body=BODY, drop_after=1000)
    got = []
    with other.transport.get(url, {}, deadline=60.0) as response, pytest.raises(RemoteError) as caught:
        got.extend(response.chunks())
    assert caught.value.retryable
    assert BODY.startswith(b"".join(got))


def test_the_consumers_own_errors_pass_through(other):
    """What goes wrong on our side of the answer is not called remote."""
    url = other.on("/file", body=BODY)
    with pytest.raises(OSError, match="disk"), other.transport.get(url, {}, deadline=60.0):
        raise OSError(28, "the disk is full")


def test_a_body_need_not_be_read(other):
    """Leaving early is fine, and the next question is answered."""
    url = other.on("/file", body=BODY)
    with other.transport.get(url, {}, deadline=60.0) as response:
        assert response.status == 200
    assert ask(other, url)[3] == BODY


def test_the_scripts_errors_are_raised_and_answers_come_in_turn():
    """The fake can fail to connect, and repeats its last answer."""
    transport = ScriptedTransport({"https://example.org/": [Answer(error=RemoteError("no route", retryable=True)), Answer(body=b"x")]})
    with pytest.raises(RemoteError, match="no route"), transport.get("https://example.org/", {}, deadline=1):
        pass
    for _ in range(2):
        with transport.get("https://example.org/", {}, deadline=1) as response:
            assert list(response.chunks()) == [b"x"]
