"""`can` and `who`: who may do what to a project, at any revision, with the rules that say so."""

import json

import pytest
from conftest import commit_all
from trees import linked

POLICY = """schema: 2
people:
  alice: {github: {login: Alice-A, id: 1001}}
  bob: {github: {login: bob, id: 1002}}
  carol: {github: {login: carol, id: 1003}}
groups: {team-web: [alice, bob], admins: [carol]}
rules:
  - id: acme-namespace
    projects: ["acme-*"]
    grant: {owners: [release, yank, edit], team-web: [create]}
    require: [{for: [create, release], approvals: {count: 1, from: team-web}, origins: ["github:acme/*"]}]
    deny: {anyone: [transfer]}
  - id: admins
    projects: ["*"]
    grant: {admins: [administer, remove]}
  - id: readers
    audiences: [public]
    grant: {anyone: [download]}
"""


@pytest.fixture
def index(repo):
    """A committed index with a policy, and `acme-utils` of team-web."""
    for path in (repo / "policies.d").glob("*.yaml"):
        path.unlink()
    (repo / "policies.d" / "acme.yaml").write_text(POLICY)
    (repo / "packages.d" / "acme-utils.yaml").write_text(linked("acme_utils", ["1.0"]).replace("[team]", "[team-web]"))
    commit_all(repo)
    return repo


@pytest.mark.parametrize(
    ("question", "code", "verdict"),
    [
        ("alice yank acme-utils", 0, "allowed"), ("ALICE-A yank Acme.Utils", 0, "allowed"), ("team-web yank acme-utils", 0, "allowed"),
        ("alice release acme-utils", 10, "waiting"), ("carol yank acme-utils", 10, "not granted"), ("anyone create acme-new", 10, "not granted"),
        ("bob create acme-new", 10, "waiting"), ("carol transfer acme-utils", 1, "denied"), ("carol administer acme-utils", 0, "allowed"),
        ("anyone download acme-utils", 0, "allowed"), ("carol administer", 0, "allowed"), ("alice administer", 10, "not granted"), ("alice create other-new", 1, "not granted"),
    ],
)  # fmt: skip
def test_can(index, cli, question, code, verdict):
    """The exit code is the answer: 0 yes, 10 with somebody else's word, 1 no; JSON says the same with reasons."""
    done = cli("can", *question.split(), "--format", "json")
    assert (done.code, json.loads(done.out)["verdict"], done.err) == (code, verdict, "")
    assert cli("can", *question.split()).code == code


def test_can_says_why_and_what_is_missing(index, cli):
    """Rule by rule, with those whose word would do; an approval that is there is not asked for, one's own does not count."""
    said = cli("can", "alice", "release", "acme-utils").out
    assert "not yet: alice may release acme-utils" in said
    assert "granted by the rule acme-namespace, as owners" in said
    assert "missing for the rule acme-namespace: 1 more approval of team-web: bob" in said
    assert "1 more approval" in cli("can", "alice", "release", "acme-utils", "--approved-by", "alice").out
    said = cli("can", "alice", "release", "acme-utils", "--approved-by", "bob").out
    assert "approval" not in said
    assert "files from github:acme/*" in said
    assert "who may: alice, bob" in cli("can", "carol", "yank", "acme-utils").out
    assert "denied by the rule acme-namespace, as anyone" in cli("can", "carol", "transfer", "acme-utils").out


@pytest.mark.parametrize(("wanted", "code"), [("linked, hosted", 0), ("hosted", 1)])
def test_hosting_is_known(index, cli, wanted, code):
    """How a project is hosted stands in its manifest: it is not asked for, and no word of anybody makes it another."""
    path = index / "policies.d" / "acme.yaml"
    path.write_text(path.read_text().replace("require: [", f"require: [{{for: [yank], hosting: [{wanted}]}}, "))
    done = cli("can", "alice", "yank", "acme-utils", "--worktree")
    assert (done.code, "hosting: hosted, not linked" in done.out) == (code, code == 1)
    assert done.out.startswith("yes" if code == 0 else "no: to yank acme-utils takes what no approval of anybody brings")


def test_who(index, cli):
    """Everybody who may, by which rule and as what, and what else the rules want of them."""
    done = cli("who", "release", "acme-utils")
    assert done.code == 0
    assert "alice: by acme-namespace as owners" in done.out
    assert "with 1 more approval of team-web: bob, for the rule acme-namespace" in done.out
    value = json.loads(cli("who", "create", "acme-new", "--format", "json").out)
    assert [who["name"] for who in value["who"]] == ["alice", "bob"]
    assert cli("who", "transfer", "acme-utils").out == "nobody may transfer acme-utils\n"
    assert "anyone: by readers as anyone" in cli("who", "download", "acme-utils").out


def test_a_group_without_people(index, cli):
    """A grant that reaches nobody is named, so that nobody looks for it in vain."""
    path = index / "policies.d" / "acme.yaml"
    path.write_text(path.read_text().replace("admins: [carol]", "admins: []"))
    done = cli("who", "remove", "acme-utils", "--worktree")
    assert "nobody may remove acme-utils" in done.out
    assert "the rule admins grants it to admins" in done.out


def test_at_any_revision(index, cli):
    """What the policy said then is what is answered."""
    path = index / "policies.d" / "acme.yaml"
    path.write_text(path.read_text().replace("team-web: [alice, bob]", "team-web: [alice]"))
    assert cli("can", "bob", "yank", "acme-utils").code == 0
    assert cli("can", "bob", "yank", "acme-utils", "--worktree").code == 10
    commit_all(index)
    assert cli("can", "bob", "yank", "acme-utils").code == 10
    assert cli("can", "bob", "yank", "acme-utils", "--commit", "HEAD~1").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["can", "alcie", "yank", "acme-utils"], "did you mean 'alice'?"), (["can", "zoe", "yank", "acme-utils"], "ask for `anyone`"),
        (["can", "alice", "yank", "acme-utlis"], "did you mean acme-utils?"), (["can", "alice", "create", "acme-utils"], "is there already"),
        (["can", "alice", "yenk", "acme-utils"], "did you mean 'yank'?"), (["who", "yank", "nothing-near"], "create nothing-near"),
        (["who", "yank", "-x"], "there is no option"), (["can", "alice", "yank", "acme-utils", "--approved-by", "zoe"], "nobody and no group"),
    ],
)  # fmt: skip
def test_mistakes(index, cli, arguments, said):
    """A name that is not there gets the near one, with exit code 2."""
    done = cli(*arguments)
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_broken_policy_is_not_answered_from(index, cli):
    """Where the policy cannot be read, its problems are the answer."""
    path = index / "policies.d" / "acme.yaml"
    path.write_text(path.read_text().replace("admins: [carol]", "admins: [carlo]"))
    done = cli("can", "alice", "yank", "acme-utils", "--worktree")
    assert (done.code, "principal-unknown" in done.err) == (1, True)


def test_one_manifest_is_read(index, cli, monkeypatch):
    """A question about one project of many reads its manifest and no other."""
    from index_builder.cli import rights

    for number in range(30):
        (index / "packages.d" / f"p{number}.yaml").write_text(linked(f"p{number}", ["1.0"]).replace("[team]", "[team-web]"))
    read = []
    original = rights.read_manifest
    monkeypatch.setattr(rights, "read_manifest", lambda path, *rest: (read.append(path), original(path, *rest))[1])
    assert cli("who", "yank", "acme-utils", "--worktree").code == 0
    assert read == ["packages.d/acme-utils.yaml"]


def test_the_index_itself_is_asked_about_administering_only(index, cli):
    """Policies, workflows and templates are no project's; everything else needs one."""
    assert cli("who", "administer").out.splitlines() == ["carol: by admins as admins"]
    done = cli("who", "release")
    assert (done.code, "PROJECT is missing" in done.err) == (2, True)


def test_approvals_lend_the_grant(index, cli):
    """Who may do it, and approves it, lets somebody else do it."""
    done = cli("can", "carol", "yank", "acme-utils", "--approved-by", "bob")
    assert (done.code, "by bob's word" in done.out) == (0, True)
    assert cli("can", "anyone", "create", "acme-new", "--approved-by", "alice", "--format", "json").code == 10


def test_owners_are_shown_with_the_people_they_stand_for(index, cli):
    """At any revision, in text and JSON."""
    assert cli("owners", "acme-utils").out == "team-web: alice, bob\n"
    assert json.loads(cli("owners", "Acme.Utils", "--commit", "HEAD", "--format", "json").out)["owners"] == {"team-web": ["alice", "bob"]}
    assert "did you mean acme-utils?" in cli("owners", "acme-utlis").err
    assert "WHO is missing" in cli("owners", "acme-utils", "add").err
