"""Netlify and Cloudflare Pages with the generated files: each kind of object, in both forms, and what is absent."""

import shutil
from contextlib import ExitStack

import pytest
from interop.hosts import static_hosts, world
from interop.hosts.world import JSON, ask

pytestmark = pytest.mark.timeout(180)
#: What neither of the two knows by its name, and `_headers` says.
TOLD = ("page by its file", "legacy JSON", "lines")


@pytest.fixture(scope="module")
def standing(acme, tmp_path_factory):
    """Start a host with the published audience `public` in a form, once; `standing(kind, form)` is its port, and what it said."""
    with ExitStack() as hosts:
        found = {}

        def start(kind: str, form: str) -> tuple[int, str]:
            if (kind, form) not in found:
                folder = tmp_path_factory.mktemp(f"{kind}-{form}")
                shutil.copytree(acme.root("public"), folder / "tree")
                acme.run("host-config", kind, "--worktree", "--audience", "public", "--form", form, "--output", folder / "tree")
                port = hosts.enter_context(static_hosts.serving(kind, folder / "tree", folder / "run"))
                found[kind, form] = port, folder / "run" / "log"
            port, log = found[kind, form]
            return port, log.read_text()

        yield start


@pytest.mark.parametrize("form", ["html", "json"])
@pytest.mark.parametrize("kind", static_hosts.KINDS)
def test_each_object(acme, standing, kind, form):
    """Everybody gets each object; the simple pages have one form whatever is asked for; what is told in `_headers`, holds."""
    port, _ = standing(kind, form)
    for what, (path, accept, expected) in acme.objects("public").items():
        answer, content = ask(port, path, accept=accept)
        assert answer.status == 200, what
        assert content, what
        told = answer.getheader("Content-Type").lower()
        if what in ("list", "JSON list", "page", "JSON page"):
            assert told.partition(";")[0] == (JSON if form == "json" else "text/html"), what
            assert content.startswith(b"{" if form == "json" else b"<!DOCTYPE html>"), what
            assert answer.getheader("Cache-Control") == "public, max-age=60", what
        elif what in TOLD:
            assert told == expected, what
        if what in ("file", "core metadata", "provenance", "style"):
            assert answer.getheader("Cache-Control") == "public, max-age=31536000, immutable", what
        if what in ("TUF timestamp", "state", "status"):
            assert answer.getheader("Cache-Control") == "no-cache", what


@pytest.mark.parametrize("form", ["html", "json"])
@pytest.mark.parametrize("kind", static_hosts.KINDS)
def test_what_is_absent(standing, kind, form):
    """404, and no page: a front page in the place of a project's would tell installers that it is there, and has no files."""
    port, _ = standing(kind, form)
    for path in ("/simple/absent/", "/simple/absent", "/packages/aa/bb/cc/absent-1.0.whl", "/absent", "/project/absent/"):
        answer, content = ask(port, path)
        if answer.status in (301, 302, 307, 308):
            answer, content = ask(port, answer.getheader("Location"))
        assert answer.status == 404, path
        assert world.OWN["public"].encode() not in content, path


@pytest.mark.parametrize("kind", static_hosts.KINDS)
def test_a_folder_without_its_slash(standing, kind):
    """Who leaves the slash out is sent to the page."""
    port, _ = standing(kind, "html")
    answer, _ = ask(port, "/simple/open-lib")
    assert answer.status in (301, 308)
    assert answer.getheader("Location").endswith("/simple/open-lib/")


@pytest.mark.parametrize(("form", "redirects"), [("html", 0), ("json", 2)])
def test_cloudflare_takes_every_rule(acme, standing, form, redirects):
    """Its own reader of both files finds as many rules as there are, and nothing to complain of."""
    _, said = standing("cloudflare", form)
    folder = acme.folder.parent / f"rules-{form}"
    acme.run("host-config", "cloudflare", "--worktree", "--audience", "public", "--form", form, "--output", folder)
    headers = sum(line.startswith("/") for line in (folder / "_headers").read_text().splitlines())
    assert static_hosts.valid_rules(said) == (redirects, headers)
    assert "invalid" not in said.lower()
