"""simple-repository-server in front of our index: it reads our JSON, writes its own pages, and sends clients to our files."""

import hashlib
import json
from urllib.parse import urljoin

import pytest
from interop.mirrors.installing import Installs

pytestmark = [pytest.mark.long, pytest.mark.network, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def simple(index, tool, start):
    program = tool("simple-repository-server") / "simple-repository-server"
    return start(program, "--host", "127.0.0.1", "--port", "{port}", f"{index.url}/simple/") + "/simple/"


class TestInstalls(Installs):
    """pip and uv install through it."""


def test_its_list_is_ours(simple, index, ask):
    """Its project list has our names as we write them, with our serials."""
    accept = "application/vnd.pypi.simple.v1+json"
    theirs, ours = (json.loads(ask(url, accept=accept))["projects"] for url in (simple, f"{index.url}/simple/"))
    assert sorted(theirs, key=lambda project: project["name"].lower()) == ours
    assert "Gamma.Ray" in [project["name"] for project in theirs]


def test_its_page_keeps_everything_of_ours(simple, index, listed):
    """Digests, sizes, times, requires-python, yanked and core metadata stand in its JSON page as in ours; only the URLs are its own."""
    theirs, ours = listed(simple + "alpha/"), listed(f"{index.url}/simple/alpha/")
    assert len(ours) == 4
    assert [file | {"url": ""} for file in theirs.values()] == [file | {"url": ""} for file in ours.values()]


def test_its_files_and_core_metadata_are_our_bytes(simple, index, ask, listed):
    """What its links lead to is our file, and beside it our core metadata, by their digests."""
    page = simple + "beta/"
    for name, file in listed(page).items():
        assert ask(urljoin(page, file["url"])) == index.files[name]
    wheel = listed(page)["beta-2.0-py3-none-any.whl"]
    assert hashlib.sha256(ask(urljoin(page, wheel["url"] + ".metadata"))).hexdigest() == wheel["core-metadata"]["sha256"]


def test_it_resolves_by_our_core_metadata(simple, index, resolve):
    """uv resolves through it without downloading one wheel of ours."""
    before = len(index.requests)
    assert resolve(simple, "beta[fast]") == {"alpha": "1.0", "beta": "2.0", "gamma-ray": "3.0"}
    asked = index.requests[before:]
    assert any(".whl.metadata 200" in line for line in asked)
    assert not [line for line in asked if ".whl " in line]
