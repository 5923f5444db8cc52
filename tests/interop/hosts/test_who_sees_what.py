"""Real hosts with exactly the generated files: each audience, each user, each kind of object."""

import functools
import hashlib
import http.server
import json
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import run_tool
from distributions import wheel
from interop.hosts.machines import KINDS
from interop.hosts.world import APART, HOST, JSON, MAY, OWN, PREFIXES, USERS, ask, names_listed

pytestmark = pytest.mark.timeout(120)
EVERY_HOST = pytest.mark.parametrize("kind", KINDS)
ABSENT = {
    "absent page": "/simple/absent/",
    "absent file": "/packages/aa/bb/cc/absent-1.0.whl",
    "absent elsewhere": "/absent",
    "hidden": "/.git/config",
}


@EVERY_HOST
@pytest.mark.parametrize("audience", OWN)
@pytest.mark.parametrize("user", ["nobody", "wrong password", "stranger", *USERS])
def test_every_object(acme, served, kind, audience, user):
    """Who may read gets each object with its type, and 404 for what is absent; others get 401 or 403 for all of it, there or not."""
    port, prefix = served(kind), PREFIXES[audience]
    name = {"nobody": "", "wrong password": "alice"}.get(user, user)
    secret = "not it" if user in ("wrong password", "stranger") else acme.passwords.get(name, "")
    may = audience == "public" or user in MAY[audience]
    refused = None if may else 403 if user in USERS else 401

    def found(path: str, accept: str = ""):
        return ask(port, prefix + path, name, secret, accept=accept)

    objects = acme.objects(audience)
    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(objects, pool.map(lambda o: found(*o[:2]), objects.values()), strict=True))
        absent = dict(zip(ABSENT, pool.map(found, ABSENT.values()), strict=True))
    assert {what: answer.status for what, (answer, _) in answers.items()} == dict.fromkeys(objects, refused or 200)
    assert {what: answer.status for what, (answer, _) in absent.items()} == dict.fromkeys(ABSENT, refused or 404)
    for what, (answer, content) in answers.items():
        assert answer.getheader("WWW-Authenticate") == (f'Basic realm="{audience}"' if refused == 401 else None), what
        if refused:
            assert OWN[audience].encode() not in content, what
        else:
            assert answer.getheader("Content-Type") == objects[what][2], what
            assert content, what
    if may:
        visible = {"public": {"open-lib"}, "internal": {"open-lib", "acme-core"}, "team": {*OWN.values()}}[audience]
        assert names_listed(answers["JSON list"][1]) == visible


@EVERY_HOST
def test_a_second_host_name(acme, served, kind):
    """Each host name has its own audiences and readers, and none of the other's."""
    port = served(kind)

    def status(user: str, path: str, host: str) -> int:
        return ask(port, path, user, acme.passwords.get(user, ""), host=host)[0].status

    assert [status(user, "/simple/open-lib/", APART) for user in ("", "alice", "carol")] == [401, 403, 200]
    assert [status("carol", path, APART) for path in ("/internal/simple/", "/simple/acme-core/", "/internal")] == [404, 404, 404]
    assert [status("", "/simple/open-lib/", host) for host in (HOST, APART)] == [200, 401]


@EVERY_HOST
@pytest.mark.parametrize("audience", ["public", "internal"])
def test_what_caches_may_keep(acme, served, kind, audience):
    """Files are kept for ever, pages for a minute, the signed pointer not at all; what is not for everybody is for no shared cache."""
    scope = "public" if audience == "public" else "private"
    for what, (path, accept, _) in acme.objects(audience).items():
        answer, _ = ask(served(kind), PREFIXES[audience] + path, "alice", acme.passwords["alice"], accept=accept)
        for_ever = what in ("file", "core metadata", "provenance", "TUF root", "style")
        kept = (
            "no-cache" if what in ("TUF timestamp", "state", "status") else f"{scope}, max-age={'31536000, immutable' if for_ever else 60}"
        )
        assert answer.getheader("Cache-Control") == kept, what
        assert answer.getheader("X-Content-Type-Options") == "nosniff", what
    legacy, content = ask(served(kind), "/pypi/open-lib/json")
    assert int(legacy.getheader("X-PyPI-Last-Serial")) >= json.loads(content)["last_serial"] > 0
    absent, _ = ask(served(kind), "/packages/absent")
    assert "immutable" not in (absent.getheader("Cache-Control") or "")


@EVERY_HOST
@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "text/html"), ("*/*", "text/html"), ("text/html", "text/html"), (JSON, JSON), ("application/vnd.pypi.simple.latest+json", JSON),
        (f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01", JSON), (f"{JSON};q=0.2", JSON), (f"{JSON};q=0", "text/html"),
        (f"{JSON};q=0.1, text/html;q=0.9", "text/html"), (f"{JSON}-but-not", "text/html"),
    ],
)  # fmt: skip
def test_pages_are_negotiated(served, kind, accept, form):
    """JSON for who asks for it, HTML for who likes that more or says nothing; caches are told that Accept decides."""
    for path in ("/simple/", "/simple/open-lib/"):
        answer, content = ask(served(kind), path, accept=accept)
        assert answer.status == 200
        assert answer.getheader("Content-Type").partition(";")[0] == form
        assert answer.getheader("Vary") == "Accept"
        assert content.startswith(b"{" if form == JSON else b"<!DOCTYPE html>")


@EVERY_HOST
@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("/simple", "/simple/"), ("/simple/open-lib", "/simple/open-lib/"), ("/simple/Open.Lib", "/simple/open-lib/"),
        ("/simple/OPEN_._LIB/", "/simple/open-lib/"), ("/simple/oPeN--lib", "/simple/open-lib/"), ("/simple/AAAA.b_c-d.e-_f/", "/simple/aaaa-b-c-d-e-f/"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "/internal"])
def test_names_as_they_were_typed(acme, served, kind, typed, asked, prefix):
    """A name that is not normalized, or lacks its slash, leads to the page within a few hops, on the same host."""
    path = prefix + typed
    for _ in range(5):
        answer, _ = ask(served(kind), path, "alice", acme.passwords["alice"])
        if answer.status != 301:
            break
        path = answer.getheader("Location")
        assert path.startswith("/"), path
        assert not path.startswith("//"), path
    assert path == prefix + asked
    assert answer.status == (200 if "aaaa" not in asked else 404)


@EVERY_HOST
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "MKCOL"])
def test_nothing_can_be_changed(served, kind, method):
    """Only GET and HEAD are answered."""
    for path in ("/simple/", "/internal/simple/", "/packages/x"):
        assert ask(served(kind), path, method=method)[0].status == 405
    answer, content = ask(served(kind), "/simple/open-lib/", method="HEAD")
    assert (answer.status, content) == (200, b"")


@EVERY_HOST
@pytest.mark.parametrize(
    "path",
    [
        "/internal//simple/", "//internal/simple/", "/x/../internal/simple/", "/./internal/simple/", "/internal/team/../simple/", "/internal%2fsimple/",
        "/internal/%2e%2e/internal/simple/", "/INTERNAL/simple/", "/internal/simple/acme-core%2findex.html", "/internal;x/simple/", "/internal/simple/%00",
        "/simple/../internal/simple/acme-core/", "/.internal/a/simple/index.html", "/simple/..%2f..%2finternal/simple/index.html", "/%69nternal/simple/",
        "/packages/../../internal/simple/index.html", "/simple/x%0d%0aSet-Cookie:%20a=b", "/simple/x%0aSet-Cookie:%20a=b/", "/internal/simple/acme-core%0a",
    ],
)  # fmt: skip
def test_crooked_paths(served, kind, path):
    """However a path is written, nobody gets at what they may not read, and no header can be put into an answer."""
    answer, content = ask(served(kind), path)
    assert answer.status in (301, 400, 401, 404), (answer.status, content)
    assert b"acme" not in content.replace(b"/acme-core", b"")
    assert answer.getheader("Set-Cookie") is None
    place = answer.getheader("Location")
    assert place is None or re.fullmatch("(?:/[A-Za-z0-9._-]+)+/", place), place


@pytest.mark.parametrize("kind", ["nginx", "apache"])
@pytest.mark.parametrize("inner", ["link", "folder/passwd"])
def test_links_are_not_followed(acme, served, kind, inner):
    """What somebody linked into a tree leads nowhere (Caddy has no such setting, and its file says so)."""
    folder = acme.root("public") / "packages" / "planted"
    folder.mkdir(exist_ok=True)
    for name, target in (("link", "/etc/passwd"), ("folder", "/etc")):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(target)
    answer, content = ask(served(kind), f"/packages/planted/{inner}")
    assert answer.status in (403, 404)
    assert b"root" not in content


@EVERY_HOST
def test_ranges_and_validators(acme, served, kind):
    """A file can be had in parts (pip and uv read wheels so), and a page that did not change is not sent again."""
    import urllib.request

    file, _, _ = acme.objects("public")["file"]
    request = urllib.request.Request(f"http://127.0.0.1:{served(kind)}{file}", headers={"Range": "bytes=0-1", "Host": HOST})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert (answer.status, answer.read()) == (206, b"PK")
    head, _ = ask(served(kind), file, method="HEAD")  # uv asks so for a wheel without core metadata, and takes 501 for the end
    assert (head.status, head.getheader("Accept-Ranges")) == (200, "bytes")
    first, _ = ask(served(kind), "/simple/open-lib/")
    request = urllib.request.Request(
        f"http://127.0.0.1:{served(kind)}/simple/open-lib/", headers={"If-None-Match": first.getheader("ETag"), "Host": HOST}
    )
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=30)
    assert raised.value.code == 304
    assert raised.value.headers["Vary"] == "Accept"
    raised.value.close()


DECOY = {"open-lib": "9.9", "nowhere": "9.9", "acme-core": "9.9"}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Another index, which has higher versions of all."""
    root = tmp_path_factory.mktemp("elsewhere")
    for name, version in DECOY.items():
        file, content = wheel(name, version)
        (root / "packages").mkdir(exist_ok=True)
        (root / "packages" / file).write_bytes(content)
        page = root / "simple" / name / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f'<a href="../../packages/{file}#sha256={hashlib.sha256(content).hexdigest()}">{file}</a>')
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/simple/"
        server.shutdown()


@pytest.mark.parametrize(
    ("user", "wanted", "by_pip", "by_uv"),
    [("carol", "acme-core", True, False), ("", "acme-core", True, False), ("alice", "nowhere", True, True)], ids=["403", "401", "404"],
)  # fmt: skip
@EVERY_HOST
def test_why_there_is_no_second_index(acme, served, kind, elsewhere, tmp_path, user, wanted, by_pip, by_uv):
    """With one index, both install nothing; with a second one, pip takes it without a word on 401, 403 and 404, uv on 404 alone."""
    who = f"{user}:{acme.passwords[user]}@" if user else ""
    ours = f"http://{who}127.0.0.1:{served(kind, 'internal')}/internal/simple/"
    pip = ("pip", "--isolated", "--no-input", "install", "--no-cache-dir", "--index-url", ours)
    uv = ("uv", "pip", "install", "--no-config", "--no-cache", "--python", sys.executable, "--default-index", ours)
    runs = {
        "pip": (*pip, "--target", tmp_path / "pip", wanted), "uv": (*uv, "--target", tmp_path / "uv", wanted),
        "pip, two": (*pip, "--extra-index-url", elsewhere, "--target", tmp_path / "pip, two", wanted),
        "uv, two": (*uv[:-2], "--index", ours, "--default-index", elsewhere, "--target", tmp_path / "uv, two", wanted),
    }  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        done = dict(zip(runs, pool.map(lambda arguments: run_tool(*arguments), runs.values()), strict=True))
    installed = {name: any((tmp_path / name).glob("*-9.9.dist-info")) for name in runs}
    assert installed == {"pip": False, "uv": False, "pip, two": by_pip, "uv, two": by_uv}, done
    assert (done["pip"].returncode, done["pip, two"].returncode) == (1, 0)
