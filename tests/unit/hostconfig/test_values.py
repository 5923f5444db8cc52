"""What may stand in a host's configuration, and what an attacker would like to put there."""

import pytest

from index_builder.errors import UsageError
from index_builder.hostconfig.order import check_order
from index_builder.hostconfig.passwords import PasswordHash, read_passwords, write_passwords, write_users
from index_builder.hostconfig.values import HostPath, Listen, Order, Served, comment
from index_builder.model.address import Address
from index_builder.model.names import Word
from index_builder.policy.readers import Readers
from index_builder.policy.rules import Policies

HASH = "$2b$10$" + "a" * 53
FAST = "$2b$05$" + "a" * 53


@pytest.mark.parametrize("text", ["/srv/www/index", "/srv/My Files/ä", "/srv/www.d/a-b_c+1,2=3:4@5"])
def test_paths(text):
    assert HostPath(text) == text


@pytest.mark.parametrize("odd", [*"\"'`\\$%{}<>|;#*?[]()^&!~\n\r\t\0\u2028\u202e\x1b"])
def test_paths_that_are_syntax(odd):
    """Whatever some host reads as something else than itself is in no path."""
    with pytest.raises(ValueError, match="read as something else"):
        HostPath(f"/srv/{odd}/index")


@pytest.mark.parametrize("text", ["srv", "", "/", "//srv", "/srv/../etc", "/srv/", "/./a"])
def test_paths_that_are_none(text):
    with pytest.raises(ValueError, match="no absolute path"):
        HostPath(text)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://a.example.org/", ("a.example.org", "", "")), ("https://a.example.org:8443/x/y.z/", ("a.example.org", "8443", "/x/y.z")),
        ("https://xn--bcher-kva.example/~me/", ("xn--bcher-kva.example", "", "/~me")),
    ],
)  # fmt: skip
def test_addresses(url, parts):
    address = Address.of(url)
    assert (address.host, address.port, address.prefix) == parts
    assert address.root == url


@pytest.mark.parametrize(
    "url",
    [
        "https://[::1]/", "https://a_b.example/", "https://a..example/", "https://-a.example/", "https://a.example/x;y/", "https://a.example/x'y/",
        "https://a.example/a%20b/", "https://a.example/a(b)/", "https://a.example/$x/", "https://a.example/*/", "https://a.example//x/",
        "https://a.example/.hidden/",
    ],
)  # fmt: skip
def test_addresses_that_are_syntax(url):
    """Patterns, escapes and quotes of hosts are in no address."""
    with pytest.raises(ValueError, match=r"the (host|path) in"):
        Address.of(url)


@pytest.mark.parametrize("text", ["127.0.0.1:8080", "127.1.2.3:1", "[::1]:8080", "localhost:65535"])
def test_where_to_listen(text):
    assert str(Listen.of(text, has_tls=False)) == text


@pytest.mark.parametrize("text", ["0.0.0.0:80", "192.0.2.1:80", "[::]:80"])
def test_nowhere_else_without_tls(text):
    """Passwords never cross a network in plain."""
    with pytest.raises(ValueError, match="in plain"):
        Listen.of(text, has_tls=False)
    assert str(Listen.of(text, has_tls=True)) == text


@pytest.mark.parametrize(
    "text", ["8080", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:80;", "example.org:80", "127.0.0.1:80\n", "127.0.0.1:٨"]
)
def test_no_place_to_listen(text):
    with pytest.raises(ValueError, match="ADDRESS:PORT"):
        Listen.of(text, has_tls=True)


def test_a_comment_is_one_line():
    """A title ends no comment, whatever is in it."""
    assert comment('a\n"; } evil\r\0\u2028x') == 'a "; } evil   x'


def test_names_stay_apart():
    """Two audiences never share a variable of the host's."""
    names = ("a-b", "a.b", "a_b", "a_2db", "ab")
    assert len({served(name).variable for name in names}) == len(names)
    assert all(served(name).variable.replace("_", "").isalnum() for name in names)


def served(name, prefix="", root="", host="a.example.org", readers=None) -> Served:
    return Served(
        audience=Word(name), address=Address(host=host, port="", prefix=prefix), root=HostPath(root or f"/srv/{name}"),
        readers=readers or Readers(is_open=True),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (served("a"), served("b"), "have the same `url:`"), (served("a"), served("b", "/x", "/srv/a"), "where readers of"),
        (served("a"), served("b", "/x", "/srv/a/b"), "where readers of 'a' would find it"), (served("a"), served("b", "/simple"), "among the pages"),
        (served("a", "/x"), served("b", "/x/packages/y"), "among the pages"),
    ],
)  # fmt: skip
def test_audiences_that_cannot_be_kept_apart(one, two, said):
    """One tree in another's folder, or among its pages, is refused whichever comes first."""
    for pair in ((one, two), (two, one)):
        with pytest.raises(UsageError, match=said):
            check_order(Order(title="", served=pair, folder=HostPath("/etc/x")), Policies(people={}, groups={}, rules=()))


def test_audiences_that_can_be_kept_apart():
    """Paths in paths are fine, and the same path on another host is."""
    pair = (
        served("a"),
        served("b", "/simpler"),
        served("c", "/x"),
        served("d", "/x/y"),
        served("e", host="b.example.org"),
        served("f", root="/srv/ab"),
    )
    order = Order(title="", served=pair[:-1], folder=HostPath("/etc/x"))
    check_order(order, Policies(people={}, groups={}, rules=()))
    assert [s.audience for s in order.hosts()["a.example.org"]] == ["b", "d", "c", "a"]


@pytest.mark.parametrize("line", [f"alice:{HASH}", f"alice:{FAST}:made", "", "# alice:plain"])
def test_passwords(line):
    """What is read is written again."""
    found = read_passwords(f"{line}\nbob:{HASH}\n", "passwords")
    assert read_passwords(write_passwords(found), "") == found
    assert write_users(found).count(":") == len(found)
    assert all(hashed.startswith("$2") for hashed in found.values())


@pytest.mark.parametrize(
    "line",
    [
        "alice:secret", "alice", "alice:", "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "alice:$apr1$8f4aSn2v$uZ1v5hQG2fP2Ew6Q8O5bW0", "alice:rqXexS6ZhobKA",
        f"alice:{FAST}", "alice:" + HASH.replace("$10$", "$31$"), f"alice:{HASH}x", f"alice:{HASH}:other", f"Alice:{HASH}", f"al ice:{HASH}", f":{HASH}",
        f'alice";:{HASH}', "alice:$6$saltsalt$" + "a" * 86,
    ],
)  # fmt: skip
def test_passwords_that_are_none(line):
    """Plain passwords, weak hashes and names that no policy can have are refused, by their line, without being repeated."""
    with pytest.raises(UsageError) as raised:
        read_passwords(f"bob:{HASH}\n{line}\n", "passwords")
    assert "passwords, line 2" in raised.value.message
    secret = line.partition(":")[2]
    assert not secret or secret not in raised.value.message + raised.value.fix


def test_a_name_twice():
    with pytest.raises(UsageError, match="line 2: alice is there twice"):
        read_passwords(f"alice:{HASH}\nalice:{HASH}\n", "passwords")


def test_a_made_password_may_be_hashed_fast():
    assert PasswordHash(FAST, is_made=True).is_made
