"""What a change of the policies does: whom it locks out, which projects it leaves to nobody, and what has no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from index_builder.model.names import NormalizedName, Word
from index_builder.model.problem import Place, Problem
from index_builder.model.project import Project
from index_builder.policy.decide import able
from index_builder.policy.facts import Facts
from index_builder.policy.rules import Action, Policies, Rule

#: Whoever may do one of these can keep a project going.
_CARE = (Action.RELEASE, Action.EDIT, Action.TRANSFER, Action.ADMINISTER)


def policy_problems(
    before: Policies, after: Policies, projects: Mapping[str, Project], audiences: tuple[Word, ...], place: Place
) -> Iterator[Problem]:
    """Yield the harm of new policies. `projects` are all of the merged tree, by normalized name; `place` is a changed file."""
    if able(before, Action.ADMINISTER, None, Facts()) and not able(after, Action.ADMINISTER, None, Facts()):
        message = "nobody could administer the index any more, and so nobody could change that"
        fix = 'keep a rule with `projects: ["*"]` that grants administer to somebody'
        yield Problem(rule="policy-lockout", message=message, place=place, fix=fix)
    for name, project in sorted(projects.items()):
        facts = Facts(owners=project.owners, audiences=project.audiences or audiences)
        if _carers(before, name, facts) and not _carers(after, name, facts):
            message = f"nobody could release, edit, transfer or administer {project.name} any more"
            carers = ", ".join(_carers(before, name, facts))
            fix = f"keep one of {carers}, or transfer it first: index-builder owners {project.name} add WHO"
            yield Problem(rule="policy-orphan", message=message, place=place, fix=fix)
    known = {rule.id: rule for rule in before.rules}
    for rule in after.rules:
        if known.get(rule.id) != rule:
            yield from _without_effect(rule, projects)


def _carers(policies: Policies, name: str, facts: Facts) -> tuple[Word, ...]:
    return tuple(sorted({person for action in _CARE for person in able(policies, action, NormalizedName(name), facts)}))


def _without_effect(rule: Rule, projects: Mapping[str, Project]) -> Iterator[Problem]:
    for pattern in rule.projects:
        if pattern != "*" and not any(fnmatchcase(name, pattern) for name in projects):
            message = f"the rule '{rule.id}' speaks of {pattern}, and no project here is called so"
            yield Problem(
                rule="policy-matches-nothing", message=message, place=rule.place, severity="question",
                fix="correct the pattern, or let somebody who administers the index say that the projects are still to come",
            )  # fmt: skip
