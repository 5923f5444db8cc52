"""A report says the same in every form, and nothing that comes from a change formats, links or mentions in it."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from distributions import wheel

from index_builder.manifests.schema import json_schema
from index_builder.model.rules import HOME, RULES, page_of


@pytest.fixture
def change(story):
    """A change with everything in it: a look-alike, a bump that waits, a workflow, an upload time of long ago, hostile words."""
    story.add(wheel("flaskextras", "1.0"), owner="dave")
    story.add(wheel("acme-utils", "1.1", requires=["not-here"]))
    assert (
        story.cli("yank", "flask-extras", "1.0", "--reason", "see [this](https://evil.example.org) @carol <img src=x> `code` | x").code == 0
    )
    story.edit(".github/workflows/x.yml", "on: push\n")
    return story


def test_markdown(change):
    """The verdict first, then findings with fixes, effect, decisions, what is missing; hostile words are only words."""
    report = change.judge("--actor", "mallory")[1]
    done = change.cli("check", "--base", "main", "--offline", "-q", "--actor", "mallory", "--format", "markdown")
    assert done.code == 10
    lines = done.out.splitlines()
    assert lines[0] == "## ⏳ " + report["says"]
    for title in ("Findings", "What it does to the index", "What the policies of the base say", "Not looked at", "What is missing"):
        assert f"### {title}" in lines
    assert f"- **question** [`name-similar`]({page_of('name-similar')}) at " in done.out
    assert "warning** [`dependency-missing`](" in done.out
    assert "`index-builder add --index pypi not-here --with-dependencies`" in done.out
    unlinked = re.sub(rf"\[`[a-z-]+`\]\({HOME}/[a-z/.#-]+\)", "", done.out)
    for bad in ("https://evil", "@carol", "<img", "](https"):
        assert bad not in unlinked
    assert "@&#8203;carol" in done.out
    assert r"\[this\]" in done.out


def test_every_form_says_the_same(change):
    """JSON, annotations, SARIF and text have each finding; the exit code is the same."""
    report = change.judge("--actor", "mallory")[1]
    rules = [problem["rule"] for problem in report["problems"]]
    forms = {
        name: change.cli("check", "--base", "main", "--offline", "-q", "--actor", "mallory", "--format", name)
        for name in ("text", "github", "sarif")
    }
    assert {done.code for done in forms.values()} == {10}
    assert [line.partition("title=")[2].partition("::")[0] for line in forms["github"].out.splitlines()] == [*rules, "verdict"]
    (run,) = json.loads(forms["sarif"].out)["runs"]
    assert [result["ruleId"] for result in run["results"]] == rules
    assert [rule["helpUri"] for rule in run["tool"]["driver"]["rules"]] == [page_of(rule) for rule in sorted(set(rules))]
    assert [problem["url"] for problem in report["problems"]] == [page_of(rule) for rule in rules]
    assert [
        line.partition("[")[2].partition("]")[0] for line in forms["text"].err.splitlines() if line.startswith(("question[", "warning["))
    ] == rules
    assert forms["text"].out.splitlines()[-1] == report["says"]
    for need in report["missing"]:
        assert need["what"] in forms["text"].out
        assert f"missing: {need['what']}" in forms["github"].out


def test_the_facts_have_a_schema(change, tmp_path):
    """What the host hands over is checked against the schema, which editors and workflows have too."""
    facts = {
        "schema": 1, "author": {"id": 1001, "login": "alice"}, "opened": "2026-11-21T09:30:00Z",
        "reviews": [{"id": 1002, "login": "bob", "state": "approved", "commit": "0" * 40, "at": "2026-11-21T10:00:00Z"}],
    }  # fmt: skip
    jsonschema.validate(facts, json.loads(json_schema("facts.schema.json")))
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(facts | {"reviews": [{"id": 1002}], "autor": 1}, indent=2))
    done = change.cli("check", "--base", "main", "--facts", path)
    assert done.code == 1
    assert "did you mean 'author'?" in done.err
    assert "the key 'state' is missing" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--base", "mian"], 1, "there is no revision 'mian'"), (["--head", "HEAD"], 2, "--head is about a change, and no --base is given"),
        (["--actor", "alice"], 2, "no --base is given"), (["--format", "markdown"], 2, "no --base is given"),
        (["--base", "main", "--approved-by", "bobb"], 2, "did you mean 'bob'?"), (["--base", "main", "--approved-by", "team-web"], 2, "team-web is not a person"),
        (["--base", "main", "--head", "HEAD", "--worktree"], 2, "contradict each other"), (["--base", "main", "--facts", "nowhere.json"], 1, "cannot be read"),
    ],
)  # fmt: skip
def test_mistakes(change, arguments, code, said):
    """Each says what to do."""
    done = change.cli("check", *arguments)
    assert (done.code, said in done.err) == (code, True), done.err


def test_nothing_changed(story):
    """A change of nothing may be merged."""
    code, report = story.judge(commit=False)
    assert (code, report["decisions"], report["effect"]) == (0, [], [])


def test_each_link_leads_somewhere():
    """The page that links name has rules as headings, which is what their anchors are of; that it has all, the reference's own test sees."""
    pages = Path(__file__).parents[2] / page_of("").removeprefix(f"{HOME}/blob/main/").rstrip("#")
    headings = {line.removeprefix("## ") for line in pages.read_text().splitlines() if line.startswith("## ")}
    assert headings
    assert headings <= RULES.keys()
