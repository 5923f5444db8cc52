"""bandersnatch makes a mirror of our index: a tree of files and pages of its own, brought up to date run by run."""

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributions import wheel
from interop.mirrors.installing import Installs

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]
#: bandersnatch takes files from absolute URLs only, so the index says where it is published; `download-mirror` is where we serve it.
PUBLISHED = "https://packages.example.org/"
CONFIGURATION = """\
[mirror]
directory = {folder}
master = {master}
api-method = simple
allow-non-https = true
download-mirror = {files}
download-mirror-no-fallback = true
json = true
stop-on-error = true
"""


@dataclass(frozen=True)
class Mirror:
    """bandersnatch with a folder for its mirror."""

    program: Path
    root: Path
    url: str
    env: dict[str, str]

    @property
    def web(self) -> Path:
        return self.root / "mirror" / "web"

    def attempt(self, *arguments: str, master: str = "") -> subprocess.CompletedProcess[str]:
        settings = self.root / "bandersnatch.conf"
        settings.write_text(CONFIGURATION.format(folder=self.root / "mirror", master=master or self.url, files=self.url))
        command = [self.program, "--config", settings, *arguments]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120, check=False)

    def run(self, *arguments: str, master: str = "") -> str:
        """Run a command of bandersnatch; return its log, in which it may report no error."""
        done = self.attempt(*arguments, master=master)
        assert done.returncode == 0, done.stderr
        assert "ERROR" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def files(self) -> dict[str, bytes]:
        """Return the bytes of every wheel and sdist of the mirror by name."""
        return {path.name: path.read_bytes() for path in (self.web / "packages").rglob("*") if path.is_file()}

    def page(self, project: str) -> dict[str, dict]:
        page = json.loads((self.web / "simple" / project / "index.v1_json").read_text())
        return {file["filename"]: file for file in page["files"]}


@pytest.fixture(scope="module")
def mirror_of(tool, env, tmp_path_factory):
    def made(index) -> Mirror:
        return Mirror(tool("bandersnatch") / "bandersnatch", tmp_path_factory.mktemp("bandersnatch"), index.url, env)

    return made


@pytest.fixture(scope="module")
def published(publish):
    return publish(PUBLISHED)


@pytest.fixture(scope="module")
def mirror(published, mirror_of):
    """A mirror after its first run."""
    made = mirror_of(published)
    made.run("mirror")
    return made


@pytest.fixture(scope="module")
def simple(mirror, start):
    """The mirror's web tree behind a plain file server."""
    return start(sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", mirror.web, "{port}") + "/simple/"


def test_it_has_every_file(mirror, published):
    """Its tree has each of our files, byte for byte, where ours has it."""
    assert mirror.files() == published.files
    ours = published.folder / "site" / "public"
    names = {path.relative_to(ours) for path in (ours / "packages").rglob("*") if path.suffix in (".whl", ".gz")}
    assert {path.relative_to(mirror.web) for path in (mirror.web / "packages").rglob("*") if path.is_file()} == names


def test_its_pages_keep_what_selects_a_file(mirror, published):
    """Its JSON page has our digests, sizes, times, requires-python and yanked marks, and drops core metadata and the reason."""
    ours = json.loads((published.folder / "site" / "public" / "simple" / "alpha" / "index.v1_json").read_text())["files"]
    expected = {}
    for file in ours:
        kept = {key: file[key] for key in ("filename", "url", "hashes", "size", "upload-time")}
        expected[file["filename"]] = kept | {"requires-python": file.get("requires-python"), "yanked": bool(file["yanked"])}
    assert mirror.page("alpha") == expected
    assert len(expected) == 4


def test_its_list_has_normalized_names(mirror):
    """Its project list, HTML and JSON, has every project of ours under its normalized name."""
    simple = mirror.web / "simple"
    names = [project["name"] for project in json.loads((simple / "index.v1_json").read_text())["projects"]]
    assert names == ["alpha", "beta", "gamma-ray"]
    assert re.findall('href="(.*)/"', (simple / "index.html").read_text()) == names


class TestInstalls(Installs):
    """pip and uv install through it."""


def test_verify_finds_every_file_in_order(mirror, published):
    """`verify` finds each file by our digest and none too many: it has nothing to fetch, so no server need be there."""
    said = mirror.run("verify", "--delete", "--dry-run", master="https://127.0.0.1:1")
    assert f"We have {len(published.files)} files. 0 unowned files" in said
    assert said.count("Finished validating") == 3
    assert "would be fetched" not in said


def test_a_second_run_has_nothing_to_do(mirror, published):
    """A run after which nothing changed asks for our project list, and for nothing else."""
    before = len(published.requests)
    assert "0 packages to sync" in mirror.run("mirror")
    assert published.requests[before:] == ["GET /simple 301", "GET /simple/ 200"]


def test_an_index_that_knows_no_address_is_refused(index, mirror_of):
    """bandersnatch takes no relative URLs of files, so it fetches nothing from an index without `url:`, and says why."""
    mirror = mirror_of(index)
    done = mirror.attempt("mirror")
    assert done.returncode == 1, done.stderr
    assert "Got invalid download URL: ../../packages/" in done.stderr
    assert mirror.files() == {}


@pytest.fixture
def changing(publish, mirror_of):
    """An index of its own and a mirror of it; its files are of another day, since serials count whole seconds."""
    index = publish(PUBLISHED)
    for manifest in (index.folder / "packages.d").glob("*.yaml"):
        manifest.write_text(re.sub("(uploaded|at): .*Z", r"\1: 2026-01-01T00:00:00Z", manifest.read_text()))
    index.build()
    mirror = mirror_of(index)
    mirror.run("mirror")
    return index, mirror


def test_a_run_after_a_new_release_brings_just_that(changing):
    """After a release is added and built, a run asks for that project's page and its one new file."""
    index, mirror = changing
    before, had = len(index.requests), mirror.files()
    name, content = wheel("alpha", "1.0.1")
    index.add({name: content})
    index.build()
    assert "1 packages to sync" in mirror.run("mirror")
    digest = hashlib.sha256(content).hexdigest()
    file = f"packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{name}"
    pages = ["GET /simple 301", "GET /simple/ 200", "GET /pypi/alpha/json 200"]
    assert index.requests[before:] == [*pages, f"GET /{file} 200"]
    assert mirror.files() == had | {name: content}
    assert mirror.page("alpha")[name]["hashes"] == {"sha256": digest}


def test_a_run_after_a_yank_and_a_removal_brings_their_pages(changing):
    """A yank and a removal change the pages of a mirror, and no file is fetched for them."""
    index, mirror = changing
    before = len(index.requests)
    index.run("yank", "alpha", "1.0", "--reason", "late")
    index.run("remove", "beta", "beta-2.0.tar.gz", "--reason", "lost")
    index.build()
    assert "2 packages to sync" in mirror.run("mirror")
    assert not [line for line in index.requests[before:] if "/packages/" in line]
    assert all(mirror.page("alpha")[name]["yanked"] for name in ("alpha-1.0.tar.gz", "alpha-1.0-py3-none-any.whl"))
    assert list(mirror.page("beta")) == ["beta-2.0-py3-none-any.whl"]
