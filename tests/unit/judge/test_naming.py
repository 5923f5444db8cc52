"""What a new name may be taken for, by eye and by slips of the hand; how near is too near, policies say."""

from dataclasses import replace

import pytest
from unit.judge.test_visibility import project

from index_builder.judge.change import ProjectChange
from index_builder.judge.naming import look_alikes
from index_builder.model.names import NormalizedName
from index_builder.policy.rules import Naming


def found(name, other, naming):
    new = replace(project(), normalized=NormalizedName(name))
    change = ProjectChange(name=NormalizedName(name), before=None, after=new)
    return [problem.rule for problem in look_alikes(change, [other], naming)]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("acrne-tools", "acme-tools"), ("acme-tools", "acrne-tools"), ("vvheel-maker", "wheel-maker"), ("clata-frames", "data-frames"),
        ("c1ata-frames", "data-frames"), ("acme-t00ls", "acme-tools"), ("acmetoo1s", "acme-tools"),
        ("1xml", "lxml"), ("0rjson", "orjson"), ("rnypy", "mypy"), ("mypy", "rnypy"), ("c1ata", "data"),
    ],
)  # fmt: skip
def test_what_looks_alike(name, other):
    """Pairs of letters, digits and separators: whichever of the two was there first."""
    assert found(name, other, Naming(distance=0)) == ["name-similar"]


@pytest.mark.parametrize(
    ("name", "naming", "rules"),
    [
        ("acmi", {"distance": 0}, []), ("zcme", {"min_length": 4}, ["name-similar"]), ("zcme", {"min_length": 5}, []),
        ("zcmz", {"distance": 2, "min_length": 4}, ["name-similar"]), ("zcmz", {"min_length": 4}, []),
    ],
)  # fmt: skip
def test_how_near_is_policy(name, naming, rules):
    """Both the distance and the length from which it counts."""
    assert found(name, "acme", Naming(**naming)) == rules
