"""The guard: which addresses and URLs are refused, what a connection may cost, and when a run lets go of it."""

import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import pytest
import trustme
from servers import LOOPBACK, Reply, serving

from index_builder.adapters import http
from index_builder.adapters.addresses import is_public, parse_networks
from index_builder.adapters.clock import SystemClock
from index_builder.adapters.http import GuardedTransport
from index_builder.errors import ForbiddenAddressError, InterruptedRunError, RemoteError
from index_builder.testing import FakeClock

NAME = "index.example.org"


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def make():
    """Make transports that are closed in the end."""
    made = []

    def transport(clock=None, **options):
        made.append(GuardedTransport(clock or FakeClock(), **{"unsafe_networks": LOOPBACK, **options}))
        return made[-1]

    yield transport
    for one in made:
        one.close()


class Names:
    """A resolver that is told what to say, and counts how often it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, host, port):
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def ask(transport, url, *, deadline=60.0, **headers):
    with transport.get(url, headers, deadline=deadline) as response:
        return response.status, b"".join(response.chunks())


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("198.51.100.7", True),
        ("127.0.0.1", False),
        ("127.255.255.254", False),
        ("0.0.0.0", False),
        ("0.1.2.3", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.0.0.192", False),
        ("168.63.129.16", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("239.255.255.250", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("ff0e::1", False),
        ("2001:db8::1", False),
        ("::127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("::ffff:1.1.1.1", True),
        ("2002:7f00:1::", False),
        ("2002:a9fe:a9fe::", False),
        ("2002:101:101::", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::101:101", True),
        ("64:ff9b:1::7f00:1", False),
        ("2001:0:0101:0101::80ff:fffe", False),
        ("2001:0:0101:0101::fefe:fefe", True),
        ("5f00::1", False),
    ],
)
def test_is_public(address, public):
    """Only addresses of the public Internet are, whatever form of IPv6 hides another."""
    assert is_public(ip_address(address)) is public


def test_parse_networks():
    """Networks are separated elsewhere; blanks and empty ones are passed over, and rubbish is a ValueError."""
    assert [str(network) for network in parse_networks([" 10.0.0.0/8 ", "", "::1"])] == ["10.0.0.0/8", "::1/128"]
    with pytest.raises(ValueError, match="10"):
        parse_networks(["10.0.0.0/99"])


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.org/x", "gopher://example.org/", "data:text/plain,x", "//example.org/x", "/x", "x", "",
        "https:///x", "https://", "https://example.org:99999/", "https://example.org:0/", "https://example.org:x/", "https://[::1/",
        "https://exämple.org/", "https://example.org/ä", "https://user:secret@example.org/", "https://user@example.org/",
        "https://@example.org/", "https://example.org\\@127.0.0.1/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("networks", [(), LOOPBACK])
def test_urls_that_are_refused_unseen(make, url, networks):
    """What is no https URL, or carries credentials, is refused before any name is looked up, and never tried again."""
    names = Names(["127.0.0.1"])
    with pytest.raises(ForbiddenAddressError) as caught:
        ask(make(resolve=names, unsafe_networks=networks), url)
    assert names.asked == []
    assert "secret" not in str(caught.value)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.1",
        "[::1]",
        "[::ffff:7f00:1]",
        "0",
        "169.254.169.254",
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_hosts_that_lead_home_are_refused(make, host, scheme):
    """Loopback and metadata services are refused in every way of writing them."""
    with pytest.raises(ForbiddenAddressError) as caught:
        ask(make(unsafe_networks=()), f"{scheme}://{host}/x")
    assert caught.value.fix


def test_http_needs_an_unsafe_network(make):
    """Without TLS only networks are spoken to that a person named unsafe."""
    for networks in ((), LOOPBACK):
        with pytest.raises(ForbiddenAddressError, match="only https"):
            ask(make(resolve=Names(["1.1.1.1"]), unsafe_networks=networks), f"http://{NAME}/")


def test_a_name_is_looked_up_once_a_connection_and_that_address_is_used(make, server):
    """A second look-up, which could lead elsewhere, does not happen; the server still hears the name."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    transport = make(resolve=names)
    port = server.server_address[1]
    server.on("/x", Reply(body=b"first"))
    server.on("/last", Reply(body=b"last", headers={"Connection": "close"}))
    for path in ("x", "x", "last"):
        assert ask(transport, f"http://{NAME}:{port}/{path}")[0] == 200
    assert names.asked == [(NAME, port)]
    assert server.asked[0].headers["host"] == f"{NAME}:{port}"
    with pytest.raises(ForbiddenAddressError):
        ask(transport, f"http://{NAME}:{port}/x")
    assert len(server.asked) == 3


def test_of_mixed_answers_only_the_allowed_are_used(make, server, monkeypatch):
    """Where a name has a private address too, that one is never connected to."""
    import httpcore

    tried = []
    connect = httpcore.SyncBackend.connect_tcp

    def watched(self, host, *arguments):
        tried.append(host)
        return connect(self, host, *arguments)

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", watched)
    names = Names(["10.0.0.1", "127.0.0.2", "fe80::1%eth0", "127.0.0.1"])
    server.on("/x", Reply(body=b"here"))
    assert ask(make(resolve=names), f"http://{NAME}:{server.server_address[1]}/x") == (200, b"here")
    assert tried == ["127.0.0.2", "127.0.0.1"]


def test_a_name_without_address(make):
    """A name that leads nowhere is refused."""
    with pytest.raises(ForbiddenAddressError, match="nowhere"):
        ask(make(resolve=Names([])), f"https://{NAME}/")


@pytest.mark.parametrize(("number", "retryable"), [(socket.EAI_AGAIN, True), (socket.EAI_NONAME, False)])
def test_a_name_that_cannot_be_looked_up(make, number, retryable):
    """An unknown name is final; a resolver that is busy is asked again."""

    def fail(host, port):
        raise socket.gaierror(number, "no")

    with pytest.raises(RemoteError, match=f"{NAME}: no such host") as caught:
        ask(make(resolve=fail), f"https://{NAME}/")
    assert caught.value.retryable is retryable


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example.org"])
def test_a_name_that_is_none(make, host):
    """A label that is empty or too long is no such host."""
    with pytest.raises(RemoteError, match="no such host"):
        ask(make(), f"https://{host}/")


def test_nobody_listens(make):
    """A refused connection may be tried again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(RemoteError) as caught:
            ask(make(), f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert caught.value.retryable


@pytest.mark.parametrize("target", ["/a;b=c/d;e?x=1&y=%2F", "/?", "/a%20b", "/x#fragment"])
def test_the_path_is_sent_as_it_is(make, server, target):
    """Parameters, queries and escapes arrive unchanged; a fragment stays here."""
    ask(make(), server.url + target)
    assert server.paths() == [target.partition("#")[0].removesuffix("?") if target != "/?" else "/"]


@pytest.mark.parametrize("target", ["/a b", "/a\x7fb"])
def test_a_path_that_cannot_be_sent_is_final(make, server, target):
    """Nothing is retried that was never sent."""
    with pytest.raises(RemoteError) as caught:
        ask(make(), server.url + target)
    assert not caught.value.retryable
    assert server.asked == []


def test_says_who_asks_and_wants_plain_bytes(make, server):
    """The builder names itself, and asks for no compression."""
    ask(make(), server.on("/x", Reply()), accept="text/html")
    headers = server.asked[0].headers
    assert headers["user-agent"].startswith("index-builder/")
    assert headers["accept-encoding"] == "identity"
    assert headers["accept"] == "text/html"


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "https://169.254.169.254/latest/",
        "https://[fe80::1]/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "https://u:p@127.0.0.1/",
    ],
)
def test_a_redirect_is_checked_like_the_first_url(make, server, location):
    """No answer leads to where a manifest could not."""
    url = server.on("/x", Reply(status=302, headers={"Location": location}))
    with pytest.raises(ForbiddenAddressError):
        ask(make(), url)


def test_a_redirect_to_no_url(make, server):
    """A location that cannot be read is the other side's error."""
    with pytest.raises(RemoteError, match="no URL"):
        ask(make(), server.on("/x", Reply(status=302, headers={"Location": "https://[::1"})))


def test_a_redirect_may_be_relative(make, server):
    """A location counts from the URL that gave it."""
    url = server.on("/a/x", Reply(status=307, headers={"Location": "../b/y?z"}))
    server.on("/b/y?z", Reply(body=b"here"))
    assert ask(make(), url) == (200, b"here")


def test_a_redirect_gives_its_connection_back(make, server):
    """The next host is asked while no connection to the last one is held."""
    with serving() as other:
        url = server.on("/x", Reply(status=302, headers={"Location": other.on("/y", Reply(body=b"here"))}, body=b"moved" * 100_000))
        assert ask(make(SystemClock(), connections=1), url, deadline=time.monotonic() + 3) == (200, b"here")


@pytest.fixture
def tls(tmp_path):
    """A server with TLS, and its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", NAME).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with serving(context) as running:
        yield running, tmp_path / "authority.pem"


def test_tls_of_an_unknown_authority_is_refused_for_good(make, tls):
    """A certificate that nobody vouches for ends the matter, also in an unsafe network."""
    server, _ = tls
    with pytest.raises(RemoteError, match=r"(?i)certificate") as caught:
        ask(make(), server.on("/x", Reply()))
    assert not caught.value.retryable
    assert "SSL_CERT_FILE" in caught.value.fix
    assert server.asked == []


def test_tls_checks_the_name(make, tls, monkeypatch):
    """A trusted certificate counts for its own names only."""
    server, authority = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    names, port = Names(["127.0.0.1"]), server.server_address[1]
    server.on("/x", Reply(body=b"here"))
    assert ask(make(resolve=names), f"https://{NAME}:{port}/x") == (200, b"here")
    with pytest.raises(RemoteError, match=r"(?i)certificate") as caught:
        ask(make(resolve=names), f"https://other.example.org:{port}/x")
    assert not caught.value.retryable


def test_a_redirect_never_leaves_tls(make, tls, server, monkeypatch):
    """From https to http is a downgrade, also in an unsafe network."""
    secure, authority = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    url = secure.on("/x", Reply(status=302, headers={"Location": server.on("/plain", Reply())}))
    with pytest.raises(ForbiddenAddressError, match="only https"):
        ask(make(), url)
    assert server.asked == []


def test_a_server_that_speaks_no_tls(make, server):
    """Asking for https where there is none is an error of the other side."""
    with pytest.raises(RemoteError):
        ask(make(), server.url.replace("http:", "https:") + "/x")


def test_connections_are_kept(make, server):
    """Many answers read to their end need one connection."""
    transport = make()
    url = server.on("/x", Reply(body=b"x" * 100_000))
    for _ in range(10):
        ask(transport, url)
    assert server.connections == 1


def test_the_deadline_counts_for_the_head(make, server):
    """A server that drips its status line does not hold us."""
    clock = FakeClock(tick=0.5)
    url = server.on("/x", Reply(body=b"x", head_pause=0.005))
    with pytest.raises(RemoteError, match="total time") as caught:
        ask(make(clock), url, deadline=8.0)
    assert caught.value.retryable


def test_the_deadline_counts_for_the_body(make, server):
    """Nor does one that drips its body."""
    url = server.on("/x", Reply(body=b"x" * 1000, piece=1, pause=0.005))
    with pytest.raises(RemoteError, match="total time"):
        ask(make(FakeClock(tick=0.5)), url, deadline=12.0)


def test_silence_ends_before_the_deadline(make, server, monkeypatch):
    """A server that says nothing for long is given up, and may be asked again."""
    monkeypatch.setattr(http, "_POLL", 0.01)
    monkeypatch.setattr(http, "_IDLE", 0.05)
    gate = threading.Event()
    url = server.on("/x", Reply(body=b"x" * 10, piece=5, gate=gate))
    with pytest.raises(RemoteError) as caught:
        ask(make(), url)
    gate.set()
    assert caught.value.retryable


def test_a_connection_that_is_not_free_in_time(make, server):
    """Waiting for one of our own connections counts too."""
    transport = make(SystemClock(), connections=1)
    url = server.on("/x", Reply(body=b"x" * 1_000_000))
    with transport.get(url, {}, deadline=time.monotonic() + 60), pytest.raises(RemoteError) as caught:
        ask(transport, url, deadline=time.monotonic() + 0.05)
    assert caught.value.retryable


def test_stop_ends_a_wait_for_bytes(make, server):
    """A read that waits is left within a second of the word to stop."""
    clock, gate = SystemClock(), threading.Event()
    url = server.on("/x", Reply(body=b"x" * 10, piece=5, gate=gate))
    timer = threading.Timer(0.05, clock.stop)
    begun = time.monotonic()
    timer.start()
    with pytest.raises(InterruptedRunError):
        ask(make(clock), url, deadline=begun + 60)
    assert time.monotonic() - begun < 2
    gate.set()
    timer.join()


def test_a_broken_chunked_answer(make):
    """An answer that is no HTTP is an error of the other side."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-nonsense\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(RemoteError):
            ask(make(), f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()


def test_an_answer_is_read_in_other_threads_than_it_was_asked_for_in(make, server):
    """A server of ours reads each part of an answer in whatever thread is free; one of them asks for something else meanwhile."""
    transport = make(FakeClock())
    url = server.on("/x", Reply(body=b"x" * 500_000))
    server.on("/y", Reply(body=b"y"))
    received = []

    def read(chunks):
        received.append(next(chunks, b""))
        assert ask(transport, f"{server.url}/y", deadline=0.5) == (200, b"y")

    with transport.get(url, {}, deadline=60.0) as response, ThreadPoolExecutor(1) as first:
        chunks = response.chunks()
        first.submit(read, chunks).result()
        while received[-1]:
            with ThreadPoolExecutor(1) as another:
                another.submit(read, chunks).result()
    assert len(b"".join(received)) == 500_000


def test_the_deadline_goes_with_the_answer_to_other_threads(make, server):
    """It ends a body that another thread reads, whatever that thread was last given time for."""
    clock = FakeClock(tick=0.5)
    transport = make(clock)
    url = server.on("/x", Reply(body=b"x" * 1000, piece=1, pause=0.005))
    server.on("/y", Reply(body=b"y"))

    def read(response):
        assert ask(transport, f"{server.url}/y", deadline=10_000.0) == (200, b"y")
        return b"".join(response.chunks())

    with (
        transport.get(url, {}, deadline=clock.monotonic() + 12.0) as response,
        ThreadPoolExecutor(1) as another,
        pytest.raises(RemoteError, match="total time"),
    ):
        another.submit(read, response).result()
