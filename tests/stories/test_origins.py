"""Where bytes are said to come from is asked there: that they lie in the pool or the inbox proves nothing."""

import json
import ssl

import pytest
from conftest import commit_all
from distributions import wheel
from servers import Reply, serving

POLICY = """\
  - {id: mirrors, projects: ["weather-*", demo], require: [{for: [create, release], origins: ["index:pypi", "url:http*"]}], merge: [create]}
reserved:
"""
PATH = "packages.d/weather-maps.yaml"
FILE = "weather_maps-1.0-py3-none-any.whl"


@pytest.fixture
def mirroring(story):
    """Mirrors may take from the upstream index or any URL, and merge by themselves; weather-maps is handed in as a hosted project."""
    story.edit("policies.d/acme.yaml", lambda text: text.replace("reserved:\n", POLICY))
    story.merge()
    story.branch("mirrored")
    story.add(wheel("weather-maps", "1.0"), owner="dave")
    return story


def mirrored(story, origin):
    story.edit(PATH, lambda text: text.replace("hosting: hosted", "hosting: mirrored").replace("stored: true", origin))


def judge(story):
    """Judge it as a stranger's, asking whoever is to be asked."""
    commit_all(story.folder)
    done = story.cli("check", "--base", "main", "--actor", "newcomer", "--format", "json", "-q")
    report = json.loads(done.out)
    return done.code, [p["rule"] for p in report["problems"] if p["severity"] != "warning"], report


def test_an_index_that_does_not_list_it(mirroring, upstream):
    """A file that the upstream index does not have is refused, though its bytes are here; offline it is said to be unchecked."""
    mirrored(mirroring, "index: pypi")
    mirroring.edit(PATH, lambda text: text.replace("uploaded: 20", "uploaded: 2020-01-02T03:04:05Z  # 20"))
    code, rules, report = judge(mirroring)
    assert (code, rules) == (1, ["bytes-not-reachable"])
    assert "the index 'pypi' has no project weather-maps" in report["problems"][0]["message"]
    code, report = mirroring.judge("--actor", "newcomer", commit=False)
    assert (code, report["merges_by_itself"]) == (0, False)
    assert report["says"] == "may be merged as it stands: nothing is missing; it merges by itself, once all of it can be looked at"
    assert f"{FILE}: whether index:pypi has it, and since when" in report["unchecked"]


def test_an_index_that_cannot_be_asked(mirroring, upstream, monkeypatch):
    """Silence is no proof, and an upstream that only the change declares has no address that anybody trusts."""
    mirrored(mirroring, "index: pypi")
    monkeypatch.setenv("PIP_INDEX_URL", f"{upstream.url}/nowhere/")
    assert judge(mirroring)[:2] == (1, ["bytes-not-reachable"])
    mirroring.edit(PATH, lambda text: text.replace("index: pypi", "index: more"))
    mirroring.edit("index.yaml", lambda text: text.replace("upstreams: {", f"upstreams: {{more: {upstream.simple}, "))
    code, rules, report = judge(mirroring)
    assert (code, rules) == (1, ["bytes-not-reachable"])
    assert "in a change of its own first" in report["problems"][0]["fix"]


def test_a_url_that_has_other_bytes(mirroring, monkeypatch, trusted):
    """A URL is downloaded though the pool has the bytes already: what it serves is what counts."""
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    _, content = wheel("weather-maps", "1.0")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted)
    with serving(context) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple/")
        replies = [Reply(status=404), Reply(body=content[:-1] + b"!"), Reply(body=content + b"!"), Reply(body=content)]
        mirrored(mirroring, f"url: {server.on(f'/{FILE}', *replies)}")
        assert judge(mirroring)[:2] == (1, ["bytes-not-reachable"])
        assert judge(mirroring)[:2] == (1, ["digest-differs"])
        assert judge(mirroring)[:2] == (1, ["bytes-not-reachable"])
        code, rules, report = judge(mirroring)
        assert (code, rules, report["merges_by_itself"]) == (0, [], True), report


def test_what_the_index_has(mirroring, upstream):
    """What the upstream index lists with this digest merges by itself, without being downloaded once more."""
    assert mirroring.cli("add", "--pypi", "demo==1.1", "--owner", "dave", "-q").code == 0
    (mirroring.folder / PATH).unlink()
    upstream.requests.clear()
    code, rules, report = judge(mirroring)
    assert (code, rules, report["unchecked"], report["merges_by_itself"]) == (0, [], [], True)
    assert [line for line in upstream.requests if line.partition(" ")[2].startswith("/packages/") and ".whl " in line] == []


def test_a_project_of_our_own_takes_a_release_from_an_upstream(mirroring, upstream):
    """The upstream's project of the same name may be anybody's: an administrator says whether it is ours, once."""
    (mirroring.folder / PATH).unlink()
    mirroring.add(wheel("demo", "0.9"), owner="dave")
    commit_all(mirroring.folder)
    mirroring.merge()
    mirroring.branch("99")
    path = "packages.d/demo.yaml"
    mirroring.edit(
        path,
        lambda text: text.replace("hosting: hosted", "hosting: mirrored").replace(
            "stored: true", "url: https://files.example.org/demo-0.9-py3-none-any.whl"
        ),
    )
    mirroring.merge()
    mirroring.branch("more")
    assert mirroring.cli("add", "--pypi", "demo==1.1", "--only", "*.whl", "-q").code == 0
    code, report = mirroring.judge("--actor", "dave")
    (question,) = [p for p in report["problems"] if p["rule"] == "name-upstream"]
    assert (code, question["severity"], question["people"]) == (10, "question", ["carol"])
    assert (
        "demo-1.1-py3-none-any.whl comes from the project demo of the upstream index 'pypi', from which demo has no file"
        in question["message"]
    )
    assert mirroring.judge("--actor", "dave", "--approved-by", "carol", commit=False)[0] == 0
    mirroring.merge()
    mirroring.branch("next")
    assert mirroring.cli("add", "--pypi", "demo==1.0", "--only", "*.whl", "-q").code == 0
    assert mirroring.judge("--actor", "dave")[0] == 0


def test_an_upstream_that_is_new(story):
    """That nobody asked it for every name here is said."""
    story.edit("index.yaml", lambda text: text.replace("upstreams: {", "upstreams: {more: https://more.example.org/simple/, "))
    code, report = story.judge("--actor", "carol")
    assert (code, report["unchecked"]) == (0, ["whether 'more', an upstream that is new, has projects called as ours"])
