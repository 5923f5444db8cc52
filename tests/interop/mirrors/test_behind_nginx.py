"""bandersnatch, devpi and proxpi read from an index behind nginx, with exactly the file that host-config writes."""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

import pytest
from interop.hosts import machines

import index_builder.cli

pytestmark = [pytest.mark.long, pytest.mark.network, pytest.mark.timeout(600)]
#: The user that devpi begins with.
ADMIN = "root"
SETTINGS = "schema: 1\ntitle: Ours\naudiences: {public: {url: 'https://packages.example.org/', files: packages/}}\n"
POLICY = "schema: 2\nrules: [{id: all, audiences: [public], grant: {anyone: [download]}}]\n"


@pytest.fixture(scope="module")
def hosted(publish):
    """The index of these tests behind nginx; its URL, and the lines of its log."""
    index = publish("https://packages.example.org/")
    with tempfile.TemporaryDirectory(prefix="hosts-") as name:
        folder, port = Path(name), machines.free_port()
        (folder / "repository" / "policies.d").mkdir(parents=True)
        (folder / "repository" / "index.yaml").write_text(SETTINGS)
        (folder / "repository" / "policies.d" / "all.yaml").write_text(POLICY)
        root = f"public={index.folder / 'site' / 'public'}"
        where = ("--repo", f"{folder / 'repository'}", "--worktree", "--output", f"{folder / 'files'}")
        assert index_builder.cli.run(["host-config", "nginx", *where, "--root", root, "--listen", f"127.0.0.1:{port}"]) == 0
        with machines.running("nginx", folder / "files", folder / "run", port):
            yield f"http://127.0.0.1:{port}", folder / "run" / "access.log", index


@pytest.fixture(scope="module")
def devpi(hosted, tool, start, env, ask, tmp_path_factory):
    """A mirror index of ours in a devpi server; its address."""
    programs, folder = tool("devpi"), tmp_path_factory.mktemp("devpi") / "server"
    command = (programs / "devpi-init", "--serverdir", folder, "--no-root-pypi", "--root-passwd", "secret")
    subprocess.run(command, env=env, check=True, timeout=120, capture_output=True)
    server = start(programs / "devpi-server", "--serverdir", folder, "--host", "127.0.0.1", "--port", "{port}")
    ticket = json.loads(ask(f"{server}/+login", {"user": "root", "password": "secret"}))["result"]["password"]
    word = base64.b64encode(f"root:{ticket}".encode()).decode()
    ask(f"{server}/{ADMIN}/ours", {"type": "mirror", "mirror_url": f"{hosted[0]}/simple/"}, "PUT", x_devpi_auth=word)
    return f"{server}/{ADMIN}/ours/+simple/"


def test_devpi(hosted, devpi, install):
    """What devpi mirrors of it, pip and uv install."""
    assert install(devpi, "beta").versions == {"beta": "2.0", "alpha": "1.0"}
    assert "GET /simple/beta/ 200" in hosted[1].read_text()


@pytest.fixture(scope="module")
def proxpi(hosted, tool, start, tmp_path_factory):
    command = (tool("proxpi") / "flask", "--app", "proxpi.server", "run", "--host", "127.0.0.1", "--port", "{port}")
    cache = str(tmp_path_factory.mktemp("proxpi"))
    return start(*command, PROXPI_INDEX_URL=f"{hosted[0]}/simple/", PROXPI_DOWNLOAD_TIMEOUT="60", PROXPI_CACHE_DIR=cache) + "/index/"


def test_proxpi(hosted, proxpi, install):
    """What proxpi passes on from it, pip and uv install."""
    assert install(proxpi, "beta").versions == {"beta": "2.0", "alpha": "1.0"}
    assert "GET /simple/alpha/ 200" in hosted[1].read_text()


def test_bandersnatch(hosted, tool, env, tmp_path):
    """bandersnatch makes its mirror of it."""
    url, _, index = hosted
    settings = tmp_path / "bandersnatch.conf"
    settings.write_text(
        f"[mirror]\ndirectory = {tmp_path / 'mirror'}\nmaster = {url}\napi-method = simple\nallow-non-https = true\n"
        f"download-mirror = {url}\ndownload-mirror-no-fallback = true\njson = true\nstop-on-error = true\n"
    )
    command = [tool("bandersnatch") / "bandersnatch", "--config", settings, "mirror"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    files = {path.name: path.read_bytes() for path in (tmp_path / "mirror" / "web" / "packages").rglob("*") if path.is_file()}
    assert files == index.files
