"""`build --package-list`: what people get wrong, what changes when little changes, and what is left alone."""

import io
import json
import re
import sys
from pathlib import Path

import pytest
from trees import contents


@pytest.fixture
def build(tmp_path, cli, monkeypatch):
    """Build a list of JSON values or texts into `site`: `build([...], "--full")`."""
    monkeypatch.chdir(tmp_path)

    def run(lines, *arguments):
        (tmp_path / "list").write_text("".join(line + "\n" if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
        return cli("build", "--packages-url", "../../pool/", "--output-dir", "site", "--package-list-json", "list", *arguments)

    return run


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("one-1.0.tar.gz", "--package-list"), ("[]", "JSON object"), ('{"file": "x"}', "did you mean 'filename'?"), ("{}", "'filename' is missing"),
        ('{"filename": 7}', "not a text"), ('{"filename": "a-1.0.tar.gz", "hash": 7}', "'hash' is not a text"),
        ('{"filename": "a-1.0.tar.gz", "hash": "sha256:ab"}', "sha256=<hexadecimal digits>"),
        ('{"filename": "a-1.0.tar.gz", "hash": "sha256=x\\"onload=1"}', "sha256=<hexadecimal digits>"),
        ('{"filename": "a-1.0.tar.gz", "core_metadata": "maybe"}', "nor true"),
        ('{"filename": "a-1.0.tar.gz", "upload_timestamp": "now"}', "seconds since 1970"),
        ('{"filename": "a-1.0.tar.gz", "upload_timestamp": 1e20}', "seconds since 1970"),
        ('{"filename": "a-1.0.tar.gz", "upload_timestamp": true}', "seconds since 1970"),
        ('{"filename": "a-1.0.tar.gz", "requires_dist": "x"}', "list of texts"),
        ('{"filename": "a-1.0.tar.gz", "requires_dist": [1]}', "list of texts"),
        ('{"filename": "../a-1.0.tar.gz"}', "no '..'"), ('{"filename": "a\\u0000-1.0.tar.gz"}', "ASCII letters"),
        ('{"filename": "<b>-1.0.tar.gz"}', "ASCII letters"), ('{"filename": "a-.tar.gz"}', "no version"),
        ('{"filename": "acme-1.0.tar.gz", "filename": "evil-2.0.tar.gz"}', "stands here twice"),
        (json.dumps({"filename": "a" * 300 + "-1.0.tar.gz"}), "at most 255"), (json.dumps({"filename": "a" * 200 + "-1.0.tar.gz"}), "at most 128"),
        (json.dumps({"filename": "a" * 200 + "-1.0-py3-none-any.whl"}), "at most 128"), (json.dumps({"k" * 999: 1}), "there is no key"),
        ('{"filename": "-1.0.tar.gz"}', "project name"), ('{"filename": "good-1.0.tar.gz", "requires_python": ">=3"}', "different facts"),
    ],
)  # fmt: skip
def test_a_bad_line_is_shown_with_its_number_and_nothing_is_built(build, tmp_path, line, said):
    """The message says what is wrong with which line; the folder stays as it was."""
    good = {"filename": "good-1.0.tar.gz"}
    assert build([good]).code == 0
    before = contents(tmp_path / "site")
    done = build([good, {"filename": "more-1.0.tar.gz"}, line])
    assert done.code == 1
    assert "--> list:3:1" in done.err
    assert said in done.err
    assert contents(tmp_path / "site") == before


def test_markup_in_facts_stays_text(build, tmp_path):
    """What comes from a list is escaped on every page."""
    evil = '"><script>alert(1)</script>'
    assert build([{"filename": "a-1.0.tar.gz", "requires_python": evil, "yanked_reason": evil, "uploaded_by": evil}]).code == 0
    assert "<script>" not in (tmp_path / "site/simple/a/index.html").read_text()
    assert json.loads((tmp_path / "site/simple/a/index.v1_json").read_bytes())["files"][0]["yanked"] == evil


def test_many_bad_lines_are_cut_short_unless_asked_for(build):
    """A list of the wrong kind does not fill the screen; --keep-going lists all."""
    lines = [f"not json {number}" for number in range(30)]
    done = build(lines)
    assert (done.code, done.err.count("error[package-list]"), "10 more lines" in done.err) == (1, 20, True)
    assert build(lines, "--keep-going").err.count("error[package-list]") == 30


def test_after_keep_going_everything_is_built_again(build, tmp_path):
    """A tree that lacks lines is nothing to go on from: the same list, mended or not, is read as a whole."""
    good, bad = {"filename": "good-1.0.tar.gz"}, "{}"
    assert build([good, bad], "--keep-going").code == 1
    assert (tmp_path / "site/simple/good/index.html").exists()
    assert build([good, bad], "--keep-going").code == 1
    assert build([good, bad]).code == 1
    assert build([good, {"filename": "other-1.0.tar.gz"}]).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--package-list", "list"], "contradict each other"), (["--repo", "."], "--repo is for a repository"),
        (["--audience", "public"], "--audience is for a repository"), (["--packages-url", "javascript:alert(1)"], "no URL"),
        (["--packages-url", ""], "--packages-url is missing"), (["--packages-url", "../x y/"], "no URL"),
        (["--previous-package-list", "other"], "both"),
        (["--packages-url", "http://[::1"], "no URL"), (["--logo-width", "99999999999"], "logo-width"), (["--title", "a\udcff"], "control characters"),
        (["--output-dir", ""], "--output-dir is missing"), (["--executor", "dask:nowhere"], "dask://HOST:PORT"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(build, arguments, said):
    """Each says what is wrong, with exit code 2."""
    Path("other").write_text("")
    done = build([{"filename": "a-1.0.tar.gz"}], *arguments)
    assert (done.code, said in done.err) == (2, True), done.err


def test_list_options_without_a_list(repo, cli):
    """An option of lists does nothing silently where a repository is built."""
    done = cli("build", "--output-dir", "x")
    assert (done.code, "goes with a package list" in done.err) == (2, True)
    done = cli("build", "--package-list-json", "list")
    assert done.code == 2


def test_one_standard_input_cannot_be_two_lists(cli):
    """The second would be empty, and everything would go."""
    done = cli("build", "--package-list", "-", "--previous-package-list", "-", "--packages-url", "x", "--output-dir", "y")
    assert (done.code, "both be standard input" in done.err) == (2, True)


def test_a_missing_output_folder_option(tmp_path, cli, monkeypatch):
    """There is no default place for a list's tree."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list").write_text("")
    done = cli("build", "--package-list", "list", "--packages-url", "x")
    assert (done.code, "--output-dir is missing" in done.err) == (2, True)


def test_standard_input(tmp_path, cli, monkeypatch):
    """A list may come through a pipe."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one-1.0.tar.gz\n\n  two-2.0.zip  \n")))
    done = cli("build", "--package-list", "-", "--packages-url", "../../x", "--output-dir", tmp_path / "site", "--format", "json")
    assert (done.code, json.loads(done.out)["projects"]) == (0, 2)
    assert 'href="../../x/two-2.0.zip"' in (tmp_path / "site/simple/two/index.html").read_text()


def test_one_line_more_costs_one_project(build, tmp_path, monkeypatch):
    """With the list before, one line of many is read, and few files are written; with the same list, none."""
    from index_builder.pipeline import packagelist

    lines = [{"filename": f"p{number}-1.0.tar.gz"} for number in range(2000)]
    assert build(lines, "-q").code == 0
    (tmp_path / "before").write_bytes((tmp_path / "list").read_bytes())
    read = []
    original = packagelist.listed
    monkeypatch.setattr(packagelist, "listed", lambda name, *rest: (read.append(name), original(name, *rest))[1])
    done = build([*lines, {"filename": "p7-2.0.tar.gz"}], "--previous-package-list-json", "before", "--format", "json")
    report = json.loads(done.out)
    assert (read, report["built"], report["files"]) == (["p7"], 1, 2001)
    assert len(report["written"]) <= 12
    again = json.loads(build([*lines, {"filename": "p7-2.0.tar.gz"}], "--format", "json").out)
    assert (again["written"], again["built"], read) == ([], 0, ["p7"])


def test_another_list_before_means_everything(build, tmp_path):
    """A previous list that the tree was not built from is not believed."""
    assert build([{"filename": "a-1.0.tar.gz"}, {"filename": "b-1.0.tar.gz"}]).code == 0
    (tmp_path / "before").write_text('{"filename": "a-1.0.tar.gz"}\n')
    done = build([{"filename": "a-1.0.tar.gz"}], "--previous-package-list-json", "before")
    assert "building all" in done.err
    assert not (tmp_path / "site/simple/b").exists()


def test_html_only(build, tmp_path):
    """--no-web, --no-simple-json and --no-per-release-json leave what dumb-pypi has for installers: a page and one JSON a project."""
    assert build([{"filename": "a-1.0.tar.gz"}], "--no-web", "--no-simple-json", "--no-per-release-json").code == 0
    assert sorted(path for path in contents(tmp_path / "site") if "/a/" in path) == ["pypi/a/json", "simple/a/index.html"]


def test_people_get_pages_too(build, tmp_path):
    """A list's index has a front page, changes, a search and a page for each project, which say nothing of manifests and owners."""
    lines = [
        {"filename": "a_b-1.0.tar.gz", "upload_timestamp": 1700000000, "uploaded_by": "<b>ann", "requires_dist": ["c; extra == 'x'"]},
        {"filename": "c-2.0-py3-none-any.whl", "yanked_reason": "bad"},
    ]
    assert build(lines, "--title", "A <list>").code == 0
    tree = contents(tmp_path / "site")
    assert b"<h1>A &lt;list&gt;</h1>" in tree["index.html"]
    assert b"2023-11" in tree["changes/index.html"]
    assert b'["a-b ' in tree["search/words/_.json"]
    page = tree["project/a-b/index.html"].decode()
    assert '/a_b-1.0.tar.gz" rel="nofollow">' in page
    assert "by &lt;b&gt;ann" in page
    assert "Extra <code>x</code>" in page
    for path, content in tree.items():
        assert not path.endswith(".html") or not re.search(rb"manifest|Owners|Hosting", content), path
    (tmp_path / "site" / "assets" / "photo.jpg").write_text("mine")
    assert build(lines, "--no-web").code == 0
    left = contents(tmp_path / "site")
    assert left["assets/photo.jpg"] == b"mine"
    assert not [path for path in left if path.startswith(("index.html", "project/", "changes/", "search/"))]


def test_a_folder_of_somebody_elses_is_refused(build, tmp_path):
    """A folder whose `simple/` no such tool wrote is not cleared."""
    (tmp_path / "site" / "simple").mkdir(parents=True)
    (tmp_path / "site" / "simple" / "thesis.tex").write_text("mine")
    done = build([{"filename": "a-1.0.tar.gz"}])
    assert (done.code, "was not written by a build" in done.err) == (1, True)
    assert (tmp_path / "site" / "simple" / "thesis.tex").read_text() == "mine"


def test_files_that_are_not_the_builds_are_never_deleted(build, repo, cli, tmp_path, monkeypatch):
    """A tree is built on by the builds that made it: a list's by lists, an audience's by that audience; what looks like neither, by none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site" / "packages").mkdir(parents=True)
    (tmp_path / "site" / "packages" / "a-1.0.tar.gz").write_text("mine")
    assert build([{"filename": "a-1.0.tar.gz"}]).code == 0
    (tmp_path / "site").rename(tmp_path / "public")
    done = cli("build", "--repo", repo, "--worktree", "--output", tmp_path)
    assert (done.code, "was not written by a build" in done.err) == (1, True), done.err
    assert (tmp_path / "public" / "packages" / "a-1.0.tar.gz").read_text() == "mine"
    assert cli("build", "--repo", repo, "--worktree", "--output", tmp_path / "of-audiences", "-q").code == 0
    (tmp_path / "of-audiences" / "public").rename(tmp_path / "site")
    assert build([{"filename": "a-1.0.tar.gz"}]).code == 1


@pytest.mark.parametrize("inside", ["state/projects/", "state/notes", "state/app.db", "state/projects/zz.json"])
def test_a_state_of_somebody_elses_is_no_state(build, tmp_path, inside):
    """A folder called `state` alone does not make a tree ours."""
    path = tmp_path / "site" / inside
    (path if inside.endswith("/") else path.parent).mkdir(parents=True)
    if not inside.endswith("/"):
        path.write_text("mine")
    (tmp_path / "site" / "simple").mkdir()
    (tmp_path / "site" / "simple" / "mine.txt").write_text("mine")
    assert build([{"filename": "a-1.0.tar.gz"}]).code == 1
    assert (tmp_path / "site" / "simple" / "mine.txt").read_text() == "mine"


def test_a_first_build_that_was_killed_is_taken_up(build, tmp_path):
    """What it made ready is no obstacle, also where the files lie beside."""
    (tmp_path / "site" / "packages").mkdir(parents=True)
    (tmp_path / "site" / "packages" / "a-1.0.tar.gz").write_text("mine")
    (tmp_path / "site" / "state" / "incoming").mkdir(parents=True)
    assert build([{"filename": "a-1.0.tar.gz"}]).code == 0


def test_a_failed_build_leaves_the_folders_that_were_there(build, tmp_path, cli):
    """It takes away what it made ready, and no empty folder of somebody's."""
    (tmp_path / "site").mkdir()
    assert build(["{"]).code == 1
    assert (tmp_path / "site").is_dir()
    assert not list((tmp_path / "site").iterdir())
    done = cli("build", "--package-list-json", "list", "--packages-url", "x", "--output-dir", "deep/er")
    assert (done.code, (tmp_path / "deep").exists()) == (1, False)


def test_a_line_that_is_spelled_twice_is_there_until_both_are_gone(build, tmp_path):
    """One spelling of two goes: the file stays; then the other: it goes."""
    one, other, more = '{"filename": "a-1.0.tar.gz"}', '{"filename":"a-1.0.tar.gz"}', '{"filename": "a-2.0.tar.gz"}'
    lists = [[one, other, more], [one, more], [other, more], [more]]
    for number, lines in enumerate(lists):
        previous = ["--previous-package-list-json", f"before{number - 1}"] if number else []
        assert build(lines, *previous).code == 0
        (tmp_path / f"before{number}").write_bytes((tmp_path / "list").read_bytes())
        assert ("a-1.0" in (tmp_path / "site/simple/a/index.html").read_text()) == (number < 3)


def test_a_list_of_another_kind_before(build, tmp_path, cli):
    """A tree that was built from file names, and a list of objects: everything is built, and nothing breaks."""
    (tmp_path / "names").write_text("a-1.0.tar.gz\n")
    assert cli("build", "--package-list", "names", "--packages-url", "../../pool/", "--output-dir", "site").code == 0
    done = build([{"filename": "b-1.0.tar.gz"}], "--previous-package-list-json", "names")
    assert done.code == 0, done.err
    assert not (tmp_path / "site/simple/a").exists()


def test_a_folder_behind_a_link_is_built_on(build, tmp_path):
    """What the folder is called by makes no difference to what is known of it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "real")
    assert build([{"filename": "a-1.0.tar.gz"}, {"filename": "b-1.0.tar.gz"}]).code == 0
    (tmp_path / "before").write_bytes((tmp_path / "list").read_bytes())
    done = build([{"filename": "a-1.0.tar.gz"}], "--previous-package-list-json", "before", "--format", "json")
    assert "simple/b/index.html" in json.loads(done.out)["deleted"]


def test_a_pipe_is_read(tmp_path, cli, monkeypatch):
    """A list may be what another program writes, by any name."""
    import os
    import threading

    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    threading.Thread(target=lambda: fifo.write_text("a-1.0.tar.gz\n"), daemon=True).start()
    done = cli("build", "--package-list", fifo, "--packages-url", "x", "--output-dir", tmp_path / "site")
    assert (done.code, (tmp_path / "site/simple/a").is_dir()) == (0, True), done.err


def test_a_dry_run_writes_nothing(build, tmp_path):
    """It says what would come."""
    done = build([{"filename": "a-1.0.tar.gz"}], "--dry-run")
    assert (done.code, "+ simple/a/index.html" in done.out) == (0, True)
    assert not (tmp_path / "site").exists()


def test_the_json_page_does_not_claim_sizes(build, tmp_path):
    """A list knows no sizes, which PEP 700 demands from version 1.1 on."""
    build([{"filename": "a-1.0.tar.gz"}])
    page = json.loads((tmp_path / "site/simple/a/index.v1_json").read_bytes())
    assert (page["meta"]["api-version"], "size" in page["files"][0], page["files"][0]["hashes"]) == ("1.0", False, {})


def test_a_name_is_quoted_where_a_url_wants_it(build):
    """What has a meaning in URLs does not stand there as it is; links lead to the file all the same."""
    assert build([{"filename": "a-1!2.0+local.tar.gz"}, {"filename": "a-1.0-py3-none-any.whl"}]).code == 0
    page = Path("site/simple/a/index.html").read_text()
    assert re.findall('href="([^"]+)"', page) == ["../../pool/a-1.0-py3-none-any.whl", "../../pool/a-1%212.0%2Blocal.tar.gz"]
