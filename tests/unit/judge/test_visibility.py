"""When `index.yaml` alone shows a project to more people."""

import pytest
from unit.policy.test_readers import policies, rule

from index_builder.judge.visibility import is_widened
from index_builder.model.index import Audience, Configuration, Store
from index_builder.model.names import NormalizedName, ProjectName, Word
from index_builder.model.problem import Place
from index_builder.model.project import Hosting, Project


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
    ],
)  # fmt: skip
def test_widening(after, old, new, audiences, widened):
    """An audience that was there sees more, or a new one has readers who could not see it: whoever may anyway is no news."""
    assert is_widened(BEFORE, after, old, new, project(*audiences)) is widened
