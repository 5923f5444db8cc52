"""What must hold between the lines of index.yaml and policies.d/."""

from __future__ import annotations

import pytest
from unit.manifests.samples import GOOD, INDEX, POLICY, read_files, with_files

INDEXES = [
    ("includes: [public]", "includes: [pubic]", [("audience-unknown", 6, 75)]),
    ("audience: public", "audience: nobody", [("audience-unknown", 10, 29)]),
    ("files: packages/}          #", "files: packages/, includes: [internal]} #", [("include-cycle", 5, 3), ("include-cycle", 6, 3)]),
    ("includes: [public]", "includes: [internal]", [("include-cycle", 6, 3)]),
]


@pytest.mark.parametrize(("old", "new", "expected"), INDEXES)
def test_rules_of_the_index_file(old: str, new: str, expected: list[tuple[str, int, int]]) -> None:
    """Audiences that are named are there, and none includes itself."""
    assert old in INDEX
    problems = read_files(with_files(index=INDEX.replace(old, new, 1))).problems
    assert [(p.rule, p.place.line, p.place.column) for p in problems if p.place.path == "index.yaml"] == expected


POLICIES = [
    ("groups:  {team-web: [alice, bob]}", "groups:  {team-web: [alice, bop]}", ["principal-unknown"]),
    ("groups:  {team-web: [alice, bob]}", "groups:  {team-web: [alice, anyone]}", ["principal-unknown"]),
    ("groups:  {team-web: [alice, bob]}", "groups:  {team-web: [alice], alice: [bob]}", ["principal-duplicate"]),
    ("groups:  {team-web: [alice, bob]}", "groups:  {team-web: [alice], anyone: [bob]}", ["principal-duplicate"]),
    ("groups:  {team-web: [alice, bob]}", "groups:  {team-web: [team-web]}", ["group-cycle"]),
    ("groups:  {team-web: [alice, bob]}", "groups:  {team-web: [x], x: [y], y: [x, bob]}", ["group-cycle", "group-cycle"]),
    ("team-web: [create]", "team-wob: [create]", ["principal-unknown"]),
    ("from: team-web", "from: zzz", ["principal-unknown"]),
    ("deny: {anyone", "deny: {everyone", ["principal-unknown"]),
    ("id: readers", "id: acme-namespace", ["principal-duplicate"]),
    ("login: bob, id: 1002", "login: bob, id: 1001", ["principal-duplicate"]),
    ("audiences: [public]", "audiences: [pubic]", ["audience-unknown"]),
    ("from: team-web", "from: owners", []),
]


@pytest.mark.parametrize(("old", "new", "expected"), POLICIES)
def test_rules_of_policies(old: str, new: str, expected: list[str]) -> None:
    """Names in rules and groups are declared, once, and no group contains itself."""
    assert old in POLICY
    problems = read_files(with_files(policy=POLICY.replace(old, new, 1))).problems
    assert [p.rule for p in problems] == expected


def test_policies_of_two_files_are_one() -> None:
    """A second file may use what the first declares, and may not declare it again."""
    more = "schema: 2\npeople: {carol: {github: {login: carol, id: 1003}}}\ngroups: {team-x: [carol, bob]}\n"
    reading = read_files({**GOOD, "policies.d/more.yaml": more})
    assert reading.problems == ()
    assert sorted(reading.policies.names()) == ["alice", "bob", "carol", "team-web", "team-x"]
    (problem,) = read_files({**GOOD, "policies.d/more.yaml": more.replace("carol: {", "bob: {").replace("[carol, bob]", "[bob]")}).problems
    assert (problem.rule, problem.place.path) == ("principal-duplicate", "policies.d/more.yaml")
    assert "policies.d/acme.yaml, line 2" in problem.message


def test_near_names_are_suggested() -> None:
    """A misspelled principal is answered with the one that was probably meant."""
    (problem,) = read_files(with_files(policy=POLICY.replace("[alice, bob]", "[alcie, bob]"))).problems
    assert problem.fix == "did you mean 'alice'?"
