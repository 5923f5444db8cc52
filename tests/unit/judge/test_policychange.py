"""What new policies break: who is left to administer the index and to go on with each project, and what speaks of nothing."""

from dataclasses import replace

from unit.judge.test_visibility import project
from unit.policy.test_decide import ALL, CAROL, WEB, needing, policies, rule

from index_builder.judge.policychange import policy_problems
from index_builder.model.names import NormalizedName, ProjectName
from index_builder.model.problem import Place
from index_builder.policy.rules import OWNERS, Action, Approvals

EVERYTHING = ("*",)
CARE = (Action.RELEASE, Action.EDIT, Action.TRANSFER)
ADMINS = rule("admins", projects=EVERYTHING, grant={CAROL: (Action.ADMINISTER,)})
OWN = rule("owners", projects=EVERYTHING, grant={OWNERS: CARE})
BEFORE = policies(OWN, replace(ADMINS, projects=("other", "*")))
PROJECTS = {"acme-utils": replace(project(), name=ProjectName("acme-utils"), normalized=NormalizedName("acme-utils"), owners=(WEB,))}


def found(*rules):
    return {
        problem.rule: problem.message
        for problem in policy_problems(BEFORE, policies(*rules), PROJECTS, (), Place(path="policies.d/a.yaml"))
    }


def test_approvals_that_nobody_can_give():
    """A project whose owners could do nothing without more approvals than there are people is nobody's."""
    barred = replace(OWN, require=(needing(*CARE, approvals=Approvals(count=4, group=ALL)),))
    download = rule("admins", projects=EVERYTHING, grant={CAROL: (Action.DOWNLOAD,)})
    assert set(found(barred, ADMINS)) == set()  # an administrator takes care of it
    assert set(found(barred, download)) == {"policy-orphan", "policy-lockout"}
    assert set(found(replace(barred, require=(needing(*CARE, approvals=Approvals(count=3, group=ALL)),)), download)) == {"policy-lockout"}


def test_administering_that_wants_too_much():
    """The message says what it would take."""
    wanting = replace(ADMINS, require=(needing(Action.ADMINISTER, approvals=Approvals(count=5, group=WEB)),))
    assert found(OWN, wanting) == {
        "policy-lockout": "nobody could administer the index any more, and so nobody could change that: "
        "it would take 3 more approvals of team-web, for the rule admins"
    }
