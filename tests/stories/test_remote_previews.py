"""Stories of pull requests that are shown to others before they are merged: opt-in, elsewhere, and no longer than they are open."""

import json
import subprocess

import pytest
from conftest import commit_all
from distributions import wheel
from github_pulls import git_of, open_pull
from published import CREDENTIALS, s3
from stories.test_github import Hosted, hosted, ran, user  # noqa: F401 - a fixture

from index_builder import wiring
from index_builder.adapters.previews import PreviewFolder
from index_builder.errors import SourceError
from index_builder.model.names import Word
from index_builder.model.previews import Previews


def settings(place: str) -> str:
    return f"previews: {{audience: public, site: https://previews.example.org/, {place}}}\n"


@pytest.fixture
def shown(hosted, tmp_path):  # noqa: F811 - the fixture
    """The same index, whose pull requests are shown in a folder."""
    with (hosted.folder / "index.yaml").open("a") as stream:
        stream.write(settings(f"kind: directory, path: {tmp_path / 'previews'}"))
    policy = hosted.folder / "policies.d" / "acme.yaml"
    policy.write_text(
        policy.read_text().replace("rules:\n", "rules:\n  - {id: readers, audiences: [public], grant: {anyone: [download]}}\n")
    )
    hosted.runner.variables["PREVIEWS"] = "yes"
    hosted.push()
    return hosted


def heads(tmp_path) -> dict[str, str]:
    return json.loads((tmp_path / "previews" / "previews.json").read_bytes())


def propose(shown: Hosted, login: str, project: str = "colorful-things", owner: str = "dave"):
    shown.start("new")
    shown.add(wheel(project, "1.0"), owner=owner)
    shown.hand_in()
    return shown.propose(1, login)


def test_what_the_policies_allow_is_shown_until_it_closes(shown, tmp_path):
    """Nothing is missing but somebody who merges it: it is shown, marked and unsigned; a push shows it anew; closing takes it away."""
    runs = propose(shown, "dave")
    assert ran(runs) == ["judge", "preview", "preview"], "it takes away what is old, then shows what is new"
    assert runs[-1].results == {"build": "success", "show": "success", "tidy": "skipped"}, runs[-1].log
    folder = tmp_path / "previews" / "pr-1"
    assert json.loads((folder / "simple" / "colorful-things" / "index.v1_json").read_bytes())["versions"] == ["1.0"]
    assert "Preview of a change that is not merged" in (folder / "simple" / "acme-utils" / "index.html").read_text()
    assert not (folder / "tuf").exists()
    assert "https://previews.example.org/pr-1/" in shown.comment(1).replace("\\", "")
    first = heads(tmp_path)
    shown.add(wheel("colorful-things", "1.1"), owner="dave")
    shown.hand_in()
    shown.propose(1, "dave")
    assert heads(tmp_path) != first
    assert json.loads((folder / "simple" / "colorful-things" / "index.v1_json").read_bytes())["versions"] == ["1.0", "1.1"]
    shown.repository.pulls[1]["state"] = "closed"
    runs = shown.runner.event("workflow_run", {"workflow_run": {"name": "validate", "head_sha": heads(tmp_path)["1"]}})
    assert {run.workflow: run.results for run in runs}["preview"] == {"build": "skipped", "show": "skipped", "tidy": "success"}
    assert heads(tmp_path) == {}
    assert not folder.exists()


def test_what_waits_is_shown_by_a_maintainers_label_and_once(shown, tmp_path):
    """A stranger's release is not shown; with the label it is, and the label is used up: it was a word on that commit."""
    propose(shown, "mallory", "acme-utilities", "team-web")
    assert not (tmp_path / "previews" / "pr-1").exists()
    shown.repository.pulls[1]["labels"].append({"name": "preview"})
    runs = shown.runner.event("workflow_run", {"workflow_run": {"name": "validate", "head_sha": shown.head(1)}})
    assert [run.workflow for run in runs if run.event == "workflow_dispatch"] == ["preview"], runs[0].log
    assert shown.repository.pulls[1]["labels"] == []
    assert [*heads(tmp_path)] == ["1"]
    assert shown.status(1) == "pending"


def test_a_commit_that_nobody_allowed_is_not_shown(shown, tmp_path):
    """What is pushed after the judgement, and before the preview is built, is not what may be shown."""
    shown.start("new")
    shown.add(wheel("colorful-things", "1.0"), owner="dave")
    old = shown.push("change-1")
    open_pull(shown.repository, 1, head=old, author=user("dave"))
    shown.add(wheel("colorful-things", "1.1"), owner="dave")
    shown.hand_in()
    git_of(shown.repository).references.create("refs/pull/1/head", shown.push("change-1"), force=True)
    run = shown.runner.event("workflow_dispatch", {"inputs": {"number": "1", "head": old}}, only="preview.yml")[0]
    assert run.results == {"build": "failure", "show": "skipped", "tidy": "skipped"}
    assert "may be shown" in run.log


def test_a_commit_is_named_whole(repo, cli):
    """The beginning of an id would pass for another commit's, and `tidy` would not know it again."""
    done = cli("previews", "show", "1", repo, "--head", "4f1c0b1e")
    assert done.code == 2
    assert "no whole id of a commit" in done.err
    assert "git ls-remote origin" in done.err


def test_a_preview_that_broke_off_is_found_again(tmp_path):
    """What was written down first is taken away by `tidy`, though nothing of it came."""
    place, tree = PreviewFolder(tmp_path / "previews"), tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(tmp_path)
    with pytest.raises(SourceError):
        place.put(1, "1" * 40, tree)
    assert place.shown() == {1: "1" * 40}
    place.drop(1)
    assert place.shown() == {}


def test_nothing_is_shown_unless_it_is_asked_for(repo, cli):
    """Without `previews:` the verb says what to write."""
    commit_all(repo)
    done = cli("previews", "tidy")
    assert done.code == 2
    assert "index.yaml has no `previews:`" in done.err


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("kind: directory, path: live/public/previews", "previews-shared"),
        ("kind: directory, path: elsewhere, site: https://ACME.example.org/previews/", "previews-shared"),
        ("kind: directory, path: elsewhere", "audience-exposed"),
        ("kind: bucket, path: elsewhere", "invalid-value"),
    ],
)
def test_where_previews_must_not_be(repo, cli, place, rule):
    """Not inside what is published, not at its host name, and not of an audience that is only for some."""
    text = settings(place).replace("site: https://previews.example.org/, ", "") if "site" in place else settings(place)
    (repo / "index.yaml").write_text(
        "schema: 1\ntitle: Acme\naudiences: {public: {url: https://acme.example.org/, files: packages/}}\n"
        f"publish: [{{name: live, audience: public, kind: directory, path: live/public}}]\n{text}"
    )
    policy = repo / "policies.d" / "maintainers.yaml"
    if rule == "audience-exposed":
        policy.write_text(policy.read_text().replace("anyone: [download]", "maintainers: [download]"))
    done = cli("check", "--worktree", "--offline", "--format", "json")
    assert done.code == 1
    assert rule in {problem["rule"] for problem in json.loads(done.out)["problems"]}, done.out


def test_a_bucket_shows_them_too(tmp_path, monkeypatch):
    """Each pull request under its number; what a newer preview has no more goes, and others stay."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with s3() as url:
        place = wiring.open_previews(
            tmp_path, Previews(audience=Word("public"), kind="bucket", site="", label="", url="s3://acme-index/previews/", endpoint=url)
        )
        tree = tmp_path / "tree"
        for number, names in ((1, ["simple/index.html", "old.html"]), (2, ["simple/index.html"]), (1, ["simple/index.html"])):
            subprocess.run(["rm", "-rf", tree], check=True)
            for name in names:
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).write_text(f"{number}")
            place.put(number, f"{number}" * 40, tree)
        assert place.shown() == {1: "1" * 40, 2: "2" * 40}
        place.drop(2)
        assert place.shown() == {1: "1" * 40}
        assert sorted(name for name, *_ in place._root.list()) == ["pr-1/simple/index.html", "previews.json"]
