"""The verbs that answer: list, show, search, diff, schema."""

import json

import pytest
from conftest import commit_all
from distributions import sdist, wheel


@pytest.fixture
def asked(repo, cli, dist):
    """An index with history: first `alpha` 1.0 and `beta`, then a change of nearly every kind."""
    cli(
        "add",
        "--dist",
        dist(wheel("Alpha", "1.0", requires_python=">=3.8"), sdist("Alpha", "1.0"), wheel("beta", "1.0"), wheel("same", "1.0")),
    )
    commit_all(repo, "first")
    cli("add", "--dist", dist(wheel("Alpha", "1.1"), wheel("Gamma", "1.0")))
    cli("yank", "alpha", "1.0", "--reason", "broken")
    cli("remove", "alpha", "alpha-1.0.tar.gz", "--reason", "leaked")
    cli("remove", "beta", "--reason", "moved to gamma")
    commit_all(repo, "second")
    return repo


def test_list_is_a_table(asked, cli):
    """Each project has a line with its newest release, counts, size and state; the totals go to stderr."""
    done = cli("list")
    assert done.code == 0
    lines = {line.split()[0]: line.split() for line in done.out.splitlines() if line.strip()}
    assert lines["Alpha"][1:4] == ["1.1", "2", "2"]
    assert lines["Alpha"][-3:] == ["hosted", "active", "maintainers"]
    assert lines["beta"][-2:] == ["removed", "maintainers"]
    assert done.err == "4 projects, 4 files\n"


def test_list_as_json_from_any_revision(asked, cli):
    """--commit answers for what was."""
    rows = json.loads(cli("list", "--commit", "HEAD~1", "--format", "json").out)
    assert [(row["normalized"], row["newest"], row["files"]) for row in rows] == [
        ("alpha", "1.0", 2),
        ("beta", "1.0", 1),
        ("same", "1.0", 1),
    ]


def test_list_for_an_audience(asked, cli):
    """--audience leaves out what it does not see, and a wrong name is said."""
    text = (asked / "index.yaml").read_text()
    (asked / "index.yaml").write_text(text + "  internal: {includes: [public]}\n")
    for path, audience in (("alpha", "public"), ("gamma", "internal"), ("beta", "public"), ("same", "public")):
        manifest = asked / "packages.d" / f"{path}.yaml"
        manifest.write_text(manifest.read_text() + f"audiences: [{audience}]\n")

    def names(audience):
        return [row["normalized"] for row in json.loads(cli("list", "--worktree", "--audience", audience, "--format", "json").out)]

    assert names("public") == ["alpha", "beta", "same"]
    assert names("internal") == ["alpha", "beta", "gamma", "same"]
    assert "the audiences are: public, internal" in cli("list", "--worktree", "--audience", "x").err


def test_show_says_everything(asked, cli):
    """Releases newest first, files with size, time, Python, origin and digest, marks, tombstones."""
    out = cli("show", "ALPHA").out
    assert out.index("\n1.1") < out.index("\n1.0  yanked: broken")
    assert "Python >=3.8, from the pool" in out
    assert "sha256 " in out
    assert "alpha-1.0.tar.gz" in out.split("removed, 1 file")[1]
    value = json.loads(cli("show", "alpha", "--format", "json").out)
    assert [release["version"] for release in value["releases"]] == ["1.0", "1.1"]
    assert value["releases"][0]["yanked"] == "broken"
    assert value["releases"][0]["files"][0]["origin"] == "the pool"
    assert value["removed"][0]["reason"] == "leaked"
    assert "did you mean alpha" in cli("show", "alhpa").err


def test_show_names_the_origin_of_each_file(repo, cli, upstream):
    """A file of an index says of which."""
    cli("add", "--pypi", "demo==1.0", "--only", "*.whl")
    path = repo / "packages.d" / "demo.yaml"
    assert "from index pypi\n" in cli("show", "demo", "--worktree").out
    path.write_text(path.read_text().replace("index: pypi", "index: pypi\n        project: other"))
    assert "from index pypi, as other" in cli("show", "demo", "--worktree").out
    path.write_text(path.read_text().replace("index: pypi\n        project: other", "url: https://example.org/demo-1.0-py3-none-any.whl"))
    assert "from https://example.org/demo-1.0-py3-none-any.whl" in cli("show", "demo", "--worktree").out
    path.write_text(path.read_text() + "status: {state: deprecated, reason: old, at: 2026-01-01T00:00:00Z}\n")
    assert "status:    deprecated: old" in cli("show", "demo", "--worktree").out


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["alpha"], ["Alpha"]),
        (["HOSTED", "gam"], ["beta", "Gamma"]),
        (["broken"], ["Alpha"]),
        (["removed"], ["beta"]),
        (["nothing-has-this"], []),
    ],
)
def test_search_needs_every_word(asked, cli, words, names):
    """All words must be in the manifest, in names, reasons, hosting or state."""
    rows = json.loads(cli("search", *words, "--format", "json").out)
    assert [row["name"] for row in rows] == names


def test_search_in_words(asked, cli):
    """A hit is a table, no hit is said."""
    assert "Gamma" in cli("search", "gamma").out
    assert "no manifest has x-y-z" in cli("search", "x-y-z").err


def test_diff_says_what_is_gained_and_lost(asked, cli):
    """Every kind of change between two commits is one sentence."""
    out = cli("diff", "HEAD~1", "HEAD").out.splitlines()
    assert out == [
        "- Alpha: alpha-1.0.tar.gz",
        "~ Alpha: 1.0 is yanked: broken",
        "+ Alpha: 1.1 (alpha-1.1-py3-none-any.whl)",
        "- beta: 1.0 (removed: moved to gamma)",
        "+ Gamma: is new, with 1.0",
    ]
    assert [row["kind"] for row in json.loads(cli("diff", "HEAD~1", "HEAD", "--format", "json").out)] == [
        "loses",
        "changes",
        "gains",
        "loses",
        "gains",
    ]
    backwards = cli("diff", "HEAD", "HEAD~1").out
    assert "- Gamma: has no manifest any more, it had 1.0" in backwards
    assert "~ Alpha: 1.0 is no longer yanked" in backwards
    assert "+ Alpha: alpha-1.0.tar.gz" in backwards


def test_diff_with_the_working_tree(asked, cli):
    """One revision is compared with the files as they are."""
    assert "no difference" in cli("diff", "HEAD").err
    path = asked / "packages.d" / "gamma.yaml"
    text = (
        path.read_text()
        .replace("hosting: hosted", "hosting: linked")
        .replace("stored: true", "url: https://example.org/gamma-1.0-py3-none-any.whl")
    )
    status = "status: {state: archived, reason: done, at: 2026-01-01T00:00:00Z}\n"
    path.write_text(text + status + "source: {github: acme/gamma}\naudiences: [public]\n")
    assert cli("diff", "HEAD").out.splitlines() == [
        "~ Gamma: hosting: hosted → linked",
        "~ Gamma: audiences: all → public",
        "~ Gamma: status: active → archived (done)",
        "~ Gamma: publishers or source",
        "~ Gamma: gamma-1.0-py3-none-any.whl: origin",
    ]
    assert cli("diff", "nosuch").code == 1


def test_questions_about_a_broken_index_show_its_problems(repo, cli):
    """An index that cannot be read says why, with its lines."""
    (repo / "packages.d" / "x.yaml").write_text("name: [\n")
    done = cli("list", "--worktree")
    assert done.code == 1
    assert "error[yaml-syntax]" in done.err


def test_schema_prints_and_writes(tmp_path, cli, repo):
    """The schemas printed are those that `init` writes."""
    for name in ("manifest", "index", "policy"):
        assert cli("schema", name).out == (repo / "schemas" / f"{name}.schema.json").read_text()
    assert cli("schema", "--write", tmp_path / "schemas").code == 0
    assert (tmp_path / "schemas" / "index.schema.json").read_text() == (repo / "schemas" / "index.schema.json").read_text()
    assert cli("schema").code == 2


def test_no_problem_is_no_line(repo, cli):
    """Annotations of a good index are nothing at all."""
    assert cli("check", "--worktree", "--format", "github").out == ""


def test_what_is_not_committed_is_said(repo, cli, dist):
    """A question about the last commit says what the working tree has besides; one about the working tree does not."""
    commit_all(repo)
    assert cli("add", "--dist", dist(wheel("fresh", "1.0"))).code == 0
    for command in (["list"], ["build"], ["check"], ["show", "fresh"]):
        assert "packages.d/fresh.yaml is not as the last commit has it; --worktree reads it" in cli(*command).err
    assert "note:" not in cli("list", "--worktree").err
    commit_all(repo)
    assert "note:" not in cli("list").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "--pypi", "six", "1.16"], "write it as NAME==1.16"),
        (["add", "uv.lock"], "did you mean --from uv.lock"),
        (["remove", "six"], "for example: index-builder remove acme-utils 1.1.0 --reason 'leaked a key'"),
        (["init"], "DIR is missing"),
        (["pool", "push"], "FILE|DIR is missing"),
    ],
)
def test_what_is_missing_is_shown_by_example(repo, cli, arguments, said):
    """A missing or misplaced word is answered with the form that is right."""
    (repo / "uv.lock").write_text("")
    done = cli(*arguments)
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_single_value_in_place_of_a_list_is_mended(repo, cli):
    """`python: 3.12` gets the list that was meant as its fix."""
    (repo / "index.yaml").write_text((repo / "index.yaml").read_text() + "clients: {python: 3.12, platform: [linux_x86_64]}\n")
    assert "write it as [3.12]" in cli("check", "--worktree").err
