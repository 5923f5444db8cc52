"""Bad input and bad days: a clear error, nothing lost, and the next run goes on."""

import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pygit2
import pytest
from conftest import commit_all
from distributions import sdist, stored_gzip, wheel
from trees import linked, write_index


def test_a_missing_manifest_folder(repo, cli):
    """Without packages.d/ the command says what is missing and how to start."""
    shutil.rmtree(repo / "packages.d")
    done = cli("build", "--worktree")
    assert done.code == 1
    assert "there is no packages.d/ here" in done.err
    assert "index-builder init" in done.err


def test_a_folder_that_is_no_index(tmp_path, cli):
    """In a folder that is nothing at all, every command says so."""
    for command in (["check", "--worktree"], ["build", "--worktree"], ["add", "--pypi", "six"], ["yank", "x", "1", "--reason", "y"]):
        done = cli(*command, "--repo", tmp_path)
        assert done.code == 1, command
        assert "there is no index.yaml here" in done.err
    assert "not a git repository" in cli("build", "--repo", tmp_path).err


def test_a_project_without_releases(repo, cli):
    """A manifest that lists nothing is a problem with a way out, and `add` is that way."""
    (repo / "packages.d" / "demo.yaml").write_text("schema: 1\nname: demo\nowners: [maintainers]\nhosting: hosted\nreleases: {}  # soon\n")
    done = cli("check", "--worktree")
    assert done.code == 1
    assert "error[no-releases]" in done.err
    assert "index-builder add" in done.err


def test_an_empty_manifest_is_filled_by_add(repo, cli, dist):
    """Adding to a manifest without releases keeps what it says already."""
    path = repo / "packages.d" / "demo.yaml"
    path.write_text("schema: 1\nname: demo\nowners: [maintainers]\nhosting: hosted\nreleases: {}  # soon\n")
    assert cli("add", "--dist", dist(wheel("demo", "1.0"))).code == 0
    assert path.read_text().startswith("schema: 1\nname: demo\nowners: [maintainers]\nhosting: hosted\nreleases:  # soon\n  1.0:\n")
    assert cli("check", "--worktree").code == 0


def test_an_unreachable_upstream(repo, cli, monkeypatch):
    """Where nobody listens, the host is named, tries are counted, and nothing is written."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    monkeypatch.setattr("index_builder.adapters.clock.SystemClock.sleep", lambda *_: None)
    done = cli("add", "--pypi", "six")
    assert done.code == 3
    assert "127.0.0.1:9" in done.err
    assert "tried 5 times" in done.err


def test_a_private_upstream_says_how_to_allow_it(repo, cli, monkeypatch):
    """An index on a private address is refused with the variable that allows it."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://127.0.0.1:9/simple/")
    done = cli("add", "--pypi", "six")
    assert done.code == 3
    assert "INDEX_BUILDER_UNSAFE_NETWORKS=127.0.0.1" in done.err
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "here")
    assert "write networks as" in cli("add", "--pypi", "six").err


def test_bytes_that_are_nowhere(repo, cli, dist):
    """A hosted file whose bytes are gone is named at its line, with the command that brings it back."""
    files = dist(wheel("demo", "1.0"))
    cli("add", "--dist", files)
    shutil.rmtree(repo / ".pool")
    done = cli("build", "--worktree")
    assert done.code == 1
    assert "error[bytes-not-reachable]" in done.err
    assert "  --> packages.d/demo.yaml:9:9\n" in done.err
    assert "index-builder pool push PATH/TO/demo-1.0-py3-none-any.whl" in done.err
    before = (repo / "packages.d" / "demo.yaml").read_text()
    assert cli("pool", "push", files / "demo-1.0-py3-none-any.whl").code == 0
    assert (repo / "packages.d" / "demo.yaml").read_text() == before
    assert cli("build", "--worktree").code == 0


def test_the_inbox_is_looked_into(repo, cli, dist):
    """Bytes that a contributor put into the inbox are taken from there, and checked."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    (repo / ".pool").rename(repo / ".inbox")
    assert cli("build", "--worktree").code == 0
    assert list((repo / "site").rglob("*.whl"))


def pool_file(repo: Path) -> Path:
    return max((path for path in (repo / ".pool" / "sha256").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("damage", [lambda content: content[:100], lambda content: b"x" + content[1:]], ids=["half", "changed"])
def test_a_broken_pool_entry_is_fetched_anew(repo, cli, upstream, damage):
    """A half-written or changed entry of the pool never reaches the site; it is dropped and fetched again."""
    cli("add", "--pypi", "demo==1.0", "--only", "*.whl")
    good = pool_file(repo)
    content = good.read_bytes()
    good.write_bytes(damage(content))
    assert cli("build", "--worktree").code == 0
    assert next((repo / "site").rglob("*.whl")).read_bytes() == content
    assert good.read_bytes() == content


def test_a_broken_pool_entry_without_another_source(repo, cli, dist):
    """If a hosted file's only copy is damaged, the build says so, publishes nothing of it, and keeps the old site."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    cli("build", "--worktree")
    served = next((repo / "site").rglob("*.whl"))
    shutil.rmtree(served.parent)
    good = pool_file(repo)
    good.write_bytes(b"x" + good.read_bytes()[1:])
    done = cli("build", "--worktree", "--full")
    assert done.code == 1
    assert "bytes-not-reachable" in done.err
    assert not list((repo / "site").rglob("*.whl"))


def test_an_unreadable_file(repo, cli, monkeypatch):
    """A manifest that cannot be read is an error that names it."""
    (repo / "packages.d" / "demo.yaml").write_text("x")
    original = os.open

    def refuse(path, *arguments, **options):
        if str(path).endswith("demo.yaml"):
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    done = cli("check", "--worktree")
    assert done.code == 1
    assert "packages.d/demo.yaml cannot be read: Permission denied" in done.err


def test_an_unreadable_wheel(repo, cli, dist, monkeypatch):
    """A wheel that cannot be opened is an error that names it."""
    folder = dist(wheel("demo", "1.0"))
    original = Path.open

    def refuse(path, *arguments, **options):
        if path.suffix == ".whl":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    done = cli("add", "--dist", folder)
    assert done.code == 1
    assert "cannot be read: Permission denied" in done.err


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of half a megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(repo, cli, dist, small_disk):
    """When the disk is full, the error says so, every page of the old site is whole, and a larger disk goes on."""
    cli("add", "--dist", dist(wheel("small", "1.0")))
    assert cli("build", "--worktree", "--output", small_disk).code == 0
    before = {path: path.read_bytes() for path in small_disk.rglob("*") if path.is_file()}
    cli("add", "--dist", dist(wheel("large", "1.0", body="#" * 600_000)))
    done = cli("build", "--worktree", "--output", small_disk)
    assert done.code == 1
    assert "No space left" in done.err
    assert "free some space" in done.err
    after = {path: path.read_bytes() for path in small_disk.rglob("*") if path.is_file()}
    mark = small_disk / "public" / "state" / "build.json"
    assert after == before | {mark: b'{"audience": "public"}\n'}
    assert cli("build", "--worktree").code == 0
    done = cli("add", "--pool", small_disk / "pool", "--dist", dist(wheel("huge", "1.0", body="#" * 600_000)))
    assert done.code == 1
    assert "No space left" in done.err
    assert not (repo / "packages.d" / "huge.yaml").exists()


def test_a_foreign_folder_is_not_cleared(repo, cli, tmp_path):
    """--output at a folder with somebody's files is refused before anything is written."""
    mine = tmp_path / "mine" / "public"
    mine.mkdir(parents=True)
    (mine / "thesis.txt").write_text("important")
    done = cli("build", "--worktree", "--output", tmp_path / "mine")
    assert done.code == 1
    assert "was not written by a build" in done.err
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("line", "replacement", "rule", "fix"),
    [
        (r"requires-python: .*", 'requires-python: ">=3.7"', "requires-python-differs", 'write `requires-python: ">=3.8"`'),
        (r"        requires-python: .*\n", "", "requires-python-differs", 'write `requires-python: ">=3.8"`'),
        (r"metadata: .*", "metadata: " + "0" * 64, "core-metadata-differs", "write `metadata: "),
        (r"        metadata: .*\n", "", "core-metadata-differs", "write `metadata: "),
        (r"uploaded: .*", "uploaded: 2020-01-01T00:00:00Z", "uploaded-differs", "write `uploaded: 20"),
        (r"size: .*", "size: 7", "digest-differs", ""),
        (r"sha256: .*", "sha256: " + "0" * 64, "digest-differs", "find out which"),
    ],
)
def test_check_compares_the_manifest_with_the_bytes(repo, cli, upstream, line, replacement, rule, fix):
    """What a page would show, and does not follow from the bytes, is found, with what to write instead."""
    cli("add", "--pypi", "demo==1.0", "--only", "*.whl")
    path = repo / "packages.d" / "demo.yaml"
    changed = re.sub(line, replacement, path.read_text(), count=1)
    assert changed != path.read_text()
    path.write_text(changed)
    done = cli("check", "--worktree")
    assert done.code == 1, done.err
    assert f"error[{rule}]" in done.err
    assert fix in done.err


def test_a_fix_that_is_followed_helps(repo, cli, upstream):
    """Writing what the fix says makes the problem go away."""
    cli("add", "--pypi", "demo==1.0", "--only", "*.whl")
    path = repo / "packages.d" / "demo.yaml"
    path.write_text(re.sub(r"metadata: .*", "metadata: " + "0" * 64, path.read_text()))
    fix = json.loads(cli("check", "--worktree", "--format", "json").out)["problems"][0]["fix"]
    path.write_text(re.sub(r"metadata: .*", fix.split("`")[1], path.read_text()))
    assert cli("check", "--worktree").code == 0


def test_what_upstream_takes_away(repo, cli, upstream, dist):
    """A file gone upstream breaks a linked project, and not a mirrored one."""
    cli("add", "--pypi", "demo==1.0", "--hosting", "linked")
    cli("add", "--pypi", "helper")
    tree = repo.parent / "upstream"
    assert cli("remove", "--repo", tree, "demo", "1.0", "--reason", "gone").code == 0
    assert cli("remove", "--repo", tree, "helper", "--reason", "gone").code == 0
    assert cli("build", "--repo", tree, "--worktree", "-q").code == 0
    done = cli("check", "--worktree")
    assert done.code == 1
    assert done.err.count("error[bytes-not-reachable]") == 2
    assert "demo.yaml" in done.err
    assert "helper.yaml:" not in done.err


def test_linked_files_are_found_and_not_copied(repo, cli, upstream):
    """A linked project's page leads to the upstream's file, whose core metadata is advertised because it is there."""
    assert cli("add", "--pypi", "demo==1.0", "--hosting", "linked").code == 0
    shutil.rmtree(repo / ".pool")
    upstream.requests.clear()
    assert cli("build", "--worktree", "-q").code == 0
    page = (repo / "site/public/simple/demo/index.html").read_text()
    assert f'href="{upstream.url}/packages/' in page
    assert "data-core-metadata" in page
    assert not list((repo / "site").rglob("demo-1.0*"))
    assert upstream.requests == ["GET /simple/demo/ 200"]


def test_offline_says_what_it_did_not_look_at(repo, cli, upstream):
    """Without the pool, --offline asks nobody and counts the files it could not look into."""
    cli("add", "--pypi", "demo==1.0")
    shutil.rmtree(repo / ".pool")
    upstream.requests.clear()
    done = cli("check", "--worktree", "--offline")
    assert done.code == 0
    assert "not looked into, because of --offline: 2 files" in done.err
    assert not upstream.requests


def test_a_bare_repository_is_built(repo, cli, dist, tmp_path):
    """A bare clone, which has no checkout, gives the same index."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    commit_all(repo)
    pygit2.clone_repository(str(repo), str(tmp_path / "bare.git"), bare=True)
    options = ("--pool", repo / ".pool", "--output", tmp_path / "out")
    assert cli("build", "--repo", tmp_path / "bare.git", *options).code == 0
    assert (tmp_path / "out" / "public" / "simple" / "demo" / "index.html").is_file()


def test_an_older_revision_is_built(repo, cli, dist, tmp_path):
    """--commit builds what was, while the working tree says something else."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    first = commit_all(repo)
    cli("remove", "demo", "--reason", "gone")
    commit_all(repo)
    cli("build", "--commit", first[:10], "--output", tmp_path / "then")
    cli("build", "--output", tmp_path / "now")
    assert (tmp_path / "then" / "public" / "simple" / "demo").exists()
    assert not (tmp_path / "now" / "public" / "simple" / "demo").exists()


class Drip(BaseHTTPRequestHandler):
    """Serves a tree; wheels come slowly, in many pieces, from the offset that is asked for."""

    protocol_version = "HTTP/1.1"
    root: Path
    sent: ClassVar[dict[str, int]] = {}

    def do_GET(self):
        path = self.root / self.path.strip("/")
        path = path / "index.html" if path.is_dir() else path
        content = path.read_bytes()
        start = int(re.findall(r"\d+", self.headers.get("range", "bytes=0-"))[0])
        self.send_response(206 if start else 200)
        self.send_header("content-type", "text/html" if path.suffix == ".html" else "application/octet-stream")
        self.send_header("content-length", str(len(content) - start))
        if start:
            self.send_header("content-range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        step = 20_000 if path.suffix == ".whl" else len(content)
        for at in range(start, len(content), step):
            self.wfile.write(content[at : at + step])
            self.sent[path.name] = self.sent.get(path.name, 0) + len(content[at : at + step])
            if path.suffix == ".whl":
                time.sleep(0.02)

    def log_message(self, *arguments):
        """Print nothing."""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_goes_on(repo, cli, dist, upstream, monkeypatch, how):
    """Ctrl-C and SIGTERM in the middle of a download end it within seconds; the next run fetches only what is missing."""
    folder = repo.parent / "upstream"
    cli("add", "--repo", folder, "--dist", dist(wheel("slow", "1.0", body="#" * 2_000_000), wheel("quick", "1.0")))
    cli("build", "--repo", folder, "--worktree", "-q")
    cli("add", "--pypi", "slow", "quick")
    shutil.rmtree(repo / ".pool")
    Drip.root, Drip.sent = folder / "site" / "public", {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Drip)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {**os.environ, "PIP_INDEX_URL": f"http://127.0.0.1:{server.server_port}/simple/"}
    command = [sys.executable, "-m", "index_builder", "build", "--worktree", "--repo", str(repo)]
    try:
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while Drip.sent.get("slow-1.0-py3-none-any.whl", 0) < 200_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(how)
        started = time.monotonic()
        _, err = process.communicate(timeout=20)
        assert time.monotonic() - started < 5
        assert process.returncode == 130, err
        assert "goes on from what is already verified" in err
        assert not (repo / "site" / "public" / "simple").exists()
        sent = Drip.sent["slow-1.0-py3-none-any.whl"]
        assert 200_000 <= sent < 2_000_000
        assert list((repo / ".pool" / "partial").iterdir())
        subprocess.run(command, env=environment, check=True, capture_output=True)
        assert Drip.sent["slow-1.0-py3-none-any.whl"] < 2_000_000 + sent
        assert Drip.sent["quick-1.0-py3-none-any.whl"] < 2_000
        assert list((repo / "site").rglob("slow-1.0-py3-none-any.whl"))
    finally:
        server.shutdown()
        server.server_close()


def test_three_thousand_linked_projects_build(tmp_path, cli):
    """Size is no surprise: a few thousand projects are one quick build."""
    write_index(tmp_path, {f"p{n}": linked(f"p{n}", ["1.0"]) for n in range(3000)})
    assert cli("build", "--repo", tmp_path, "--worktree", "-q").code == 0
    assert len(list((tmp_path / "site/public/simple").iterdir())) == 3002


def test_add_never_writes_over_a_manifest_that_it_cannot_read(repo, cli, dist):
    """A manifest with a typo is not taken for a missing one."""
    path = repo / "packages.d" / "demo.yaml"
    path.write_text("schema: 1\nname: demo\nownrs: [maintainers]\nhosting: hosted\nreleases: {}\n")
    before = path.read_text()
    done = cli("add", "--dist", dist(wheel("demo", "1.0")))
    assert done.code == 1
    assert "did you mean 'owners'?" in done.err
    assert path.read_text() == before
    done = cli("yank", "demo", "1.0", "--reason", "x")
    assert done.code == 1
    assert "did you mean 'owners'?" in done.err


def test_a_broken_neighbour_does_not_stop_an_edit(repo, cli, dist):
    """Another project's broken manifest is no reason not to yank."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    (repo / "packages.d" / "team").mkdir()
    (repo / "packages.d" / "demo.yaml").rename(repo / "packages.d" / "team" / "demo.yaml")
    (repo / "packages.d" / "other.yaml").write_text("name: [\n")
    assert cli("yank", "demo", "1.0", "--reason", "x").code == 0
    assert "yanked" in (repo / "packages.d" / "team" / "demo.yaml").read_text()


def test_a_bad_file_is_refused_by_every_build(repo, cli, dist):
    """What one build refused, the next one refuses again, though the bytes are in the pool by now."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    name, content = wheel("evil", "1.0")
    bad = content + b"x"
    digest = hashlib.sha256(bad).hexdigest()
    (repo / "packages.d" / "evil.yaml").write_text(
        "schema: 1\nname: evil\nowners: [maintainers]\nhosting: hosted\nreleases:\n  1.0:\n    files:\n"
        f"      - {{name: {name}, sha256: {digest}, size: {len(bad)}, uploaded: 2026-01-01T00:00:00Z, stored: true}}\n"
    )
    entry = repo / ".pool" / "sha256" / digest[:2] / digest[2:4] / digest[4:]
    entry.parent.mkdir(parents=True)
    entry.write_bytes(bad)
    for _ in range(3):
        done = cli("build", "--worktree")
        assert done.code == 1
        assert "archive-two-readings" in done.err
        assert not list((repo / "site").rglob("evil*"))


def test_a_manifest_that_changed_its_mind_is_examined_again(repo, cli, dist):
    """Bytes that agreed with the manifest once are compared anew when the manifest says something else."""
    cli("add", "--dist", dist(wheel("demo", "1.0", requires_python=">=3.8")))
    assert cli("build", "--worktree", "-q").code == 0
    path = repo / "packages.d" / "demo.yaml"
    path.write_text(path.read_text().replace(">=3.8", ">=3.9"))
    assert "requires-python-differs" in cli("build", "--worktree").err


def test_damaged_core_metadata_never_reaches_a_page(repo, cli, dist):
    """A changed entry of core metadata is dropped and derived again, with the site built before or not."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    entry = next(p for p in (repo / ".pool" / "sha256").rglob("*") if p.is_file() and p.read_bytes().startswith(b"Metadata"))
    good = entry.read_bytes()
    for _ in range(2):
        entry.write_bytes(good.replace(b"demo for tests", b"evil for tests"))
        assert cli("build", "--worktree", "-q", "--full").code == 0
        assert b"evil" not in (repo / "site/public/pypi/demo/json").read_bytes()
        assert entry.read_bytes() == good


def test_check_hashes_what_the_pool_holds(repo, cli, dist):
    """One flipped byte in the pool is found, also offline."""
    cli("add", "--dist", dist(sdist("demo", "1.0")))
    good = pool_file(repo)
    content = bytearray(good.read_bytes())
    content[-3000] ^= 1
    good.write_bytes(content)
    done = cli("check", "--worktree", "--offline")
    assert done.code == 1
    assert "error[digest-differs]" in done.err


def test_a_damaged_tombstone_stops_add(repo, cli, dist):
    """A manifest whose tombstone cannot be read is not added to: the name would come back."""
    folder = dist(wheel("demo", "1.0"), wheel("demo", "2.0"))
    cli("add", "--dist", folder)
    cli("remove", "demo", "1.0", "--reason", "leaked")
    path = repo / "packages.d" / "demo.yaml"
    path.write_text(path.read_text().replace("{version: 1.0,", "{version: one,").replace('{version: "1.0",', "{version: one,"))
    before = path.read_text()
    done = cli("add", "--dist", folder)
    assert done.code == 1
    assert "error[version-invalid]" in done.err
    assert path.read_text() == before


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_no_file_is_never_read(repo, cli, tmp_path, kind):
    """A pipe does not hang the command, and a link's target is not shown."""
    (tmp_path / "secret").write_text("root:x:0")
    path = repo / "packages.d" / "x.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "secret")
    done = cli("check", "--worktree")
    assert done.code == 1
    assert "error[tree-mode]" in done.err
    assert "root:x:0" not in done.err


def test_output_obeys_nobody(repo, cli):
    """Control characters of a manifest or request are spelled out in every format."""
    (repo / "packages.d" / "x.yaml").write_text('schema: 1\n"\\e]0;pwned\\a\\n::error file=a::injected": 1\n')
    for output_format in ("text", "github"):
        done = cli("check", "--worktree", "--format", output_format)
        said = done.out + done.err
        assert "\x1b" not in said
        assert "\x07" not in said
        assert not [line for line in said.splitlines() if line.startswith("::error file=a")]


def test_reasons_and_titles_are_one_line(repo, cli, dist, tmp_path):
    """A line break in a reason or title is refused before anything is written."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    before = (repo / "packages.d" / "demo.yaml").read_text()
    for command in (["yank", "demo", "1.0"], ["remove", "demo"], ["status", "demo", "archived"], ["prune", "demo", "--keep", "1"]):
        done = cli(*command, "--reason", "a\nb")
        assert done.code == 2, command
        assert "one line" in done.err
    assert (repo / "packages.d" / "demo.yaml").read_text() == before
    assert cli("init", tmp_path / "y", "--title", "a\nb").code == 2


def test_the_same_thing_twice(repo, cli, upstream):
    """Adding twice in one command lists a file once; yanking or removing twice is said."""
    assert cli("add", "--pypi", "demo==1.0", "demo", "demo<1.1").code == 0
    assert cli("check", "--worktree").code == 0
    cli("yank", "demo", "1.0", "--reason", "x")
    assert "nothing to do" in cli("yank", "demo", "1.0", "--reason", "x").err
    cli("remove", "demo", "1.0", "--reason", "x")
    assert "was removed already" in cli("remove", "demo", "1.0", "--reason", "x").err
    assert "was removed already" in cli("remove", "demo", "demo-1.0.tar.gz", "--reason", "x").err
    done = cli("remove", "demo", "demo-1.1.tar.bz2", "--reason", "x")
    assert "lists no file" in done.err
    assert "demo-1.1.tar.gz" in done.err


def test_contradictions_are_said(repo, cli):
    """Two options that cannot both be meant are refused."""
    commit_all(repo)
    assert "contradict" in cli("check", "--commit", "HEAD", "--worktree").err
    assert "contradict" in cli("serve", "site/public", "--audience", "public").err
    assert "which an index is made of" in cli("build", "--output", "packages.d/site").err


def test_init_adds_to_a_gitignore(tmp_path, cli):
    """What must not be committed is ignored, beside what is ignored already."""
    (tmp_path / ".gitignore").write_text("*.pyc\nsite/\n")
    assert cli("init", tmp_path).code == 0
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\nsite/\n/.pool/\n/.inbox/\n/.development-keys/\n/.publish/\n/published/\n"


def test_a_full_output_is_no_traceback(repo):
    """A result that cannot be written is an error in words."""
    command = f"{sys.executable} -m index_builder check --worktree --format json > /dev/full"
    done = subprocess.run(["bash", "-c", command], cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr


def test_one_build_at_a_time(repo, cli):
    """A second build into the same folder is told that one is at work."""
    from index_builder.wiring.sites import open_site

    with open_site(repo / "site", "public"):
        done = cli("build", "--worktree")
    assert done.code == 1
    assert "another build is writing" in done.err
    assert cli("build", "--worktree").code == 0


@pytest.mark.parametrize("where", ["release", "tombstone"])
def test_a_version_of_thousands_of_digits(repo, cli, where):
    """A number that Python will not print is a problem at its line, not a traceback."""
    digits = "1" * 5000
    body = {
        "release": f'releases:\n  ? "{digits}"\n  : files: []\n',
        "tombstone": f'removed:\n  demo-1.0.tar.gz: {{version: "{digits}", sha256: {"0" * 64}, reason: x, at: 2026-01-01T00:00:00Z}}\n',
    }[where]
    (repo / "packages.d" / "demo.yaml").write_text(f"schema: 1\nname: demo\nowners: [maintainers]\nhosting: hosted\n{body}")
    done = cli("check", "--worktree")
    assert done.code == 1
    assert "error[" in done.err
    assert cli("yank", "demo", digits, "--reason", "x").code == 1


def test_a_url_that_cannot_be_split(repo, cli):
    """A broken URL is wrong usage."""
    assert cli("add", "--url", "https://[x").code == 2


def test_two_files_of_one_name(repo, cli, tmp_path):
    """Two folders with other bytes under one name are not mixed up silently."""
    for number, body in enumerate(("", "other = 1")):
        name, content = wheel("demo", "1.0", body=body)
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / name).write_bytes(content)
    done = cli("add", "--dist", tmp_path / "0", tmp_path / "1")
    assert done.code == 1
    assert "given twice with other bytes" in done.err
    assert not (repo / "packages.d" / "demo.yaml").exists()


def test_a_name_in_core_metadata_that_is_none(repo, cli, dist):
    """A file whose core metadata has no valid project name is a problem, not a traceback."""
    name, content = sdist("demo", "1.0")
    raw = gzip.decompress(content)
    done = cli("add", "--dist", dist((name, stored_gzip(raw.replace(b"Name: demo", b"Name: -em-")))))
    assert done.code == 1
    assert "error[metadata-name]" in done.err


def test_add_does_not_pin_from_a_damaged_pool(repo, cli, upstream):
    """What the pool holds under a digest is hashed before its facts are written down."""
    cli("add", "--pypi", "demo==1.0", "--only", "*.whl")
    (repo / "packages.d" / "demo.yaml").unlink()
    good = pool_file(repo)
    content = good.read_bytes()
    good.write_bytes(b"x" + content[1:])
    done = cli("add", "--pypi", "demo==1.0", "--only", "*.whl")
    assert done.code == 1
    assert "run the command again" in done.err
    assert cli("add", "--pypi", "demo==1.0", "--only", "*.whl").code == 0
    assert good.read_bytes() == content
