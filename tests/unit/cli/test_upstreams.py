"""What upstream indexes say of a file beyond its digest, and what `add` makes of it."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from distributions import metadata, wheel

JSON = "application/vnd.pypi.simple.v1+json"
NAME, CONTENT = wheel("demo", "1.0", requires_python=">=3.8")
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PROVENANCE = b'{"version": 1, "attestation_bundles": []}'


class Answers(BaseHTTPRequestHandler):
    pages: ClassVar[dict] = {}

    def do_GET(self):
        kind, content = self.pages.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        """Print nothing."""


@pytest.fixture
def answers(monkeypatch):
    """A server whose pages a test writes down; it is the upstream `pypi`, and `pages["url"]` says where."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    Answers.pages = {f"/files/{NAME}": ("application/octet-stream", CONTENT), "/provenance": ("application/json", PROVENANCE)}
    Answers.pages["url"] = f"http://127.0.0.1:{server.server_port}"
    yield Answers.pages
    server.shutdown()
    server.server_close()


def page(**facts) -> tuple[str, bytes]:
    status = facts.pop("status", None)
    file = {"filename": NAME, "url": f"/files/{NAME}", "hashes": {"sha256": DIGEST}, **facts}
    value = {"meta": {"api-version": "1.4"}, "name": "demo", "files": [file]}
    if status:
        value["project-status"] = status
    return JSON, json.dumps(value).encode()


def test_provenance_is_kept_and_served(repo, cli, answers):
    """The PEP 740 object is pinned by digest, served under it, and named by the page with its full URL."""
    text = (repo / "index.yaml").read_text().replace("{files:", "{url: https://index.example.org/, files:")
    (repo / "index.yaml").write_text(text)
    answers["/simple/demo/"] = page(provenance=answers["url"] + "/provenance", size=len(CONTENT))
    assert cli("add", "--pypi", "demo").code == 0
    digest = hashlib.sha256(PROVENANCE).hexdigest()
    assert f"provenance: {digest}" in (repo / "packages.d/demo.yaml").read_text()
    assert cli("check", "--worktree").code == 0
    import shutil

    shutil.rmtree(repo / ".pool")
    assert cli("build", "--worktree", "-q").code == 0
    assert (repo / f"site/public/provenance/{digest}.json").read_bytes() == PROVENANCE
    assert (
        f'data-provenance="https://index.example.org/provenance/{digest}.json"' in (repo / "site/public/simple/demo/index.html").read_text()
    )


def test_provenance_that_changed_is_a_problem(repo, cli, answers):
    """Another object under the same URL is not taken for the one that was pinned."""
    import shutil

    answers["/simple/demo/"] = page(provenance=answers["url"] + "/provenance", size=len(CONTENT))
    cli("add", "--pypi", "demo")
    shutil.rmtree(repo / ".pool")
    answers["/provenance"] = ("application/json", b"{}")
    done = cli("build", "--worktree")
    assert done.code == 1
    assert "error[digest-differs]: the provenance of demo-1.0" in done.err
    del answers["/provenance"]
    answers["/simple/demo/"] = page(size=len(CONTENT))
    assert "delete `provenance:`" in cli("build", "--worktree").err


def test_yanked_and_status_are_taken_over(repo, cli, answers):
    """A file yanked upstream is yanked here when it is pinned, and an archived project is archived."""
    answers["/simple/demo/"] = page(yanked="broken", size=len(CONTENT), status={"status": "archived", "reason": "moved"})
    done = cli("add", "--pypi", "demo")
    assert done.code == 3
    assert "has nothing for demo" in done.err
    assert cli("add", "--pypi", "demo==1.0").code == 0
    text = (repo / "packages.d/demo.yaml").read_text()
    assert "yanked: {reason: broken, at: " in text
    assert "status: {state: archived, reason: moved, at: " in text
    assert cli("check", "--worktree").code == 0


def test_an_html_index_without_sizes(repo, cli, answers):
    """An old HTML index, which gives digests and nothing else, will do: the rest follows from the bytes."""
    link = f'<a href="/files/{NAME}#sha256={DIGEST}">{NAME}</a><a href="/files/x.exe">demo-1.0.exe</a>'
    answers["/simple/demo/"] = ("text/html", f"<html><body>{link}</body></html>".encode())
    assert cli("add", "--pypi", "demo").code == 0
    text = (repo / "packages.d/demo.yaml").read_text()
    assert f"size: {len(CONTENT)}" in text
    assert 'requires-python: ">=3.8"' in text
    assert cli("check", "--worktree").code == 0


def test_no_digest_no_pin(repo, cli, answers):
    """A file without sha256 is not added, and --url is named as the way."""
    answers["/simple/demo/"] = page(hashes={"md5": "0" * 32}, size=1)
    done = cli("add", "--pypi", "demo")
    assert done.code == 3
    assert "nothing to pin" in done.err
    assert "--url" in done.err


def test_bytes_other_than_promised(repo, cli, answers):
    """Bytes that are not those of the index's digest are refused, with both digests, whether a size is given or not."""
    for facts in ({"size": len(CONTENT)}, {}):
        answers["/simple/demo/"] = page(hashes={"sha256": "0" * 64}, **facts)
        done = cli("add", "--pypi", "demo")
        assert done.code in (1, 3)
        assert "0" * 64 in done.err
        assert DIGEST in done.err
        assert not (repo / "packages.d/demo.yaml").exists()


def test_what_is_no_index(repo, cli, answers):
    """A page of another kind says that it is no simple index."""
    answers["/simple/demo/"] = ("application/json", b"{}")
    assert "not a simple index" in cli("add", "--pypi", "demo").err
    answers["/simple/demo/"] = (JSON, b"[]")
    assert "not a project page" in cli("add", "--pypi", "demo").err


def test_a_linked_file_with_provenance_builds_from_nothing(repo, cli, answers):
    """With an empty pool, the PEP 740 object of a linked file is fetched, and its file is not."""
    import shutil

    text = (repo / "index.yaml").read_text().replace("{files:", "{url: https://index.example.org/, files:")
    (repo / "index.yaml").write_text(text)
    answers["/simple/demo/"] = page(provenance=answers["url"] + "/provenance", size=len(CONTENT))
    assert cli("add", "--pypi", "demo", "--hosting", "linked").code == 0
    shutil.rmtree(repo / ".pool")
    del answers[f"/files/{NAME}"]
    assert cli("build", "--worktree", "-q").code == 0
    assert list((repo / "site/public/provenance").iterdir())


def test_metadata_that_the_other_side_does_not_serve(repo, cli, answers):
    """A linked file's core metadata is a claim about the other side, and is compared with it."""
    answers["/simple/demo/"] = page(size=len(CONTENT))
    cli("add", "--pypi", "demo", "--hosting", "linked")
    path = repo / "packages.d" / "demo.yaml"
    digest = hashlib.sha256(metadata("demo", "1.0", requires_python=">=3.8")).hexdigest()
    path.write_text(path.read_text().replace("index: pypi", f"index: pypi\n        metadata: {digest}"))
    done = cli("check", "--worktree")
    assert done.code == 1
    assert "the other side serves none" in done.err
    assert "delete `metadata:`" in done.err


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)//{name}",
        "file:///etc/{name}",
        "https://user@example.org/{name}",
        "https://example.org/{name}#sha256=0",
        "https://example.org/other.whl",
    ],
)
def test_a_link_that_is_none_is_not_listed(repo, cli, answers, url):
    """A file whose URL could lead a reader or an installer elsewhere is as good as not there."""
    answers["/simple/demo/"] = page(size=len(CONTENT))
    assert cli("add", "--pypi", "demo", "--hosting", "linked").code == 0
    answers["/simple/demo/"] = page(size=len(CONTENT), url=url.format(name=NAME))
    done = cli("build", "--worktree")
    assert done.code == 1
    assert "bytes-not-reachable" in done.err
    assert not (repo / "site" / "public" / "simple").exists()


def test_a_note_that_was_changed_is_no_link(repo, cli, answers):
    """The pool's note of where a file is linked to is checked before a page shows it."""
    answers["/simple/demo/"] = page(size=len(CONTENT))
    cli("add", "--pypi", "demo", "--hosting", "linked")
    assert cli("build", "--worktree", "-q").code == 0
    note = next(path for path in (repo / ".pool" / "links").rglob("*") if path.is_file())
    note.write_text(f"javascript:alert(1)//{NAME}")
    done = cli("build", "--worktree", "--full")
    assert done.code == 1
    assert "is no URL of it" in done.err


def test_words_from_elsewhere_become_one_line(repo, cli, answers):
    """Reasons of another index are taken over as a manifest can hold them."""
    answers["/simple/demo/"] = page(
        yanked="a\n\x1b[31mb\u202e" + "c" * 2000, size=len(CONTENT), status={"status": "archived", "reason": "x\ny"}
    )
    assert cli("add", "--pypi", "demo==1.0").code == 0
    assert cli("check", "--worktree").code == 0


def test_nothing_matches_the_pattern(repo, cli, answers):
    """A pattern that no file has shows what files are called; an index page without files says so."""
    answers["/simple/demo/"] = page(size=len(CONTENT))
    done = cli("add", "--pypi", "demo", "--only", "*nomatch*")
    assert done.code == 3
    assert f"files of 1.0 are: {NAME}" in done.err
    answers["/simple/demo/"] = page(filename="demo-1.0.exe")
    assert "no wheel or sdist of demo" in cli("add", "--pypi", "demo").err
