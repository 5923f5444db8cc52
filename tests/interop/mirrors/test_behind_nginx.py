"""bandersnatch, devpi and proxpi read a private audience behind nginx, with exactly the files that host-config writes."""

import base64
import contextlib
import hashlib
import io
import json
import subprocess
import tempfile
import urllib.error
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import pytest
from distributions import wheel
from interop.clients.mirrored import expected_mirrored
from interop.hosts import machines

import index_builder.cli

pytestmark = [pytest.mark.long, pytest.mark.network, pytest.mark.timeout(600)]
#: The user that devpi begins with.
ADMIN = "root"
SETTINGS = "schema: 1\ntitle: Ours\naudiences: {team: {url: 'https://packages.example.org/', files: packages/}}\n"
POLICY = """\
schema: 2
people: {alice: {github: {login: alice, id: 1001}}, bob: {github: {login: bob, id: 1002}}}
rules: [{id: team, audiences: [team], grant: {alice: [download]}}]
"""
REFUSALS = {"wrong": "401", "missing": "401", "refused": "403"}
SWAPPED = "eta-1.0-py3-none-any.whl"


@dataclass(frozen=True)
class Hosted:
    """An index behind nginx, whose wheel of eta is another than its page says; `url` by credentials, which stand in it."""

    port: int
    passwords: dict[str, str]
    log: Path
    files: dict[str, bytes]

    def url(self, scenario: str = "") -> str:
        granted, refused = (f"{name}:{self.passwords[name]}@" for name in ("alice", "bob"))
        who = {"wrong": "alice:not-it@", "missing": "", "refused": refused}.get(scenario, granted)
        return f"http://{who}127.0.0.1:{self.port}"

    def asked(self, before: int = 0) -> list[str]:
        return self.log.read_text().splitlines()[before:]


@pytest.fixture(scope="module")
def hosted(publish):
    index = publish("https://packages.example.org/")
    index.add(dict([wheel("eta", "1.0")]))
    index.build()
    public = index.folder / "site" / "public"
    next(public.rglob(SWAPPED)).write_bytes(wheel("eta", "1.0", body="evil = True\n")[1])
    with tempfile.TemporaryDirectory(prefix="hosts-") as name:
        folder, port, passwords = Path(name), machines.free_port(), {}
        (folder / "repository" / "policies.d").mkdir(parents=True)
        (folder / "repository" / "index.yaml").write_text(SETTINGS)
        (folder / "repository" / "policies.d" / "all.yaml").write_text(POLICY)
        for person in ("alice", "bob"):
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                assert index_builder.cli.run(["host-config", "password", person, "--passwords", f"{folder / 'passwords'}"]) == 0
            passwords[person] = said.getvalue().strip()
        where = (
            "--repo",
            f"{folder / 'repository'}",
            "--worktree",
            "--output",
            f"{folder / 'files'}",
            "--passwords",
            f"{folder / 'passwords'}",
        )
        assert index_builder.cli.run(["host-config", "nginx", *where, "--root", f"team={public}", "--listen", f"127.0.0.1:{port}"]) == 0
        (folder / "files" / "users").chmod(0o644)
        with machines.running("nginx", folder / "files", folder / "run", port):
            yield Hosted(port, passwords, folder / "run" / "access.log", index.files)


def refused(ask, address: str) -> bool:
    """Say whether a server gives nothing for an address."""
    try:
        ask(address)
    except urllib.error.HTTPError as error:
        error.close()
        return True
    return False


@pytest.fixture(scope="module")
def devpi(hosted, tool, start, env, ask, tmp_path_factory):
    """Mirror indexes of ours in one devpi server: `devpi(scenario)` is the address of one."""
    programs, folder = tool("devpi"), tmp_path_factory.mktemp("devpi") / "server"
    command = (programs / "devpi-init", "--serverdir", folder, "--no-root-pypi", "--root-passwd", "secret")
    subprocess.run(command, env=env, check=True, timeout=120, capture_output=True)
    server = start(programs / "devpi-server", "--serverdir", folder, "--host", "127.0.0.1", "--port", "{port}", "--enable-core-metadata")
    ticket = json.loads(ask(f"{server}/+login", {"user": "root", "password": "secret"}))["result"]["password"]
    word = base64.b64encode(f"root:{ticket}".encode()).decode()

    def made(scenario: str) -> str:
        settings = {"type": "mirror", "mirror_url": f"{hosted.url(scenario)}/simple/", "mirror_provides_core_metadata": True}
        ask(f"{server}/{ADMIN}/{scenario}", settings, "PUT", x_devpi_auth=word)
        return f"{server}/{ADMIN}/{scenario}/+simple/"

    made("granted")
    return lambda scenario: made(scenario) if scenario != "granted" else f"{server}/{ADMIN}/granted/+simple/"


@pytest.fixture(scope="module")
def proxpi(hosted, tool, start, tmp_path_factory):
    """proxpi in front of ours: `proxpi(scenario)` is the address of a server of its own."""
    program, known = tool("proxpi") / "flask", {}

    def made(scenario: str) -> str:
        if scenario not in known:
            settings = {"PROXPI_INDEX_URL": f"{hosted.url(scenario)}/simple/", "PROXPI_CACHE_DIR": str(tmp_path_factory.mktemp("proxpi"))}
            command = (program, "--app", "proxpi.server", "run", "--host", "127.0.0.1", "--port", "{port}")
            known[scenario] = start(*command, **settings, PROXPI_DOWNLOAD_TIMEOUT="60") + "/index/"
        return known[scenario]

    return made


@pytest.fixture(params=["devpi", "proxpi"])
def server(request):
    """The name of a server that asks us when it is asked, and what starts it."""
    return request.param, request.getfixturevalue(request.param)


def test_it_passes_on_what_its_reader_may_have(hosted, server, install):
    """With a right password in its settings, pip and uv install through it; every request of it was answered."""
    name, address = server
    before = len(hosted.asked())
    found = install(address("granted"), "beta").versions
    assert found == {"beta": "2.0", "alpha": "1.0"}
    assert not [line for line in hosted.asked(before) if line.endswith((" 401", " 403"))]
    assert expected_mirrored(name, "install") == "yes"


@pytest.mark.parametrize("scenario", REFUSALS)
def test_it_gives_nothing_that_it_may_not_have(hosted, server, ask, scenario):
    """Without a password, with a wrong one, or of somebody who is not granted the audience, it is refused and serves no page."""
    name, address = server
    before = len(hosted.asked())
    assert refused(ask, f"{address(scenario)}beta/")
    assert {line.rsplit(" ", 1)[1] for line in hosted.asked(before)} - {"301"} == {REFUSALS[scenario]}
    assert expected_mirrored(name, scenario) == "refuses"


def test_a_swapped_file(server, ask, listed):
    """It does not compare a file with the digest of its page, which it passes on with it: whoever installs does."""
    name, address = server
    page = f"{address('granted')}eta/"
    (file,) = listed(page).values()
    content = ask(urljoin(page, file["url"]).partition("#")[0])
    assert hashlib.sha256(content).hexdigest() != file["hashes"]["sha256"]
    assert expected_mirrored(name, "hashes") == "no"


def test_core_metadata_and_upload_times(hosted, server, ask, listed):
    """Whether core metadata comes through it byte for byte, and the upload times by which a cut-off goes."""
    name, address = server
    page = f"{address('granted')}beta/"
    file = listed(page)["beta-2.0-py3-none-any.whl"]
    metadata = ask(urljoin(page, file["url"]).partition("#")[0] + ".metadata")
    ours = json.loads(
        ask(
            f"http://127.0.0.1:{hosted.port}/simple/beta/",
            accept="application/vnd.pypi.simple.v1+json",
            authorization="Basic " + base64.b64encode(f"alice:{hosted.passwords['alice']}".encode()).decode(),
        )
    )["files"]
    digest = next(one["core-metadata"]["sha256"] for one in ours if one["filename"] == file["filename"])
    assert hashlib.sha256(metadata).hexdigest() == digest
    assert expected_mirrored(name, "metadata") == "yes"
    assert expected_mirrored(name, "cut-off") == ("yes" if "upload-time" in file else "no")


@pytest.fixture
def bandersnatch(hosted, tool, env, tmp_path):
    """Let bandersnatch mirror, by scenario and of some projects: what it did, and the files that it has."""

    def run(scenario: str, *projects: str):
        url = hosted.url(scenario)
        settings = tmp_path / "bandersnatch.conf"
        settings.write_text(
            f"[mirror]\ndirectory = {tmp_path / 'mirror'}\nmaster = {url}\napi-method = simple\nallow-non-https = true\n"
            f"download-mirror = {url}\ndownload-mirror-no-fallback = true\njson = true\nstop-on-error = true\n"
            f"[plugins]\nenabled =\n    allowlist_project\n[allowlist]\npackages =\n" + "".join(f"    {name}\n" for name in projects)
        )
        command = [tool("bandersnatch") / "bandersnatch", "--config", settings, "mirror"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
        folder = tmp_path / "mirror" / "web"
        return done, {path.name: path.read_bytes() for path in (folder / "packages").rglob("*") if path.is_file()}, folder

    return run


def test_bandersnatch(hosted, bandersnatch):
    """It makes its mirror of all that its reader may have, with upload times and without core metadata."""
    done, files, folder = bandersnatch("granted", "alpha", "beta", "gamma-ray")
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    assert files == {name: content for name, content in hosted.files.items() if name != SWAPPED}
    page = json.loads((folder / "simple" / "beta" / "index.v1_json").read_text())["files"]
    words = {"install": "yes", "metadata": "yes" if any(file.get("core-metadata") for file in page) else "no"}
    words |= {"cut-off": "yes" if all(file.get("upload-time") for file in page) else "no"}
    assert {column: expected_mirrored("bandersnatch", column) for column in words} == words


@pytest.mark.parametrize("scenario", REFUSALS)
def test_bandersnatch_is_refused(hosted, bandersnatch, scenario):
    """Without a right password it ends with an error, and has nothing."""
    before = len(hosted.asked())
    done, files, _ = bandersnatch(scenario, "alpha")
    assert done.returncode != 0
    assert files == {}
    assert {line.rsplit(" ", 1)[1] for line in hosted.asked(before)} - {"301"} == {REFUSALS[scenario]}
    assert expected_mirrored("bandersnatch", scenario) == "refuses"


def test_bandersnatch_compares_digests(bandersnatch):
    """A file that is another than its digest says is in no mirror."""
    done, files, _ = bandersnatch("granted", "eta")
    assert SWAPPED not in files
    assert "ERROR" in done.stderr, done.stderr
    assert expected_mirrored("bandersnatch", "hashes") == "yes"
