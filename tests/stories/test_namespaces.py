"""A team signs the pages of its own projects: with its key, and with no other; the online key of all others is worth nothing there."""

import json
import shutil
from contextlib import contextmanager

import pytest
from distributions import wheel
from live import serving
from signed import PASSPHRASE, KeyFolder, Signed, bin_of, resign, snapshot

from index_builder.adapters.progress import NoProgress
from index_builder.trust.committed import key_for
from index_builder.trust.keys import read
from index_builder.trust.layout import metadata_path
from index_builder.wiring import clients

TEAM = "ns-web.json"


@pytest.fixture
def index(repo, cli, dist, monkeypatch):
    """A signed index of alpha, acme-core and acme-web, the latter two of team web."""
    assert cli("add", "--dist", dist(wheel("alpha", "1.0"), wheel("acme-core", "1.0"), wheel("acme-web", "1.0"))).code == 0
    made = Signed(repo, monkeypatch)
    made.publish()
    made.do("keys", "delegate", "web", "acme-*")
    made.do("sign", "--worktree", "-q")
    return made


def of_team(site):
    """Return the team's metadata."""
    version = snapshot(site).signed.meta[TEAM].version
    return json.loads((site / metadata_path("ns-web", version)).read_bytes())["signed"]


def verify(index, cli, where=None, code=0):
    done = cli("verify", where or index.site, "-q", "--files", "--root", index.root, "--cache", index.folder.parent / "cache")
    assert done.code == code, done.out + done.err
    return done.out + done.err


@contextmanager
def reading(index):
    """Yield the index as a reader who has not seen it before gets it from its host."""
    with serving(index.site) as live, clients.open_client(live.url + "/", NoProgress()) as client:
        cache = index.folder.parent / "readers"
        with clients.open_verified(live.url + "/", index.root.read_bytes(), client, cache) as verified:
            yield verified


def key_of_team(index):
    """Return what signs with the team's key, as a thief of it does."""
    key = key_for(index.committed, "ns-web")
    return KeyFolder(index.keys, {"INDEX_BUILDER_PASSPHRASE": PASSPHRASE}, lambda *_: "").online(key, "ns-web")


def without_key_of_team(index):
    """Take the team's key from this machine; return its text."""
    delegations = index.committed.targets.signed.delegations
    (keyid,) = delegations.roles["ns-web"].keyids
    path = index.keys / f"{keyid[:16]}.pem"
    text = path.read_text()
    path.unlink()
    return text


def test_a_team_signs_its_own_pages(index, cli, dist, monkeypatch):
    """Its role lists them and nothing else, the bins list none of them, and readers follow; its end is watched as that of bins is."""
    verify(index, cli)
    assert sorted(of_team(index.site)["targets"]) == [
        f"simple/acme-{name}/index.{form}" for name in ("core", "web") for form in ("html", "v1_json")
    ]
    for name, meta in snapshot(index.site).signed.meta.items():
        if name.startswith("bin-"):
            assert "acme-" not in (index.site / metadata_path(name.removesuffix(".json"), meta.version)).read_text()
    assert cli("keys", "status").code == 0
    text, before = without_key_of_team(index), of_team(index.site)["version"]
    assert cli("add", "--dist", dist(wheel("alpha", "1.1")) / "alpha-1.1-py3-none-any.whl").code == 0
    index.publish()
    assert of_team(index.site)["version"] == before
    assert cli("add", "--dist", dist(wheel("acme-web", "1.1")) / "acme_web-1.1-py3-none-any.whl").code == 0
    index.do("build", "--worktree", "-q")
    refused = cli("sign", "--worktree")
    assert refused.code == 4
    assert "ns-web must be signed, and the key of ns-web is not there" in refused.err
    monkeypatch.setenv("INDEX_BUILDER_KEY_NS_WEB", text)
    index.do("sign", "--worktree", "-q")
    assert of_team(index.site)["version"] > before
    verify(index, cli)


def test_the_online_key_of_others_lists_nothing_of_a_team(index, cli):
    """A thief of key A puts a page into the bin that would list it: nobody asks there, whether the team has such a project or not."""
    for name in ("acme-core", "acme-evil"):
        target = f"simple/{name}/index.v1_json"
        path, metadata = bin_of(index.site, index.committed, target)
        page = (
            next(iter(metadata.signed.targets.values()), None)
            or bin_of(index.site, index.committed, "state/build.json")[1].signed.targets["state/build.json"]
        )
        metadata.signed.targets[target] = page
        resign(path, metadata, index.online("bins"))
    with reading(index) as verified:
        assert verified.target("simple/acme-evil/index.v1_json") is None
        team = of_team(index.site)["targets"]["simple/acme-core/index.v1_json"]
        assert verified.target("simple/acme-core/index.v1_json").hashes == team["hashes"]


def test_the_key_of_a_team_lists_nothing_of_others(index, cli):
    """A thief of it lists a page of another project: nobody asks there; what he lists of the team's own counts, until the key is replaced."""
    version = snapshot(index.site).signed.meta[TEAM].version
    path = index.site / metadata_path("ns-web", version)
    metadata = read(path.read_bytes(), "targets", "")
    page = metadata.signed.targets["simple/acme-core/index.v1_json"]
    metadata.signed.targets |= {f"simple/{name}/index.v1_json": page for name in ("alpha", "evil", "acme-evil")}
    good = path.read_bytes()
    resign(path, metadata, key_of_team(index))
    with reading(index) as verified:
        assert verified.target("simple/alpha/index.v1_json").hashes != page.hashes
        assert verified.target("simple/evil/index.v1_json") is None
        assert verified.target("simple/acme-evil/index.v1_json").hashes == page.hashes
    path.write_bytes(good)
    index.do("keys", "delegate", "web", "acme-*")
    index.do("sign", "--worktree", "-q")
    assert "simple/acme-evil/index.v1_json" not in of_team(index.site)["targets"]
    verify(index, cli)


def test_a_namespace_that_goes(index, cli):
    """The bins list its projects again; that there was one, no TUF snapshot forgets, also where the published site is lost."""
    verify(index, cli)
    index.do("keys", "undelegate", "web")
    index.do("sign", "--worktree", "-q")
    assert cli("keys", "status").code == 0
    verify(index, cli)
    assert "simple/acme-core/index.html" in bin_of(index.site, index.committed, "simple/acme-core/index.html")[1].signed.targets
    shutil.rmtree(index.site)
    index.at(minutes=1)
    index.publish()
    assert TEAM in snapshot(index.site).signed.meta
    verify(index, cli)


def test_holders_and_keys_change_and_namespaces_stay(index, cli):
    """A holder's new key, a renewal and more of the team's projects: each signs what there was besides."""
    index.do("keys", "rotate", "alice")
    index.do("keys", "renew", "--all")
    old = index.committed.targets.signed.delegations.roles["ns-web"].keyids
    index.do("keys", "delegate", "web", "acme-*", "web")
    index.do("keys", "delegate", "data", "data-*")
    index.do("sign", "--worktree", "-q")
    roles = index.committed.targets.signed.delegations.roles
    assert list(roles) == ["ns-data", "ns-web", "bins"]
    assert roles["ns-web"].keyids != old
    assert roles["ns-web"].paths == ["simple/acme-*/*", "simple/web/*"]
    verify(index, cli)


@pytest.mark.parametrize(
    ("team", "projects"),
    [
        ("data", ["acme-core"]),
        ("data", ["a*"]),
        ("data", ["acme-web-*"]),
        ("data", ["*"]),
        ("data", ["../x"]),
        ("data", ["Acme"]),
        ("Data", ["data"]),
    ],
)
def test_what_is_no_namespace(index, cli, team, projects):
    """Projects of another one, patterns of other forms, and names that are none."""
    before = index.committed.targets.to_dict()
    assert cli("keys", "delegate", team, *projects).code == 2
    assert index.committed.targets.to_dict() == before
    assert cli("keys", "undelegate", "data").code == 2


def _not_final(role, _roles):
    role["terminating"] = False


def _everything(role, _roles):
    role["paths"] = ["*"]


def _last(_role, roles):
    roles.reverse()


@pytest.mark.parametrize("spoil", [_not_final, _everything, _last])
def test_namespaces_that_no_ceremony_made(index, cli, spoil):
    """What targets.json says of them is looked at before anything is done by it."""
    path = index.root.with_name("targets.json")
    value = json.loads(path.read_bytes())
    roles = value["signed"]["delegations"]["roles"]
    spoil(roles[0], roles)
    path.write_text(json.dumps(value))
    done = cli("keys", "status")
    assert done.code == 4
    assert "is not as a ceremony makes it" in done.err
