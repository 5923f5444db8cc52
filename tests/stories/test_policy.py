"""What new policies would have decided, and whom they make reviewers."""

import json

import pytest
from conftest import commit_all
from distributions import wheel
from story import POLICY

LICENSED = """  - id: licensed
    projects: ["*"]
    require: [{for: [release], licenses: [MIT]}]
  - id: quarantine"""


@pytest.fixture
def past(story):
    """Three merges: dave bumps flask-extras, a stranger adds weather-maps, alice edits a workflow."""
    story.add(wheel("flask-extras", "1.1"))
    story.commit_as("1004+dave@users.noreply.github.com", "flask-extras 1.1")
    story.add(wheel("weather-maps", "1.0"), owner="dave")
    story.commit_as("somebody@example.org", "weather-maps is new")
    story.edit(".github/workflows/publish.yml", "on: push\n")
    story.commit_as("1001+alice@users.noreply.github.com", "workflow")
    return story


def test_replay(past):
    """Each decision that flips is told with its commit, who did what, and both verdicts; what stays is not."""
    assert past.cli("policy", "replay", "--since", "main").out == ""
    past.edit("policies.d/acme.yaml", POLICY.replace("anyone: [create], owners: [release, yank, edit]", "dave: [create]"))
    said = past.cli("policy", "replay", "--since", "main", "--worktree")
    assert said.code == 0
    lines = said.out.splitlines()
    assert len(lines) == 2
    assert "(flask-extras 1.1): release flask-extras by dave was allowed, would be not granted" in lines[1]
    assert "(weather-maps is new): create weather-maps by somebody whom no policy names was allowed, would be not granted" in lines[0]
    assert "3 merges; 2 decisions would be another" in said.err
    value = json.loads(past.cli("policy", "replay", "--since", "main", "--worktree", "--format", "json").out)
    assert (value["merges"], value["skipped"], [flip["subject"] for flip in value["flips"]]) == (3, 0, ["weather-maps", "flask-extras"])


def test_what_past_files_said_is_replayed(story, tmp_path):
    """Licenses count where the pool has the files, attestations where the repository has them; what is not at hand is not known."""
    start = str(story.git.head.target)
    story.add(wheel("flask-extras", "1.1", license_="MIT"))
    story.commit_as("1004+dave@users.noreply.github.com", "flask-extras 1.1")
    story.add(wheel("flask-extras", "1.2", license_="GPL-3.0-only"))
    story.commit_as("1004+dave@users.noreply.github.com", "flask-extras 1.2")

    def replayed(*arguments):
        done = story.cli("policy", "replay", "--since", start, "--worktree", "--format", "json", *arguments)
        return [flip["title"] for flip in json.loads(done.out)["flips"]]

    story.edit("policies.d/acme.yaml", POLICY.replace("  - id: quarantine", LICENSED))
    assert replayed() == ["flask-extras 1.2"]
    assert replayed("--pool", tmp_path / "empty") == ["flask-extras 1.2", "flask-extras 1.1"]
    report = story.judge("--actor", "carol", "--base", "HEAD", "--worktree", commit=False)[1]
    assert [line.partition("): ")[0].partition("(")[2] for line in report["replayed"]] == ["flask-extras 1.2"]


def test_a_change_of_policies_is_replayed_in_its_report(past):
    """Who changes the policies sees what they would have done."""
    past.merge()
    past.branch("stricter")
    past.edit("policies.d/acme.yaml", POLICY.replace("anyone: [create], owners: [release, yank, edit]", "owners: [release, yank, edit]"))
    code, report = past.judge("--actor", "carol")
    assert code == 0
    assert report["replayed"][0].partition("): ")[2].startswith("create weather-maps by somebody")
    done = past.cli("check", "--base", "main", "--offline", "-q", "--actor", "carol")
    assert "Past merges that the new policies would decide otherwise" in done.out


def test_codeowners(story):
    """Administrators for everything, then whoever may release or edit each project; `check` says when it is stale."""
    done = story.cli("policy", "codeowners")
    assert done.out.splitlines()[1:] == ["* @carol", "/packages.d/acme-utils.yaml @alice @bob-b", "/packages.d/flask-extras.yaml @dave"]
    assert story.cli("policy", "codeowners", "--write", "--dry-run").code == 0
    assert not (story.folder / ".github").exists()
    assert story.cli("policy", "codeowners", "--write").code == 0
    assert (story.folder / ".github" / "CODEOWNERS").read_text() == done.out
    commit_all(story.folder)
    assert "codeowners-stale" not in story.cli("check", "--offline", "--format", "json").out
    story.edit(
        "policies.d/acme.yaml",
        lambda text: text.replace("login: dave", "login: dave-d").replace(
            "owners: [release, yank, edit]}\n  - id: admins", "admins: [edit]}\n  - id: admins"
        ),
    )
    commit_all(story.folder)
    assert "codeowners-stale" in story.cli("check", "--offline", "--format", "json").out
    story.edit(".github/CODEOWNERS", "* @somebody\n")
    assert "codeowners-stale" not in story.cli("check", "--offline", "--worktree", "--format", "json").out


def test_codeowners_of_a_change(story):
    """A change of owners alone, a new project, a manifest that moves: the lines of what changes are compared, and no other."""
    assert story.cli("policy", "codeowners", "--write").code == 0
    story.merge()

    def warned():
        return [problem["rule"] for problem in story.judge("--actor", "carol")[1]["problems"]]

    path = "packages.d/flask-extras.yaml"
    story.branch("owners")
    story.edit(path, lambda text: text.replace("[dave]", "[bob]"))
    assert warned() == ["codeowners-stale"]
    assert story.cli("policy", "codeowners", "--write", "--worktree").code == 0
    assert warned() == []
    story.branch("moved")
    (story.folder / "packages.d" / "web").mkdir()
    (story.folder / path).rename(story.folder / "packages.d" / "web" / "flask-extras.yaml")
    assert warned() == ["codeowners-stale"]
    story.branch("nothing-of-it")
    story.edit(path, lambda text: text + "# a word\n")
    assert warned() == []


def test_codeowners_of_a_pattern(story):
    """People whom a rule names are asked for all that its pattern matches; a manifest that says the same has no line."""
    story.edit("policies.d/acme.yaml", lambda text: text.replace("team-web: [create]}", "team-web: [create, release]}"))
    assert story.cli("policy", "codeowners", "--worktree").out.splitlines()[1:] == [
        "* @carol", "/packages.d/**/acme-*.yaml @alice @bob-b", "/packages.d/flask-extras.yaml @dave",
    ]  # fmt: skip
