"""What the proxy answers, and to whom; asked over real HTTP, of a tree behind a real server."""

import hashlib
import http.client
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from distributions import sdist, wheel
from hostile import Between
from live import serving
from signed import Signed, changed, page_of_newest

import index_builder.cli
from index_builder import wiring
from index_builder.adapters.progress import NoProgress
from index_builder.cli.proxy import _pattern, _serving
from index_builder.client.proxy import Proxy, Upstream
from index_builder.wiring import clients, shipped

JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def index(repo, cli, dist, monkeypatch):
    """A signed index of alpha, with a yanked release and a large wheel, and of deprecated beta."""
    files = dist(
        wheel("alpha", "1.0"), wheel("alpha", "1.1", requires_python=">=3.9"), sdist("alpha", "1.1"), wheel("beta", "1.0"),
        wheel("large", "1.0", body="x = 1\n" * 100_000),
    )  # fmt: skip
    assert cli("add", "--dist", files).code == 0
    assert cli("yank", "alpha", "1.0", "--reason", 'broken <"here">').code == 0
    assert cli("status", "beta", "deprecated", "--reason", "use alpha").code == 0
    made = Signed(repo, monkeypatch, people=("alice",))
    made.publish()
    return made


@contextmanager
def proxied(index, site=None, *, between=lambda app: app, upstream=None):
    """Yield a function that asks the proxy, and the proxy."""
    with serving(site or index.site, between=between) as live, clients.open_client(live.url + "/", NoProgress()) as client:
        cache = index.folder.parent / "cache"
        with clients.open_verified(live.url + "/", index.root.read_bytes(), client, cache) as verified:
            proxy = Proxy(verified, wiring.SystemClock(), shipped.templates(), upstream=upstream)
            with _serving(proxy, 0) as url:
                yield (lambda path, **more: ask(url, path, **more)), proxy


def ask(url, path, *, method="GET", accept="*/*", host=None):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request(method, path, headers={"Accept": accept, **({"Host": host} if host else {})})
    response = connection.getresponse()
    try:
        content = response.read()
    except http.client.IncompleteRead as error:
        content = error.partial
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, content


def test_pages_are_those_that_are_signed_with_files_of_the_proxy(index):
    """JSON is the signed page but for its files' URLs; HTML says the same, rendered here."""
    with proxied(index) as (get, _):
        status, headers, content = get("/simple/alpha/", accept=JSON)
        html = get("/simple/alpha/")[2].decode()
        beta = json.loads(get("/simple/beta/", accept=JSON)[2])
        names = json.loads(get("/simple/", accept=JSON)[2])
        listing = get("/simple/")[2].decode()
    assert (status, headers["content-type"]) == (200, JSON)
    page = json.loads(content)
    signed = json.loads(page_of_newest(index.site, index.committed, "alpha").read_bytes())
    assert [file["url"] for file in page["files"]] == [f"/files/alpha/{file['filename']}" for file in signed["files"]]
    assert [{**file, "url": ""} for file in page["files"]] == [{**file, "url": ""} for file in signed["files"]]
    for file in page["files"]:
        assert f'href="{file["url"]}#sha256={file["hashes"]["sha256"]}"' in html
    assert 'data-yanked="broken &lt;&#34;here&#34;&gt;"' in html
    assert 'data-requires-python="&gt;=3.9"' in html
    assert beta["project-status"] == {"status": "deprecated", "reason": "use alpha"}
    assert [project["name"] for project in names["projects"]] == ["alpha", "beta", "large"]
    assert 'href="/simple/alpha/"' in listing or 'href="alpha/"' in listing


def test_files_and_core_metadata_are_compared(index, monkeypatch):
    """What is as signed, is handed on whole, large files too; HEAD says the size and fetches nothing."""
    monkeypatch.setattr("index_builder.client.proxy._WHOLE", 1000)
    with proxied(index) as (get, proxy):
        page = json.loads(get("/simple/large/", accept=JSON)[2])["files"][0]
        assert get(page["url"], method="HEAD")[1]["content-length"] == str(page["size"])
        status, headers, content = get(page["url"])
        assert (status, len(content)) == (200, page["size"])
        assert headers["content-length"] == str(page["size"]) == str(next(index.site.rglob("large*.whl")).stat().st_size)
        metadata = get("/files/beta/beta-1.0-py3-none-any.whl.metadata")
        assert metadata[2] == next(index.site.rglob("beta*.metadata")).read_bytes()
        assert proxy.refused == []


def test_a_large_file_that_is_another_one_never_arrives_whole(index, tmp_path, monkeypatch):
    """Its first part is handed on while it comes; the connection breaks off before its end."""
    site = shutil.copytree(index.site, tmp_path / "site")
    wheel_path = next(site.rglob("large*.whl"))
    size = wheel_path.stat().st_size
    content = bytearray(wheel_path.read_bytes())
    content[5] ^= 1
    wheel_path.write_bytes(content)
    monkeypatch.setattr("index_builder.client.proxy._WHOLE", 1000)
    with proxied(index, site) as (get, proxy):
        _, headers, arrived = get("/files/large/large-1.0-py3-none-any.whl")
    assert headers["content-length"] == str(size)
    assert len(arrived) < size
    assert any("is not what was signed" in line for line in proxy.refused)


@pytest.mark.parametrize("host", ["evil.example.org", "127.0.0.1", "127.0.0.1:1", ""])
def test_only_its_own_host_is_answered(index, host):
    """A web page that has its name resolve to loopback reads nothing (DNS rebinding)."""
    with proxied(index) as (get, _):
        assert get("/simple/alpha/", host=host or "x")[0] == 421
        assert get("/simple/alpha/")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_reading_is_possible(index, method):
    """GET and HEAD, and nothing else."""
    with proxied(index) as (get, _):
        assert get("/simple/alpha/", method=method)[0] == 405


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/simple/nowhere/", 404), ("/simple/Alpha/", 301), ("/simple/alpha", 301), ("/files/alpha/other-1.0.tar.gz", 404),
        ("/files/nowhere/x-1.0.tar.gz", 404), ("/simple/..%2f..%2fetc/", 404), ("/tuf/timestamp.json", 404), ("/", 404),
        ("/files/beta/alpha-1.0-py3-none-any.whl", 404), ("/files/ALPHA/x", 404), ("/simple/a%00b/", 404),
    ],
)  # fmt: skip
def test_what_is_not_there(index, path, status):
    """404 only where it is signed that there is no such thing, or no such thing can be."""
    with proxied(index) as (get, proxy):
        assert get(path)[0] == status
        assert proxy.refused == []


def test_failures_are_never_404(index, tmp_path):
    """403 where something is wrong, 502 where nobody answers, each with a sentence: no installer goes elsewhere for it."""
    site = shutil.copytree(index.site, tmp_path / "site")
    changed(page_of_newest(site, index.committed, "alpha"), b"alpha-1.1", b"alpha-9.9")
    with proxied(index, site) as (get, proxy):
        status, _, content = get("/simple/alpha/")
        assert (status, b"is not what was signed" in content) == (403, True)
        assert get("/simple/beta/")[0] == 200
        assert len(proxy.refused) == 1
    with proxied(index, between=Between(missing="tuf/targets/simple/alpha")) as (get, _):
        assert get("/simple/alpha/")[0] == 403
    with serving(index.site) as live:
        gone = live.url
    with (
        clients.open_client(gone + "/", NoProgress()) as client,
        clients.open_verified(gone + "/", index.root.read_bytes(), client, tmp_path / "cache") as verified,
        _serving(Proxy(verified, wiring.SystemClock(), shipped.templates()), 0) as url,
    ):
        status, _, content = ask(url, "/simple/alpha/")
    assert status == 502
    assert content


def test_what_is_new_is_seen_after_a_minute(index, cli, dist):
    """Within a minute a page stays as it was seen; then what was signed since is there."""
    assert cli("add", "--dist", dist(wheel("gamma", "1.0")) / "gamma-1.0-py3-none-any.whl").code == 0
    with proxied(index) as (get, proxy):
        assert get("/simple/gamma/")[0] == 404
        index.publish()
        assert get("/simple/gamma/")[0] == 404
        proxy._since -= 61
        assert get("/simple/gamma/")[0] == 200


def test_upstream_is_asked_only_for_what_is_not_ours(index, upstream):
    """A project that the index has not comes from upstream; one that it has, or claims by a pattern, never does."""
    other = Upstream(url=upstream.simple, ours=("helper*",))
    with proxied(index, upstream=other) as (get, _):
        page = json.loads(get("/simple/demo/", accept=JSON)[2])
        assert {file["url"].partition("/packages/")[0] for file in page["files"]} == {upstream.url}
        assert "1.1" in page["versions"]
        assert "#sha256=" in get("/simple/demo/")[2].decode()
        assert get("/simple/helper/")[0] == 404
        before = len(upstream.requests)
        assert get("/simple/alpha/")[0] == 200
        assert len(upstream.requests) == before
        status, _, body = get("/simple/nowhere/")
        assert status == 404
        assert b"nowhere is not in the index: that is signed. Nor has the upstream index such a project" in body
        assert get("/simple/helper/")[2].endswith(b"is not in the index: that is signed\n")


def test_a_failure_of_ours_never_leads_upstream(index, upstream, dist, tmp_path):
    """Dependency confusion: when the page of ours cannot be checked, the project of the same name elsewhere is not taken."""
    site = shutil.copytree(index.site, tmp_path / "site")
    changed(page_of_newest(site, index.committed, "alpha"), b"alpha-1.1", b"alpha-9.9")
    with proxied(index, site, upstream=Upstream(url=upstream.simple)) as (get, _):
        assert get("/simple/alpha/")[0] == 403
    assert not upstream.asked("/simple/alpha/")


@pytest.mark.parametrize(
    "option",
    [
        "--index-url=https://x.example.org/",
        "--extra-index-url",
        "-i",
        "--find-links",
        "--index",
        "-f",
        "-ihttps://x.example.org/",
        "--extra-index",
    ],
)
def test_options_that_lead_past_it_are_refused(cli, index, option):
    """An installer that would ask another index besides is not started."""
    done = cli("proxy", "--index", index.site, "--root", index.root, "--", "pip", "install", option, "x", "alpha")
    assert done.code == 2
    assert "past the proxy" in done.err


def test_mistakes_are_told(cli, index, tmp_path):
    """No index there, a command that is not there, a root that is none, two ways to trust."""
    for arguments, said in [
        (("--index", tmp_path / "nowhere", "--root", index.root), "neither a URL nor a folder"),
        (("--index", index.site, "--root", index.root, "--", "no-such-installer"), "no-such-installer cannot be run"),
        (("--index", index.site, "--root", index.folder / "index.yaml"), "JSON"),
        (("--index", index.site, "--root", index.root, "--unsafe-trust-on-first-use"), "different things"),
        (("--index", "ftp://x.example.org", "--root", index.root), "not the URL of an index"),
        (("--index", index.site, "--root", index.root, "--ours", "x"), "goes with --upstream"),
    ]:
        done = cli("proxy", *arguments, *(() if "--cache" in arguments or "--" in arguments else ("--cache", tmp_path / "cache")))
        assert done.code in (2, 4), done.err
        assert said in done.err


def test_the_first_root_by_fingerprint_or_on_first_use(cli, index, tmp_path, monkeypatch):
    """A fingerprint that came another way pins the root; without one, only a flag that says so does, and the first one stays."""
    with serving(index.site) as live:
        digest = hashlib.sha256((index.site / "tuf" / "1.root.json").read_bytes()).hexdigest()
        trust = ("--cache", tmp_path / "cache", "-q")
        assert cli("verify", live.url, "--root-fingerprint", digest.upper(), *trust).code == 0
        other = cli("verify", live.url, "--root-fingerprint", "0" * 64, *trust)
        assert other.code == 4
        assert digest in other.err
        nothing = cli("verify", live.url, *trust)
        assert nothing.code == 2
        assert "--root-fingerprint" in nothing.err
        assert cli("verify", live.url, "--unsafe-trust-on-first-use", *trust).code == 0
        port = int(live.url.rpartition(":")[2])
    folder = tmp_path / "thief" / "index"
    assert index_builder.cli.run(["init", str(folder)]) == 0
    thief = Signed(folder, monkeypatch, people=("mallory",))
    thief.do("add", "--dist", tmp_path / "dist" / "beta-1.0-py3-none-any.whl")
    thief.publish()
    with serving(thief.site, port=port) as live:
        assert cli("verify", live.url, "--unsafe-trust-on-first-use", *trust).code == 4


def test_a_large_file_may_be_handed_on_by_many_threads(index):
    """Starlette asks for each part of an answer in whatever thread is free, and other requests run in between."""
    with proxied(index) as (get, proxy):
        assert get("/simple/large/")[0] == 200
        file = next(iter(proxy._page("large").files.values()))
        parts, received = proxy._streamed(file, file.size), []

        def read():
            received.append(next(parts, b""))
            proxy._page("large")

        while not received or received[-1]:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(read).result()
    assert hashlib.sha256(b"".join(received)).hexdigest() == file.digest
    assert len(received) > 3
    assert proxy.refused == []


def test_many_large_files_at_once_arrive_whole(index, monkeypatch):
    """While pages are asked for, too."""
    monkeypatch.setattr("index_builder.client.proxy._WHOLE", 1000)
    with proxied(index) as (get, proxy), ThreadPoolExecutor(16) as threads:
        page = json.loads(get("/simple/large/", accept=JSON)[2])["files"][0]
        asked = [threads.submit(get, path) for _ in range(24) for path in (page["url"], "/simple/alpha/", "/simple/nowhere/")]
        found = [future.result() for future in asked]
    assert [len(content) for _, _, content in found[::3]] == [page["size"]] * 24
    assert proxy.refused == []


@pytest.mark.parametrize("pattern", ["helper*", "Helper*", "help?r", "HELPER-*", "helper_*", "helper.*", "*--own"])
def test_patterns_are_of_normalized_names(pattern):
    """However a pattern is written, it keeps the names from upstream that it means (PEP 503)."""
    ours = Upstream(url="https://upstream.example.org/simple/", ours=[_pattern(pattern)])
    assert not all(ours.may_have(name) for name in ("helper", "helper-x", "x-own"))


@pytest.mark.parametrize("pattern", ["", "acme-", "-acme", "acme *", "acme/*", "[ab]*", "acmé-*"])
def test_patterns_that_nothing_is_like_are_refused(cli, index, pattern):
    """Who writes one believes to be protected by it."""
    done = cli(
        "proxy", "--index", index.site, "--root", index.root, "--upstream", "https://upstream.example.org/simple/", "--ours", pattern
    )
    assert done.code == 2
    assert "is like no project's name" in done.err


@pytest.fixture
def command(cli, index, tmp_path, monkeypatch):
    """Run a command behind the proxy, where a file `r.txt` names another index."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.txt").write_text("--extra-index-url https://x.example.org/\nalpha\n")
    return lambda *arguments, more=(): cli(
        "proxy", "--index", index.site, "--root", index.root, "--cache", tmp_path / "c", *more, "--", *arguments
    )


@pytest.mark.parametrize(
    "arguments", [("-r", "r.txt"), ("-Urr.txt",), ("--requirement=r.txt",), ("-c", "r.txt"), ("--config-file", "uv.toml"), ("-r", "-")]
)
def test_files_that_lead_past_it_are_refused(command, arguments):
    """The installer is not started, and what to do is said."""
    done = command(sys.executable, "-c", "raise SystemExit(77)", *arguments)
    assert done.code == 2, done.err
    assert "other indexes" in done.err or "past the proxy" in done.err
    assert "fix" in done.err


def test_a_pipe_and_a_folder_of_requirements(command, tmp_path):
    """What can be read but once is refused; a folder is the installer's to complain about."""
    os.mkfifo(tmp_path / "pipe")
    assert command(sys.executable, "-c", "raise SystemExit(77)", "-r", "pipe").code == 2
    assert command(sys.executable, "-c", "raise SystemExit(77)", "-r", str(tmp_path)).code == 77


def test_the_environment_of_the_command(command, monkeypatch):
    """Other variables of pip and uv than harmless ones are not there, and their names are said, not their values."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_extra_index_url", "https://secret@x.example.org/")
    monkeypatch.setenv("UV_CONFIG_FILE", "x.toml")
    monkeypatch.setenv("PIP_TARGET", "there")
    script = "import os; print(sorted(n for n in os.environ if n.upper().startswith(('PIP_', 'UV_'))))"
    done = command(sys.executable, "-c", script)
    assert done.code == 0, done.err
    assert done.out.strip() == str(["PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_TARGET", "UV_DEFAULT_INDEX", "UV_NO_CONFIG"])
    assert "PIP_extra_index_url, UV_CONFIG_FILE" in done.err
    assert "secret" not in done.err
    assert command(sys.executable, "-c", script, more=("-q",)).err == ""


def test_core_metadata_is_asked_of_the_index_once(index):
    """Resolvers ask for the same again and again; what was compared with its digest does not change."""
    asked = []

    def between(app):
        async def answer(scope, receive, send):
            asked.append(scope["path"])
            await app(scope, receive, send)

        return answer

    with proxied(index, between=between) as (get, _proxy):
        for _ in range(3):
            assert get("/files/alpha/alpha-1.1-py3-none-any.whl.metadata")[0] == 200
    assert len([path for path in asked if path.endswith(".metadata")]) == 1
