"""proxpi in front of our index: it reads our JSON, keeps our files, and serves both from its own address."""

import hashlib
from urllib.parse import urljoin

import pytest
from interop.mirrors.installing import Installs

pytestmark = [pytest.mark.long, pytest.mark.network, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def simple(index, tool, start, tmp_path_factory):
    """proxpi waits for each download, so that it never sends a client on to us."""
    command = (tool("proxpi") / "flask", "--app", "proxpi.server", "run", "--host", "127.0.0.1", "--port", "{port}")
    settings = {"PROXPI_INDEX_URL": f"{index.url}/simple/", "PROXPI_DOWNLOAD_TIMEOUT": "60"}
    return start(*command, PROXPI_CACHE_DIR=str(tmp_path_factory.mktemp("proxpi")), **settings) + "/index/"


class TestInstalls(Installs):
    """pip and uv install through it."""


def test_its_page_drops_sizes_and_times(simple, index, listed):
    """Digests, requires-python, yanked and core metadata stand in its JSON page as in ours; sizes and upload times do not."""
    ours = listed(f"{index.url}/simple/alpha/")
    assert len(ours) == 4
    kept = {name: {key: file[key] for key in file if key not in ("size", "upload-time")} for name, file in ours.items()}
    assert listed(simple + "alpha/") == {name: file | {"url": name} for name, file in kept.items()}


def test_its_files_and_core_metadata_are_our_bytes(simple, index, ask, listed):
    """What its links lead to is our file, and beside it our core metadata, by their digests."""
    page = simple + "beta/"
    for name, file in listed(page).items():
        assert ask(urljoin(page, file["url"])) == index.files[name]
    wheel = listed(page)["beta-2.0-py3-none-any.whl"]
    assert hashlib.sha256(ask(urljoin(page, wheel["url"] + ".metadata"))).hexdigest() == wheel["core-metadata"]["sha256"]


def test_it_fetches_each_file_of_ours_once(simple, index, ask):
    """A file that it has is never fetched from us again."""
    address = simple + "gamma-ray/gamma_ray-3.0-py3-none-any.whl"
    assert ask(address) == index.files["gamma_ray-3.0-py3-none-any.whl"]
    before = len(index.requests)
    assert ask(address) == index.files["gamma_ray-3.0-py3-none-any.whl"]
    assert index.requests[before:] == []


def test_it_resolves_by_our_core_metadata(simple, index, resolve):
    """uv resolves through it without downloading one wheel."""
    before = len(index.requests)
    assert resolve(simple, "beta[fast]") == {"alpha": "1.0", "beta": "2.0", "gamma-ray": "3.0"}
    assert not [line for line in index.requests[before:] if ".whl " in line]
