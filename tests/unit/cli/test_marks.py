"""status, owners, prune and stamp: small edits that keep everything else."""

import re

import pytest
from conftest import commit_all
from distributions import wheel

OLD = "2020-01-01T00:00:00Z"


@pytest.fixture
def demo(repo, cli, dist):
    """A project with three nightlies and a final release; the path of its manifest."""
    versions = ["1.0.dev1", "1.0.dev2", "1.0rc1", "1.0", "1.1a1"]
    cli("add", "--dist", dist(*(wheel("demo", version) for version in versions)))
    policy = repo / "policies.d" / "maintainers.yaml"
    policy.write_text(policy.read_text().replace("maintainers: []", "maintainers: []\n  team-web: []"))
    return repo / "packages.d" / "demo.yaml"


def test_status_is_set_changed_and_taken_away(demo, cli):
    """A marker is one line; `active` takes just that line away; the same again changes nothing."""
    before = demo.read_text()
    assert cli("status", "Demo", "deprecated", "--reason", "use: other").code == 0
    assert re.search(r'^status: \{state: deprecated, reason: "use: other", at: 20\S+Z\}$', demo.read_text(), re.MULTILINE)
    once = demo.read_text()
    assert "nothing to do" in cli("status", "demo", "deprecated", "--reason", "use: other").err
    assert demo.read_text() == once
    assert cli("status", "demo", "quarantined").code == 0
    assert "state: quarantined, at:" in demo.read_text()
    assert cli("check", "--worktree", "-q").code == 0
    assert cli("status", "demo", "active").code == 0
    assert demo.read_text() == before
    assert "nothing to do" in cli("status", "demo", "active").err
    assert "is not one of" in cli("status", "demo", "retired").err


def test_owners_come_and_go(demo, cli):
    """Owners are added and removed in place; unknown names, strangers and the last one are refused."""
    before = demo.read_text()
    assert cli("owners", "demo", "add", "team-web").code == 0
    assert "owners: [maintainers, team-web]\n" in demo.read_text()
    assert "nothing to do" in cli("owners", "demo", "add", "team-web").err
    assert cli("owners", "demo", "remove", "team-web").code == 0
    assert demo.read_text() == before
    for arguments, code, said in [
        (["add", "team-wep"], 2, "did you mean 'team-web'?"),
        (["add", "zzz"], 2, "policies.d/ has: maintainers, team-web"),
        (["remove", "team-web"], 1, "its owners are: maintainers"),
        (["remove", "maintainers"], 1, "add another one first"),
        (["become", "team-web"], 2, "is not one of"),
    ]:
        done = cli("owners", "demo", *arguments)
        assert (done.code, said in done.err) == (code, True), done.err
        assert demo.read_text() == before


def test_prune_keeps_the_newest_pre_releases_and_every_final(demo, cli):
    """Of four pre-releases the two newest stay; the others leave tombstones; the final release is not touched."""
    done = cli("prune", "demo", "--keep", "2", "--dry-run")
    assert "-  1.0.dev1:" in done.out
    assert "2 files would be removed" in done.err
    assert cli("prune", "demo", "--keep", "2").code == 0
    text = demo.read_text()
    listed = re.findall(r"^  (\S+):$", text, re.MULTILINE)
    assert [name for name in listed if not name.endswith(".whl")] == ["1.0rc1", "1.0", "1.1a1"]
    assert text.count("reason: an old pre-release") == 2
    assert cli("check", "--worktree", "-q").code == 0
    assert "nothing to do" in cli("prune", "demo", "--keep", "2").err
    assert cli("prune", "demo", "--keep", "0").code == 0
    assert "1.0rc1:" not in demo.read_text()
    assert cli("prune", "demo").code == 2


def test_stamp_sets_the_time_of_what_is_new(demo, repo, cli, dist):
    """Files that the base lists keep their time; new ones get now."""
    demo.write_text(re.sub(r"uploaded: \S+", f"uploaded: {OLD}", demo.read_text()))
    commit_all(repo)
    assert cli("stamp").code == 0
    assert demo.read_text().count(OLD) == 5
    assert cli("add", "--owner", "maintainers", "--dist", dist(wheel("demo", "2.0"), wheel("fresh", "1.0"))).code == 0
    fresh = repo / "packages.d" / "fresh.yaml"
    for path in (demo, fresh):
        path.write_text(re.sub(r"uploaded: 20[2-9][1-9]\S+", "uploaded: 2020-06-06T00:00:00Z", path.read_text()))
    before = demo.read_text()
    done = cli("stamp", "--dry-run")
    assert done.out.count("-        uploaded: 2020-06-06T00:00:00Z") == 2
    assert demo.read_text() == before
    assert cli("stamp").code == 0
    assert demo.read_text().count(OLD) == 5
    assert "2020-06-06" not in demo.read_text() + fresh.read_text()
    assert cli("stamp", "--base", "nosuch").code == 1


def test_stamp_leaves_the_upstream_index_its_times(repo, cli, upstream):
    """A file of an index keeps the time that the index gives, which `check` compares."""
    commit_all(repo)
    assert cli("add", "--pypi", "helper").code == 0
    before = (repo / "packages.d" / "helper.yaml").read_text()
    assert cli("stamp").code == 0
    assert (repo / "packages.d" / "helper.yaml").read_text() == before


def test_owners_are_free_where_nobody_is_declared(repo, cli, dist):
    """Without policies any word may own a project, as the rule owner-unknown says."""
    for path in (repo / "policies.d").glob("*.yaml"):
        path.unlink()
    assert cli("add", "--dist", dist(wheel("free", "1.0")), "--owner", "me").code == 0
    assert cli("owners", "free", "add", "you").code == 0
    assert cli("check", "--worktree").code == 0
