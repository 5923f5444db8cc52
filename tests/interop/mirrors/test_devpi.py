"""devpi with a mirror index of ours: it reads our JSON, keeps our files, and asks again with our ETag."""

import base64
import hashlib
import json
import subprocess
from urllib.parse import urljoin

import pytest
from interop.mirrors.installing import Installs

pytestmark = [pytest.mark.long, pytest.mark.network, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def mirror(index, tool, start, env, ask, tmp_path_factory):
    """Make a mirror index of ours in one devpi server, or change it: `mirror("name", "PUT", …)` is its address."""
    programs, folder = tool("devpi"), tmp_path_factory.mktemp("devpi") / "server"
    command = (programs / "devpi-init", "--serverdir", folder, "--no-root-pypi", "--root-passwd", "secret")
    subprocess.run(command, env=env, check=True, timeout=120, capture_output=True)
    server = (programs / "devpi-server", "--serverdir", folder, "--host", "127.0.0.1", "--port", "{port}", "--enable-core-metadata")
    url = start(*server)
    ticket = json.loads(ask(f"{url}/+login", {"user": "root", "password": "secret"}))["result"]["password"]
    word = base64.b64encode(f"root:{ticket}".encode()).decode()

    def made(name: str, method: str = "PUT", settings=None) -> str:
        ours = {"type": "mirror", "mirror_url": f"{index.url}/simple/", "mirror_provides_core_metadata": True}
        ask(f"{url}/root/{name}", settings or ours, method, x_devpi_auth=word)
        return f"{url}/root/{name}/+simple/"

    return made


@pytest.fixture(scope="module")
def simple(mirror):
    return mirror("ours")


class TestInstalls(Installs):
    """pip and uv install through it."""


def test_its_page_keeps_what_selects_a_file(simple, index, listed):
    """Digests, requires-python and yanked stand in its page as in ours; of core metadata it says only that it is there."""
    ours, theirs = listed(f"{index.url}/simple/alpha/"), listed(simple + "alpha/")
    assert len(ours) == 4
    expected = {}
    for name, file in ours.items():
        kept = {key: file[key] for key in ("filename", "hashes", "requires-python", "yanked") if file.get(key)}
        expected[name] = kept | ({"core-metadata": True} if "core-metadata" in file else {})
    assert {name: {key: file[key] for key in file if key != "url"} for name, file in theirs.items()} == expected


def test_its_files_and_core_metadata_are_our_bytes(simple, index, ask, listed):
    """What its links lead to is our file, and beside it our core metadata, by their digests."""
    page = simple + "beta/"
    wheel, ours = listed(page)["beta-2.0-py3-none-any.whl"], listed(f"{index.url}/simple/beta/")["beta-2.0-py3-none-any.whl"]
    metadata = ask(urljoin(page, wheel["url"] + ".metadata"))
    assert hashlib.sha256(metadata).hexdigest() == ours["core-metadata"]["sha256"]
    for name, file in listed(page).items():
        assert ask(urljoin(page, file["url"])) == index.files[name]


def test_it_asks_again_with_our_etag(mirror, index, listed):
    """A page that has not changed costs a 304, and devpi goes on with what it has."""
    page = mirror("again") + "gamma-ray/"
    first = listed(page)
    mirror("again", "PATCH", ["mirror_cache_expiry=0"])
    before = len(index.requests)
    assert listed(page) == first != {}
    assert index.requests[before:] == ["GET /simple/gamma-ray/ 304"]


def test_it_resolves_by_our_core_metadata(simple, index, resolve):
    """uv resolves through it without downloading one wheel."""
    before = len(index.requests)
    assert resolve(simple, "beta[fast]") == {"alpha": "1.0", "beta": "2.0", "gamma-ray": "3.0"}
    assert not [line for line in index.requests[before:] if ".whl " in line]
