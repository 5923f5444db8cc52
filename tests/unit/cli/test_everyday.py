"""The commands as their user types them, from nothing to a built index, with the mistakes that people make."""

import json

import pygit2
import pytest
from conftest import commit_all
from distributions import sdist, wheel
from live import serving


def test_init_passes_check_at_once(repo, cli):
    """A new index repository has no problems, builds, and has git started in it."""
    assert cli("check", "--worktree").code == 0
    assert cli("build", "--worktree").code == 0
    assert (repo / ".git").is_dir()
    commit_all(repo)
    assert cli("check").code == 0


def test_init_keeps_what_is_there_and_refuses_a_second_time(tmp_path, cli):
    """Files of the folder stay as they are; an index is not started over."""
    (tmp_path / "README.md").write_text("mine\n")
    pygit2.init_repository(str(tmp_path))
    done = cli("init", tmp_path, "--format", "json")
    assert json.loads(done.out)["git"] is False
    assert "README.md" not in json.loads(done.out)["written"]
    assert (tmp_path / "README.md").read_text() == "mine\n"
    again = cli("init", tmp_path)
    assert again.code == 1
    assert "already" in again.err


def test_init_says_when_the_folder_cannot_be_made(tmp_path, cli):
    """A path below a file is refused with the reason."""
    (tmp_path / "file").write_text("")
    done = cli("init", tmp_path / "file" / "x")
    assert done.code == 1
    assert "cannot be made" in done.err


def test_a_title_may_hold_anything(tmp_path, cli):
    """Quotes, colons and non-ASCII letters in a title survive into index.yaml."""
    assert cli("init", tmp_path / "x", "--title", 'Ünï: "quoted" #1').code == 0
    assert cli("check", "--repo", tmp_path / "x", "--worktree").code == 0


def test_add_from_an_index(repo, cli, upstream):
    """The newest release's files are pinned with digest, size, upload time, requires-python and core metadata."""
    done = cli("add", "--pypi", "Demo")
    assert done.code == 0, done.err
    text = (repo / "packages.d" / "demo.yaml").read_text()
    assert "demo-1.1-py3-none-any.whl" in text
    assert "1.0" not in text.replace("schema", "").replace("127.0.0", "")
    assert 'requires-python: ">=3.8"' in text
    assert "metadata: " in text
    assert cli("check", "--worktree").code == 0


@pytest.mark.parametrize(
    ("arguments", "versions"),
    [
        (["demo"], {"1.1"}),
        (["demo==1.0"], {"1.0"}),
        (["demo<1.1"], {"1.0"}),
        (["demo", "--pre"], {"2.0rc1"}),
        (["demo==2.0rc1"], {"2.0rc1"}),
        (["demo", "--all"], {"1.0", "1.1"}),
        (["demo", "--all", "--pre"], {"1.0", "1.1", "2.0rc1"}),
    ],
)
def test_add_chooses_releases_as_installers_do(repo, cli, upstream, arguments, versions):
    """Specifiers, pre-releases and --all choose the releases that are added."""
    done = cli("add", "--format", "json", "--pypi", *arguments)
    assert done.code == 0, done.err
    added = json.loads(done.out)["manifests"][0]["files"]
    assert {file["version"] for file in added} == versions


def test_add_takes_only_the_files_that_are_named(repo, cli, upstream):
    """--only chooses by file name."""
    assert cli("add", "--pypi", "demo", "--only", "*.whl").code == 0
    assert ".tar.gz" not in (repo / "packages.d" / "demo.yaml").read_text()


def test_add_several_at_once_is_all_or_nothing(repo, cli, upstream):
    """One unknown project among several leaves no manifest behind, and says which it was."""
    done = cli("add", "--pypi", "demo", "nosuch")
    assert done.code == 3
    assert "no project nosuch" in done.err
    assert not list((repo / "packages.d").glob("*.yaml"))


def test_add_again_changes_only_what_is_new(repo, cli, upstream):
    """A manifest with comments and its own style gets the new release, and not one other byte."""
    cli("add", "--pypi", "demo==1.0")
    path = repo / "packages.d" / "demo.yaml"
    before = path.read_text().replace("owners:", "# ours\nowners:  ")
    path.write_text(before)
    assert cli("add", "--pypi", "demo==1.0").code == 0
    assert path.read_text() == before
    assert cli("add", "--pypi", "demo").code == 0
    after = path.read_text()
    assert after.startswith(before)
    assert "  1.1:\n    files:\n      - name: demo-1.1" in after[len(before) :]


def test_add_dry_run_shows_the_diff_and_writes_nothing(repo, cli, upstream):
    """--dry-run prints what would be written."""
    done = cli("add", "--pypi", "demo", "--dry-run")
    assert "+name: demo" in done.out
    assert "would be added" in done.err
    assert not (repo / "packages.d" / "demo.yaml").exists()


def test_add_own_files(repo, cli, dist):
    """Wheels and sdists of a folder become hosted projects whose bytes are in the pool."""
    done = cli("add", "--dist", dist(wheel("Acme.Utils", "1.0"), sdist("Acme.Utils", "1.0")))
    assert done.code == 0, done.err
    text = (repo / "packages.d" / "acme-utils.yaml").read_text()
    assert "name: Acme.Utils" in text
    assert "hosting: hosted" in text
    assert text.count("stored: true") == 2
    assert cli("check", "--worktree", "--offline").code == 0


def test_add_own_files_from_folders_in_folders(repo, cli, dist, tmp_path):
    """What other index software exports lies in many folders; hidden ones are not looked into, and no link leads out of it."""
    files = dist(wheel("acme-a", "1.0"), wheel("acme-b", "1.0"), wheel("acme-c", "1.0"))
    export = tmp_path / "export"
    for path, name in (("root/dev/acme-a", "acme_a"), ("3f/9a", "acme_b"), (".cache", "acme_c")):
        (export / path).mkdir(parents=True)
        (files / f"{name}-1.0-py3-none-any.whl").rename(export / path / f"{name}-1.0-py3-none-any.whl")
    done = cli("add", "--dist", export)
    assert done.code == 0, done.err
    assert sorted(path.name for path in (repo / "packages.d").glob("acme-*")) == ["acme-a.yaml", "acme-b.yaml"]
    (tmp_path / "elsewhere.whl").write_text("x")
    (export / "acme_d-1.0-py3-none-any.whl").symlink_to(tmp_path / "elsewhere.whl")
    refused = cli("add", "--dist", export)
    assert refused.code != 0
    assert "is a link that leads out of" in refused.err


def test_add_never_builds_or_imports(repo, cli, dist, tmp_path):
    """An sdist whose setup.py would write a file is added and built into an index, and the file is not there."""
    canary = tmp_path / "canary"
    files = dist(
        sdist("evil", "1.0", setup=f"open({str(canary)!r}, 'w').close()\n"), wheel("evil", "1.0", body=f"open({str(canary)!r}, 'w')")
    )
    assert cli("add", "--dist", files).code == 0
    assert cli("check", "--worktree").code == 0
    assert cli("build", "--worktree").code == 0
    assert not canary.exists()


@pytest.mark.parametrize(("hosting", "link"), [("mirrored", "../../packages/"), ("linked", "https://127.0.0.1")])
def test_add_by_url(repo, cli, upstream, trusted, hosting, link):
    """A wheel at a URL is fetched, looked into and pinned; pages link to our copy, or to the URL, with its core metadata."""
    tree = repo.parent / "upstream" / "site" / "public"
    file = next(tree.rglob("demo-1.0-py3-none-any.whl"))
    with serving(tree, trusted) as live:
        url = f"{live.url}/{file.relative_to(tree)}"
        done = cli("add", "--url", url, "--hosting", hosting)
        assert done.code == 0, done.err
        assert cli("check", "--worktree").code == 0
        assert cli("build", "--worktree", "-q").code == 0
    page = (repo / "site/public/simple/demo/index.html").read_text()
    assert f'href="{link}' in page
    assert "data-core-metadata" in page


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "demo"], 2, "say where from"),
        (["add", "--pypi", "--dist", "demo"], 2, "say where from"),
        (["add", "--index", "corp", "demo"], 2, "no upstream 'corp'"),
        (["add", "--pypi", "demo-1.0-py3-none-any.whl"], 2, "--dist"),
        (["add", "--pypi", "demo; python_version < '3'"], 2, "marker"),
        (["add", "--url", "demo"], 2, "not an https URL"),
        (["add", "--url", "https://example.org/demo.txt"], 1, "only wheels"),
        (["add", "--dist", "nowhere"], 1, "neither a file nor a folder"),
        (["add", "--dist", "packages.d"], 1, "no wheels or sdists"),
        (["add", "--dist", "index.yaml"], 1, "only wheels"),
        (["add", "--pypi", "demo", "--owner", "nobody"], 2, "nobody and no group"),
        (["add", "--pypi", "demo", "--audience", "x"], 2, "no audience 'x'"),
        (["yank", "demo", "1.0"], 2, "--reason"),
        (["yank", "demo", "1.0", "--undo", "--reason", "x"], 2, "no --reason"),
        (["yank", "demo", "1.0", "--reason", "x"], 2, "no project demo"),
        (["yank", "-x-", "1.0", "--reason", "x"], 2, "there is no option -x"),
        (["yank", "_", "1.0", "--reason", "x"], 2, "no project name"),
        (["remove", "demo"], 2, "reason"),
        (["build", "--worktree", "--audience", "x"], 2, "no audience 'x'"),
        (["build"], 1, "no commit yet"),
        (["build", "--commit", "x"], 1, "no revision 'x'"),
        (["build", "--repo", "/nonexistent"], 1, "not a folder"),
        (["serve"], 2, "no built index"),
        (["serve", "packages.d"], 1, "not a built index"),
        (["serve", "--audience", "x"], 2, "no audience 'x'"),
        (["buidl"], 2, "did you mean 'build'"),
        (["frobnicate"], 2, "The commands are"),
        ([], 2, "Usage"),
    ],
)
def test_mistakes_get_a_clear_error(repo, cli, arguments, code, said):
    """Each mistake ends with its exit code and a sentence that says what to do."""
    done = cli(*arguments)
    assert done.code == code, done.err
    assert said in done.err + done.out
    assert "Traceback" not in done.err


def test_nothing_for_a_requirement_lists_what_there_is(repo, cli, upstream):
    """A specifier that nothing satisfies says which releases the index has."""
    done = cli("add", "--pypi", "demo>=7")
    assert done.code == 3
    assert "1.0, 1.1, 2.0rc1" in done.err


def test_two_audiences_need_a_choice(repo, cli, dist):
    """Where there are several audiences, a new manifest must name its own, and check says so."""
    text = (repo / "index.yaml").read_text()
    (repo / "index.yaml").write_text(text + "  internal: {includes: [public]}\n")
    files = dist(wheel("demo", "1.0"))
    done = cli("add", "--dist", files)
    assert done.code == 2
    assert "--audience" in done.err
    assert cli("add", "--dist", files, "--audience", "internal").code == 0
    assert cli("build", "--worktree").code == 0
    assert (repo / "site" / "internal" / "simple" / "demo" / "index.html").is_file()
    assert not (repo / "site" / "public" / "simple" / "demo").exists()


def test_yank_and_undo(repo, cli, dist):
    """A yank adds one line and its undo takes just that line away."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    path = repo / "packages.d" / "demo.yaml"
    before = path.read_text()
    assert cli("yank", "Demo", "1", "--reason", 'broken: "here"').code == 0
    assert 'reason: "broken: \\"here\\""' in path.read_text()
    assert cli("build", "--worktree", "-q").code == 0
    assert "data-yanked" in (repo / "site/public/simple/demo/index.html").read_text()
    assert cli("yank", "demo", "1.0", "--undo").code == 0
    assert path.read_text() == before
    done = cli("yank", "demo", "1.0", "--undo")
    assert done.code == 1
    assert "not yanked" in done.err
    assert "it has: 1.0" in cli("yank", "demo", "1.2", "--reason", "x").err
    assert "did you mean demo" in cli("yank", "demmo", "1.2", "--reason", "x").err


def test_remove_leaves_a_tombstone_that_nothing_gets_past(repo, cli, dist):
    """A removed file goes from the site, and neither its bytes nor others come back under its name."""
    folder = dist(wheel("demo", "1.0"), sdist("demo", "1.0"), wheel("demo", "2.0"))
    cli("add", "--dist", folder)
    cli("build", "--worktree", "-q")
    served = set((repo / "site").rglob("demo-1.0*"))
    assert len(served) == 3
    assert cli("remove", "demo", "demo-1.0.tar.gz", "--reason", "leaked a key").code == 0
    assert cli("build", "--worktree", "-q").code == 0
    assert len(set((repo / "site").rglob("demo-1.0*"))) == 2
    assert cli("remove", "demo", "1.0", "--reason", "bad").code == 0
    assert cli("check", "--worktree").code == 0
    done = cli("add", "--dist", folder)
    assert done.code == 1
    assert "was removed on" in done.err
    assert cli("remove", "demo", "--reason", "moved").code == 0
    text = (repo / "packages.d" / "demo.yaml").read_text()
    assert "releases" not in text
    assert text.count("reason:") == 3
    assert cli("check", "--worktree").code == 0
    assert cli("build", "--worktree", "-q").code == 0
    assert not (repo / "site/public/simple/demo").exists()
    assert not list((repo / "site").rglob("demo-*"))
    assert cli("remove", "demo", "--reason", "again").code == 1


def test_a_file_never_changes_its_bytes(repo, cli, dist):
    """The same name with other bytes is refused, naming both digests."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    done = cli("add", "--dist", dist(wheel("demo", "1.0", body="other")))
    assert done.code == 1
    assert "never changes its bytes" in done.err


def test_hosting_does_not_mix(repo, cli, dist, upstream):
    """Own files do not go into a mirrored project, nor the other way round."""
    cli("add", "--pypi", "demo==1.0")
    done = cli("add", "--dist", dist(wheel("demo", "3.0")))
    assert done.code == 1
    assert "hosting: mirrored" in done.err


def test_a_bad_file_is_not_added(repo, cli, dist):
    """A wheel with bytes behind its end is refused with its rule, and nothing is written."""
    name, content = wheel("demo", "1.0")
    done = cli("add", "--dist", dist((name, content + b"x")))
    assert done.code == 1
    assert "archive-two-readings" in done.err
    assert not (repo / "packages.d" / "demo.yaml").exists()


def test_help_shows_every_verb_with_examples(cli):
    """`--help` names each verb, and each verb's own help has an example."""
    from index_builder.cli import VERBS

    overview = cli("--help").out
    for verb in VERBS:
        assert verb in overview
        assert f"index-builder {verb}" in cli(verb, "--help").out
    assert cli("--version").out.startswith("index-builder, version ")
