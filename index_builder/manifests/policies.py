"""`policies.d/` becomes a value, all its files together, with what is wrong in them and between them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from index_builder.manifests.configuration import in_cycles
from index_builder.manifests.kinds import duration_of
from index_builder.manifests.schema.policy import PolicyModel, RuleModel
from index_builder.manifests.validate import validate
from index_builder.model.names import Word
from index_builder.model.problem import Place, Problem
from index_builder.policy.rules import (
    ANYONE,
    OWNERS,
    PUBLISHERS,
    Action,
    Approvals,
    Group,
    Naming,
    Person,
    Policies,
    Requirement,
    Reservation,
    Rule,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from index_builder.manifests.loader import Document


def to_policies(documents: Sequence[Document]) -> tuple[Policies, list[Problem]]:
    """Return all files of `policies.d/` as one, and every problem in and between them."""
    problems: list[Problem] = []
    people: dict[Word, Person] = {}
    groups: dict[Word, Group] = {}
    rules: dict[Word, Rule] = {}
    places: dict[str, Place] = {}
    named: list[tuple[str, Place]] = []
    members_named: list[tuple[str, Place]] = []
    accounts: dict[int, Word] = {}
    reserved: list[Reservation] = []
    naming = Naming()

    def declare(kind: str, name: str, place: Place) -> bool:
        if kind == "name" and name in (OWNERS, PUBLISHERS, ANYONE):
            message = f"'{name}' already has a meaning in rules"
            problems.append(Problem(rule="principal-duplicate", message=message, place=place, fix="choose another name"))
            return False
        first = places.setdefault(f"{kind} {name}", place)
        if first is not place:
            message = f"the {kind} '{name}' is already declared in {first.path}, line {first.line}"
            problems.append(Problem(rule="principal-duplicate", message=message, place=place, fix="keep one"))
        return first is place

    for document in documents:
        model, found = validate(document, PolicyModel)
        problems += found
        if model is None:
            continue
        for name, person in model.people.items():
            if declare("name", name, document.place(("people", name), of_key=True)):
                people[Word(name)] = Person(name=Word(name), github_login=person.github.login, github_id=person.github.id)
                first = accounts.setdefault(person.github.id, Word(name))
                if first != name:
                    message = f"'{name}' and '{first}' are one GitHub account: one human would count as two"
                    place = document.place(("people", name, "github", "id"))
                    problems.append(Problem(rule="principal-duplicate", message=message, place=place, fix="keep one"))
        for name, members in model.groups.items():
            if declare("name", name, document.place(("groups", name), of_key=True)):
                groups[Word(name)] = Group(name=Word(name), members=tuple(Word(member) for member in members))
                members_named += [(member, document.place(("groups", name, i))) for i, member in enumerate(members)]
        for number, rule in enumerate(model.rules):
            if declare("rule", rule.id, document.place(("rules", number, "id"))):
                rules[Word(rule.id)] = _rule(rule, document.place(("rules", number, "id")))
                named += _names_in(document, number, rule)
                problems += _of_publishers(document, number, rule)
        for number, kept in enumerate(model.reserved):
            holders = tuple(Word(name) for name in kept.for_)
            reserved.append(Reservation(names=tuple(kept.names), holders=holders, place=document.place(("reserved", number))))
            members_named += [(name, document.place(("reserved", number, "for", i))) for i, name in enumerate(kept.for_)]
        if model.names and declare("key", "names", document.place(("names",), of_key=True)):
            naming = Naming(distance=model.names.distance, min_length=model.names.min_length, known=tuple(model.names.known))
    policies = Policies(people=people, groups=groups, rules=tuple(rules.values()), reserved=tuple(reserved), naming=naming)
    problems += _shared_logins(people, places)
    problems += _unknown_names(policies.names() | {OWNERS, PUBLISHERS, ANYONE}, named)
    problems += _unknown_names(policies.names(), members_named)
    graph = {name: group.members for name, group in groups.items()}
    for name in sorted(in_cycles(graph)):
        problems.append(
            Problem(rule="group-cycle", message=f"the group '{name}' contains itself", place=places[f"name {name}"], fix="break the circle")
        )
    return policies, problems


def _shared_logins(people: Mapping[Word, Person], places: Mapping[str, Place]) -> Iterator[Problem]:
    first: dict[str, Word] = {}
    for name, person in people.items():
        other = first.setdefault(person.github_login.casefold(), name)
        if other != name:
            message = f"'{name}' and '{other}' have one login"
            yield Problem(rule="principal-duplicate", message=message, place=places[f"name {name}"], fix="correct one of them")


def _unknown_names(known: frozenset[Word], named: list[tuple[str, Place]]) -> Iterator[Problem]:
    for name, place in named:
        if name not in known:
            near = get_close_matches(name, sorted(known), n=1)
            fix = f"did you mean '{near[0]}'?" if near else "declare it under people: or groups:"
            yield Problem(rule="principal-unknown", message=f"nobody and no group is called '{name}'", place=place, fix=fix)


def _of_publishers(document: Document, number: int, rule: RuleModel) -> Iterator[Problem]:
    """Refuse to let an attestation of files grant anything but their release: it says nothing of owners, names or marks."""
    for key in ("grant", "deny"):
        actions = getattr(rule, key).get(PUBLISHERS, [Action.RELEASE])
        if (key == "deny" and PUBLISHERS in rule.deny) or any(action is not Action.RELEASE for action in actions):
            place = document.place(("rules", number, key, PUBLISHERS))
            message = "`publishers` are those who attested new files: they can be granted `release`, and nothing else"
            yield Problem(rule="invalid-value", message=message, place=place, fix="write `publishers: [release]` under grant:")


def _names_in(document: Document, number: int, rule: RuleModel) -> Iterator[tuple[str, Place]]:
    for key in ("grant", "deny"):
        for name in getattr(rule, key):
            yield name, document.place(("rules", number, key, name), of_key=True)
    for i, requirement in enumerate(rule.require):
        if requirement.approvals:
            yield requirement.approvals.from_, document.place(("rules", number, "require", i, "approvals", "from"))


def _rule(model: RuleModel, place: Place) -> Rule:
    return Rule(
        id=Word(model.id),
        projects=tuple(model.projects),
        audiences=tuple(Word(name) for name in model.audiences),
        grant=_actions(model.grant),
        require=tuple(
            Requirement(
                actions=tuple(r.for_),
                approvals=Approvals(count=r.approvals.count, group=Word(r.approvals.from_)) if r.approvals else None,
                origins=tuple(r.origins),
                publisher=r.publisher or "",
                hosting=tuple(r.hosting),
                audiences=tuple(Word(name) for name in r.audiences),
                licenses=tuple(r.licenses),
                wait=duration_of(r.wait) if r.wait else None,
                max_size=r.max_size or 0,
            )
            for r in model.require
        ),
        deny=_actions(model.deny),
        merge=tuple(model.merge),
        place=place,
    )


def _actions(model: Mapping[str, list[Action]]) -> dict[Word, tuple[Action, ...]]:
    return {Word(name): tuple(actions) for name, actions in model.items()}
