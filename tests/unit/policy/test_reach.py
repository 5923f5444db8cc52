"""A grant that nobody could ever use is none: with everybody's approval, and by whoever proposes it."""

import pytest
from unit.policy.test_decide import ALICE, ALL, BOB, CAROL, PROJECT, WEB, needing, policies, rule

from index_builder.model.project import Hosting
from index_builder.policy.facts import Facts
from index_builder.policy.reach import in_reach, out_of_reach
from index_builder.policy.rules import ANYONE, Action, Approvals

ADMINISTER, RELEASE = Action.ADMINISTER, Action.RELEASE


def of(count, group):
    return Approvals(count=count, group=group)


@pytest.mark.parametrize(
    ("action", "project", "wants", "people"),
    [
        (ADMINISTER, None, {}, (ALICE, BOB)),
        (ADMINISTER, None, {"approvals": of(3, ALL)}, (ALICE, BOB)),  # whom no policy names may propose it
        (ADMINISTER, None, {"approvals": of(4, ALL)}, ()),
        (ADMINISTER, None, {"approvals": of(1, ALICE)}, (ALICE, BOB)),
        (ADMINISTER, None, {"licenses": ("MIT",)}, ()),
        (ADMINISTER, None, {"publisher": "declared"}, ()),
        (ADMINISTER, None, {"hosting": (Hosting.HOSTED,)}, ()),
        (RELEASE, PROJECT, {"licenses": ("MIT",), "publisher": "declared", "hosting": (Hosting.LINKED,)}, (ALICE, BOB)),
        (RELEASE, PROJECT, {"approvals": of(4, ALL)}, ()),
    ],
)
def test_what_can_be_done(action, project, wants, people):
    """Files and manifests are still to come, and the index itself has none; people are all there are."""
    found = policies(rule("r", projects=("*",), grant={WEB: (action,)}, require=(needing(action, **wants),) if wants else ()))
    assert in_reach(found, action, project, Facts(hosting=Hosting.HOSTED if project else None)) == people


def test_who_is_denied_reaches_nothing():
    """Where a deny leaves nobody, nothing is in reach; where it leaves one, that one."""
    granting = rule("a", projects=("*",), grant={WEB: (RELEASE,)})
    assert in_reach(policies(granting, rule("b", projects=("*",), deny={ANYONE: (RELEASE,)})), RELEASE, PROJECT, Facts()) == ()
    assert in_reach(policies(granting, rule("b", projects=("*",), deny={ALICE: (RELEASE,)})), RELEASE, PROJECT, Facts()) == (BOB,)
    assert in_reach(policies(), RELEASE, PROJECT, Facts()) == ()


def test_what_keeps_everybody_from_it():
    """The words for it name the rule, and what all together do not have."""
    found = policies(rule("r", projects=("*",), grant={CAROL: (ADMINISTER,)}, require=(needing(ADMINISTER, approvals=of(5, WEB)),)))
    assert out_of_reach(found, ADMINISTER, None, Facts()) == "3 more approvals of team-web, for the rule r"
