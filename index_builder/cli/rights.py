"""What `can` and `who` ask: one project, and what the policies of a revision say of it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from index_builder.cli import options
from index_builder.errors import UsageError
from index_builder.manifests.reader import Settings, read_manifest, read_settings
from index_builder.model.names import NormalizedName, Word
from index_builder.model.problem import ProblemsFoundError
from index_builder.model.source import SETTINGS, is_manifest, stem_of
from index_builder.policy.facts import Facts
from index_builder.policy.rules import ANYONE, Action, Policies
from index_builder.ports.trees import SourceTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An action on a project, with the policies that answer and what the manifest says; no project is what is the same for all."""

    action: Action
    project: NormalizedName | None
    policies: Policies
    facts: Facts


def ask(tree: SourceTree, action: Action, name: str | None) -> Question:
    """Read the policies and the one manifest that a question is about; no other file is read.

    Raises UsageError for a project that is not there, or is there already; ProblemsFoundError where what is read is wrong.
    """
    settings = read_settings(sorted(tree.entries(*SETTINGS), key=lambda entry: entry.path), tree.read)
    if name is None:
        return _of_index(action, settings)
    project = options.normalized(name)
    manifests = {stem_of(entry.path): entry for entry in tree.entries("packages.d") if is_manifest(entry)}
    entry = manifests.get(project)
    problems = list(settings.problems)
    audiences = tuple(settings.configuration.audiences) if settings.configuration else ()
    # Of several, nobody knows yet which a new project would name.
    facts = Facts(audiences=audiences if len(audiences) == 1 else ())
    if entry:
        found, more = read_manifest(entry.path, tree.read(entry), settings)
        problems += more
        if found:
            facts = Facts(owners=found.owners, audiences=found.audiences or audiences, hosting=found.hosting)
    if any(problem.severity == "error" for problem in problems):
        raise ProblemsFoundError(problems)
    if entry is None and action is not Action.CREATE:
        near = get_close_matches(project, manifests, n=1)
        fix = f"did you mean {near[0]}?" if near else f"a new project is asked for with `create {project}`"
        raise UsageError(f"there is no project {name} in this index", fix=fix)
    if entry and action is Action.CREATE:
        raise UsageError(f"{name} is there already: {entry.path}", fix="ask who may `release`, `edit` or `transfer` it")
    return Question(action=action, project=project, policies=settings.policies, facts=facts)


def _of_index(action: Action, settings: Settings) -> Question:
    """Return the question of who may administer what is the same for all projects: policies, workflows, templates."""
    if action is not Action.ADMINISTER:
        raise UsageError("PROJECT is missing", fix="name a project; only `administer` is also asked of the index itself")
    if any(problem.severity == "error" for problem in settings.problems):
        raise ProblemsFoundError(settings.problems)
    return Question(action=action, project=None, policies=settings.policies, facts=Facts())


def person(name: str, policies: Policies) -> Word | None:
    """Return the person of a name or GitHub login, or None for somebody whom the policies do not name. Raises UsageError."""
    logins = {person.github_login.casefold(): person.name for person in policies.people.values()}
    by_login = logins.get(name.casefold())
    if name in policies.people and by_login not in (None, name):
        msg = f"'{name}' is a person of policies.d/, and the login of another one, {by_login}"
        raise UsageError(msg, fix=f"write {by_login} if the login is meant, or {policies.people[Word(name)].github_login}")
    return Word(name) if name in policies.people else by_login


def principal(name: str, policies: Policies) -> Word | None:
    """Return a person or group of the policies, or None for `anyone`: somebody whom they do not name. Raises UsageError."""
    if name == ANYONE:
        return None
    found = name if name in policies.groups else person(name, policies)
    if found is None:
        near = get_close_matches(name, sorted(policies.names()), n=1)
        fix = f"did you mean '{near[0]}'?" if near else "ask for `anyone`, who stands for everybody whom no policy names"
        raise UsageError(f"nobody and no group is called '{name}'", fix=fix)
    return Word(found)
