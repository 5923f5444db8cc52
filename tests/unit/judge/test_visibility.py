"""When settings alone show a project to more people."""

from dataclasses import replace

import pytest
from unit.policy.test_readers import policies, rule

from index_builder.judge.visibility import is_widened
from index_builder.model.index import Audience, Configuration, Store
from index_builder.model.names import NormalizedName, ProjectName, Word
from index_builder.model.problem import Place
from index_builder.model.project import Hosting, Project
from index_builder.policy.rules import Group


def configuration(**includes) -> Configuration:
    """Return audiences by what each includes."""
    audiences = {
        Word(name): Audience(name=Word(name), url="", files="packages/", includes=tuple(map(Word, inner)), place=Place(path="index.yaml"))
        for name, inner in includes.items()
    }
    store = Store(kind="directory", path=".pool")
    return Configuration(title="t", upstreams={}, audiences=audiences, pool=store, inbox=store, publish=())


def project(*audiences: str) -> Project:
    return Project(
        name=ProjectName("p"), normalized=NormalizedName("p"), owners=(), audiences=tuple(map(Word, audiences)), hosting=Hosting.HOSTED, source=None,
        publishers=(), status=None, releases=(), removed=(), place=Place(path="p.yaml"),
    )  # fmt: skip


BEFORE = configuration(public=(), inner=("public",))
NONE = policies()
READ = policies(rule(audiences=(Word("inner"),), grant=["staff"]))


def joined(*people: str):
    """Return what lets staff read, whom more people have joined."""
    staff = Group(name=Word("staff"), members=tuple(map(Word, ("alice", "bob", *people))))
    return replace(READ, groups={Word("staff"): staff})


@pytest.mark.parametrize(
    ("after", "old", "new", "audiences", "widened"),
    [
        (BEFORE, NONE, NONE, ["inner"], False),
        (configuration(public=("inner",), inner=()), NONE, NONE, ["inner"], True),
        (configuration(public=("inner",), inner=()), NONE, NONE, ["public"], False),
        (configuration(public=(), inner=("public",), more=("inner",)), READ, READ, ["inner"], False),
        (configuration(public=(), inner=("public",), more=("inner",)), READ, policies(rule(audiences=(Word("more"),), grant=["alice"])), ["inner"], False),
        (configuration(public=(), inner=("public",), more=("inner",)), READ, policies(rule(audiences=(Word("more"),), grant=["carol"])), ["inner"], True),
        (configuration(public=(), inner=("public",), more=("inner",)), READ, policies(rule(audiences=(Word("more"),), grant=["anyone"])), ["inner"], True),
        (configuration(public=()), NONE, NONE, ["inner"], False),
        (BEFORE, READ, policies(rule(audiences=(Word("inner"),), grant=["anyone"])), ["inner"], True),
        (BEFORE, READ, policies(rule(audiences=(Word("inner"),), grant=["anyone"])), ["public"], True),
        (BEFORE, READ, policies(rule(audiences=(Word("public"),), grant=["anyone"])), ["inner"], False),
        (BEFORE, READ, policies(rule(audiences=(Word("inner"),), grant=["staff", "alice"])), ["inner"], False),
        (BEFORE, READ, policies(rule(audiences=(Word("inner"),), grant=["carol"])), ["inner"], True),
        (BEFORE, READ, joined("carol"), ["inner"], False),
        (BEFORE, READ, replace(joined(), groups=READ.groups | {Word("none"): Group(name=Word("none"), members=())},
                               rules=(rule(audiences=(Word("inner"),), grant=["staff", "none"]),)), ["inner"], True),
        (BEFORE, policies(rule(audiences=(Word("inner"),), grant=["staff"]), rule("d", audiences=(Word("inner"),), deny=["bob"])), READ, ["inner"], True),
    ],
)  # fmt: skip
def test_widening(after, old, new, audiences, widened):
    """An audience that was there sees more, or has readers who could not see it: whoever may anyway is no news, nor who joins a group."""
    assert is_widened(BEFORE, after, old, new, project(*audiences)) is widened
