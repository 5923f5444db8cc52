"""`build --sparse`: from the published site's own state, on a machine that has nothing else."""

import json
import shutil

import pygit2
import pytest
from conftest import commit_all
from distributions import wheel
from live import serving
from trees import contents, linked


@pytest.fixture
def published(repo, cli, tmp_path, trusted, monkeypatch, dist):
    """The tree of a first commit behind HTTPS, and a second commit; yields the folder that is served, and the server."""
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    for name in ("alpha", "beta", "gamma"):
        (repo / "packages.d" / f"{name}.yaml").write_text(linked(name, ["1.0"]).replace("[team]", "[maintainers]"))
    assert cli("add", "--dist", dist(wheel("own", "1.0"))).code == 0
    site = tmp_path / "published" / "public"
    site.mkdir(parents=True)
    with serving(site, trusted) as live:
        path = repo / "index.yaml"
        path.write_text(path.read_text().replace("files: packages/", f"url: {live.url}/, files: packages/"))
        commit_all(repo)
        assert cli("build", "-q", "--output", tmp_path / "published").code == 0
        (repo / "packages.d" / "beta.yaml").write_text(linked("beta", ["1.0", "2.0"]).replace("[team]", "[maintainers]"))
        commit_all(repo)
        yield site, live


def clone(repo, tmp_path):
    """A fresh runner: the repository and nothing else; even the bytes of hosted files are elsewhere."""
    pygit2.clone_repository(str(repo), str(tmp_path / "runner"))
    return tmp_path / "runner"


def applied(site, sparse):
    """What is published after the changes were made, in their order."""
    changes = json.loads((sparse.parent / f"{sparse.name}.changes.json").read_bytes())
    if changes["whole"]:
        shutil.rmtree(site)
    for path in changes["written"]:
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sparse / path, site / path)
    for path in changes["deleted"]:
        (site / path).unlink()
    return changes


def full(cli, repo, tmp_path, *arguments):
    assert cli("build", "--repo", repo, "-q", "--output", tmp_path / "full", *arguments).code == 0
    return contents(tmp_path / "full" / "public")


def test_a_fresh_runner_writes_what_differs(repo, cli, published, tmp_path):
    """Only the changed project's pages, the lists and its shard are written; published, they make the tree of a full build."""
    site, live = published
    runner = clone(repo, tmp_path)
    live.requests.clear()
    done = cli("build", "--repo", runner, "--sparse", "-q")
    assert done.code == 0, done.err
    changes = applied(site, runner / "site" / "public")
    assert changes["since"] is not None
    assert changes["deleted"] == []
    assert "simple/beta/index.html" in changes["written"]
    assert not [path for path in changes["written"] if "alpha" in path or path.startswith("packages/")]
    assert changes["written"][-1] == "state/build.json"
    assert not live.asked("alpha")
    expected = full(cli, repo, tmp_path)
    assert contents(site) == expected


def test_served_files_are_not_downloaded_to_look_at(repo, cli, published, tmp_path):
    """A project with files that are served changes: what the state says is there is neither asked for nor written again."""
    _, live = published
    assert cli("yank", "own", "1.0", "--reason", "bad").code == 0
    commit_all(repo)
    live.requests.clear()
    assert cli("build", "--sparse", "--output", tmp_path / "out", "-q").code == 0
    changes = json.loads((tmp_path / "out" / "public.changes.json").read_bytes())
    assert "simple/own/index.html" in changes["written"]
    assert not live.asked("/packages/")
    assert not [path for path in (*changes["written"], *changes["deleted"]) if path.startswith("packages/")]


def test_nothing_changed(repo, cli, published, tmp_path):
    """The list is empty, and so is the folder."""
    site, _ = published
    assert cli("build", "-q", "--output", site.parent).code == 0
    done = cli("build", "--repo", clone(repo, tmp_path), "--sparse", "--output", tmp_path / "out", "-q")
    assert done.code == 0, done.err
    changes = json.loads((tmp_path / "out" / "public.changes.json").read_bytes())
    assert (changes["written"], changes["deleted"]) == ([], [])
    assert not contents(tmp_path / "out").keys() - {"public.changes.json"}


def test_a_project_that_goes(repo, cli, published, tmp_path):
    """What it had is in the list of what must go."""
    site, _ = published
    path = repo / "packages.d" / "alpha.yaml"
    tombstone = f"removed:\n  alpha-1.0.tar.gz: {{version: '1.0', sha256: {'0' * 64}, reason: bad, at: 2026-01-01T00:00:00Z}}\n"
    path.write_text(path.read_text().partition("releases:")[0] + tombstone)
    commit_all(repo)
    assert cli("build", "--sparse", "--output", tmp_path / "out", "-q").code == 0
    changes = applied(site, tmp_path / "out" / "public")
    assert "simple/alpha/index.html" in changes["deleted"]
    expected = full(cli, repo, tmp_path, "--audience", "public")
    assert contents(site) == expected


@pytest.mark.parametrize("damage", ["gone", "altered mark", "altered list", "altered shard"])
def test_state_that_cannot_be_used_means_everything(repo, cli, published, tmp_path, damage):
    """A lost or altered state is not gone on from: all is written, and the list says so."""
    site, _ = published
    if damage == "gone":
        shutil.rmtree(site / "state")
    elif damage == "altered mark":
        (site / "state" / "build.json").write_bytes(b"{}")
    elif damage == "altered list":
        (site / "simple" / "index.v1_json").write_bytes((site / "simple" / "index.v1_json").read_bytes().replace(b"alpha", b"alphb"))
    else:
        for shard in (site / "state" / "projects").iterdir():
            shard.write_bytes(shard.read_bytes().replace(b"blob", b"blog").replace(b"simple", b"simplf"))
    done = cli("build", "--sparse", "--output", tmp_path / "out", "-q")
    assert done.code == 0, done.err
    changes = applied(site, tmp_path / "out" / "public")
    assert changes["since"] is None
    assert changes["whole"] == (damage != "altered list")
    expected = full(cli, repo, tmp_path)
    assert contents(site) == expected


@pytest.mark.parametrize("where", ["url", "folder"])
@pytest.mark.parametrize("option", ["--full", "--verify"])
def test_every_published_page_is_compared(repo, cli, published, tmp_path, where, option):
    """A page that was altered, one that was lost and one that is too many are found; --verify looks at served files too."""
    site, _ = published
    (site / "simple" / "alpha" / "index.html").write_text("altered")
    (site / "pypi" / "gamma" / "json").unlink()
    wheel_file = next((site / "packages").rglob("*.whl"))
    if option == "--verify":
        wheel_file.write_bytes(b"\0" * wheel_file.stat().st_size)
    more = ["--published", site.parent] if where == "folder" else []
    done = cli("build", "--sparse", option, "--output", tmp_path / "out", "-q", *more)
    assert done.code == 0, done.err
    changes = applied(site, tmp_path / "out" / "public")
    assert not changes["whole"]
    assert {"simple/alpha/index.html", "pypi/gamma/json", "simple/beta/index.html"} <= set(changes["written"])
    assert (wheel_file.relative_to(site).as_posix() in changes["written"]) == (option == "--verify")
    assert "simple/alpha/index.v1_json" not in changes["written"]
    expected = full(cli, repo, tmp_path)
    assert contents(site) == expected


def test_a_folder_whose_state_is_damaged_keeps_what_is_right(repo, cli, published, tmp_path):
    """Pages that are there and right are neither written nor thrown away."""
    site, _ = published
    (site / "state" / "build.json").write_bytes(b"{}")
    assert cli("build", "--sparse", "--published", site.parent, "--output", tmp_path / "out", "-q").code == 0
    changes = applied(site, tmp_path / "out" / "public")
    assert (changes["since"], changes["whole"]) == (None, False)
    assert "simple/alpha/index.html" not in changes["written"]
    expected = full(cli, repo, tmp_path)
    assert contents(site) == expected


def test_a_host_that_does_not_answer_is_not_an_empty_one(repo, cli, published, tmp_path, monkeypatch):
    """Where the published site cannot be asked, nothing is guessed."""
    from index_builder.fetch import download

    monkeypatch.setitem(download.Downloader.__init__.__kwdefaults__, "limits", download.Limits(attempts=1))
    done = cli("build", "--sparse", "--audience", "public", "--published", "https://127.0.0.1:9/", "--output", tmp_path / "out", "-q")
    assert done.code == 3, done.err


def test_against_a_folder(repo, cli, published, tmp_path):
    """What is published may be a folder at hand, such as a checkout of the pages branch."""
    site, _ = published
    assert cli("build", "--sparse", "--published", site.parent, "--output", tmp_path / "out", "-q").code == 0
    assert applied(site, tmp_path / "out" / "public")["since"] is not None
    expected = full(cli, repo, tmp_path)
    assert contents(site) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sparse", "--dry-run"], "contradict"), (["--published", "x"], "goes with --sparse"),
        (["--sparse", "--published", "http://x.example.org/"], "fix: write it as https://"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(repo, cli, arguments, said):
    """Each mistake is told, with exit code 2."""
    (repo / "packages.d" / "a.yaml").write_text(linked("a", ["1.0"]).replace("[team]", "[maintainers]"))
    commit_all(repo)
    done = cli("build", *arguments)
    assert (done.code, said in done.err) == (2, True), done.err


def test_what_is_published_is_never_cleared(repo, cli, published, tmp_path):
    """Published and output must differ, a published folder must be there, and a build that fails leaves the last changes."""
    site, _ = published
    for where, said in ((site.parent, "are one folder"), (tmp_path / "nowhere", "is no folder"), (site / "packages.json", "is no folder")):
        done = cli("build", "--sparse", "--published", where, "--output", site.parent)
        assert (done.code, said in done.err) == (2, True), done.err
    arguments = ("build", "--sparse", "--published", site.parent, "--output", tmp_path / "out", "-q")
    assert cli(*arguments).code == 0
    before = contents(tmp_path / "out")
    (repo / "packages.d" / "beta.yaml").write_text("broken: [")
    assert cli(*arguments, "--worktree").code == 1
    assert contents(tmp_path / "out") == before


def test_a_sparse_folder_is_no_tree(repo, cli, published, tmp_path):
    """A plain build does not take a part for the whole."""
    site, _ = published
    assert cli("build", "--sparse", "--published", site.parent, "--output", tmp_path / "out", "-q").code == 0
    done = cli("build", "--output", tmp_path / "out")
    assert (done.code, "no whole tree" in done.err) == (1, True), done.err


def test_a_published_folder_behind_a_link(repo, cli, published, tmp_path):
    """Deletions are found there too."""
    site, _ = published
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "public").symlink_to(site)
    assert cli("remove", "alpha", "1.0", "--reason", "bad").code == 0
    assert cli("build", "--worktree", "--sparse", "--published", tmp_path / "current", "--output", tmp_path / "out", "-q").code == 0
    changes = json.loads((tmp_path / "out" / "public.changes.json").read_bytes())
    assert "simple/alpha/index.html" in changes["deleted"]


def test_a_cut_packages_json_is_not_spliced(repo, cli, published, tmp_path):
    """A file that is not as long as the state says is made anew."""
    site, _ = published
    rows = (site / "packages.json").read_bytes()
    (site / "packages.json").write_bytes(rows[: rows.rindex(b"\n", 0, -1) + 1])
    assert cli("build", "--sparse", "--published", site.parent, "--output", tmp_path / "out", "-q").code == 0
    applied(site, tmp_path / "out" / "public")
    expected = full(cli, repo, tmp_path)
    assert contents(site) == expected


def test_without_a_url_it_must_be_said_where(repo, cli):
    """An audience that does not say where it is published cannot be compared."""
    (repo / "packages.d" / "a.yaml").write_text(linked("a", ["1.0"]).replace("[team]", "[maintainers]"))
    commit_all(repo)
    done = cli("build", "--sparse")
    assert (done.code, "--published WHERE" in done.err) == (2, True), done.err


def test_a_folder_with_something_else_is_not_cleared(repo, cli, published, tmp_path):
    """A sparse build begins with an empty folder, and empties only its own."""
    (tmp_path / "out" / "public").mkdir(parents=True)
    (tmp_path / "out" / "public" / "thesis.tex").write_text("mine")
    done = cli("build", "--sparse", "--output", tmp_path / "out")
    assert (done.code, "was not written by" in done.err) == (1, True)
    assert (tmp_path / "out" / "public" / "thesis.tex").read_text() == "mine"
