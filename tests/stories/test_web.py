"""The pages for people as their users meet them: themes, a search in a terminal, what is published, what is left out."""

import html
import json
import re
import shutil
import subprocess

import pytest
from conftest import commit_all
from distributions import wheel
from live import serving
from trees import contents

PEOPLE = ("index.html", "feed.xml", "project/", "owner/", "all/", "changes/", "search/", "status/", "assets/")


@pytest.fixture
def index(repo, cli, dist):
    """An index with two hosted projects, committed."""
    files = dist(wheel("acme-utils", "1.0", summary="Small things for the web"), wheel("flask", "3.0"))
    assert cli("add", "--dist", files).code == 0
    commit_all(repo)
    return repo


@pytest.fixture
def built(index, cli):
    assert cli("build", "-q").code == 0
    return index / "site" / "public"


def test_installers_get_the_same_without_pages_for_people(index, built, cli):
    """`--no-web` leaves out the pages for people and nothing else; turned on again, they are back."""
    first = contents(built)
    assert cli("build", "-q", "--no-web").code == 0
    without = contents(built)
    for path, content in without.items():
        assert not path.startswith(PEOPLE)
        assert path.startswith("state/") or content == first[path]
    assert {path for path in first.keys() - without.keys() if not path.startswith(PEOPLE)} == set()
    assert cli("build", "-q").code == 0
    assert contents(built) == first


def test_a_home_of_ones_own_stays(index, cli):
    """Where no pages for people are built, an `index.html` that somebody put there is left alone."""
    cli("build", "-q", "--no-web")
    home = index / "site" / "public" / "index.html"
    home.write_text("ours")
    assert cli("build", "-q", "--no-web", "--full").code == 0
    assert home.read_text() == "ours"
    assert cli("build", "-q").code == 0
    assert "<h1>" in home.read_text()
    assert cli("build", "-q", "--no-web").code == 0
    assert not home.exists()


def test_every_install_line_names_this_index(index, built, cli):
    """Where no address is known, a line cannot be run until one is put in; where one is, pages and `client-config` agree on it."""
    lines = re.findall(r"<code data-url>(pip install [^<]*)</code>", (built / "index.html").read_text())
    lines += re.findall(r"<code data-url>(pip install [^<]*)</code>", (built / "project" / "flask" / "index.html").read_text())
    assert len(lines) == 2
    for line in map(html.unescape, lines):
        assert "--index-url https://<address-of-this-index>/simple/ " in line
        done = subprocess.run(["sh", "-c", line.replace("pip", "echo", 1)], cwd=built, capture_output=True, check=False)
        assert (done.returncode != 0, done.stdout) == (True, b"")
    configuration = index / "index.yaml"
    configuration.write_text(re.sub(r"(?m)^  public: \{.*$", "  public: {url: https://packages.example.org/a/}", configuration.read_text()))
    commit_all(index)
    assert cli("build", "-q").code == 0
    home = html.unescape((built / "index.html").read_text())
    assert (
        "pip install --index-url https://packages.example.org/a/simple/ flask" in (built / "project" / "flask" / "index.html").read_text()
    )
    for tool in ("pip", "uv", "poetry", "pdm", "pip-tools"):
        files = json.loads(cli("client-config", tool, "--format", "json").out)["files"]
        assert all(text.strip() in home for text in files.values()), tool


def test_a_theme_overrides_blocks(index, built, cli):
    """A template of `templates/theme/` changes its block, a style sheet and a logo are loaded, and installers' pages stay as they are."""
    before = contents(built / "simple")
    theme = index / "templates" / "theme"
    theme.mkdir(parents=True)
    (theme / "base.html").write_text('{% extends "web/base.html" %}\n{% block footer %}<p>Ask the web team.</p>{% endblock %}\n')
    (theme / "project.html").write_text(
        '{% extends "web/project.html" %}\n{% block facts %}<p>{{ project.name|upper }}</p>{{ super() }}{% endblock %}\n'
    )
    (theme / "theme.css").write_text(":root { --accent: #045; }\n")
    (theme / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    commit_all(index)
    assert cli("build", "-q").code == 0
    page = (built / "project" / "flask" / "index.html").read_text()
    assert "Ask the web team" in page
    assert "<p>FLASK</p>" in page
    assert "<dt>Owners</dt>" in page
    for asset in re.findall(r"assets/(?:theme|logo)\.[0-9a-f]{12}\.(?:css|svg)", page):
        assert (built / asset).is_file()
    assert "assets/theme." in page
    assert contents(built / "simple") == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("project.html", "<p>all my own</p>", "it does not extend the built-in page"),
        ("project.html", '{% extends "web/project.html" %}\n{% block facts %}', "theme/project.html:2"),
        ("projekt.html", "", "none of the files that a theme has"),
        ("simple/detail.html", '{% extends "simple/detail.html" %}', "none of the files that a theme has"),
        ("project.html", '{% extends "web/project.html" %}{% block facts %}{{ nosuch }}{% endblock %}', "'nosuch' is undefined"),
        ("home.html", '{% extends "web/home.html" %}{% block intro %}{{ "".__class__.__mro__ }}{% endblock %}', "unsafe"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_theme_is_told(index, cli, name, text, said):
    """A template that cannot work is a problem of its file; the sandbox lets none look behind the values."""
    path = index / "templates" / "theme" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    done = cli("build", "--worktree", "-q", "--jobs", "1")
    assert done.code == 1
    assert said in done.err
    assert "templates/theme/" in done.err
    assert "Traceback" not in done.err


def test_the_terminal_searches_what_is_published(index, built, cli, monkeypatch):
    """Words, fields and slips find projects, in a folder and at a URL; three mistakes are told."""
    where = ("--index", built)
    assert "Small things" in cli("search", "web", *where).out
    assert json.loads(cli("search", "summary:web", "name:acme", *where, "--format", "json").out)["projects"][0]["name"] == "acme-utils"
    near = cli("search", "flsk", *where)
    assert "flask 3.0" in near.out
    assert "nothing is called flsk; near it:" in near.err
    assert "nothing is found by zzz" in cli("search", "zzz", *where).err
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    with serving(built) as live:
        assert "flask" in cli("search", "flask", "--index", live.simple).out
        assert live.asked("/search/index.json")
    assert cli("search", "a", "--index", built / "nosuch").code == 2
    assert "without --no-web" in cli("search", "a", "--index", built / "simple").err
    assert "acme-utils" in cli("search", "summary:WEB").out
    assert "no manifest has keyword:web" in cli("search", "keyword:web").err
    shutil.rmtree(index / ".pool")
    assert "the pool has no core metadata of 2 projects" in cli("search", "summary:web").err
    assert "acme-utils" in cli("search", "owner:maintainers", "name:acme").out


def test_a_damaged_search_is_told(built, cli):
    """Bytes that no build wrote are an error with a fix."""
    (built / "search" / "words" / "_.json").write_text("[1]")
    done = cli("search", "flask", "web", "--index", built)
    assert done.code != 0
    assert "Traceback" not in done.err


def test_a_target_says_how_fresh_it_is(index, cli):
    """`publish` writes status.json at each target; without pages for people there is none, and the old one goes."""
    configuration = index / "index.yaml"
    configuration.write_text(
        configuration.read_text() + "publish: [{name: local, audience: public, kind: directory, path: published/public}]\n"
    )
    head = commit_all(index)
    assert cli("publish", "-q").code == 0
    live = index / "published" / "public"
    status = json.loads((live / "status.json").read_text())
    assert status["commit"] == head
    assert status["expires"] == {}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["published"])
    assert cli("mirror-check", "-q").code == 2  # there is no second target; reading this one went well
    cli("yank", "flask", "3.0", "--reason", "old")
    again = commit_all(index)
    assert cli("publish", "-q").code == 0
    assert json.loads((live / "status.json").read_text())["commit"] == again
    assert cli("publish", "-q", "--no-web").code == 0
    left = contents(live.resolve())
    assert "simple/index.html" in left
    assert not [path for path in left if path == "status.json" or path.startswith(tuple(p for p in PEOPLE if p != "assets/"))]
