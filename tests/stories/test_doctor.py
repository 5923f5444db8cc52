"""`doctor` against the GitHub on loopback: a repository that nobody set up, one that is as it should be, and what cannot be seen."""

import copy
import json

import pytest
from conftest import commit_all
from github_pulls import bare
from github_server import GitHub, Repository, Token, github
from hosted import NAME, SETTINGS
from story import POLICY

MERGING = POLICY.replace("grant: {anyone: [create]", "merge: [create]\n    grant: {anyone: [create]")


@pytest.fixture
def hub(tmp_path, repo, monkeypatch):
    (repo / "index.yaml").write_text(
        "schema: 1\ntitle: Acme\naudiences: {public: {files: packages/}}\npublish: [{name: pages, audience: public, kind: pages-artifact}]\n"
    )
    (repo / "policies.d" / "acme.yaml").write_text(MERGING)
    (repo / "trust" / "public").mkdir(parents=True)
    (repo / "trust" / "public" / "1.root.json").write_text("{}")
    commit_all(repo)
    hub = GitHub(repositories={NAME: Repository(name=NAME, git=bare(tmp_path / "acme.git"), settings=copy.deepcopy(SETTINGS))})
    hub.tokens |= {"admin": Token(login="alice", permissions={"administration": "read"}), "weak": Token(login="bob", permissions={})}
    with github(hub):
        for name, value in (("GITHUB_API_URL", hub.url), ("GITHUB_REPOSITORY", NAME), ("GITHUB_TOKEN", "admin")):
            monkeypatch.setenv(name, value)
        yield hub


def examined(cli, code=0) -> dict[str, str]:
    done = cli("doctor", "--format", "json")
    assert done.code == code, done.err
    return {finding["what"]: finding["health"] for finding in json.loads(done.out)["findings"]}


def test_a_repository_that_is_set_up(hub, cli):
    """Nothing is to be set, and the exit code is 0."""
    found = examined(cli)
    assert set(found.values()) == {"good"}
    assert len(found) == 23
    assert "23 settings: nothing to be set" in cli("doctor").err


ONLY_MAIN = "only the branch main may use the environment publish"
BROKEN = {
    "no pull request needed": (lambda s: s["rules"].pop(0), "the branch main changes by pull requests only"),
    "no status required": (lambda s: s["rules"].pop(1), "the branch main requires the status index-builder"),
    "another status": (lambda s: s["rules"][1]["parameters"].update(required_status_checks=[{"context": "validate"}]), "the branch main requires the status index-builder"),
    "stale branches": (lambda s: s["rules"][1]["parameters"].update(strict_required_status_checks_policy=False), "the branch main requires branches to be up to date"),
    "a schedule that stopped": (lambda s: s["workflows"].update({"publish.yml": "disabled_inactivity"}), "the workflow publish.yml is there, and enabled"),
    "no workflow": (lambda s: s["workflows"].pop("judge.yml"), "the workflow judge.yml is there, and enabled"),
    "no environment": (lambda s: s["environments"].clear(), "the environment publish is there"),
    "any branch": (lambda s: s["environments"][0].update(deployment_branch_policy=None), ONLY_MAIN),
    "any branch by a pattern": (lambda s: s["environment"].update(branches=["main", "*"]), ONLY_MAIN),
    "an environment that waits for people": (lambda s: s["environments"][0].update(protection_rules=[{"type": "required_reviewers"}]), "nobody must approve what uses the environment publish"),
    "no keys": (lambda s: s["environment"]["secrets"].pop(), "the environment publish has the online keys"),
    "reviews of GitHub's": (lambda s: s["rules"][0]["parameters"].update(required_approving_review_count=1), "the branch main leaves it to the policies who must approve"),
    "no Actions": (lambda s: s["actions"].update(enabled=False), "Actions may run, those that the workflows use too"),
    "own actions only": (lambda s: s["actions"].update(allowed_actions="local_only"), "Actions may run, those that the workflows use too"),
    "a schedule that sleeps": (lambda s: s["scheduled"].update({"publish.yml": "2026-01-01T00:00:00Z"}), "the schedule of publish.yml ran in the last 2 days"),
    "no Pages": (lambda s: s.pop("pages"), "Pages serves what a workflow deploys, for the target pages"),
    "private Pages": (lambda s: s["pages"].update(public=False), "Pages is for everybody, as public is, for the target pages"),
    "Pages of a branch": (lambda s: s["pages"].update(build_type="legacy"), "Pages serves what a workflow deploys, for the target pages"),
    "a stored token": (lambda s: s["secrets"].append("RELEASE_TOKEN"), "no token of a person is stored"),
    "no pull requests by workflows": (lambda s: s["rights"].update(can_approve_pull_request_reviews=False), "workflows may open pull requests"),
    "tokens that write": (lambda s: s["rights"].update(default_workflow_permissions="write"), "a workflow's token may only read, unless the workflow says more"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_missing_is_told(hub, cli, name):
    """Each thing that is not as it should be is found, with where to set it; the exit code is 1."""
    spoil, what = BROKEN[name]
    spoil(hub.repositories[NAME].settings)
    assert what in {found for found, health in examined(cli, code=1).items() if health == "bad"}
    assert "fix: " in cli("doctor", "-q").err


def test_pages_of_a_closed_audience_are_private(hub, cli, repo):
    """What not everybody is granted is held against the visibility of Pages."""
    policy = repo / "policies.d" / "maintainers.yaml"
    policy.write_text(policy.read_text().replace("grant: {anyone: [download]}", "grant: {alice: [download]}"))
    commit_all(repo)
    what = "Pages is private, because public is not, for the target pages"
    assert examined(cli, code=1)[what] == "bad"
    assert "gh api --method PUT repos/{owner}/{repo}/pages -F public=false" in cli("doctor", "-q").err
    hub.repositories[NAME].settings["pages"]["public"] = False
    assert examined(cli)[what] == "good"
    del hub.repositories[NAME].settings["pages"]["public"]
    assert examined(cli)[what] == "unknown"


def test_an_archive_that_the_workflow_does_not_find(hub, cli, repo):
    """What lies elsewhere than in .publish/ is deployed by nobody."""
    (repo / "index.yaml").write_text((repo / "index.yaml").read_text().replace("pages-artifact}", "pages-artifact, path: out/pages.tar}"))
    commit_all(repo)
    assert examined(cli, code=1)["publish.yml finds the one archive that it deploys"] == "bad"


def test_the_protection_of_old_counts_too(hub, cli):
    """What a ruleset does not say, the branch's protection may."""
    settings = hub.repositories[NAME].settings
    settings["rules"] = []
    assert "bad" in examined(cli, code=1).values()
    settings["protection"] = {
        "required_status_checks": {"strict": True, "contexts": ["index-builder"]},
        "required_pull_request_reviews": {},
    }
    settings["protection"]["required_pull_request_reviews"] = {"required_approving_review_count": 0}
    assert set(examined(cli).values()) == {"good"}


def test_what_may_not_be_seen_is_unknown(hub, cli, monkeypatch):
    """A token that is no administrator's says less, and nothing wrong."""
    monkeypatch.setenv("GITHUB_TOKEN", "weak")
    found = examined(cli)
    assert found["no token of a person is stored"] == found["workflows may open pull requests"] == "unknown"
    assert found["the branch main requires the status index-builder"] == "good"
    assert "could not be seen with this token" in cli("doctor").err


def test_mistakes_are_told_with_the_way_out(hub, cli, monkeypatch):
    """No repository is named, one that is not there, a token that is wrong, an API that is no https URL."""
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/gone")
    assert "look at the repository's name" in cli("doctor").err
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    assert "set GITHUB_TOKEN to one that holds" in cli("doctor").err
    monkeypatch.delenv("GITHUB_REPOSITORY")
    assert "export GITHUB_REPOSITORY=acme/index" in cli("doctor").err
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    monkeypatch.setenv("GITHUB_API_URL", "http://github.example.org/api/v3")
    assert "is not an https URL" in cli("doctor").err
