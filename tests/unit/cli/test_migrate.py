"""`migrate`: a real old form, as this repository had it, is read, warned of, and brought to the present one."""

import json

import pytest
from conftest import ROOT

from index_builder.manifests.loader import load
from index_builder.manifests.migrations import CURRENT, migrate
from index_builder.manifests.schema import MODELS

#: policies.d/ of this project's first commits, with the requirement that its design showed; comments included.
OLD = """\
# yaml-language-server: $schema=../schemas/policy.schema.json
schema: 1   # the form of 2026
people:  {alice: {github: {login: alice, id: 1001}}, bob: {github: {login: bob, id: 1002}}}
groups:
  maintainers: [alice, bob]
rules:   # grants add up
  - id: acme-namespace
    projects: ["acme-*"]
    grant: {owners: [release, yank, edit], maintainers: [create]}
    require:
      - {for: [create, release], approvals: {count: 1, from: maintainers}, sources: ["github:acme/*"], publisher: declared}
      - for: [yank]
        "sources":      # a key in quotes, with a comment
          - github:acme/*
    deny: {anyone: [transfer]}
  - id: readers
    audiences: [public]
    grant: {anyone: [download]}
"""
NEW = OLD.replace("schema: 1 ", "schema: 2 ").replace(', sources: ["', ', origins: ["').replace('"sources":', "origins:")


@pytest.fixture
def old(repo):
    """An index repository whose policy has the old form."""
    (repo / "policies.d" / "maintainers.yaml").write_text(OLD)
    return repo


def test_an_old_form_is_read_with_a_warning(old, cli):
    """Nothing stops: the old policy counts as if it were migrated, and the warning says how to mend it, at its line."""
    done = cli("check", "--worktree", "--format", "json")
    assert done.code == 0
    (problem,) = json.loads(done.out)["problems"]
    assert (problem["rule"], problem["severity"], problem["line"]) == ("schema-outdated", "warning", 2)
    assert problem["fix"].endswith("index-builder migrate")


def test_problems_of_an_old_form_have_their_true_line(old, cli):
    """A mistake in an old file is reported at the line where it stands."""
    path = old / "policies.d" / "maintainers.yaml"
    path.write_text(OLD.replace("deny: {anyone", "deny: {nobody"))
    done = cli("check", "--worktree", "--format", "json")
    assert {p["rule"]: p["line"] for p in json.loads(done.out)["problems"]} == {"schema-outdated": 2, "principal-unknown": 15}


def test_migrate_changes_what_it_must(old, cli):
    """Comments, order and layout stay; a dry run shows the difference and writes nothing; a second run has nothing to do."""
    path = old / "policies.d" / "maintainers.yaml"
    shown = cli("migrate", "--dry-run")
    assert "+schema: 2   # the form of 2026" in shown.out
    assert path.read_text() == OLD
    done = cli("migrate")
    assert (done.code, path.read_text()) == (0, NEW)
    assert cli("check", "--worktree", "--format", "json").out.count("rule") == 0
    assert "nothing to do" in cli("migrate").err
    assert json.loads(cli("migrate", "--format", "json").out) == {"dry_run": False, "files": []}


def test_migrate_stops_at_what_it_cannot_read(old, cli):
    """A broken file is shown, and no file changes."""
    (old / "packages.d" / "broken.yaml").write_text("a: [\n")
    done = cli("migrate")
    assert done.code == 1
    assert "packages.d/broken.yaml:2" in done.err
    assert (old / "policies.d" / "maintainers.yaml").read_text() == OLD


def test_a_newer_form_is_refused(old, cli):
    """A file of a future builder is an error that names both numbers."""
    (old / "policies.d" / "maintainers.yaml").write_text("schema: 9\n")
    done = cli("check", "--worktree")
    assert done.code == 1
    assert "schema 2, the file says '9'" in done.err


def test_an_old_form_that_holds_both_names_is_refused(old, cli):
    """Where the new name is taken, nothing is guessed."""
    path = old / "policies.d" / "maintainers.yaml"
    path.write_text(OLD.replace("publisher: declared", "origins: [x]"))
    done = cli("check", "--worktree")
    assert (done.code, "cannot become origins" in done.err) == (1, True)
    assert cli("migrate").code == 1


def test_present_numbers_are_those_of_the_schemas():
    """Each kind's number stands once in the code, and its schema says the same."""
    numbers = {kind: MODELS[f"{kind}.schema.json"].model_json_schema(by_alias=True)["properties"]["schema"]["const"] for kind in CURRENT}
    assert numbers == CURRENT


def test_our_own_policies_are_in_the_present_form():
    """This repository keeps its own files migrated."""
    for path in (ROOT / "policies.d").glob("*.yaml"):
        document, _ = load(f"policies.d/{path.name}", path.read_bytes())
        assert document.value["schema"] == "2"


def test_migrating_what_is_not_old_is_refused():
    """The edit of a file that has no known form raises rather than guess."""
    from index_builder.errors import EditError

    with pytest.raises(EditError, match="knows no way"):
        migrate("policies.d/x.yaml", "schema: 7\n")


@pytest.mark.timeout(60)
def test_a_large_old_policy_is_read_in_moments(repo, cli):
    """Two thousand rules of the old form cost one edit, not two thousand."""
    rules = "".join(f"  - {{id: r{n}, projects: [p{n}], require: [{{for: [create], sources: [x]}}]}}\n" for n in range(2000))
    (repo / "policies.d" / "large.yaml").write_text(f"schema: 1\nrules:\n{rules}")
    assert cli("check", "--worktree", "-q").code == 0
    assert cli("migrate").code == 0
    assert (repo / "policies.d" / "large.yaml").read_text().count("origins:") == 2000


@pytest.mark.parametrize("number", ["1" * 5000, "0", "1.0", "99"])
def test_a_number_that_is_no_form_is_a_problem(repo, cli, number):
    """However the number is written, it is a problem at its line, in check and in migrate."""
    (repo / "policies.d" / "odd.yaml").write_text(f"schema: {number}\n")
    for command in (["check", "--worktree"], ["migrate"]):
        done = cli(*command)
        assert (done.code, "schema-version" in done.err) == (1, True)
