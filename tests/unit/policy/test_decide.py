"""Grants add up, requirements add up, a deny wins, nothing matched means no; and every answer has its reasons."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.model.names import NormalizedName, Word
from index_builder.model.problem import Place
from index_builder.model.project import Hosting
from index_builder.policy.decide import Reason, Verdict, able, decide
from index_builder.policy.facts import Facts
from index_builder.policy.reach import in_reach
from index_builder.policy.requirements import Missing, Remedy
from index_builder.policy.rules import ANYONE, OWNERS, Action, Approvals, Group, Person, Policies, Requirement, Reservation, Rule

ALICE, BOB, CAROL, WEB, ALL = (Word(name) for name in ("alice", "bob", "carol", "team-web", "all"))
PROJECT = NormalizedName("acme-utils")


def rule(name, *, projects=("acme-*",), audiences=(), grant=None, require=(), deny=None):
    return Rule(
        id=Word(name), projects=projects, audiences=audiences, grant=grant or {}, require=require, deny=deny or {}, place=Place(path="")
    )


def needing(*actions, **wants):
    return Requirement(actions=actions, **wants)


def policies(*rules, groups=None):
    people = {name: Person(name=name, github_login=name, github_id=number) for number, name in enumerate((ALICE, BOB, CAROL), 1)}
    members = {WEB: (ALICE, BOB), ALL: (WEB, CAROL)} if groups is None else groups
    return Policies(people=people, groups={name: Group(name=name, members=of) for name, of in members.items()}, rules=rules)


def verdict(found, who=ALICE, action=Action.RELEASE, **facts):
    return decide(found, who, action, PROJECT, Facts(**facts)).verdict


@pytest.mark.parametrize(
    ("grant", "who", "facts", "expected"),
    [
        ({}, ALICE, {}, Verdict.NOT_GRANTED),
        ({ALICE: (Action.RELEASE,)}, ALICE, {}, Verdict.ALLOWED),
        ({ALICE: (Action.YANK,)}, ALICE, {}, Verdict.NOT_GRANTED),
        ({ALICE: (Action.RELEASE,)}, BOB, {}, Verdict.NOT_GRANTED),
        ({WEB: (Action.RELEASE,)}, BOB, {}, Verdict.ALLOWED),
        ({WEB: (Action.RELEASE,)}, CAROL, {}, Verdict.NOT_GRANTED),
        ({ALL: (Action.RELEASE,)}, BOB, {}, Verdict.ALLOWED),
        ({WEB: (Action.RELEASE,)}, WEB, {}, Verdict.ALLOWED),
        ({ANYONE: (Action.RELEASE,)}, None, {}, Verdict.ALLOWED),
        ({ALICE: (Action.RELEASE,)}, None, {}, Verdict.NOT_GRANTED),
        ({OWNERS: (Action.RELEASE,)}, ALICE, {}, Verdict.NOT_GRANTED),
        ({OWNERS: (Action.RELEASE,)}, ALICE, {"owners": (ALICE,)}, Verdict.ALLOWED),
        ({OWNERS: (Action.RELEASE,)}, BOB, {"owners": (WEB,)}, Verdict.ALLOWED),
        ({OWNERS: (Action.RELEASE,)}, None, {"owners": (WEB,)}, Verdict.NOT_GRANTED),
    ],
)
def test_who_is_granted(grant, who, facts, expected):
    """By name, as one of a group at any remove, as an owner, or as anyone; and by nothing else."""
    assert verdict(policies(rule("r", grant=grant)), who, **facts) is expected


def test_a_rule_of_other_projects_says_nothing():
    """Patterns select by the normalized name."""
    assert verdict(policies(rule("r", projects=("acme", "*-utilities"), grant={ANYONE: (Action.RELEASE,)}))) is Verdict.NOT_GRANTED
    assert verdict(policies(rule("r", projects=("*-utils",), grant={ANYONE: (Action.RELEASE,)}))) is Verdict.ALLOWED


def test_a_deny_wins_over_any_grant_and_any_approval():
    """Not even by another rule, and not for an administrator."""
    found = policies(rule("a", grant={ALICE: tuple(Action)}), rule("b", projects=("*",), deny={ANYONE: (Action.TRANSFER,)}))
    decision = decide(found, ALICE, Action.TRANSFER, PROJECT, Facts(approved_by=frozenset({BOB, CAROL})))
    assert decision.verdict is Verdict.DENIED
    assert decision.granted == (Reason(rule=Word("a"), principal=ALICE),)
    assert decision.denied == (Reason(rule=Word("b"), principal=ANYONE),)
    assert decision.able == ()
    assert verdict(found) is Verdict.ALLOWED


def test_requirements_of_all_rules_add_up():
    """Each says what is missing, and who could give it; nobody approves their own change."""
    two = needing(Action.RELEASE, approvals=Approvals(count=2, group=ALL))
    found = policies(
        rule("a", grant={WEB: (Action.RELEASE,)}, require=(two,)),
        rule("b", projects=("*",), require=(needing(Action.RELEASE, Action.CREATE, publisher="declared", origins=("github:acme/*",)),)),
        rule("c", projects=("other",), require=(needing(Action.RELEASE, approvals=Approvals(count=1, group=ALL)),)),
    )
    decision = decide(found, ALICE, Action.RELEASE, PROJECT, Facts(approved_by=frozenset({ALICE, BOB})))
    assert decision.verdict is Verdict.WAITING
    assert decision.missing == (
        Missing(rule=Word("a"), what="1 more approval of all", people=(CAROL,)),
        Missing(rule=Word("b"), what="attestations of a publisher that the manifest declares", remedy=Remedy.ATTESTATION),
        Missing(rule=Word("b"), what="files from github:acme/*", remedy=Remedy.LOOK),
    )
    done = Facts(approved_by=frozenset({CAROL, BOB}), is_published=True, origins=("github:acme/utils",))
    assert decide(found, ALICE, Action.RELEASE, PROJECT, done).verdict is Verdict.ALLOWED
    elsewhere = replace(done, origins=("github:acme/utils", "url:https://x.example.org/"))
    assert "not from url:" in decide(found, ALICE, Action.RELEASE, PROJECT, elsewhere).missing[0].what
    assert decide(found, ALICE, Action.RELEASE, PROJECT, replace(done, origins=())).verdict is Verdict.WAITING


def test_downloads_are_selected_by_audience():
    """A rule that names an audience speaks of downloads of what that audience sees, and of nothing else."""
    readers = policies(rule("readers", projects=(), audiences=(Word("public"),), grant={ANYONE: (Action.DOWNLOAD, Action.RELEASE)}))
    assert verdict(readers, None, Action.DOWNLOAD, audiences=(Word("public"),)) is Verdict.ALLOWED
    assert verdict(readers, None, Action.DOWNLOAD, audiences=(Word("internal"),)) is Verdict.NOT_GRANTED
    assert verdict(readers, None, Action.RELEASE, audiences=(Word("public"),)) is Verdict.NOT_GRANTED


def test_who_is_able():
    """People are named, groups resolved, the denied left out; where everybody may, that is said."""
    found = policies(rule("a", grant={WEB: (Action.YANK,), OWNERS: (Action.YANK,), ANYONE: (Action.RELEASE,)}, deny={BOB: (Action.YANK,)}))
    assert able(found, Action.YANK, PROJECT, Facts(owners=(CAROL,))) == (ALICE, CAROL)
    assert able(found, Action.RELEASE, PROJECT, Facts()) == (ANYONE,)
    assert able(found, Action.REMOVE, PROJECT, Facts()) == ()


def test_a_group_in_a_circle_ends():
    """A circle is an error of the policy; asking does not hang on it."""
    assert policies(groups={WEB: (ALL, ALICE), ALL: (WEB,)}).people_in(WEB) == {ALICE}


NAMES = st.sampled_from([ALICE, BOB, CAROL, WEB, ALL])
ACTIONS = st.lists(st.sampled_from([Action.RELEASE, Action.CREATE, Action.TRANSFER]), min_size=1, max_size=2).map(tuple)
SPOKEN = st.dictionaries(st.one_of(NAMES, st.sampled_from([OWNERS, ANYONE])), ACTIONS, max_size=3)
WANTS = {
    "approvals": st.builds(Approvals, count=st.integers(1, 2), group=NAMES),
    "origins": st.just(("github:acme/*",)),
    "publisher": st.just("declared"),
    "hosting": st.sampled_from([(Hosting.HOSTED,), (Hosting.HOSTED, Hosting.LINKED)]),
    "audiences": st.just((Word("internal"),)),
    "licenses": st.just(("MIT", "BSD-*")),
    "wait": st.just(timedelta(hours=72)),
    "max_size": st.just(1000),
}
NEEDS = st.builds(lambda actions, wants: needing(*actions, **wants), ACTIONS, st.fixed_dictionaries({}, optional=WANTS))
RULES = st.lists(
    st.builds(
        lambda patterns, grant, require, deny: (patterns, grant, tuple(require), deny),
        st.sampled_from([("*",), ("acme-*",), ("other",)]), SPOKEN, st.lists(NEEDS, max_size=2), st.one_of(st.just({}), SPOKEN),
    ),
    max_size=5,
).map(lambda found: [rule(f"r{n}", projects=p, grant=g, require=r, deny=d) for n, (p, g, r, d) in enumerate(found)])  # fmt: skip
FACTS = st.fixed_dictionaries(
    {
        "owners": st.lists(NAMES, max_size=2).map(tuple), "approved_by": st.frozensets(st.sampled_from([ALICE, BOB, CAROL])),
        "origins": st.sampled_from([None, (), ("github:acme/x",), ("stored",)]), "is_published": st.sampled_from([None, False, True]),
        "hosting": st.sampled_from([None, *Hosting]), "audiences": st.sampled_from([(), (Word("internal"),), (Word("internal"), Word("public"))]),
        "licenses": st.sampled_from([None, (), ("MIT",), ("MIT", "GPL-3.0-only")]), "largest": st.sampled_from([None, 0, 1000, 1001]),
        "opened": st.sampled_from([None, datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC)]),
        "now": st.just(datetime(2026, 11, 25, 12, tzinfo=UTC)),
    }
).map(lambda known: Facts(**known))  # fmt: skip
WHO = st.one_of(NAMES, st.none())
ASKED = st.sampled_from([Action.RELEASE, Action.CREATE, Action.TRANSFER])
RANK = {Verdict.DENIED: 0, Verdict.NOT_GRANTED: 1, Verdict.WAITING: 2, Verdict.ALLOWED: 3}


@given(rules=RULES, who=WHO, action=ASKED, facts=FACTS, seed=st.randoms())
def test_no_order_matters(rules, who, action, facts, seed):
    """Rules, owners and people in another order give the same decision, to the last reason."""
    other = list(rules)
    seed.shuffle(other)
    turned = replace(facts, owners=facts.owners[::-1])
    groups = {WEB: (BOB, ALICE), ALL: (CAROL, WEB)}
    assert decide(policies(*rules), who, action, PROJECT, facts) == decide(policies(*other, groups=groups), who, action, PROJECT, turned)


@given(rules=RULES, who=WHO, action=ASKED, facts=FACTS, more=SPOKEN)
def test_another_grant_never_forbids(rules, who, action, facts, more):
    """Whatever a policy allowed, it allows with a grant more."""
    before = decide(policies(*rules), who, action, PROJECT, facts).verdict
    after = decide(policies(*rules, rule("more", projects=("*",), grant=more)), who, action, PROJECT, facts).verdict
    assert RANK[after] >= RANK[before]


@given(rules=RULES, who=WHO, action=ASKED, facts=FACTS, need=NEEDS, deny=SPOKEN)
def test_another_requirement_or_deny_never_allows(rules, who, action, facts, need, deny):
    """Whatever a policy did not allow, it does not allow with a requirement or a deny more."""
    before = decide(policies(*rules), who, action, PROJECT, facts).verdict
    for more in (rule("more", projects=("*",), require=(need,)), rule("more", projects=("*",), deny=deny)):
        after = decide(policies(*rules, more), who, action, PROJECT, facts).verdict
        assert RANK[after] <= RANK[before]


@given(rules=RULES, action=ASKED, facts=FACTS)
def test_what_somebody_may_is_in_reach(rules, action, facts):
    """What is allowed to anybody, as things are, could be done; and with everybody's approval, nothing waits for a word that could be given."""
    found = policies(*rules)
    everybody = frozenset({ALICE, BOB, CAROL})
    for person in (None, ALICE):
        if person is None or person in able(found, action, PROJECT, facts):
            decision = decide(found, person, action, PROJECT, facts)
            assert (
                decision.verdict is not Verdict.ALLOWED
                or in_reach(found, action, PROJECT, facts)
                or not able(found, action, PROJECT, facts)
            )
        approved = decide(found, person, action, PROJECT, replace(facts, approved_by=everybody - {person}))
        assert Remedy.WORD not in {missing.remedy for missing in approved.missing}


@given(rules=RULES, action=ASKED, facts=FACTS)
def test_the_able_are_those_who_are_granted_and_not_denied(rules, action, facts):
    """`who` and `can` never contradict each other; who lends a grant has it, and approved."""
    found = policies(*rules)
    able_ones = able(found, action, PROJECT, facts)
    for person in (ALICE, BOB, CAROL):
        decision = decide(found, person, action, PROJECT, facts)
        is_granted = decision.verdict in (Verdict.ALLOWED, Verdict.WAITING) and decision.lent_by is None
        assert (person in able_ones or ANYONE in able_ones) == is_granted
        if decision.lent_by:
            assert decision.lent_by in facts.approved_by
            assert decision.lent_by in able_ones or ANYONE in able_ones or decision.verdict is Verdict.DENIED


NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
AUDIENCES = (Word("internal"), Word("public"))


@pytest.mark.parametrize(
    ("wants", "facts", "what"),
    [
        ({"hosting": (Hosting.HOSTED,)}, {"hosting": Hosting.HOSTED}, None),
        ({"hosting": (Hosting.HOSTED, Hosting.MIRRORED)}, {"hosting": Hosting.LINKED}, "hosting: hosted or mirrored, not linked"),
        ({"hosting": (Hosting.HOSTED,)}, {}, "hosting: hosted"),
        ({"audiences": AUDIENCES[:1]}, {"audiences": AUDIENCES[:1]}, None),
        ({"audiences": AUDIENCES[:1]}, {"audiences": AUDIENCES}, "audiences: no other than internal, but it names public"),
        ({"audiences": AUDIENCES[:1]}, {}, "audiences: no other than internal"),
        ({"licenses": ("MIT", "BSD-*")}, {"licenses": ("MIT", "BSD-3-Clause AND MIT")}, None),
        ({"licenses": ("MIT",)}, {"licenses": ("GPL-3.0-only OR MIT",)}, None),
        ({"licenses": ("MIT",)}, {"licenses": ("MIT AND (GPL-2.0-only OR GPL-3.0-only)",)}, "files under MIT, not under MIT AND (GPL-2.0-only OR GPL-3.0-only)"),
        ({"licenses": ("MIT",)}, {"licenses": ("",)}, "files under MIT, not under no license expression"),
        ({"licenses": ("MIT",)}, {}, "files under MIT"),
        ({"licenses": ("GPL-2.0-only WITH *",)}, {"licenses": ("GPL-2.0-only WITH Classpath-exception-2.0",)}, None),
        ({"licenses": ("*",)}, {"licenses": ("Mine, all mine",)}, "files under *, not under Mine, all mine"),
        ({"wait": timedelta(hours=72)}, {"opened": NOON - timedelta(hours=72), "now": NOON}, None),
        ({"wait": timedelta(hours=72)}, {"opened": NOON, "now": NOON}, "a wait of 72 hours since it was proposed, until 2026-11-28T12:00:00Z"),
        ({"wait": timedelta(minutes=30)}, {"now": NOON}, "a wait of 0.5 hours since it was proposed (when that was, is not known here)"),
        ({"max_size": 100}, {"largest": 100}, None),
        ({"max_size": 100}, {"largest": 1234}, "files of at most 100 bytes, not of 1,234"),
    ],
)  # fmt: skip
def test_each_kind_of_requirement_says_what_is_missing(wants, facts, what):
    """Met, not met, and not known: what nobody knows meets nothing, except a size, which manifests always give."""
    found = policies(rule("all", grant={ALICE: (Action.RELEASE,)}, require=(needing(Action.RELEASE, **wants),)))
    decision = decide(found, ALICE, Action.RELEASE, PROJECT, Facts(**facts))
    assert [missing.what for missing in decision.missing] == ([what] if what else [])
    assert decision.verdict is (Verdict.WAITING if what else Verdict.ALLOWED)


@pytest.mark.parametrize(
    ("who", "action", "approved", "expected"),
    [
        (ALICE, Action.CREATE, (), Verdict.ALLOWED), (CAROL, Action.CREATE, (), Verdict.WAITING), (None, Action.CREATE, (), Verdict.WAITING),
        (CAROL, Action.CREATE, (BOB,), Verdict.ALLOWED), (CAROL, Action.RELEASE, (), Verdict.ALLOWED),
    ],
)  # fmt: skip
def test_reserved_names_need_the_word_of_those_they_are_kept_for(who, action, approved, expected):
    """To create such a project; what is there already is nobody's reservation."""
    kept = Reservation(names=("acme-*",), holders=(WEB,), place=Place(path=""))
    found = replace(policies(rule("all", projects=("*",), grant={ANYONE: (Action.CREATE, Action.RELEASE)})), reserved=(kept,))
    decision = decide(found, who, action, PROJECT, Facts(approved_by=frozenset(approved)))
    assert decision.verdict is expected
    if decision.missing:
        assert decision.missing[0].people == (ALICE, BOB)
    assert decide(found, CAROL, Action.CREATE, NormalizedName("other"), Facts()).verdict is Verdict.ALLOWED


def test_only_rules_for_every_project_speak_of_the_repository():
    """Who administers one namespace does not administer the workflows."""
    found = policies(
        rule("one", projects=("acme-*",), grant={ALICE: (Action.ADMINISTER,)}),
        rule("all", projects=("*",), grant={BOB: (Action.ADMINISTER,)}),
    )
    assert able(found, Action.ADMINISTER, None, Facts()) == (BOB,)
    assert able(found, Action.ADMINISTER, PROJECT, Facts()) == (ALICE, BOB)
