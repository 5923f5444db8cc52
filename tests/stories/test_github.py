"""Stories on GitHub: from the pull request to what is published, by the workflows that `init --github` writes."""

import hashlib
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2
import pytest
from actions_runner import Runner, _Job
from conftest import commit_all
from distributions import wheel
from github_pulls import bare, git_of, open_pull
from github_server import GitHub, Repository, Token, github
from published import BranchReader, FolderReader, HttpReader, follow, s3
from story import POLICY

from index_builder import wiring
from index_builder.adapters.github.api import Api
from index_builder.adapters.github.repository import GitHubRepository
from index_builder.model.pull import Mark, Pull
from index_builder.model.review import Account
from index_builder.pipeline.pulls.act import said_of
from index_builder.pipeline.pulls.which import asked_by

NAME = "acme/index"
PASSPHRASE = "correct horse battery staple"
BUILDER = "index-builder/index-builder@0c3e5f7a9b1d2c4e6f8091a2b3c4d5e6f7081929"
WHO = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in (("NAME", "A"), ("EMAIL", "a@example.org"))}
PEOPLE = {"alice": 1001, "bob-b": 1002, "carol": 1003, "dave": 1004, "mallory": 6666}
NOBODYS = {"number": 1, "title": "", "author": Account(id=0, login=""), "head": "", "base": "", "opened": datetime.now(UTC)}
MERGING = POLICY.replace("grant: {owners: [release, yank, edit, remove, transfer], team-web: [create]}",
                         "grant: {owners: [release, yank, edit, remove, transfer], team-web: [create]}\n    merge: [release, yank]")  # fmt: skip


def user(login: str) -> dict:
    return {"id": PEOPLE[login], "login": login, "type": "User"}


class Hosted:
    """An index on GitHub: a clone in which people work, and the runner of its workflows."""

    def __init__(self, hub: GitHub, folder: Path, runner: Runner, cli, dist) -> None:
        self.hub, self.folder, self.runner, self.cli, self.dist = hub, folder, runner, cli, dist
        self.repository = hub.repositories[NAME]

    def push(self, branch: str = "main") -> str:
        commit = commit_all(self.folder)
        subprocess.run(["git", "push", "-q", "--force", self.repository.git, f"HEAD:refs/heads/{branch}"], check=True)
        return commit

    def start(self, branch: str) -> None:
        """Begin a branch where main is."""
        subprocess.run(["git", "fetch", "-q", self.repository.git, "main"], check=True)
        subprocess.run(["git", "checkout", "-q", "-B", branch, "FETCH_HEAD"], check=True)

    def add(self, *wheels, owner="team-web") -> None:
        for name, content in wheels:
            done = self.cli("add", "--dist", self.dist((name, content)) / name, "--owner", owner)
            assert done.code == 0, done.err

    def propose(self, number: int, login: str, *, validated: bool = False) -> list:
        """Push what was done to a branch, and open a pull request, or push to the one that there is.

        What validate.yml does is believed by nobody: unless it is what a story is about, it has just ended.
        """
        head = self.push(f"change-{number}")
        if number in self.repository.pulls:
            git_of(self.repository).references.create(f"refs/pull/{number}/head", head, force=True)
        else:
            open_pull(self.repository, number, head=head, author=user(login))
        if validated:
            return self.runner.pull_request(number)
        return self.runner.event("workflow_run", {"workflow_run": {"name": "validate", "head_sha": head}})

    def approve(self, number: int, login: str, commit: str = "", state: str = "APPROVED") -> str:
        head = commit or str(git_of(self.repository).references[f"refs/pull/{number}/head"].target)
        self.repository.pulls[number]["reviews"].append(
            {"id": 1, "user": user(login), "state": state, "commit_id": head, "submitted_at": "2026-11-20T09:00:00Z"}
        )
        return head

    def comment(self, number: int) -> str:
        """Return the one comment of ours."""
        found = [c["body"] for c in self.repository.pulls[number]["comments"] if c["user"]["type"] == "Bot"]
        assert len(found) == 1
        return found[0]

    def head(self, number: int) -> str:
        return str(git_of(self.repository).references[f"refs/pull/{number}/head"].target)

    def status(self, number: int) -> str:
        return self.repository.statuses[self.head(number)][-1]["state"]

    def decisions(self, number: int) -> list[str]:
        """Return what our comment says that the policies decided, as plain text."""
        part = self.comment(number).replace("\\", "").partition("### What the policies of the base say")[2].partition("###")[0]
        return [line.removeprefix("- ") for line in part.splitlines() if line.startswith("- ")]

    def tree(self) -> dict[str, bytes]:
        """Return the manifests, policies and settings that main has."""
        tree = git_of(self.repository).references["refs/heads/main"].peel(pygit2.Commit).tree
        manifests = {f"packages.d/{entry.name}": entry.data for entry in tree["packages.d"]}
        return {**manifests, **{path: tree[path].data for path in ("index.yaml", "policies.d/acme.yaml")}}

    def left(self, number: int, *, status: str, says: str, decides: str | None, tree: dict[str, bytes]) -> None:
        """Assert the whole outcome of what is not merged: status, comment, decision, and that main is as it was."""
        assert self.status(number) == status, self.comment(number)
        assert says in self.comment(number).replace("\\", ""), self.comment(number)
        decisions = self.decisions(number)
        assert any(decides in decision for decision in decisions) if decides else not decisions, decisions
        assert not self.is_merged(number)
        assert self.tree() == tree

    def is_merged(self, number: int) -> bool:
        return self.repository.pulls[number]["merged_at"] is not None

    def projects(self) -> set[str]:
        """Return the projects that Pages serves."""
        listed = json.loads((self.runner.pages / "simple" / "index.v1_json").read_bytes())
        return {project["name"] for project in listed["projects"]}


@pytest.fixture
def hosted(tmp_path, cli, dist, monkeypatch):
    """An index with workflows that has acme-utils 1.0; its inbox is a release of its own repository."""
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    folder = tmp_path / "index"
    assert cli("init", folder, "--title", "Acme", "--github", BUILDER).code == 0
    monkeypatch.chdir(folder)
    (folder / "policies.d" / "maintainers.yaml").unlink()
    (folder / "policies.d" / "acme.yaml").write_text(MERGING)
    hub = GitHub(repositories={NAME: Repository(name=NAME, git=bare(tmp_path / "acme.git"))})
    hub.tokens["people"] = Token(login="alice", permissions={"contents": "write", "pull-requests": "read"})
    with github(hub):
        monkeypatch.setenv("GITHUB_API_URL", hub.url)
        monkeypatch.setenv("GITHUB_TOKEN", "people")
        (folder / "index.yaml").write_text(
            "schema: 1\ntitle: Acme\naudiences: {public: {files: packages/}}\n"
            f"inbox: {{kind: release, repository: {NAME}}}\n"
            "publish: [{name: pages, audience: public, kind: pages-artifact}]\n"
        )
        story = Hosted(hub, folder, Runner(hub, NAME, tmp_path / "runner"), cli, dist)
        story.add(wheel("acme-utils", "1.0"))
        story.hand_in = lambda: cli("pool", "push", tmp_path / "dist")
        assert story.hand_in().code == 0
        story.push()
        yield story


@pytest.fixture
def live(hosted, trusted):
    """The same, and it is on Pages, which index.yaml says."""
    index = hosted.folder / "index.yaml"
    with hosted.runner.serving_pages(trusted) as url:
        index.write_text(index.read_text().replace("public: {", f"public: {{url: {url}, "))
        hosted.push()
        hosted.runner.event("push", {})
        yield hosted


def ran(runs) -> list[str]:
    """Return the workflows of which any job was not skipped."""
    return [run.workflow for run in runs if set(run.results.values()) != {"skipped"}]


def results(runs) -> dict[str, dict[str, str]]:
    return {f"{run.workflow} on {run.event}": run.results for run in runs}


def test_what_is_pushed_is_published_on_pages(live):
    """The first push deploys the whole tree to Pages, gated by real installers, and says what is live."""
    run = live.runner.runs[0]
    assert run.results == {"publish": "success", "deploy": "success"}, run.log
    assert live.projects() == {"acme-utils"}
    assert "- pages (public, pages-artifact)" in run.summary


def test_what_lies_beside_the_index_is_deployed_with_it(hosted):
    """A script of the default branch puts it into the archive, and the index is what it is without it."""
    script = hosted.folder / ".github" / "beside-index"
    script.write_text('#!/bin/sh\nmkdir docs && echo hello > docs/index.html && tar --append --file "$1" ./docs\n')
    script.chmod(0o755)
    hosted.push()
    run = hosted.runner.event("push", {})[0]
    assert run.results == {"publish": "success", "deploy": "success"}, run.log
    assert (hosted.runner.pages / "docs" / "index.html").read_text() == "hello\n"
    assert follow_pages(hosted) == 1


def test_an_owner_bumps_and_it_merges_by_itself(hosted):
    """Waiting for an approval first; once that is given, a workflow merges what the policies let merge by itself, and publishes it."""
    hosted.start("bump")
    hosted.add(wheel("acme-utils", "1.1"))
    hosted.hand_in()
    runs = hosted.propose(1, "alice", validated=True)
    assert results(runs)["validate on pull_request"] == {"check": "success"}, runs[0].log
    assert results(runs)["judge on workflow_run"] == {"which": "success", "judge": "success", "act": "success", "bump": "skipped"}
    assert hosted.status(1) == "pending"
    assert "1 more approval of team\\-web, for the rule acme\\-namespace: bob" in hosted.comment(1)
    assert "proposed by alice" in hosted.comment(1)
    hosted.approve(1, "bob-b")
    runs = hosted.runner.review(1)
    assert hosted.status(1) == "success"
    assert hosted.is_merged(1), runs[0].log
    assert any("release acme-utils: allowed" in decision for decision in hosted.decisions(1))
    assert b"acme_utils-1.1" in hosted.tree()["packages.d/acme-utils.yaml"]
    assert ran(runs) == ["validate", "judge", "publish"]
    page = json.loads((hosted.runner.pages / "simple" / "acme-utils" / "index.v1_json").read_bytes())
    assert page["versions"] == ["1.0", "1.1"], runs[-1].log


def test_the_comment_says_how_to_try_it(hosted, tmp_path, monkeypatch):
    """The line of the comment shows the pull request over what is there, fetched as git objects; others name pip and uv."""
    hosted.start("new")
    hosted.add(wheel("colorful-things", "1.0"), owner="dave")
    hosted.hand_in()
    hosted.propose(1, "dave")
    assert "With `--artifact`" in hosted.comment(1)
    lines = hosted.comment(1).partition("```\n")[2].partition("\n```")[0].splitlines()
    assert lines[0] == "index-builder preview --pr 1"
    url = "http://127.0.0.1:8000/simple/"
    assert lines[1:] == [
        f"pip install --isolated --index-url {url} colorful-things", f"uv pip install --no-config --index-url {url} colorful-things",
    ]  # fmt: skip
    hosted.start("elsewhere")
    subprocess.run(["git", "remote", "add", "origin", f"file://{hosted.repository.git}"], check=True)
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    done = hosted.cli(*lines[0].split()[1:], "--output", tmp_path / "preview", "--audience", "public")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "preview/public/simple/colorful-things/index.v1_json").read_bytes())["versions"] == ["1.0"]
    assert (tmp_path / "preview/public/simple/acme-utils/index.html").exists()


def test_a_newcomer_adds_a_project(hosted):
    """A stranger's new project waits for nobody's word but to be merged by a person: the status is set, and nothing merges by itself."""
    tree = hosted.tree()
    hosted.start("new")
    hosted.add(wheel("colorful-things", "1.0"), owner="dave")
    hosted.hand_in()
    hosted.propose(1, "dave")
    hosted.left(1, status="success", says="somebody who may write to the repository merges it",
                decides="create colorful-things: allowed, granted by newcomers (as anyone)", tree=tree)  # fmt: skip


def test_a_stranger_bumps(hosted):
    """Nothing is wrong with it, and an owner's word is missing: it is said whose."""
    tree = hosted.tree()
    hosted.start("bump")
    hosted.add(wheel("acme-utils", "1.1"))
    hosted.hand_in()
    hosted.propose(1, "mallory")
    assert "whom no policy names" in hosted.comment(1)
    hosted.left(1, status="pending", says="an approval of somebody who may release acme-utils: alice or bob",
                decides="release acme-utils: not granted, no rule grants it", tree=tree)  # fmt: skip


def test_a_homoglyph(hosted):
    """A name that looks like one that is here is no stranger's to take."""
    tree = hosted.tree()
    hosted.start("look-alike")
    hosted.add(wheel("acme-uti1s", "1.0"))
    hosted.hand_in()
    hosted.propose(1, "mallory")
    hosted.left(
        1, status="pending", says="`name-similar`", decides="create acme-uti1s: waiting, granted by newcomers (as anyone)", tree=tree
    )


def test_a_changed_digest_is_refused(hosted):
    """Other bytes for a file that is published: no approval helps."""
    tree = hosted.tree()
    path = hosted.folder / "packages.d" / "acme-utils.yaml"
    hosted.start("tamper")
    text = path.read_text()
    digest = text.partition("sha256: ")[2][:64]
    path.write_text(text.replace(digest, "0" * 64))
    hosted.propose(1, "alice")
    hosted.approve(1, "bob-b")
    hosted.runner.comment(1, "/recheck", user("alice"))
    hosted.left(1, status="failure", says="`file-immutable`", decides="edit acme-utils: allowed", tree=tree)


def test_a_policy_grab(hosted):
    """Rights that a change gives itself do not count for it, and administrators are asked."""
    tree = hosted.tree()
    path = hosted.folder / "policies.d" / "acme.yaml"
    hosted.start("grab")
    path.write_text(path.read_text().replace("groups: {team-web: [alice, bob]", "groups: {team-web: [alice, bob, dave]"))
    hosted.propose(1, "dave")
    hosted.left(1, status="pending", says="an approval of somebody who may administer the index: carol",
                decides="administer the index: not granted, no rule grants it (policies.d/acme.yaml)", tree=tree)  # fmt: skip


def test_a_yank_merges_by_itself(hosted):
    """An owner's yank needs nobody else, and is live at once."""
    hosted.start("yank")
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    hosted.propose(1, "alice")
    assert hosted.is_merged(1), hosted.comment(1)
    assert hosted.status(1) == "success"
    assert any("yank acme-utils: allowed" in decision for decision in hosted.decisions(1))
    assert b"reason: broken" in hosted.tree()["packages.d/acme-utils.yaml"]
    page = json.loads((hosted.runner.pages / "simple" / "acme-utils" / "index.v1_json").read_bytes())
    assert page["files"][0]["yanked"] == "broken"


def test_a_pull_request_that_rewrites_its_workflow_changes_nothing(hosted):
    """A validate.yml that always passes, and an artifact it forges, are nobody's word: the judgement comes from the default branch."""
    tree = hosted.tree()
    hosted.start("forge")
    path = hosted.folder / ".github" / "workflows" / "validate.yml"
    path.write_text(
        "name: validate\non: pull_request\npermissions: {contents: write, statuses: write}\njobs:\n  check:\n"
        "    runs-on: ubuntu-24.04\n    permissions: {contents: write, statuses: write}\n    steps:\n"
        "      - env: {GITHUB_TOKEN: '${{ github.token }}'}\n"
        "        run: |\n"
        "          curl -sf -X POST -H \"Authorization: Bearer $GITHUB_TOKEN\" -d '{\"state\":\"success\",\"context\":\"index-builder\",\"description\":\"\"}' "
        '"$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/statuses/$(printf %040d 0)" || true\n'
        "          echo '{\"number\": 1, \"verdict\": \"merges\", \"merges_by_itself\": true}' > verdict.json\n"
        "      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02\n        with: {name: verdict-1, path: verdict.json}\n"
    )  # fmt: skip
    runs = hosted.propose(1, "mallory", validated=True)
    assert results(runs)["validate on pull_request"] == {"check": "success"}
    assert not hosted.repository.statuses.get("0" * 40)
    hosted.left(1, status="pending", says="an approval of somebody who may administer the index: carol",
                decides="administer the index: not granted, no rule grants it (.github/workflows/validate.yml)", tree=tree)  # fmt: skip


def test_a_second_push_takes_approvals_back(hosted):
    """What was approved is a commit; what is pushed after that waits again, and is told."""
    tree = hosted.tree()
    hosted.start("bump")
    hosted.add(wheel("acme-utils", "1.1"))
    hosted.hand_in()
    hosted.propose(1, "alice")
    hosted.approve(1, "bob-b")
    hosted.add(wheel("acme-utils", "1.2"))
    hosted.hand_in()
    hosted.propose(1, "alice")
    hosted.left(1, status="pending", says="Approvals of earlier commits", decides="release acme-utils: waiting, granted by", tree=tree)


def test_a_push_between_judgement_and_merge_is_judged_again(hosted, monkeypatch):
    """The verdict of one commit never counts for the next: it is neither said nor merged, and judging starts anew."""
    hosted.start("yank")
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    pushed, used = [], _Job._used

    def push_before_acting(job, action, *rest):
        if action == "actions/download-artifact" and not pushed:
            pushed.append(True)
            assert hosted.cli("status", "acme-utils", "deprecated", "--reason", "use acme-core").code == 0
            head = hosted.push("change-1")
            git_of(hosted.repository).references.create("refs/pull/1/head", head, force=True)
        return used(job, action, *rest)

    monkeypatch.setattr(_Job, "_used", push_before_acting)
    runs = hosted.propose(1, "alice")
    assert pushed
    assert "was pushed to or reviewed since, and is judged again" in "".join(run.log for run in runs)
    assert [run.event for run in runs if run.workflow == "judge"] == ["workflow_run", "workflow_dispatch"]


def test_two_pull_requests_for_one_project(hosted):
    """The second one is judged against what the first left: both have the same file name for other bytes, and one gets it."""
    for number, body in ((1, "one = 1\n"), (2, "two = 2\n")):
        hosted.start(f"bump-{number}")
        hosted.add(wheel("acme-utils", "1.1", body=body))
        hosted.hand_in()
        hosted.propose(number, "alice")
        hosted.approve(number, "bob-b")
    hosted.runner.comment(1, "/recheck", user("alice"))
    assert hosted.is_merged(1)
    tree = hosted.tree()
    runs = hosted.runner.comment(2, "/recheck", user("alice"))
    assert runs
    hosted.left(2, status="failure", says="was changed on the base meanwhile, in the same lines", decides=None, tree=tree)


def test_who_may_not_command_is_not_obeyed(hosted):
    """A stranger's `/recheck` and `/bump` start nothing, and neither does a word in the middle of a sentence."""
    hosted.start("yank")
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    hosted.propose(1, "dave")
    for text in ("/recheck", "/bump acme-utils"):
        run = hosted.runner.comment(1, text, user("mallory"))[0]
        assert run.results["which"] == "success"
        assert run.outputs["which"] == {"numbers": "[]", "project": ""}
        assert run.results["judge"] == run.results["bump"] == "skipped"
    run = hosted.runner.comment(1, "please /recheck", user("alice"))[0]
    assert run.results["which"] == "skipped"


@pytest.mark.long
def test_a_comment_that_looks_like_ours_is_left_alone(hosted):
    """Whoever writes our marker into a comment keeps that comment, and ours is another one."""
    hosted.start("yank")
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    head = hosted.push("change-1")
    pull = open_pull(hosted.repository, 1, head=head, author=user("dave"))
    forged = {"id": 5, "body": "<!-- index-builder: judgement -->\nmay be merged", "user": user("mallory")}
    pull["comments"].append(forged)
    hosted.runner.event("workflow_dispatch", {"inputs": {"number": "1"}}, only="judge.yml")
    assert forged["body"].endswith("may be merged")
    hosted.comment(1)


def test_a_rollback_by_hand_and_back(live):
    """The publish workflow goes back to a commit, stays there, and goes on when it is told to."""
    before = str(git_of(live.repository).references["refs/heads/main"].target)
    assert follow_pages(live) == 1
    live.start("main")
    live.add(wheel("acme-utils", "1.1"))
    live.hand_in()
    live.push()
    live.runner.event("push", {})
    assert follow_pages(live) == 2
    run = live.runner.event("workflow_dispatch", {"inputs": {"rollback": before, "reason": "1.1 is broken"}}, only="publish.yml")[0]
    assert run.results["publish"] == "success", run.log
    assert follow_pages(live) == 1
    assert json.loads((live.runner.pages / "state" / "publication.json").read_bytes())["hold"]["reason"] == "1.1 is broken"
    run = live.runner.event("schedule", {}, only="publish.yml")[0]
    assert "1.1 is broken" in run.log, "the run fails, because main is not live"
    assert run.results == {"publish": "failure", "deploy": "skipped"}, "and what is live stays"
    assert follow_pages(live) == 1


def test_the_workflow_signs_with_its_secrets(hosted, monkeypatch):
    """People hold the root's keys on their machines; the workflow has the online ones as secrets, and nothing else signs."""
    index = Ceremony(hosted, monkeypatch)
    hosted.runner.secrets = index.secrets
    hosted.push()
    run = hosted.runner.event("push", {})[0]
    assert run.results == {"publish": "success", "deploy": "success"}, run.log
    assert "unsigned" not in run.log
    assert hosted.cli("verify", hosted.runner.pages, "--root-fingerprint", index.fingerprint, "-q").code == 0
    hosted.runner.secrets = {**index.secrets, "INDEX_BUILDER_KEY_BINS": index.secrets["INDEX_BUILDER_KEY_TIMESTAMP"]}
    hosted.start("main")
    hosted.add(wheel("acme-utils", "1.1"))
    hosted.hand_in()
    hosted.push()
    run = hosted.runner.event("push", {})[0]
    assert run.results == {"publish": "failure", "deploy": "skipped"}
    assert "another key" in run.log
    for secret in index.secrets.values():
        assert secret not in run.log


class Ceremony:
    """A first ceremony of one person: its `secrets` are what the workflow is told, its `fingerprint` is the root's."""

    def __init__(self, hosted, monkeypatch) -> None:
        keys = hosted.folder.parent / "keys"
        monkeypatch.setenv("INDEX_BUILDER_KEYS", str(keys))
        monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", PASSPHRASE)
        hosted.start("main")
        assert hosted.cli("keys", "new", "alice").code == 0
        begun = hosted.cli("keys", "init")
        assert begun.code == 0, begun.err
        self.secrets = {"INDEX_BUILDER_PASSPHRASE": PASSPHRASE}
        for role in ("bins", "timestamp"):
            path = begun.err.partition(f"online key of {role}")[2].split(": ")[1].split()[0]
            self.secrets[f"INDEX_BUILDER_KEY_{role.upper()}"] = (hosted.folder / path).read_text()
        self.fingerprint = hashlib.sha256((hosted.folder / "trust/public/1.root.json").read_bytes()).hexdigest()
        for name in ("INDEX_BUILDER_KEYS", "INDEX_BUILDER_PASSPHRASE"):
            monkeypatch.delenv(name)


def follow_pages(hosted) -> int:
    return follow(FolderReader(hosted.runner.pages))


def test_a_branch_is_published_by_the_workflow_too(hosted):
    """With a branch as target, a change is a commit of what changed on it, and there is no archive to be deployed."""
    index = hosted.folder / "index.yaml"
    hosted.start("main")
    index.write_text(index.read_text().replace("kind: pages-artifact", "kind: pages-branch"))
    hosted.push()
    run = hosted.runner.event("push", {})[0]
    assert run.results == {"publish": "success", "deploy": "skipped"}, run.log
    assert follow(BranchReader(hosted.repository.git)) == 1
    assert cli_yanks(hosted) == {"publish": "success", "deploy": "skipped"}
    git = git_of(hosted.repository)
    tip = git.references["refs/heads/gh-pages"].peel(pygit2.Commit)
    changed = {delta.new_file.path for delta in git.diff(tip.parents[0], tip).deltas}
    assert "simple/acme-utils/index.html" in changed
    assert not [path for path in changed if path.startswith("packages/")]


def cli_yanks(hosted) -> dict[str, str]:
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    hosted.push()
    return hosted.runner.event("push", {})[0].results


def test_a_bucket_is_published_with_the_workflows_identity(hosted):
    """The provider gives credentials to the workflow for what it is; the repository holds none."""
    index = hosted.folder / "index.yaml"
    with s3() as url:
        hosted.start("main")
        target = f"publish: [{{name: bucket, audience: public, kind: bucket, url: s3://acme-index/public/, endpoint: {url}}}]\n"
        index.write_text(index.read_text().partition("publish:")[0] + target)
        hosted.push()
        run = hosted.runner.event("push", {})[0]
        assert run.results["publish"] == "failure"
        hosted.runner.variables |= {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/index", "AWS_REGION": "us-east-1"}
        run = hosted.runner.event("push", {})[0]
        assert run.results == {"publish": "success", "deploy": "skipped"}, run.log
        assert follow(HttpReader(f"{url}/acme-index/public/")) == 1


def acting_after(monkeypatch, what) -> list:
    """Let something happen between the judgement and what follows from it, once; return what happened."""
    happened, used = [], _Job._used

    def use(job, action, *rest):
        if action == "actions/download-artifact" and not happened:
            happened.append(what())
        return used(job, action, *rest)

    monkeypatch.setattr(_Job, "_used", use)
    return happened


def test_an_objection_between_judgement_and_merge_counts(hosted, monkeypatch):
    """Whoever asks for changes after the judgement began is heard before anything is merged."""
    hosted.start("yank")
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    happened = acting_after(monkeypatch, lambda: hosted.approve(1, "bob-b", state="CHANGES_REQUESTED"))
    hosted.propose(1, "alice")
    assert happened
    assert not hosted.is_merged(1)
    assert hosted.status(1) == "pending"
    assert "asks for changes" in hosted.comment(1)


def test_a_base_that_moved_is_judged_anew(hosted, monkeypatch):
    """A verdict on yesterday's base is not said: another change was merged meanwhile."""

    def merge_another():
        subprocess.run(["git", "stash", "-q", "--include-untracked"], check=True)
        hosted.start("other")
        path = hosted.folder / "policies.d" / "acme.yaml"
        path.write_text(path.read_text().replace("merge: [release, yank]", "merge: [release]"))
        hosted.push("main")

    hosted.start("yank")
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    happened = acting_after(monkeypatch, merge_another)
    runs = hosted.propose(1, "alice")
    assert happened
    assert "its base moved, and it is judged again" in "".join(run.log for run in runs)
    assert not hosted.is_merged(1)
    assert "somebody who may write to the repository merges it" in hosted.comment(1)


def test_what_cannot_be_judged_is_refused_and_told(hosted):
    """Crosswise history has no one base: the proposer hears it, and nothing that has the status' name stands in for it."""
    hosted.start("yank")
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    head = hosted.push("change-1")
    git = git_of(hosted.repository)
    main = git.references["refs/heads/main"].target
    who = pygit2.Signature("Mallory", "mallory@example.org", 1_800_000_000, 0)
    tree = git[head].peel(pygit2.Commit).tree_id
    other = git.create_commit(None, who, who, "other", git[main].peel(pygit2.Commit).tree_id, [git[main].peel(pygit2.Commit).id])
    crossed = git.create_commit(None, who, who, "crossed", tree, [pygit2.Oid(hex=head), other])
    git.references["refs/heads/main"].set_target(
        git.create_commit(None, who, who, "main", git[main].peel(pygit2.Commit).tree_id, [other, pygit2.Oid(hex=head)])
    )
    open_pull(hosted.repository, 1, head=str(crossed), author=user("mallory"))
    hosted.runner.event("workflow_dispatch", {"inputs": {"number": "1"}}, only="judge.yml")
    states = [status["state"] for status in hosted.repository.statuses[str(crossed)]]
    assert states == ["pending", "failure"]
    assert "could not be judged" in hosted.comment(1)
    assert "merged crosswise" in hosted.comment(1)
    assert not hosted.is_merged(1)


@pytest.mark.long
def test_commands_are_answered(hosted):
    """Whoever comments a command sees whether they were heard."""
    hosted.start("yank")
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    hosted.propose(1, "dave")
    hosted.runner.comment(1, "/recheck", user("dave"))
    hosted.runner.comment(1, "/recheck", user("mallory"))
    hosted.runner.comment(1, "/bump ???", user("alice"))
    assert [content for _, content in hosted.repository.reactions] == ["+1", "confused", "confused"]


def test_each_hour_looks_at_others(hosted, request):
    """More open pull requests than are judged at once take turns, and one status says the same thing once."""
    head = str(git_of(hosted.repository).references["refs/heads/main"].target)
    for number in range(1, 121):
        open_pull(hosted.repository, number, head=head, author=user("dave"))
    api = Api(hosted.hub.url, "people", wiring.SystemClock(), wiring.NoProgress())
    request.addfinalizer(api.close)
    hub = GitHubRepository(api, NAME)
    event = {"repository": {"default_branch": "main"}}
    start = datetime(2026, 11, 26, tzinfo=UTC)
    seen = [asked_by("schedule", event, hub, None, start + timedelta(hours=hour)).numbers for hour in range(4)]
    assert {len(numbers) for numbers in seen} == {50}
    assert {number for numbers in seen for number in numbers} == set(range(1, 121))
    hosted.hub.tokens["people"].permissions["statuses"] = "write"
    for _ in range(3):
        hub.mark(head, Mark.PENDING, "waits")
        hub.begin(head)
    assert len(hosted.repository.statuses[head]) == 1
    hosted.repository.pulls[7]["base"]["ref"] = "old"
    assert 7 not in asked_by("workflow_run", {**event, "workflow_run": {"head_sha": head}}, hub, None, start).numbers


def test_what_fell_behind_is_brought_up_to_date_and_merged(hosted):
    """Two changes from one commit, on a branch that wants them up to date: the second one merges without a hand, approval and all."""
    for number, name in ((1, "acme-core"), (2, "acme-tools")):
        hosted.start(f"change-{number}")
        hosted.add(wheel(name, "1.0"))
        hosted.hand_in()
        hosted.push("main")
    for number, name in ((1, "acme-core"), (2, "acme-tools")):
        hosted.start(f"bump-{number}")
        hosted.add(wheel(name, "1.1"))
        hosted.hand_in()
        open_pull(hosted.repository, number, head=hosted.push(f"change-{number}"), author=user("alice"))
    heads = {number: hosted.approve(number, "bob-b") for number in (1, 2)}
    hosted.runner.comment(1, "/recheck", user("alice"))
    assert hosted.is_merged(1), hosted.comment(1)
    runs = hosted.runner.comment(2, "/recheck", user("alice"))
    assert "the base is merged into it, and it is judged again" in "".join(run.log for run in runs)
    assert hosted.is_merged(2), hosted.comment(2)
    tip = git_of(hosted.repository).references["refs/heads/main"].peel(pygit2.Commit)
    assert str(tip.parents[1].parents[0].id) == heads[2], "what was approved, and a merge of main"
    assert {"acme-core", "acme-tools"} <= hosted.projects()


def test_an_edited_merge_of_the_base_takes_approvals_back(hosted):
    """A merge of main that brings something of its own beside is a push like any other."""
    hosted.start("bump")
    hosted.add(wheel("acme-utils", "1.1"))
    hosted.hand_in()
    hosted.propose(1, "alice")
    hosted.approve(1, "bob-b")
    subprocess.run(["git", "checkout", "-q", "-B", "other", "FETCH_HEAD"], check=True)
    (hosted.folder / "NOTES.md").write_text("Something else.\n")
    hosted.push("main")
    subprocess.run(["git", "checkout", "-q", "bump"], check=True)
    subprocess.run(["git", "merge", "-q", "--no-commit", "--no-ff", "other"], check=True, env={**os.environ, **WHO})
    path = hosted.folder / "packages.d" / "acme-utils.yaml"
    path.write_text(path.read_text() + "status: {state: deprecated, reason: edited, at: 2026-11-20T00:00:00Z}\n")
    subprocess.run(["git", "commit", "-q", "-a", "-m", "merge"], check=True, env={**os.environ, **WHO})
    hosted.propose(1, "alice")
    assert hosted.status(1) == "pending"
    assert "Approvals of earlier commits" in hosted.comment(1)
    assert not hosted.is_merged(1)


def test_a_pull_request_into_another_branch_is_not_judged(hosted, monkeypatch):
    """Its policies are laxer, and its commit may be a pull request into main too: nothing is said of it, and nothing merged."""
    hosted.start("lax")
    path = hosted.folder / "policies.d" / "acme.yaml"
    path.write_text(path.read_text().replace("grant: {anyone: [create]", "merge: [create]\n    grant: {anyone: [create]"))
    hosted.push("lax")
    hosted.add(wheel("colorful-things", "1.0"), owner="dave")
    hosted.hand_in()
    head = hosted.push("change-1")
    open_pull(hosted.repository, 1, head=head, author=user("dave"))["base"]["ref"] = "lax"
    for run in (
        hosted.runner.comment(1, "/recheck", user("dave"))[0],
        hosted.runner.event("workflow_dispatch", {"inputs": {"number": "1"}}, only="judge.yml")[0],
    ):
        assert run.outputs["which"] == {"numbers": "[]", "project": ""}
        assert "goes into 'lax'" in run.log
    verdict = {
        "number": 1, "head": head, "base": hosted.push("lax"), "branch": "lax", "reviews": said_of(Pull(**{**NOBODYS, "head": head})),
        "verdict": "merges", "merges_by_itself": True, "says": "fine", "report": "fine",
    }  # fmt: skip
    (hosted.folder / "verdict.json").write_text(json.dumps(verdict))
    monkeypatch.setenv("GITHUB_REPOSITORY", NAME)
    hosted.hub.tokens["people"].permissions |= dict.fromkeys(("statuses", "contents", "pull-requests", "actions"), "write")
    done = hosted.cli("pull", "act", hosted.folder / "verdict.json", "--number", 1)
    assert "goes into another branch" in done.err
    assert head not in hosted.repository.statuses
    assert not hosted.is_merged(1)


def test_a_repository_that_squashes(hosted):
    """The way to merge is one that the repository allows."""
    hosted.repository.settings["methods"] = {"allow_merge_commit": False, "allow_squash_merge": True}
    hosted.start("yank")
    assert hosted.cli("yank", "acme-utils", "1.0", "--reason", "broken").code == 0
    hosted.propose(1, "alice")
    assert hosted.is_merged(1), hosted.comment(1)
