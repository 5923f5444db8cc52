"""What a change of the policies does: whom it locks out, which projects it leaves to nobody, and what has no effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import chain

from index_builder.model.names import Word
from index_builder.model.problem import Place, Problem
from index_builder.model.project import Project
from index_builder.policy.facts import Facts
from index_builder.policy.reach import in_reach, out_of_reach
from index_builder.policy.rules import Action, Policies, Rule

#: Whoever may do one of these can keep a project going.
_CARE = (Action.RELEASE, Action.EDIT, Action.TRANSFER, Action.ADMINISTER)


def policy_problems(
    before: Policies, after: Policies, projects: Mapping[str, Project], audiences: tuple[Word, ...], place: Place
) -> Iterator[Problem]:
    """Yield the harm of new policies. `projects` are all of the merged tree, by normalized name; `place` is a changed file."""
    if in_reach(before, Action.ADMINISTER, None, Facts()) and not in_reach(after, Action.ADMINISTER, None, Facts()):
        lacking = out_of_reach(after, Action.ADMINISTER, None, Facts())
        message = "nobody could administer the index any more, and so nobody could change that"
        message += f": it would take {lacking}" if lacking else ""
        fix = 'keep a rule with `projects: ["*"]` that grants administer to somebody, and requires no more than others can give'
        yield Problem(rule="policy-lockout", message=message, place=place, fix=fix)
    for _, project in sorted(projects.items()):
        facts = Facts(owners=project.owners, audiences=project.audiences or audiences)
        if any(in_reach(after, action, project.normalized, facts) for action in _CARE):
            continue
        if carers := {person for action in _CARE for person in in_reach(before, action, project.normalized, facts)}:
            message = f"nobody could release, edit, transfer or administer {project.name} any more"
            fix = f"keep one of {', '.join(sorted(carers))}, or transfer it first: index-builder owners {project.name} add WHO"
            yield Problem(rule="policy-orphan", message=message, place=place, fix=fix)
    known = {rule.id: rule for rule in before.rules}
    for rule in after.rules:
        if known.get(rule.id) != rule:
            yield from (_nothing(what, rule.place) for what in _without_effect(rule, projects))
    for reservation in after.reserved:
        if reservation not in before.reserved:
            silent = (pattern for pattern in reservation.names if not _matches(pattern, projects))
            yield from (_nothing(f"{pattern} is reserved, and no project here is called so", reservation.place) for pattern in silent)


def _without_effect(rule: Rule, projects: Iterable[str]) -> Iterator[str]:
    """Yield, in words, what in a rule speaks of nothing."""
    yield from (
        f"the rule '{rule.id}' speaks of {pattern}, and no project here is called so"
        for pattern in rule.projects
        if not _matches(pattern, projects)
    )
    if not rule.projects:
        spoken = {*chain(*rule.grant.values(), *rule.deny.values(), *(requirement.actions for requirement in rule.require), rule.merge)}
        actions = [action.value for action in Action if action in spoken and (action is not Action.DOWNLOAD or not rule.audiences)]
        if actions:
            yield f"the rule '{rule.id}' speaks of {' and '.join(actions)}, and selects no projects"
        elif not rule.audiences:
            yield f"the rule '{rule.id}' selects no projects and no audiences"


def _matches(pattern: str, projects: Iterable[str]) -> bool:
    return pattern == "*" or any(fnmatchcase(name, pattern) for name in projects)


def _nothing(message: str, place: Place) -> Problem:
    fix = "correct the pattern, or let somebody who administers the index say that the projects are still to come"
    return Problem(rule="policy-matches-nothing", message=message, place=place, fix=fix, severity="question")
