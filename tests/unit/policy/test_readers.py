"""Who may read a tree, as host-config writes it down."""

import pytest

from index_builder.model.names import Word
from index_builder.model.problem import Place
from index_builder.policy.readers import Readers, beyond_hosts, readers_of
from index_builder.policy.rules import Action, Approvals, Group, Person, Policies, Requirement, Rule

TEAM = Word("team")
OTHER = Word("other")


def rule(name="r", *, projects=(), audiences=(TEAM,), grant=None, deny=None, require=()) -> Rule:
    def actions(who):
        return {Word(name): (Action.DOWNLOAD,) for name in who or ()}

    return Rule(
        id=Word(name),
        projects=projects,
        audiences=audiences,
        grant=actions(grant),
        deny=actions(deny),
        require=require,
        place=Place(path="p"),
    )


def policies(*rules) -> Policies:
    people = {Word(name): Person(name=Word(name), github_login=name, github_id=n) for n, name in enumerate(("alice", "bob", "carol"), 1)}
    return Policies(people=people, groups={Word("staff"): Group(name=Word("staff"), members=(Word("alice"), Word("bob")))}, rules=rules)


NOBODY = Readers(is_open=False)


@pytest.mark.parametrize(
    ("rules", "readers"),
    [
        ((), NOBODY), ((rule(grant=["anyone"]),), Readers(is_open=True)), ((rule(grant=["staff"]),), Readers(is_open=False, people=("alice", "bob"))),
        ((rule(audiences=(OTHER,), grant=["anyone"]),), NOBODY), ((rule(audiences=(), projects=("*",), grant=["carol"]),), Readers(is_open=False, people=("carol",))),
        ((rule(audiences=(), projects=("acme-*",), grant=["carol"]),), NOBODY), ((rule(grant=["owners"]),), NOBODY),
        ((rule(grant=["staff"]), rule("d", deny=["bob"])), Readers(is_open=False, people=("alice",))),
        ((rule(grant=["anyone"]), rule("d", deny=["bob"])), Readers(is_open=False, people=("alice", "carol"))),
        ((rule(grant=["anyone"]), rule("d", deny=["anyone"])), NOBODY),
        ((rule(grant=["staff"], require=(Requirement(actions=(Action.DOWNLOAD,), approvals=Approvals(count=1, group=Word("staff"))),)),), NOBODY),
        ((rule(grant=["anyone"], require=(Requirement(actions=(Action.DOWNLOAD,), approvals=Approvals(count=1, group=Word("staff"))),)),), NOBODY),
    ],
)  # fmt: skip
def test_readers(rules, readers):
    """Nothing granted is nobody; a deny to one person means that all others must say who they are; what waits is not allowed."""
    assert readers_of(policies(*rules), TEAM) == readers


def test_what_no_host_can_keep():
    """A rule that keeps some projects of a tree from somebody is named."""
    found = beyond_hosts(
        policies(rule("a", projects=("acme-*",), audiences=(), deny=["bob"]), rule("b", projects=("*",), deny=["bob"]), rule("c"))
    )
    assert list(found) == ["a"]
