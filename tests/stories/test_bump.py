"""Stories of `bump`: indexes, releases and pages are looked at, and what is newer goes into manifests or pull requests."""

import hashlib
import json
import os
import re
import shutil
import ssl
import sys

import attested
import pygit2
import pytest
from actions_runner import Runner
from conftest import ROOT, commit_all
from distributions import sdist, wheel
from github_pulls import bare, git_of
from github_server import GitHub, Repository, Token, github
from pypi_simple import PyPISimple
from servers import Reply, serving

from index_builder import wiring
from index_builder.errors import AttestationError
from index_builder.model.attestation import Claims

SOURCE = "acme/utils"
INDEX = "acme/index"
BUILDER = "index-builder/index-builder@0c3e5f7a9b1d2c4e6f8091a2b3c4d5e6f7081929"


@pytest.fixture
def hub(tmp_path, trusted, monkeypatch):
    """A GitHub over TLS with the repository of a package and that of an index, and a token that may do all that bump does."""
    hub = GitHub(repositories={name: Repository(name=name) for name in (SOURCE, INDEX)})
    hub.repositories[INDEX].git = bare(tmp_path / "acme.git")
    permissions = {"contents": "write", "pull-requests": "write", "actions": "write"}
    hub.tokens["right"] = Token(login="github-actions[bot]", permissions=permissions)
    with github(hub, trusted):
        monkeypatch.setenv("GITHUB_API_URL", hub.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", INDEX)
        monkeypatch.setenv("GITHUB_TOKEN", "right")
        monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
        yield hub


def release(hub, version, *files, published="2026-11-01T08:00:00Z", added="", pre=False, repository=SOURCE):
    """Release files in the package's repository."""
    repository, number = hub.repositories[repository], hub.next()
    made = {
        "id": number, "tag_name": f"v{version}", "name": version, "draft": False, "prerelease": pre, "published_at": published, "assets": [],
        "html_url": f"https://github.example.org/{SOURCE}/releases/tag/v{version}",
    }  # fmt: skip
    repository.releases[number] = made
    for name, content in files:
        asset = hub.next()
        made["assets"].append(
            {
                "id": asset,
                "name": name,
                "state": "uploaded",
                "size": len(content),
                "digest": None,
                "created_at": added or published,
                "updated_at": added or published,
            }
        )
        repository.contents[asset] = content


def manifest(repo, source, *, versions="", hosting="mirrored", more=""):
    """Write a manifest of acme-utils that looks there, with the files of some versions."""
    path = repo / "packages.d" / "acme-utils.yaml"
    path.write_text(
        f"schema: 1\nname: acme-utils\nowners: [maintainers]\nhosting: {hosting}\nsource: {source}\n{more}releases:\n{versions}"
    )
    return path


def listed(version, content_of=None):
    digest = content_of or "0" * 64
    return (
        f"  {version}:\n    files:\n      - {{name: acme_utils-{version}-py3-none-any.whl, sha256: {digest}, size: 9, "
        f"uploaded: 2026-01-02T03:04:05Z, url: https://files.example.org/acme_utils-{version}-py3-none-any.whl}}\n"
    )


def bumped(cli, *options, code=0):
    done = cli("bump", *options, "--format", "json")
    assert done.code == code, done.err
    return {project["project"]: project for project in json.loads(done.out)["projects"]}


def test_an_index_is_looked_at(repo, cli, upstream):
    """The newest release is added with the index's own digest and time, pre-releases where they count; nothing newer changes nothing."""
    assert cli("add", "--pypi", "demo==1.0", "--owner", "maintainers").code == 0
    path = repo / "packages.d" / "demo.yaml"
    path.write_text(path.read_text().replace("releases:", "source: {index: pypi}\nreleases:", 1))
    before = path.read_text()
    found = bumped(cli, "--dry-run")["demo"]
    assert (found["result"], found["before"], found["version"]) == ("newer", "1.0", "1.1")
    assert path.read_text() == before
    bumped(cli)
    assert "demo-1.1-py3-none-any.whl" in path.read_text()
    assert cli("check", "--worktree").code == 0
    assert bumped(cli)["demo"]["result"] == "current"
    path.write_text(path.read_text().replace("{index: pypi}", "{index: pypi, pre: true, versions: '>=1'}"))
    assert bumped(cli)["demo"]["version"] == "2.0rc1"
    path.write_text(before.replace("{index: pypi}", "{index: pypi, versions: '<1.1'}"))
    assert bumped(cli)["demo"]["result"] == "current"
    path.write_text(before.replace("{index: pypi}", "{index: pypi, cooldown: 30d}"))
    found = bumped(cli)["demo"]
    assert (found["result"], found["version"], found["files"]) == ("cooling", "1.1", [])
    assert found["until"] > "2026"


def test_releases_of_a_repository_are_looked_at(repo, cli, hub):
    """Wheels and sdists of the newest release are taken, other assets and pre-releases are not, and neither is what was removed."""
    name, content = wheel("acme-utils", "1.1")
    release(hub, "1.0", wheel("acme-utils", "1.0"))
    release(hub, "1.1", (name, content), sdist("acme-utils", "1.1"), ("notes.txt", b"hello"), wheel("other", "9.0"))
    release(hub, "2.0b1", wheel("acme-utils", "2.0b1"), pre=True)
    path = manifest(repo, f"{{github: {SOURCE}}}", versions=listed("1.0"))
    found = bumped(cli)["acme-utils"]
    assert (found["version"], found["files"]) == ("1.1", [name, "acme_utils-1.1.tar.gz"])
    assert found["notes"] == f"https://github.example.org/{SOURCE}/releases/tag/v1.1"
    assert f"url: {hub.url}/{SOURCE}/releases/download/v1.1/{name}" in path.read_text()
    manifest(repo, f"{{github: {SOURCE}, versions: '<1.1'}}", versions=listed("1.0"))
    assert bumped(cli)["acme-utils"]["result"] == "current"
    tombstone = f"removed:\n  {name}: {{version: 1.1, sha256: {'1' * 64}, reason: leaked, at: 2026-11-20T08:00:00Z}}\n"
    manifest(repo, f"{{github: {SOURCE}}}", versions=listed("1.0") + tombstone)
    assert bumped(cli)["acme-utils"]["result"] == "current"


def test_a_release_that_is_too_young_waits(repo, cli, hub):
    """The cooldown counts from when the release was published; the one before it is taken meanwhile."""
    release(hub, "1.1", wheel("acme-utils", "1.1"), published="2026-11-01T08:00:00Z")
    release(hub, "1.2", wheel("acme-utils", "1.2"), published="2999-01-01T08:00:00Z")
    manifest(repo, f"{{github: {SOURCE}, cooldown: 3d}}", versions=listed("1.0"))
    assert bumped(cli)["acme-utils"]["version"] == "1.1"
    assert bumped(cli)["acme-utils"] == {
        **bumped(cli)["acme-utils"], "result": "cooling", "version": "1.2", "until": "2999-01-04T08:00:00+00:00",
    }  # fmt: skip
    assert "acme-utils: 1.2 waits until 2999-01-04T08:00:00Z" in cli("bump").err


def test_a_page_is_looked_at(repo, cli, hub, trusted):
    """The links of a page that lead to wheels and sdists of the project are what it has."""
    name, content = wheel("acme-utils", "1.1")
    page = f'<!doctype html><a href="{name}">{name}</a> <a href="other-3.0-py3-none-any.whl">other</a> <a href="/">up</a>'.encode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted)
    with serving(context) as server:
        server.on("/files/", Reply(body=page, headers={"content-type": "text/html"}))
        server.on(f"/files/{name}", Reply(body=content))
        manifest(repo, f"{{page: '{server.url}/files/'}}", versions=listed("1.0"))
        assert bumped(cli)["acme-utils"]["version"] == "1.1"


def test_what_fails_holds_up_nobody_else(repo, cli, hub, upstream, monkeypatch):
    """A repository that is gone is told with its project, the others are bumped, and the exit code says that something failed."""
    assert cli("add", "--pypi", "demo==1.0", "--owner", "maintainers").code == 0
    path = repo / "packages.d" / "demo.yaml"
    path.write_text(path.read_text().replace("releases:", "source: {index: pypi}\nreleases:", 1))
    manifest(repo, "{github: acme/gone}", versions=listed("1.0"))
    done = cli("bump")
    assert done.code == 3
    assert "acme-utils: failed: GitHub answers 404" in done.err
    assert "demo: 1.0 → 1.1, 2 files added" in done.err
    manifest(
        repo,
        f"{{github: {SOURCE}}}",
        versions=listed("1.0").replace("url: https://files.example.org/acme_utils-1.0-py3-none-any.whl", "stored: true"),
        hosting="hosted",
    )
    assert "its bytes only ever come from you" in cli("bump", "acme-utils").err


def test_mistakes_are_told_with_the_way_out(repo, cli, hub, monkeypatch):
    """No source anywhere, a project without one, a name that is not there, no token, something that is not committed."""
    assert "no manifest has a `source:`" in cli("bump").err
    path = manifest(repo, f"{{github: {SOURCE}}}", versions=listed("1.0"))
    assert "did you mean" in cli("bump", "acme-util").err
    done = cli("bump", "--pr")
    assert done.code == 2
    assert "is not as the last commit has it" in done.err
    path.write_text(path.read_text().replace(f"source: {{github: {SOURCE}}}\n", ""))
    assert "has no `source:`" in cli("bump", "acme-utils").err
    path.write_text(path.read_text().replace("hosting", f"source: {{github: {SOURCE}}}\nhosting"))
    commit_all(repo)
    monkeypatch.delenv("GITHUB_TOKEN")
    assert "GITHUB_TOKEN is not set" in cli("bump", "--pr").err


@pytest.fixture
def hosted(repo, cli, hub, tmp_path, monkeypatch):
    """The index is on that GitHub, with the workflows, and looks for acme-utils in its repository."""
    folder = tmp_path / "hosted"
    assert cli("init", folder, "--github", BUILDER).code == 0
    monkeypatch.chdir(folder)
    release(hub, "1.0", wheel("acme-utils", "1.0", requires=["six"]))
    manifest(folder, f"{{github: {SOURCE}}}", versions="  {}\n").write_text(
        f"schema: 1\nname: acme-utils\nowners: [maintainers]\nhosting: mirrored\nsource: {{github: {SOURCE}}}\nreleases: {{}}\n"
    )
    (folder / "policies.d" / "maintainers.yaml").write_text(
        "schema: 2\npeople: {alice: {github: {login: alice, id: 1001}}}\ngroups: {maintainers: [alice]}\nrules:\n"
        "  - id: everything\n    projects: ['*']\n    grant: {maintainers: [create, release, yank, edit, administer]}\n"
        "  - id: published\n    projects: ['acme-*']\n    grant: {publishers: [release]}\n    merge: [release]\n"
    )
    assert cli("bump", "acme-utils").code == 0
    push(folder, hub)
    return folder


def push(folder, hub):
    commit_all(folder)
    repository = pygit2.Repository(str(folder))
    repository.remotes.create_anonymous(str(hub.repositories[INDEX].git)).push(["+HEAD:refs/heads/main"])


def test_one_pull_request_a_project(hosted, cli, hub):
    """It is opened and judged; a newer release brings it up to date; the same one again, or one that was closed, is left as it is."""
    release(hub, "1.1", wheel("acme-utils", "1.1"))
    pulls = hub.repositories[INDEX].pulls
    found = bumped(cli, "--pr")["acme-utils"]
    assert (found["pull_request"], found["standing"]) == (1, "opened")
    assert pulls[1]["title"] == "Bump acme-utils to 1.1"
    assert "| `acme_utils-1.1-py3-none-any.whl` |" in pulls[1]["body"]
    assert f"https://github.example.org/{SOURCE}/releases/tag/v1.1" in pulls[1]["body"]
    assert hub.repositories[INDEX].dispatches == [("judge.yml", {"number": "1"})]
    git = git_of(hub.repositories[INDEX])
    tip = git.references["refs/heads/bump/acme-utils"].peel(pygit2.Commit)
    assert [delta.new_file.path for delta in git.diff(tip.parents[0], tip).deltas] == ["packages.d/acme-utils.yaml"]
    assert "1.1" not in (hosted / "packages.d" / "acme-utils.yaml").read_text()
    assert bumped(cli, "--pr")["acme-utils"]["standing"] == "is there already"
    release(hub, "1.2", wheel("acme-utils", "1.2", requires_python=">=3.9", requires=["six>=1.16", 'requests; extra == "web"']))
    found = bumped(cli, "--pr")["acme-utils"]
    assert (found["pull_request"], found["standing"], len(pulls)) == (1, "updated", 1)
    assert pulls[1]["title"] == "Bump acme-utils to 1.2"
    assert "| core metadata | only 1.0 | only 1.2 |" in pulls[1]["body"]
    assert "| Requires-Python | nothing | `>=3.9` |" in pulls[1]["body"]
    assert '| Requires-Dist | `six` | `six>=1.16`, `requests; extra == "web"` |' in pulls[1]["body"]
    assert found["metadata"][0] == {"field": "Requires-Python", "before": [], "after": [">=3.9"]}
    assert "acme_utils-1.2" in git.references["refs/pull/1/head"].peel(pygit2.Commit).tree["packages.d/acme-utils.yaml"].data.decode()
    pulls[1]["state"] = "closed"
    found = bumped(cli, "--pr")["acme-utils"]
    assert (found["standing"], len(pulls)) == ("was closed, and is not proposed again", 1)


def test_attestations_come_along(hosted, cli, hub):
    """What the repository attested is kept beside the manifest, in the same proposal."""
    name, content = wheel("acme-utils", "1.1")
    release(hub, "1.1", (name, content))
    digest = hashlib.sha256(content).hexdigest()
    hub.repositories[SOURCE].attestations[digest] = [attested.bundle()]
    found = bumped(cli, "--pr")["acme-utils"]
    assert found["attestations"] == [f"attestations/{digest}.sigstore.json"]
    tree = git_of(hub.repositories[INDEX]).references["refs/pull/1/head"].peel(pygit2.Commit).tree
    assert json.loads(tree[f"attestations/{digest}.sigstore.json"].data) == json.loads(attested.bundle())
    assert "| yes |" in hub.repositories[INDEX].pulls[1]["body"]


def test_attestations_are_published(repo, cli, hub):
    """What a repository attested becomes a provenance object (PEP 740) of the index; any clone makes the same one of what is kept."""
    settings = repo / "index.yaml"
    settings.write_text(settings.read_text().replace("files: packages/", "files: packages/, url: https://pypi.example.org/"))
    name, content = wheel("acme-utils", "1.1")
    release(hub, "1.1", (name, content), sdist("acme-utils", "1.1"))
    digest = hashlib.sha256(content).hexdigest()
    hub.repositories[SOURCE].attestations[digest] = [attested.bundle_of(name, digest)]
    path = manifest(repo, f"{{github: {SOURCE}}}", versions=listed("1.0"), hosting="linked")
    assert bumped(cli)["acme-utils"]["attestations"] == [f"attestations/{digest}.sigstore.json"]
    (made,) = re.findall(r"provenance: ([0-9a-f]{64})", path.read_text())
    assert cli("build", "--worktree", "-q").code == 0
    published = repo / "site" / "public" / "provenance" / f"{made}.json"
    assert hashlib.sha256(published.read_bytes()).hexdigest() == made
    assert json.loads(published.read_bytes())["attestation_bundles"][0]["publisher"]["repository"] == attested.REPOSITORY
    page = json.loads((repo / "site/public/simple/acme-utils/index.v1_json").read_bytes())
    assert {file["filename"]: file.get("provenance") for file in page["files"]}[name] == f"https://pypi.example.org/provenance/{made}.json"
    assert (
        f'data-provenance="https://pypi.example.org/provenance/{made}.json"'
        in published.parent.parent.joinpath("simple/acme-utils/index.html").read_text()
    )
    (repo / "attestations" / f"{digest}.sigstore.json").unlink()
    shutil.rmtree(repo / ".pool")
    shutil.rmtree(repo / "site")
    done = cli("build", "--worktree", "-q")
    assert done.code == 1
    assert f"the provenance of {name} is neither in the pool nor where the file comes from" in done.err


def test_adding_a_release_by_its_url_keeps_what_was_attested(repo, cli, hub, monkeypatch):
    """The repository in whose releases a file is, is asked; an answer that does not come is said, and one of nothing is none."""
    files = wheel("acme-utils", "1.1"), sdist("acme-utils", "1.1")
    release(hub, "1.1", *files)
    (name, content), (other, _) = files
    digest = hashlib.sha256(content).hexdigest()
    hub.repositories[SOURCE].attestations[digest] = [attested.bundle(), attested.bundle_of(name, digest)]
    urls = [f"{hub.url}/{SOURCE}/releases/download/v1.1/{file}" for file in (name, other)]
    manifest = repo / "packages.d" / "acme-utils.yaml"
    add = ("add", "--url", *urls, "--owner", "maintainers", "-q")
    assert cli(*add, "--dry-run").code == 0
    assert not (repo / "attestations").exists()
    assert cli(*add).code == 0  # of another server than GitHub's, nobody is asked
    assert "provenance" not in manifest.read_text()
    manifest.unlink()
    monkeypatch.setenv("GITHUB_SERVER_URL", hub.url)
    monkeypatch.setenv("GITHUB_API_URL", f"{hub.url}/nowhere")
    assert cli(*add).code == 0
    manifest.unlink()
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    monkeypatch.setenv("GITHUB_API_URL", hub.url)
    done = cli(*add)
    assert done.code == 0
    assert f"what {SOURCE} attests of {name} could not be asked for" in done.err
    manifest.unlink()
    monkeypatch.setenv("GITHUB_TOKEN", "right")
    assert cli(*add).code == 0
    assert [path.name for path in (repo / "attestations").iterdir()] == [f"{digest}.sigstore.json"]
    assert manifest.read_text().count("provenance: ") == 1
    assert cli("build", "--worktree", "-q").code == 0


def test_the_workflow_bumps_and_is_judged(hosted, hub, tmp_path):
    """By dispatch: the bot proposes, the judgement is started by name, and an attestation of somebody else's file is no publisher's word."""
    name, content = wheel("acme-utils", "1.1")
    release(hub, "1.1", (name, content))
    hub.repositories[SOURCE].attestations[hashlib.sha256(content).hexdigest()] = [attested.bundle()]
    runner = Runner(hub, INDEX, tmp_path / "runner")
    runs = runner.event("workflow_dispatch", {"inputs": {"project": "acme-utils"}}, only="bump.yml")
    assert [run.workflow for run in runs] == ["bump", "judge"], runs[0].log
    assert runs[1].results == {"which": "success", "judge": "success", "act": "success", "bump": "skipped"}, runs[1].log
    repository = hub.repositories[INDEX]
    head = str(git_of(repository).references["refs/pull/1/head"].target)
    assert repository.statuses[head][-1]["state"] == "failure"
    comment = repository.pulls[1]["comments"][0]["body"]
    assert "`provenance-invalid`" in comment
    assert "github\\-actions\\[bot\\]" in comment
    assert repository.pulls[1]["merged_at"] is None


@pytest.fixture(scope="module")
def real():
    """The file that the attestation in tests/ is of: a small sdist that everybody can have."""
    with PyPISimple() as upstream:
        package = next(p for p in upstream.get_project_page("pypi-attestations").packages if p.filename == attested.NAME)
        answer = upstream.s.get(package.url, timeout=60)
        answer.raise_for_status()
    assert hashlib.sha256(answer.content).hexdigest() == attested.DIGEST
    return answer.content


@pytest.fixture
def attesting(hosted, cli, hub, real):
    """An index whose rules let publishers release; it looks for a project in the repository that really attested its newest sdist."""
    name, content = wheel("pypi-attestations", "0.0.18")
    hub.repositories[attested.REPOSITORY] = Repository(name=attested.REPOSITORY)
    release(hub, "0.0.18", (name, content), repository=attested.REPOSITORY)
    release(hub, "0.0.19", (attested.NAME, real), published="2026-11-02T08:00:00Z", repository=attested.REPOSITORY)
    hub.repositories[attested.REPOSITORY].attestations[attested.DIGEST] = [attested.bundle()]

    def declare(repository_id):
        folder = hosted / "packages.d"
        (folder / "acme-utils.yaml").unlink()
        (folder / "pypi-attestations.yaml").write_text(
            "schema: 1\nname: pypi-attestations\nowners: [maintainers]\nhosting: mirrored\n"
            f"source: {{github: {attested.REPOSITORY}, versions: '<0.0.19'}}\n"
            f"publishers: [{{github: {attested.REPOSITORY}, repository_id: {repository_id}, workflow: release.yml}}]\nreleases: {{}}\n"
        )
        assert cli("bump", "pypi-attestations").code == 0
        edit = folder / "pypi-attestations.yaml"
        edit.write_text(edit.read_text().replace(", versions: '<0.0.19'", ""))
        policy = hosted / "policies.d" / "maintainers.yaml"
        policy.write_text(policy.read_text().replace("acme-*", "*"))
        index = hosted / "index.yaml"
        index.write_text(index.read_text() + "publish: [{name: pages, audience: public, kind: pages-artifact}]\n")
        push(hosted, hub)

    return declare


@pytest.mark.network
def test_from_a_publishers_release_to_the_index_without_a_hand(attesting, hub, tmp_path):
    """`/bump` by one of the policies' people: proposed, proved offline by a real attestation, merged, and live on Pages."""
    attesting(attested.PUBLISHER.repository_id)
    runner = Runner(hub, INDEX, tmp_path / "runner")
    user = {"id": 1001, "login": "alice", "type": "User"}
    event = {"issue": {"number": 9, "state": "open", "user": user}, "comment": {"id": 1, "body": "/bump pypi-attestations", "user": user}}
    runs = runner.event("issue_comment", event)
    log = "".join(run.log for run in runs)
    assert [(run.workflow, run.event) for run in runs] == [
        ("judge", "issue_comment"), ("judge", "workflow_dispatch"), ("publish", "workflow_dispatch"),
    ], log  # fmt: skip
    assert runs[0].results["bump"] == "success", log
    repository = hub.repositories[INDEX]
    assert repository.pulls[1]["merged_at"], repository.pulls[1]["comments"]
    assert "granted by published (as publishers)" in repository.pulls[1]["comments"][0]["body"].replace("\\", "")
    page = json.loads((runner.pages / "simple" / "pypi-attestations" / "index.v1_json").read_bytes())
    assert [file["hashes"]["sha256"] for file in page["files"] if file["filename"] == attested.NAME] == [attested.DIGEST], log


@pytest.fixture
def releasing(hub, tmp_path, monkeypatch):
    """The package's own repository, whose workflow calls release-to-index.yml; the file is attested as it was in truth."""
    repository = hub.repositories[attested.REPOSITORY]
    folder = tmp_path / "package"
    (folder / ".github" / "workflows").mkdir(parents=True)
    shutil.copy(ROOT / ".github" / "workflows" / "release-to-index.yml", folder / ".github" / "workflows")
    pygit2.init_repository(str(folder), initial_head="main")
    commit_all(folder)
    repository.git = bare(tmp_path / "package.git")
    pygit2.Repository(str(folder)).remotes.create_anonymous(str(repository.git)).push(["+HEAD:refs/heads/main"])
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests" / "gh.py"} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    hub.tokens["app"] = Token(login="acme-app[bot]", repository=INDEX, permissions={"contents": "write"})

    def sign(path):
        repository.attestations[hashlib.sha256(path.read_bytes()).hexdigest()] = [attested.bundle()]
        return attested.bundle()

    runner = Runner(hub, attested.REPOSITORY, tmp_path / "package-runner", {"index-token": "app"})
    runner.sign = sign
    return runner


@pytest.mark.network
def test_a_bump_that_another_repository_attested(attesting, releasing, hub, tmp_path):
    """The package's workflow attests its release and tells the index a name: one with the publisher's name and another number is not it."""
    hub.repositories[attested.REPOSITORY].attestations.clear()
    attesting(4711)
    inputs = {"tag": "v0.0.19", "index": INDEX, "project": "pypi-attestations", "environment": ""}
    (run,) = releasing.event("workflow_call", {"inputs": inputs})
    assert run.results == {"attest": "success", "tell": "success"}, run.log
    assets = [r["assets"] for r in hub.repositories[attested.REPOSITORY].releases.values() if r["tag_name"] == "v0.0.19"]
    assert [asset["name"] for asset in assets[0]] == [attested.NAME, "attestations.sigstore.jsonl"]
    (hint,) = hub.repositories[INDEX].hints
    runner = Runner(hub, INDEX, tmp_path / "runner")
    runs = runner.event("repository_dispatch", hint)
    assert [run.workflow for run in runs] == ["bump", "judge"], runs[0].log
    repository = hub.repositories[INDEX]
    head = str(git_of(repository).references["refs/pull/1/head"].target)
    assert repository.statuses[head][-1]["state"] == "failure"
    comment = repository.pulls[1]["comments"][0]["body"].replace("\\", "")
    assert "`provenance-publisher`" in comment
    assert "- release pypi-attestations: " in comment.partition("### What the policies of the base say")[2]
    assert "granted by" not in comment, "an attestation that is not the publisher's gives nobody a right"
    assert repository.pulls[1]["merged_at"] is None
    tree = git_of(repository).references["refs/heads/main"].peel(pygit2.Commit).tree
    assert attested.NAME not in tree["packages.d/pypi-attestations.yaml"].data.decode()


def test_a_source_is_tried_where_it_is_proposed(hosted, cli, hub):
    """A new or changed source that leads nowhere, or to another project's files, is a problem of that very change; offline it is told."""
    path = hosted / "packages.d" / "acme-utils.yaml"
    text = path.read_text()
    for wrong, said in (("acme/gone", "GitHub answers 404"), (INDEX, "it has no wheel or sdist of the project")):
        path.write_text(text.replace(f"github: {SOURCE}", f"github: {wrong}"))
        done = cli("check", "--base", "HEAD", "--worktree", "--actor", "alice")
        assert done.code == 1
        assert "source-empty" in done.err
        assert said in done.err
    done = cli("check", "--base", "HEAD", "--worktree", "--actor", "alice", "--offline")
    assert "whether its source has releases" in done.out
    path.write_text(text.replace(f"github: {SOURCE}", f"github: {SOURCE}, cooldown: 1d"))
    assert "source-empty" not in cli("check", "--base", "HEAD", "--worktree", "--actor", "alice").err


class Attesting:
    """Verifies as Sigstore would, if it had signed for the package's repository."""

    def is_available(self) -> bool:
        return True

    def verified(self, content, name, digest):
        url = f"https://github.com/{SOURCE}"
        if json.loads(content) != {"of": digest}:
            raise AttestationError("it is an attestation of another file")
        return (
            Claims(
                issuer="https://token.actions.githubusercontent.com", repository=url, repository_id="4711", ref="refs/tags/v1",
                workflow=f"{url}/.github/workflows/release.yml@refs/tags/v1", trigger="push", runner="github-hosted",
            ),
        )  # fmt: skip


@pytest.fixture
def published_by(hosted, cli, hub, monkeypatch):
    """acme-utils 1.0 declares its publisher, whose releases need nobody's grant and nobody to merge them; 1.1 and 1.2 are attested."""
    monkeypatch.setattr(wiring, "attestations", Attesting)
    path = hosted / "packages.d" / "acme-utils.yaml"
    publisher = f"publishers: [{{github: {SOURCE}, repository_id: 4711, workflow: release.yml}}]"
    path.write_text(path.read_text().replace("hosting:", f"{publisher}\nhosting:"))
    commit_all(hosted)
    for version in ("1.1", "1.2"):
        name, content = wheel("acme-utils", version)
        release(hub, version, (name, content))
        digest = hashlib.sha256(content).hexdigest()
        hub.repositories[SOURCE].attestations[digest] = [json.dumps({"of": digest}).encode()]
    return path


def judged(cli, code, actor="mallory"):
    done = cli("check", "--base", "HEAD", "--worktree", "--actor", actor, "--format", "json")
    assert done.code == code, done.err + done.out
    return json.loads(done.out)


def test_a_publishers_release_is_merged_whoever_proposes_it(published_by, cli):
    """What bump would add, attested by the declared publisher, needs no grant of the proposer, and no person to merge it."""
    assert cli("bump").code == 0
    report = judged(cli, 0)
    assert (report["merges_by_itself"], report["says"]) == (True, "may be merged as it stands: nothing is missing; it merges by itself")
    assert [decision["granted"] for decision in report["decisions"]] == [[{"rule": "published", "as": "publishers"}]]


def _without_attestation(path, folder):
    for kept in (folder / "attestations").iterdir():
        kept.unlink()


def _with_an_owner(path, folder):
    path.write_text(path.read_text().replace("owners: [maintainers]", "owners: [maintainers, alice]"))


def _with_another_hosting(path, folder):
    path.write_text(path.read_text().replace("hosting: mirrored", "hosting: linked"))


def _with_another_origin(path, folder):
    path.write_text(path.read_text().replace("/download/v1.0/", "/download/v0.9/"))


TOO_MUCH = {
    "no attestation": _without_attestation,
    "an owner": _with_an_owner,
    "a hosting": _with_another_hosting,
    "an origin": _with_another_origin,
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_a_publishers_release_with_anything_else_in_it_is_not(published_by, hosted, cli, what):
    """An attestation says who built new files: a change that does anything more needs somebody who may do that."""
    assert cli("bump").code == 0
    TOO_MUCH[what](published_by, hosted)
    done = cli("check", "--base", "HEAD", "--worktree", "--actor", "mallory", "--format", "json")
    assert done.code in (1, 10), done.out
    assert json.loads(done.out)["merges_by_itself"] is False


def test_nobody_else_chooses_which_release(published_by, hosted, cli, hub):
    """An attested release that is not the newest, or that is younger than the cooldown of the base, is not what bump would add."""
    published_by.write_text(published_by.read_text().replace(f"{{github: {SOURCE}}}", f"{{github: {SOURCE}, versions: '<1.2'}}"))
    assert cli("bump").code == 0
    text = published_by.read_text()
    assert "acme_utils-1.1" in text
    published_by.write_text(text.replace(", versions: '<1.2'", ""))
    assert "1.1" in published_by.read_text()
    assert judged(cli, 10)["merges_by_itself"] is False
    git = pygit2.Repository(str(hosted))
    git.reset(git.head.target, pygit2.enums.ResetMode.HARD)
    for kept in (hosted / "attestations").iterdir():
        kept.unlink()
    published_by.write_text(published_by.read_text().replace(f"{{github: {SOURCE}}}", f"{{github: {SOURCE}, cooldown: 9000d}}"))
    commit_all(hosted)
    published_by.write_text(published_by.read_text().replace(", cooldown: 9000d", ""))
    assert cli("bump").code == 0
    published_by.write_text(published_by.read_text().replace(f"{{github: {SOURCE}}}", f"{{github: {SOURCE}, cooldown: 9000d}}"))
    assert judged(cli, 10)["merges_by_itself"] is False


def test_a_file_that_is_put_into_an_old_release_is_young(repo, cli, hub):
    """The cooldown counts from when the file was there, and not from when its release was."""
    release(hub, "9.9", wheel("acme-utils", "9.9"), published="2020-01-01T08:00:00Z", added="2999-01-01T08:00:00Z")
    manifest(repo, f"{{github: {SOURCE}, cooldown: 7d}}", versions=listed("1.0"))
    assert bumped(cli)["acme-utils"]["result"] == "cooling"


def test_publishers_are_granted_releases_only(hosted, cli):
    """An attestation of files is no word on owners or marks, and the policies say so when they are read."""
    policy = hosted / "policies.d" / "maintainers.yaml"
    for wrong in ("grant: {publishers: [release, transfer]}", "grant: {publishers: [create]}", "deny: {publishers: [release]}"):
        before = policy.read_text()
        policy.write_text(before.replace("grant: {publishers: [release]}", wrong))
        done = cli("check", "--worktree", "--offline")
        assert done.code == 1
        assert "they can be granted `release`, and nothing else" in done.err
        policy.write_text(before)


def test_what_a_pull_request_says_cannot_format_or_mention(hosted, cli, hub):
    """Metadata of a release is anybody's text: in the proposal it stays code."""
    release(hub, "1.1", wheel("acme-utils", "1.1", requires_python="===`|@acme/security|https://evil.example.org/x"))
    bumped(cli, "--pr")
    body = hub.repositories[INDEX].pulls[1]["body"]
    assert "`` ===`\\|@acme/security\\|https://evil.example.org/x ``" in body


def test_an_attestation_that_comes_late_is_added(hosted, cli, hub):
    """A release is attested after it was made: the proposal is brought up to date, and left alone when it is just so."""
    name, content = wheel("acme-utils", "1.1")
    release(hub, "1.1", (name, content))
    assert bumped(cli, "--pr")["acme-utils"]["standing"] == "opened"
    digest = hashlib.sha256(content).hexdigest()
    hub.repositories[SOURCE].attestations[digest] = [attested.bundle()]
    assert bumped(cli, "--pr")["acme-utils"]["standing"] == "updated"
    assert (
        f"{digest}.sigstore.json" in git_of(hub.repositories[INDEX]).references["refs/pull/1/head"].peel(pygit2.Commit).tree["attestations"]
    )
    assert bumped(cli, "--pr")["acme-utils"]["standing"] == "is there already"
