"""A built tree over real HTTP, asked as installers, mirrors and mistaken people ask."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from distributions import wheel
from live import serving

from index_builder.render.accept import negotiate

HTML, SIMPLE_HTML, JSON = "text/html", "application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def live(repo, cli, dist):
    cli("add", "--dist", dist(wheel("Some.Name", "1.0")))
    assert cli("build", "--worktree", "-q").code == 0
    with serving(repo / "site" / "public") as server:
        yield server


def ask(live, path, method="GET", **headers):
    parts = urlsplit(live.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", HTML),
        ("*/*", HTML),
        ("text/html", HTML),
        ("text/*", HTML),
        (JSON, JSON),
        (SIMPLE_HTML, SIMPLE_HTML),
        ("application/*", SIMPLE_HTML),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.latest+html", SIMPLE_HTML),
        (f"{JSON}, {SIMPLE_HTML};q=0.2, text/html;q=0.01", JSON),
        (f"{JSON};q=0.1, text/html", HTML),
        ("text/html;q=0, */*", SIMPLE_HTML),
        (f"{JSON};q=0, text/html;q=0", None),
        (f"{JSON};q=2", None),
        ("image/png", None),
        ("application/json", None),
        ("application/vnd.pypi.simple.v2+json", None),
    ],
)
def test_accept_chooses_the_form(accept, kind):
    """PEP 691: the quality values of Accept choose HTML or JSON; what is not offered is not given."""
    assert negotiate(accept) == kind


@pytest.mark.parametrize(("accept", "kind"), [(JSON, JSON), ("text/html", "text/html; charset=utf-8"), (SIMPLE_HTML, SIMPLE_HTML)])
@pytest.mark.parametrize("path", ["/simple/", "/simple/some-name/"])
def test_pages_have_the_type_that_was_negotiated(live, path, accept, kind):
    """Project list and detail come in each form with Vary, and must be asked for again."""
    status, headers, body = ask(live, path, accept=accept)
    assert (status, headers["content-type"]) == (200, kind)
    assert headers["vary"] == "Accept"
    assert headers["cache-control"] == "no-cache"
    assert b"some-name" in body.lower().replace(b"some.name", b"some-name")


def test_what_is_not_offered_is_406(live):
    """An Accept without any form of ours is told what there is."""
    status, _, body = ask(live, "/simple/", accept="application/json")
    assert status == 406
    assert JSON.encode() in body


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/simple", "/simple/"),
        ("/simple/some-name", "/simple/some-name/"),
        ("/simple/Some.Name/", "/simple/some-name/"),
        ("/simple/Some_Name", "/simple/some-name/"),
        ("/pypi/Some.Name/json", "/pypi/some-name/json"),
        ("/pypi/Some.Name/1.0/json", "/pypi/some-name/1.0/json"),
    ],
)
def test_other_spellings_are_redirected(live, path, to):
    """Old pip asks for names that are not normalized, people forget the slash: both are led to the page."""
    status, headers, _ = ask(live, path)
    assert (status, headers["location"]) == (301, to)
    assert ask(live, to)[0] == 200


def test_files_are_whole_partial_and_for_good(live):
    """A file has its length, supports ranges, and may be cached for ever; HEAD gives headers only."""
    page = ask(live, "/simple/some-name/", accept="text/html")[2].decode()
    path = "/" + page.split('href="../../')[1].split("#")[0]
    status, headers, body = ask(live, path)
    assert status == 200
    assert "immutable" in headers["cache-control"]
    assert headers["content-type"] == "application/octet-stream"
    status, headers, part = ask(live, path, Range="bytes=10-19")
    assert (status, part, headers["content-range"]) == (206, body[10:20], f"bytes 10-19/{len(body)}")
    assert ask(live, path, Range="bytes=999999-")[0] == 416
    status, headers, nothing = ask(live, path, method="HEAD")
    assert (status, nothing, int(headers["content-length"])) == (200, b"", len(body))
    assert ask(live, path + ".metadata")[2].startswith(b"Metadata-Version")


def test_unchanged_pages_are_not_sent_again(live):
    """A page asked for with its ETag is a 304."""
    etag = ask(live, "/simple/")[1]["etag"]
    status, _, body = ask(live, "/simple/", If_None_Match=etag)
    assert (status, body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/simple/nosuch/",
        "/packages/x",
        "/state/incoming/1",
        "/state/",
        "/state/projects/../../../index.yaml",
        "/simple/nosuch/index.html",
        "/simple/Some_Name/index.html",
        "/../index.yaml",
        "/%2e%2e/index.yaml",
        "/simple/..%2f..%2findex.yaml/",
        "/pypi/x/json",
        "/project/nosuch/index.html",
        "/search/../../index.yaml",
    ],
)
def test_absence_is_404(live, path):
    """What is not published is 404, also by paths that climb, so that clients know that it is not here."""
    assert ask(live, path)[0] == 404


def test_pages_and_state_by_the_names_of_their_files(live):
    """What a host that only serves files has, is here too: the next build may read its state from either."""
    for path in ("/simple/index.html", "/simple/index.v1_json", "/simple/some-name/index.html", "/simple/some-name/index.v1_json"):
        kind = "application/vnd.pypi.simple.v1+json" if path.endswith("json") else "text/html; charset=utf-8"
        status, headers, body = ask(live, path)
        assert (status, headers["content-type"]) == (200, kind)
        assert body == ask(live, path.rpartition("/")[0] + "/", Accept=kind.partition(";")[0])[2]
    assert json.loads(ask(live, "/state/build.json")[2])["audience"] == "public"


def test_writing_is_not_offered(live):
    """Other methods are 405."""
    assert ask(live, "/simple/", method="POST")[0] == 405
    assert ask(live, "/packages.json", method="DELETE")[0] == 405


def test_lists_have_their_types(live, repo):
    """The legacy JSON is JSON, the package list is JSON lines, whole or split; what is not called as its files are is not served."""
    shards = repo / "site" / "public" / "package-list"
    shards.mkdir()
    for name in ("3f.jsonl", "other.txt"):
        (shards / name).write_bytes(b"{}\n")
    assert ask(live, "/package-list/3f.jsonl")[1]["content-type"] == "application/jsonl"
    assert ask(live, "/package-list/other.txt")[0] == 404
    assert ask(live, "/pypi/some-name/json")[1]["content-type"] == "application/json"
    assert ask(live, "/pypi/some-name/1.0/json")[1]["content-type"] == "application/json"
    assert ask(live, "/packages.json")[1]["content-type"] == "application/jsonl"


def test_a_link_out_of_the_tree_is_not_followed(live, repo):
    """A symbolic link in the tree that leads elsewhere is 404."""
    (repo / "site" / "public" / "packages" / "secret").symlink_to(repo / "index.yaml")
    assert ask(live, "/packages/secret")[0] == 404


def test_the_legacy_json_says_its_serial_in_a_header(live):
    """The project's serial stands in X-PyPI-Last-Serial, as in the project list: bandersnatch takes no legacy JSON without it."""
    serial = json.loads(ask(live, "/simple/", accept=JSON)[2])["projects"][0]["_last-serial"]
    for path in ("/pypi/some-name/json", "/pypi/some-name/1.0/json"):
        _, headers, content = ask(live, path)
        assert headers["x-pypi-last-serial"] == str(json.loads(content)["last_serial"]) == str(serial)
        status, headers, _ = ask(live, path, if_none_match=headers.get("etag", "none"))
        assert (status, headers["x-pypi-last-serial"]) == (304, str(serial))
