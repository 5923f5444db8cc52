"""Whole stories: a branch of a real repository is judged through the command line, as a pull request would be."""

import json
import re

import pygit2
import pytest
from conftest import commit_all
from distributions import wheel
from story import POLICY


def rules_of(report) -> list[str]:
    return [problem["rule"] for problem in report["problems"] if problem["severity"] != "warning"]


def decisions_of(report) -> dict[str, str]:
    return {f"{d['action']} {d['project'] or '-'}": d["verdict"] for d in report["decisions"]}


def missing_of(report) -> list[str]:
    return [f"{need['what']}: {'/'.join(need['people'])}" for need in report["missing"]]


def test_a_newcomer_adds_a_project(story):
    """Somebody whom no policy names may create what is nobody's; nothing is missing."""
    story.add(wheel("weather-maps", "1.0"), owner="dave")
    code, report = story.judge("--actor", "newcomer")
    assert (code, report["verdict"], decisions_of(report)) == (0, "merges", {"create weather-maps": "allowed"})
    assert report["effect"] == ["weather-maps is new, with 1.0"]
    assert any("whether 'pypi' has a project of that name" in what for what in report["unchecked"])


def test_an_owner_bumps(story):
    """The owner's own word is there; a colleague's is asked for by name, and is enough."""
    story.add(wheel("acme-utils", "1.1"))
    code, report = story.judge("--actor", "alice")
    assert (code, report["verdict"]) == (10, "waits")
    assert decisions_of(report) == {"release acme-utils": "waiting"}
    assert missing_of(report) == ["1 more approval of team-web, for the rule acme-namespace: bob"]
    code, report = story.judge("--actor", "alice", "--approved-by", "bob-b", commit=False)
    assert (code, rules_of(report), report["effect"]) == (0, [], ["acme-utils gains 1.1 (acme_utils-1.1-py3-none-any.whl)"])
    assert story.judge("--actor", "alice", "--approved-by", "alice", commit=False)[0] == 10


def test_a_stranger_bumps(story):
    """Anybody may propose; an owner's approval lends the grant and is the approval that the team asks for."""
    story.add(wheel("acme-utils", "1.1"))
    code, report = story.judge("--actor", "stranger")
    assert (code, decisions_of(report)) == (10, {"release acme-utils": "not granted"})
    assert missing_of(report) == [
        "an approval of somebody who may release acme-utils: alice/bob",
        "1 more approval of team-web, for the rule acme-namespace: alice/bob",
    ]
    code, report = story.judge("--actor", "stranger", "--approved-by", "bob", commit=False)
    assert (code, report["decisions"][0]["lent_by"]) == (0, "bob")


def test_a_stranger_takes_a_name_of_a_team(story):
    """A new project under a reserved prefix wants the team's word, which one approval gives."""
    story.add(wheel("acme-secrets", "1.0"), owner="dave")
    code, report = story.judge("--actor", "stranger")
    assert (code, decisions_of(report)) == (10, {"create acme-secrets": "waiting"})
    assert "a word of team-web, for whom acme-* is reserved, for the rule reserved: alice/bob" in missing_of(report)
    assert story.judge("--actor", "stranger", "--approved-by", "alice", commit=False)[0] == 0


@pytest.mark.parametrize(
    ("name", "rule", "near"),
    [
        ("f1ask-extras", "name-similar", "flask-extras"), ("flaskextras", "name-similar", "flask-extras"),
        ("flask-extra", "name-similar", "flask-extras"), ("requestss", "name-similar", "requests"), ("nurnpy", "name-similar", "numpy"),
        ("numpyy", "name-similar", "numpy"), ("asyncio", "name-stdlib", ""), ("fl0sk", "name-similar", "flask"), ("weather-charts", None, ""),
    ],
)  # fmt: skip
def test_a_look_alike(story, name, rule, near):
    """A name that is easily taken for another wants an administrator's word; a name that is not near wants none."""
    story.add(wheel(name, "1.0"), owner="dave")
    code, report = story.judge("--actor", "newcomer")
    if rule is None:
        assert (code, rules_of(report)) == (0, [])
        return
    assert (code, rules_of(report)) == (10, [rule])
    assert near in report["problems"][0]["message"]
    assert report["problems"][0]["people"] == ["carol"]
    code, report = story.judge("--actor", "newcomer", "--approved-by", "carol", commit=False)
    assert (code, report["problems"][0]["passed_by"]) == (0, "carol")
    assert story.judge("--actor", "newcomer", "--approved-by", "bob", commit=False)[0] == 10


def test_a_homoglyph_is_no_name(story):
    """A Cyrillic letter in a name is refused, whoever approves."""
    story.add(wheel("weather", "1.0"), owner="dave")
    story.edit("packages.d/weather.yaml", lambda text: text.replace("name: weather\n", "name: we\u0430ther\n"))
    code, report = story.judge("--actor", "newcomer", "--approved-by", "carol")
    assert (code, rules_of(report)) == (1, ["invalid-value"])


def test_a_changed_digest(story):
    """A published file keeps its bytes; no approval helps."""
    path = "packages.d/acme-utils.yaml"
    story.edit(path, lambda text: re.sub(r"sha256: [0-9a-f]{64}", f"sha256: {'0' * 64}", text))
    code, report = story.judge("--actor", "carol", "--approved-by", "alice", "--approved-by", "bob")
    assert (code, report["verdict"]) == (1, "refused")
    assert "file-immutable" in rules_of(report)
    assert next(p for p in report["problems"] if p["rule"] == "file-immutable")["fix"].startswith("write `sha256: ")


def test_facts_that_the_bytes_do_not_bear_out(story):
    """What an edit says of a file that is there already is held against its bytes; a yank is not a matter of bytes."""
    path = "packages.d/acme-utils.yaml"
    story.edit(path, lambda text: text.replace("        size:", "        requires-python: '>=3.99'\n        size:"))
    code, report = story.judge("--actor", "alice")
    assert (code, rules_of(report), decisions_of(report)) == (1, ["requires-python-differs"], {"edit acme-utils": "allowed"})


def test_a_policy_grab(story):
    """The old policy judges the new one: who gives himself rights needs an administrator, and has nothing of them meanwhile."""
    story.edit("policies.d/acme.yaml", lambda text: text.replace("admins: [carol]", "admins: [carol, dave]"))
    story.add(wheel("acme-utils", "1.1"))
    code, report = story.judge("--actor", "dave")
    assert (code, decisions_of(report)) == (10, {"release acme-utils": "not granted", "administer -": "not granted"})
    assert "an approval of somebody who may administer the index: carol" in missing_of(report)
    assert story.judge("--actor", "dave", "--approved-by", "dave", commit=False)[0] == 10


def needing(approvals):
    """Return what grants administration, with approvals that it takes."""
    return f"grant: {{admins: [administer, transfer]}}\n    require: [{{for: [administer], approvals: {approvals}}}]"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("admins: [carol]", "admins: []", "policy-lockout"),
        ("grant: {anyone: [create], owners: [release, yank, edit]}", "grant: {anyone: [create]}", None),
        ("grant: {admins: [administer, transfer]}", needing("{count: 5, from: admins}"), "policy-lockout"),
        ("grant: {admins: [administer, transfer]}", needing("{count: 1, from: admins}"), None),
        ("grant: {admins: [administer, transfer]}", needing("{count: 2, from: team-web}"), None),
        ("grant: {admins: [administer, transfer]}", needing("{count: 1, from: team-web}, licenses: [MIT]"), "policy-lockout"),
        ('projects: ["evil-*"]', 'projects: ["evol-*"]', "policy-matches-nothing"),
        ('names: ["acme-*"]', 'names: ["acne-*"]', "policy-matches-nothing"),
        ('    projects: ["evil-*"]\n', "", "policy-matches-nothing"),
        ('projects: ["evil-*"]', "audiences: [public]", "policy-matches-nothing"),
        ('    projects: ["evil-*"]\n    grant: {}\n    deny: {anyone: [create, release]}', "    audiences: [public]\n    grant: {anyone: [download]}", None),
    ],
)  # fmt: skip
def test_a_harmful_policy(story, old, new, rule):
    """Locking the administrators out is refused though one of them proposes it; a rule without projects wants their word."""
    story.edit("policies.d/acme.yaml", lambda text: text.replace(old, new))
    code, report = story.judge("--actor", "carol")
    found = [problem["rule"] for problem in report["problems"]]
    assert (code, found) == ((1 if rule == "policy-lockout" else 0), [rule] if rule else [])


def test_a_policy_that_orphans(story):
    """A project that nobody could go on with is named, with those who can until now."""
    rules = POLICY.replace('  - id: admins\n    projects: ["*"]\n    grant: {admins: [administer, transfer]}\n', "")
    rules = rules.replace("anyone: [create], owners: [release, yank, edit]", "anyone: [create]")
    story.edit("policies.d/acme.yaml", rules)
    code, report = story.judge("--actor", "carol")
    assert code == 1
    orphan = next(p for p in report["problems"] if p["rule"] == "policy-orphan")
    assert "flask-extras" in orphan["message"]
    assert "carol, dave" in orphan["fix"]


def test_a_yank(story):
    """An owner yanks without another's word; a stranger needs one of theirs."""
    assert story.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    code, report = story.judge("--actor", "bob-b")
    assert (code, decisions_of(report)) == (0, {"yank acme-utils": "allowed"})
    assert report["effect"] == ["acme-utils changes 1.0 is yanked: broken"]
    assert story.judge("--actor", "dave", commit=False)[0] == 10


def test_a_removal_and_the_return_of_the_name(story):
    """A file leaves by a tombstone and with an administrator's word; its name never comes back."""
    assert story.cli("remove", "acme-utils", "1.0", "--reason", "leaked a key").code == 0
    code, report = story.judge("--actor", "alice")
    assert (code, decisions_of(report)) == (10, {"remove acme-utils": "waiting"})
    code, report = story.judge("--actor", "alice", "--approved-by", "carol", commit=False)
    assert (code, report["effect"]) == (0, ["acme-utils loses 1.0 (removed: leaked a key)"])
    story.merge()
    story.branch("again")
    story.edit("packages.d/acme-utils.yaml", lambda text: text[: text.index("removed:")])
    story.add(wheel("acme-utils", "1.0", body="other = 1\n"))
    code, report = story.judge("--actor", "alice", "--approved-by", "bob", "--approved-by", "carol")
    assert (code, "tombstone-returns" in rules_of(report)) == (1, True)
    story.branch("gone")
    story.edit("packages.d/acme-utils.yaml", lambda text: text[: text.index("removed:")] + "releases: {}\nremoved: {}\n")
    code, report = story.judge("--actor", "alice", "--approved-by", "carol")
    assert (code, "tombstone-kept" in rules_of(report)) == (1, True)


def test_a_file_that_goes_without_a_tombstone(story):
    """Taking lines out of a manifest, or the manifest away, is refused with the command that does it well."""
    story.add(wheel("acme-utils", "1.1"))
    story.merge()
    story.branch("less")
    story.edit("packages.d/acme-utils.yaml", lambda text: text[: text.index("  1.1:")])
    code, report = story.judge("--actor", "alice", "--approved-by", "bob", "--approved-by", "carol")
    assert (code, rules_of(report)) == (1, ["file-removed"])
    assert "index-builder remove acme-utils 1.1" in report["problems"][0]["fix"]
    story.branch("none")
    (story.folder / "packages.d" / "acme-utils.yaml").unlink()
    code, report = story.judge("--actor", "alice", "--approved-by", "bob", "--approved-by", "carol")
    assert (code, rules_of(report)) == (1, ["manifest-deleted"])


@pytest.mark.parametrize("path", [".github/workflows/publish.yml", "templates/simple/detail.html", "index.yaml", "README.md"])
def test_a_change_of_the_house(story, path):
    """Workflows, templates, configuration and everything else that is no manifest need an administrator."""
    story.edit(path, lambda text: text + "# more\n")
    code, report = story.judge("--actor", "alice")
    assert (code, decisions_of(report)) == (10, {"administer -": "not granted"})
    assert report["decisions"][0]["paths"] == [path]
    assert story.judge("--actor", "carol", commit=False)[0] == 0


@pytest.mark.parametrize(
    ("path", "rule"),
    [("trust/public/1.root.json", "trust-invalid"), ("templates/theme/evil.html", "theme"), ("templates/theme/theme.css", None)],
)
def test_a_change_of_keys_or_templates(story, path, rule):
    """What would only be noticed when the index is signed or built is refused before, whoever administers it."""
    story.edit(path, "body { color: red }\n")
    code, report = story.judge("--actor", "carol")
    assert (code, rules_of(report)) == ((1, [rule]) if rule else (0, []))
    assert story.cli("check", "--offline", "-q").code == code


def test_a_rename_from_one_namespace_into_another(story):
    """Both sides of a rename are judged: the old name never goes, the new one is reserved."""
    old, new = story.folder / "packages.d" / "flask-extras.yaml", story.folder / "packages.d" / "acme-extras.yaml"
    new.write_text(old.read_text().replace("name: flask-extras", "name: acme-extras").replace("flask_extras", "acme_extras"))
    old.unlink()
    code, report = story.judge("--actor", "dave")
    assert code == 1
    assert "manifest-deleted" in rules_of(report)
    assert decisions_of(report) == {"create acme-extras": "waiting", "remove flask-extras": "not granted"}


def test_a_manifest_moves_to_another_folder(story):
    """The same project in another folder is an edit, and changes nothing for readers."""
    (story.folder / "packages.d" / "web").mkdir()
    (story.folder / "packages.d" / "acme-utils.yaml").rename(story.folder / "packages.d" / "web" / "acme-utils.yaml")
    code, report = story.judge("--actor", "alice")
    assert (code, decisions_of(report), report["effect"]) == (0, {"edit acme-utils": "allowed"}, [])


def test_two_manifests_for_one_project(story):
    """A second manifest is refused, and is no new project."""
    text = (story.folder / "packages.d" / "acme-utils.yaml").read_text()
    story.edit("packages.d/mine/acme-utils.yaml", text.replace("[team-web]", "[dave]"))
    code, report = story.judge("--actor", "dave")
    assert (code, rules_of(report)) == (1, ["name-unique"])
    assert decisions_of(report) == {"transfer acme-utils": "not granted", "edit acme-utils": "not granted"}


def test_a_second_manifest_beside_an_edit_of_the_first(story):
    """That the first is edited in the same change hides nothing."""
    text = (story.folder / "packages.d" / "acme-utils.yaml").read_text()
    story.edit("packages.d/acme-utils.yaml", lambda text: text + "# a word\n")
    for folder in ("aa", "zz"):
        story.edit(f"packages.d/{folder}/acme-utils.yaml", text.replace("[team-web]", "[dave]"))
    code, report = story.judge("--actor", "alice")
    assert (code, rules_of(report)) == (1, ["name-unique", "name-unique"])


def test_a_symbolic_link(story):
    """A manifest that is a link is refused by its mode."""
    (story.folder / "packages.d" / "linked.yaml").symlink_to("acme-utils.yaml")
    code, report = story.judge("--actor", "carol")
    assert (code, "tree-mode" in rules_of(report)) == (1, True)


def test_a_denied_name(story):
    """Where a rule denies it, nobody's word helps."""
    story.add(wheel("evil-twin", "1.0"), owner="dave")
    code, report = story.judge("--actor", "carol", "--approved-by", "alice")
    assert (code, decisions_of(report), report["says"]) == (1, {"create evil-twin": "denied"}, "refused: policy denies create evil-twin")


def test_a_large_manifest_with_one_file_added(story):
    """Of 3,000 files, one is new: it alone is looked into, or said not to have been, and the rest are compared."""
    line = "      - {{name: {0}, sha256: {1:064x}, size: 10, uploaded: 2026-01-02T03:04:05Z, url: https://files.example.org/{0}}}\n"
    releases = "".join(f"  0.{n}:\n    files:\n" + line.format(f"acme_many-0.{n}-py3-none-any.whl", n) for n in range(3000))
    story.edit("packages.d/acme-many.yaml", f"schema: 1\nname: acme-many\nowners: [team-web]\nhosting: mirrored\nreleases:\n{releases}")
    story.merge()
    story.branch("bump")
    story.edit("packages.d/acme-many.yaml", lambda text: text + "  1.0:\n    files:\n" + line.format("acme_many-1.0-py3-none-any.whl", 9))
    code, report = story.judge("--actor", "alice", "--approved-by", "bob")
    assert (code, report["effect"]) == (0, ["acme-many gains 1.0 (acme_many-1.0-py3-none-any.whl)"])
    name = "acme_many-1.0-py3-none-any.whl"
    unchecked = [f"{name}: whether url:https://files.example.org/{name} has it", f"{name}: its bytes"]
    assert (report["problems"], report["missing"], report["unchecked"]) == ([], [], unchecked)
    story.edit("packages.d/acme-many.yaml", lambda text: text.replace(f"{1234:064x}", f"{4321:064x}"))
    code, report = story.judge("--actor", "alice", "--approved-by", "bob")
    assert (code, rules_of(report)) == (1, ["file-immutable"])


def test_what_nobody_may_is_refused(story):
    """Where no policy lets anybody do it, no approval helps, and the verdict says so."""
    story.edit(
        "policies.d/acme.yaml",
        lambda text: text.replace('  - id: admins\n    projects: ["*"]\n    grant: {admins: [administer, transfer]}\n', ""),
    )
    story.merge()
    story.branch("lost")
    story.edit("README.md", "more\n")
    story.add(wheel("flaskextras", "1.0"), owner="dave")
    code, report = story.judge("--actor", "carol")
    assert (code, report["missing"]) == (1, [])
    assert report["says"] == "refused: policy lets nobody administer the index, policy lets nobody answer name-similar"
    done = story.cli("can", "carol", "administer")
    assert (done.code, done.out.splitlines()[0]) == (1, "no: nothing grants anybody to administer the index")


def test_a_base_that_moved_on(story):
    """What the base gained meanwhile is no part of the change; where both changed the same lines, it says so."""
    story.add(wheel("acme-utils", "1.1"))
    commit_all(story.folder)
    story.branch("other")
    story.add(wheel("weather-maps", "1.0"), owner="dave")
    story.edit("packages.d/acme-utils.yaml", lambda text: text.replace("schema: 1\n", "schema: 1\n# a note\n"))
    story.merge()
    story.go("change")
    code, report = story.judge("--actor", "alice", "--approved-by", "bob", commit=False)
    assert (code, report["effect"]) == (0, ["acme-utils gains 1.1 (acme_utils-1.1-py3-none-any.whl)"])
    story.go("other")
    story.add(wheel("acme-utils", "1.2"))
    story.merge()
    story.go("change")
    code, report = story.judge("--actor", "alice", "--approved-by", "bob", commit=False)
    assert (code, rules_of(report)) == (1, ["merge-conflict"])


def test_the_working_tree_is_judged_before_it_is_committed(story):
    """The same judgement, with nothing committed, new files too."""
    story.add(wheel("acme-utils", "1.1"))
    story.add(wheel("acme-new", "1.0"))
    code, report = story.judge("--worktree", "--actor", "alice", "--approved-by", "bob", commit=False)
    assert (code, decisions_of(report)) == (0, {"release acme-utils": "allowed", "create acme-new": "allowed"})
    assert report["head"] == ""


def test_facts_of_the_host(story, tmp_path):
    """People are numbers, an approval is of one commit, the last word of each counts, a wait ends at its time."""
    story.edit("policies.d/acme.yaml", POLICY.replace("- {for: [remove]", "- {for: [release], wait: 72h}\n      - {for: [remove]"))
    story.merge()
    story.branch("waiting")
    story.add(wheel("acme-utils", "1.1"))
    head = commit_all(story.folder)
    facts = tmp_path / "facts.json"

    def judged(now, *reviews):
        value = {
            "schema": 1, "now": now, "opened": "2026-11-27T12:00:00Z", "head": head, "author": {"id": 1001, "login": "renamed"},
            "reviews": [
                {"id": number, "login": "who", "state": state, "commit": commit, "at": f"2026-11-27T13:00:0{n}Z"}
                for n, (number, state, commit) in enumerate(reviews)
            ],
        }  # fmt: skip
        facts.write_text(json.dumps(value))
        return story.judge("--facts", facts, commit=False)

    code, report = judged("2026-11-28T12:00:00Z", (1002, "approved", head))
    assert (code, report["actor"], report["approved_by"]) == (10, "alice", ["bob"])
    assert missing_of(report) == ["a wait of 72 hours since it was proposed, until 2026-11-30T12:00:00Z, for the rule acme-namespace: "]
    assert (
        report["says"]
        == "nothing is wrong: it may be merged from 2026-11-30T12:00:00Z on, with nobody's word; then somebody who may write to the repository merges it"
    )
    assert judged("2026-11-30T12:00:00Z", (1002, "approved", head))[0] == 0
    code, report = judged("2026-11-30T12:00:00Z", (1002, "approved", "0" * 40))
    assert (code, report["approved_by"], report["stale_approvals"]) == (10, [], ["bob"])
    code, report = judged("2026-11-30T12:00:00Z", (1002, "approved", head), (1002, "changes_requested", head))
    assert (code, report["objecting"]) == (10, ["bob"])
    assert judged("2026-11-30T12:00:00Z", (1002, "changes_requested", head), (1002, "approved", head), (1002, "commented", head))[0] == 0
    assert judged("2026-11-30T12:00:00Z", (1001, "approved", head), (9999, "approved", head))[0] == 10
    story.edit("README.md", "one more commit\n")
    commit_all(story.folder)
    done = story.cli("check", "--base", "main", "--facts", facts)
    assert (done.code, "the facts are of the commit" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("uploaded", "rule", "code"), [("2099-01-01T00:00:00Z", "uploaded-future", 1), ("2023-11-01T00:00:00Z", "uploaded-old", 1)]
)
def test_an_upload_time_that_cannot_be(story, uploaded, rule, code):
    """Clients that wait for new files to age go by it; an administrator may let an old one pass, as for an imported index."""
    story.add(wheel("acme-utils", "1.1"))
    path = "packages.d/acme-utils.yaml"
    story.edit(path, lambda text: text[: text.index("1.1")] + re.sub(r"uploaded: \S+", f"uploaded: {uploaded}", text[text.index("1.1") :]))
    found, report = story.judge("--actor", "alice", "--approved-by", "bob")
    assert (found, rules_of(report)) == (code, [rule])
    pardon = ", which an administrator may let pass" if rule == "uploaded-old" else ""
    assert report["says"] == f"refused: 1 error{pardon}"
    for form in ("text", "markdown"):
        done = story.cli("check", "--base", "main", "--offline", "-q", "--actor", "alice", "--approved-by", "bob", "--format", form)
        assert ("uploaded-old (packages.d/acme-utils.yaml): carol" in done.out.replace("\\", "")) == bool(pardon)
    assert story.judge("--actor", "alice", "--approved-by", "bob", "--approved-by", "carol", commit=False)[0] == (
        0 if rule == "uploaded-old" else 1
    )


def test_a_license_that_policy_does_not_allow(story):
    """A requirement on licenses is held against what the wheel itself says."""
    story.edit(
        "policies.d/acme.yaml",
        POLICY.replace("- {for: [remove]", "- {for: [release], licenses: [MIT, Apache-2.0]}\n      - {for: [remove]"),
    )
    story.merge()
    for license_, code in (("MIT OR GPL-3.0-only", 0), ("GPL-3.0-only", 1)):
        story.branch("licensed")
        story.add(wheel("acme-utils", "1.1", license_=license_))
        found, report = story.judge("--actor", "alice", "--approved-by", "bob")
        assert found == code
        if code:
            assert missing_of(report) == ["files under MIT or Apache-2.0, not under GPL-3.0-only, for the rule acme-namespace: "]
            assert report["says"] == "refused: to release acme-utils takes files under MIT or Apache-2.0, not under GPL-3.0-only"


def test_an_approval_that_nobody_is_left_to_give(story):
    """Nobody approves what they propose: where the group has nobody else, no word would do, until somebody else proposes it."""
    story.edit("policies.d/acme.yaml", POLICY.replace("approvals: {count: 1, from: team-web}", "approvals: {count: 1, from: admins}"))
    story.merge()
    story.branch("alone")
    story.edit("packages.d/acme-utils.yaml", lambda text: text.replace("[team-web]", "[carol]"))
    story.merge()
    story.branch("bump")
    story.add(wheel("acme-utils", "1.1"))
    code, report = story.judge("--actor", "carol")
    assert (code, report["says"]) == (1, "refused: to release acme-utils takes 1 more approval of admins")
    assert report["missing"][0]["instead"] == "nobody is left to give it: let somebody else propose the same"
    assert story.judge("--actor", "bob", "--approved-by", "carol", commit=False)[0] == 0


def test_what_new_files_need(story):
    """A dependency that is not here is a warning with the command that brings it; one that is here is none."""
    story.add(wheel("acme-utils", "1.1", requires=["flask-extras>=1", "not-here"]))
    code, report = story.judge("--actor", "alice", "--approved-by", "bob")
    assert code == 0
    assert [(p["rule"], p["severity"]) for p in report["problems"]] == [("dependency-missing", "warning")]
    assert "not-here" in report["problems"][0]["message"]
    assert story.judge("--actor", "alice", "--approved-by", "bob", "--strict", commit=False)[0] == 1


def test_a_name_that_the_upstream_has(story, upstream):
    """Dependency confusion: a private project called as one of the upstream index wants an administrator's word."""
    story.add(wheel("demo", "9.0"), owner="dave")
    commit_all(story.folder)
    done = story.cli("check", "--base", "main", "--actor", "newcomer", "--format", "json", "-q")
    report = json.loads(done.out)
    assert (done.code, rules_of(report)) == (10, ["name-upstream"])
    story.branch("mirrored")
    assert story.cli("add", "--pypi", "demo==1.1", "--owner", "dave", "-q").code == 0
    commit_all(story.folder)
    done = story.cli("check", "--base", "main", "--actor", "newcomer", "--format", "json", "-q")
    assert (done.code, rules_of(json.loads(done.out))) == (0, [])


def test_older_releases_and_impossible_pythons(story):
    """A release older than the newest is said; one that no Python fits is refused."""
    story.add(wheel("acme-utils", "0.9"))
    code, report = story.judge("--actor", "alice", "--approved-by", "bob")
    assert (code, [p["rule"] for p in report["problems"]]) == (0, ["version-order"])
    story.branch("never")
    story.add(wheel("acme-utils", "1.1", requires_python=">=3.9,<3.8"))
    code, report = story.judge("--actor", "alice", "--approved-by", "bob")
    assert (code, rules_of(report)) == (1, ["requires-python-unmet"])


def test_a_base_that_cannot_be_read(story):
    """Nobody can say what a broken manifest had published, so an administrator looks at its repair."""
    path = "packages.d/acme-utils.yaml"
    good = (story.folder / path).read_text()
    story.edit(path, lambda text: text + "broken\n")
    story.merge()
    story.branch("repair")
    story.edit(path, good)
    code, report = story.judge("--actor", "alice", "--approved-by", "bob")
    assert (code, rules_of(report)) == (1, ["base-unreadable"])
    assert story.judge("--actor", "alice", "--approved-by", "bob", "--approved-by", "carol", commit=False)[0] == 0


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("sha256: ", "sha256: 0", "invalid-value"),
        ("reason: leaked a key", "reason: leaked two keys", None),
        ("at: 20", "at: 19", "tombstone-kept"),
    ],
)
def test_a_tombstone_that_is_edited(story, old, new, rule):
    """Its reason may be said better; what it keeps may not change."""
    assert story.cli("remove", "acme-utils", "1.0", "--reason", "leaked a key").code == 0
    story.merge()
    story.branch("edited")
    story.edit("packages.d/acme-utils.yaml", lambda text: text[: text.index("removed:")] + text[text.index("removed:") :].replace(old, new))
    code, report = story.judge("--actor", "alice", "--approved-by", "bob", "--approved-by", "carol")
    assert (code, rules_of(report)) == ((1 if rule else 0), [rule] if rule else [])


def test_every_rule_of_a_change_has_its_story():
    """No rule is there that nothing trips."""
    from pathlib import Path

    from index_builder.model.rules import RULES

    ids = list(RULES)
    told = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    of_changes = ids[ids.index("merge-conflict") : ids.index("archive-format")]
    assert [rule for rule in of_changes if f'"{rule}"' not in told] == []


def commit_raw(story, path, content, parents, *, mode=0o100644, when=1_700_000_000):
    """Commit one file of any path and mode over the first parent's tree, as no checkout would; return the commit."""
    git, parts = story.git, path.split(b"/")
    inner, kind = git.create_blob(content), mode
    tree = git[parents[0]].peel(pygit2.Commit).tree
    above = [tree]
    for part in parts[:-1]:
        here = above[-1]
        above.append(
            here / part.decode("utf-8", "surrogateescape") if here is not None and part.isascii() and part.decode() in here else None
        )
    for part, here in zip(reversed(parts), reversed(above), strict=True):
        entries = {entry.raw_name: (entry.id, int(entry.filemode)) for entry in here} if here is not None else {}
        entries[part] = (inner, kind)
        rows = sorted(entries.items(), key=lambda item: item[0] + (b"/" if item[1][1] == 0o040000 else b""))
        raw = b"".join(b"%o %s\0%s" % (bits, name, oid.raw) for name, (oid, bits) in rows)
        inner, kind = git.odb.write(pygit2.enums.ObjectType.TREE, raw), 0o040000
    who = pygit2.Signature("test", "test@example.org", when, 0)
    return str(git.create_commit(None, who, who, "raw", inner, list(parents)))


def judge_head(story, head, *arguments, base="main"):
    return story.cli("check", "--base", base, "--head", head, "--offline", "-q", "--format", "json", *arguments)


@pytest.mark.parametrize(
    "path",
    [b"packages.d/a\n* @mallory\nb/zebra.yaml", b"packages.d/a b/zebra.yaml", b"packages.d/" + b"d/" * 40 + b"zebra.yaml",
     b"packages.d/" + b"d" * 300 + b"/zebra.yaml", b"packages.d/a\\xff/zebra.yaml", b"packages.d/a./zebra.yaml"],
)  # fmt: skip
def test_a_path_that_not_everything_reads_in_one_way(story, path):
    """Line breaks, spaces, backslashes, endless folders: refused, whoever asks."""
    text = (story.folder / "packages.d" / "flask-extras.yaml").read_text().replace("flask-extras", "zebra").replace("flask_extras", "zebra")
    done = judge_head(story, commit_raw(story, path, text.encode(), [str(story.git.head.target)]), "--actor", "carol")
    assert done.code == 1
    assert "tree-path" in rules_of(json.loads(done.out))


def test_a_path_that_is_not_utf_8(story):
    """It has no name that can be told, so no change of it is judged."""
    head = commit_raw(story, b"docs/\xff.txt", b"x", [str(story.git.head.target)])
    done = judge_head(story, head, "--actor", "carol")
    assert (done.code, "is not UTF-8" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("path", "mode"), [(b"README.md", 0o120000), (b"packages.d/acme-utils.yaml", 0o120000), (b"policies.d/acme.yaml", 0o120000)]
)
def test_a_file_that_becomes_a_link(story, path, mode):
    """One path, however git tells it; a link in the index is refused, elsewhere an administrator decides."""
    done = judge_head(story, commit_raw(story, path, b"elsewhere", [str(story.git.head.target)], mode=mode), "--actor", "alice")
    report = json.loads(done.out)
    assert done.code == (10 if path == b"README.md" else 1)
    assert path == b"README.md" or "tree-mode" in rules_of(report)


def test_a_revert_that_a_crosswise_history_hides(story):
    """With two commits that both began from, the one with the later date would make a revert look like nothing."""
    path, git = b"packages.d/flask-extras.yaml", story.git
    text = (story.folder / path.decode()).read_bytes()
    old = str(git.head.target)
    harmless = commit_raw(story, b"README.md", b"hello", [old], when=1_800_000_000)
    good = commit_raw(story, path, text.replace(b"[dave]", b"[team-web]"), [old])
    merged = commit_raw(story, b"README.md", b"hello", [good, harmless])
    git.references.create("refs/heads/main", merged, force=True)
    revert = commit_raw(story, path, text, [harmless, good])
    done = judge_head(story, revert, "--actor", "mallory")
    assert (done.code, "merged crosswise" in done.err) == (1, True)
    assert judge_head(story, commit_raw(story, path, text, [merged]), "--actor", "mallory").code == 10


def test_settings_that_break_what_is_there(story):
    """A change of index.yaml is held against every manifest: an audience more, an owner less, no file at all."""
    story.edit("index.yaml", lambda text: text.replace("audiences:\n", "audiences:\n  internal: {}\n"))
    code, report = story.judge("--actor", "carol")
    assert (code, set(rules_of(report))) == (1, {"audience-missing"})
    story.branch("owner")
    story.edit("policies.d/acme.yaml", lambda text: text.replace("  dave: {github: {login: dave, id: 1004}}\n", ""))
    code, report = story.judge("--actor", "carol")
    assert (code, "owner-unknown" in rules_of(report)) == (1, True)
    story.branch("none")
    (story.folder / "index.yaml").unlink()
    code, report = story.judge("--actor", "carol")
    assert (code, rules_of(report)) == (1, ["tree-missing"])


def test_a_file_is_not_back_dated_in_a_quiet_index(story, tmp_path):
    """Where the base is old, the time of the proposal counts."""
    story.add(wheel("acme-utils", "1.1"))
    path = "packages.d/acme-utils.yaml"
    story.edit(
        path, lambda text: text[: text.index("1.1")] + re.sub(r"uploaded: \S+", "uploaded: 2023-11-20T00:00:00Z", text[text.index("1.1") :])
    )
    facts = tmp_path / "facts.json"
    facts.write_text('{"schema": 1, "opened": "2026-11-20T00:00:00Z", "author": {"id": 1001, "login": "alice"}}')
    code, report = story.judge("--facts", facts)
    assert (code, rules_of(report)) == (1, ["uploaded-old"])


@pytest.mark.parametrize("part", ["..", "%2e%2E", ".", "x%2Fy"])
def test_a_url_that_says_one_place_and_means_another(story, part):
    """Dot segments lead a client elsewhere than a policy reads."""
    one = f"name: acme_utils-1.1-py3-none-any.whl, sha256: {9:064x}, size: 10, uploaded: 2026-01-02T03:04:05Z"
    url = f"https://github.com/acme/web/releases/download/{part}/acme_utils-1.1-py3-none-any.whl"
    story.edit("packages.d/acme-utils.yaml", lambda text: text + f"  1.1:\n    files:\n      - {{{one}, url: {url}}}\n")
    code, report = story.judge("--actor", "alice", "--approved-by", "bob")
    assert (code, "invalid-value" in rules_of(report)) == (1, True)


def test_what_nobody_looked_at_does_not_merge_by_itself(tmp_path, cli, monkeypatch):
    """In a folder of a larger repository, a change that policies would merge without a person waits for one if it has anything else in it."""
    root = tmp_path / "mono"
    folder = root / "index"
    pygit2.init_repository(str(root))
    assert cli("init", folder).code == 0
    monkeypatch.chdir(folder)
    (folder / "policies.d" / "maintainers.yaml").write_text(
        "schema: 2\npeople: {alice: {github: {login: alice, id: 1001}}}\ngroups: {maintainers: [alice]}\nrules:\n"
        "  - id: everything\n    projects: ['*']\n    grant: {maintainers: [create, yank]}\n    merge: [yank]\n"
    )
    (tmp_path / "dist").mkdir()
    name, content = wheel("acme-utils", "1.0")
    (tmp_path / "dist" / name).write_bytes(content)
    assert cli("add", "--dist", tmp_path / "dist").code == 0
    commit_all(root)
    assert cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0

    def report():
        done = cli("check", "--base", "HEAD", "--worktree", "--actor", "alice", "--format", "json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    assert report()["merges_by_itself"] is True
    (root / "action.yml").write_text("evil")
    found = report()
    assert found["unchecked"] == ["1 changed file outside the index's folder"]
    assert found["merges_by_itself"] is False
