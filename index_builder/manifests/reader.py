"""All files of a revision: which may be there, what they say, and what is wrong between them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from index_builder.errors import EditError
from index_builder.manifests.configuration import to_configuration
from index_builder.manifests.convert import to_project
from index_builder.manifests.loader import Document, load
from index_builder.manifests.migrations import is_outdated, migrate
from index_builder.manifests.placement import placement_problems
from index_builder.manifests.policies import to_policies
from index_builder.manifests.schema.manifest import ManifestModel
from index_builder.manifests.validate import validate
from index_builder.model.index import Configuration, Index
from index_builder.model.names import Word, normalize
from index_builder.model.problem import Place, Problem, in_order
from index_builder.model.project import IndexOrigin, Project
from index_builder.model.source import (
    CONFIGURATION,
    EXECUTABLE,
    MANIFESTS,
    ORDINARY,
    POLICIES,
    SUBMODULE,
    SYMLINK,
    SourceEntry,
    is_manifest,
    is_read,
)  # fmt: skip
from index_builder.policy.rules import Policies

_PLAIN_PATH = re.compile(r"(?:[A-Za-z0-9._+-]*[A-Za-z0-9_+-]/){0,8}[A-Za-z0-9._+-]*[A-Za-z0-9_+-]")
_LONGEST_PATH = 250
_PASSED_OVER = ("README.md", ".gitkeep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read: the index, where it could be, the policies, and every problem in order."""

    index: Index | None
    policies: Policies
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `index.yaml` and `policies.d/` say, and what is wrong there: all that a manifest is read against.

    `principals` are the names that an owner may have, or None where nobody can say.
    """

    configuration: Configuration | None
    policies: Policies
    principals: frozenset[Word] | None
    problems: tuple[Problem, ...]


def read(revision: str, entries: Iterable[SourceEntry], content: Callable[[SourceEntry], bytes]) -> Reading:
    """Read a revision's files; `content` gives the bytes of an entry.

    One broken file hides nothing of the others: all problems of all files are reported.
    """
    listed = sorted(entries, key=lambda entry: entry.path)
    settings = read_settings(listed, content)
    problems = [*tree_problems(listed), *missing_problems(listed), *settings.problems]
    projects: dict[str, Project] = {}
    places: list[tuple[str, Place]] = []
    for entry in filter(is_manifest, listed):
        project, found = read_manifest(entry.path, content(entry), settings)
        problems += found
        if project:
            projects.setdefault(project.normalized, project)
            places.append((project.name, project.place))
    problems += name_problems(places, {})
    if settings.configuration is None:
        return Reading(index=None, policies=settings.policies, problems=in_order(problems))
    index = Index(revision=revision, configuration=settings.configuration, projects=projects)
    return Reading(index=index, policies=settings.policies, problems=in_order(problems))


def read_settings(entries: Iterable[SourceEntry], content: Callable[[SourceEntry], bytes]) -> Settings:
    """Read what is the same for all manifests, in the order of paths."""
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    hidden = False
    for entry in entries:
        hidden = hidden or (entry.path.startswith(POLICIES) and entry.mode != ORDINARY)
        if is_read(entry) and not entry.path.startswith(MANIFESTS):
            document, found = _document(entry.path, content(entry))
            problems += found
            if document:
                documents[entry.path] = document
    configuration = None
    if CONFIGURATION in documents:
        configuration, found = to_configuration(documents[CONFIGURATION])
        problems += found
    policies, found = to_policies([d for path, d in documents.items() if path.startswith(POLICIES)])
    problems += found
    hidden = hidden or any(problem.place.path.startswith(POLICIES) and _hides_names(problem) for problem in problems)
    if configuration:
        problems += _rule_problems(configuration, policies)
        if not any(problem.severity == "error" for problem in problems):  # else who may read what is not known yet
            problems += placement_problems(configuration, policies, documents[CONFIGURATION])
    principals = None if hidden else policies.names() or None
    return Settings(configuration=configuration, policies=policies, principals=principals, problems=tuple(problems))


def read_manifest(path: str, content: bytes, settings: Settings) -> tuple[Project | None, list[Problem]]:
    """Read a manifest, and judge it against the settings; no other manifest is needed for that."""
    document, problems = _document(path, content)
    if document is None:
        return None, problems
    model, found = validate(document, ManifestModel)
    problems += found
    if model is None:
        return None, problems
    project, found = to_project(document, model)
    problems += found
    if settings.configuration:
        problems += _audience_problems(settings.configuration, project, document)
        problems += _upstream_problems(settings.configuration, project)
        if settings.principals is not None:
            problems += _owner_problems(settings.principals, project, document)
    return project, problems


def name_problems(places: Iterable[tuple[str, Place]], taken: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for each project that has a manifest already.

    `places` have projects' names as written and where their manifests say so, `taken` the paths of other manifests by
    normalized name.
    """
    first: dict[str, str] = {}
    for name, place in places:
        normalized = normalize(name)
        other = taken.get(normalized) or first.setdefault(normalized, place.path)
        if other != place.path:
            message = f"{name} already has a manifest: {other}"
            yield Problem(rule="name-unique", message=message, place=place, fix="keep one of them")


def _document(path: str, content: bytes) -> tuple[Document | None, list[Problem]]:
    document, problems = load(path, content)
    if document and is_outdated(path, document.value):
        document, found = _in_present_form(document)
        problems += found
    return document, problems


def tree_problems(entries: Sequence[SourceEntry]) -> Iterator[Problem]:
    """Yield what is wrong with entries of the tree, whatever their files say; they are in the order of their paths."""
    kinds = {EXECUTABLE: "an executable", SYMLINK: "a symbolic link", SUBMODULE: "a submodule"}
    seen: dict[str, str] = {}
    for entry in entries:
        place = Place(path=entry.path)
        if entry.mode != ORDINARY:
            what = kinds.get(entry.mode, f"of mode {entry.mode:o}")
            fix = f"chmod -x {entry.path}" if entry.mode == EXECUTABLE else "replace it by an ordinary file"
            yield Problem(rule="tree-mode", message=f"{entry.path} is {what}", place=place, fix=fix)
        elif not entry.path.endswith(".yaml") and entry.path.rpartition("/")[2] not in _PASSED_OVER:
            fix = f"git mv {entry.path} {entry.path[:-4]}.yaml" if entry.path.endswith(".yml") else "move it elsewhere"
            yield Problem(rule="tree-stray", message=f"{entry.path} is not a .yaml file", place=place, fix=fix)
        if not _PLAIN_PATH.fullmatch(entry.path) or len(entry.path) > _LONGEST_PATH:
            message = f"{entry.path[:120]} is no path that every system and tool reads in one way"
            fix = "use letters, digits, '.', '_', '+' and '-', and few folders"
            yield Problem(rule="tree-path", message=message, place=place, fix=fix)
        one = folded(entry.path)
        if one in seen:
            yield collision(entry.path, seen[one])
        seen[one] = entry.path


def collision(path: str, other: str) -> Problem:
    """Return the problem of two paths that are one after folding."""
    message = f"{path} and {other} are one file on some systems"
    return Problem(rule="tree-collision", message=message, place=Place(path=path), fix="rename one")


def missing_problems(entries: Sequence[SourceEntry]) -> Iterator[Problem]:
    """Yield what is missing among all entries of a tree."""
    paths = [entry.path for entry in entries]
    if CONFIGURATION not in paths:
        yield _missing(CONFIGURATION)
    if not any(path.startswith(MANIFESTS) for path in paths):
        yield _missing(MANIFESTS)


def folded(path: str) -> str:
    """Return what a path is on systems that tell neither case nor Unicode's forms apart."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def _in_present_form(document: Document) -> tuple[Document | None, list[Problem]]:
    """Read a file of an older form as if it had been migrated; the edits keep every line where it is."""
    place = document.place(("schema",))
    try:
        text = migrate(document.path, document.text)
    except EditError as error:
        return None, [Problem(rule="schema-version", message=error.message, place=place, fix=error.fix)]
    message = f"{document.path} has an older form of the file"
    fix = "bring it to the present one: index-builder migrate"
    present, problems = load(document.path, text.encode())
    return present, [*problems, Problem(rule="schema-outdated", message=message, place=place, fix=fix, severity="warning")]


def _missing(path: str) -> Problem:
    message = f"there is no {path} here: is this an index repository?"
    fix = "start one with `index-builder init DIR`, or name yours with --repo"
    return Problem(rule="tree-missing", message=message, place=Place(path=path), fix=fix)


def _audience_problems(configuration: Configuration, project: Project, document: Document) -> Iterator[Problem]:
    known = ", ".join(configuration.audiences)
    if not project.audiences and len(configuration.audiences) > 1:
        message = f"{project.name} does not say who may see it"
        place = document.place(("name",), of_key=True)
        yield Problem(rule="audience-missing", message=message, place=place, fix=f"add `audiences: [...]`, of: {known}")
    for number, name in enumerate(project.audiences):
        if name not in configuration.audiences:
            place = document.place(("audiences", number))
            yield Problem(rule="audience-unknown", message=f"there is no audience '{name}'", place=place, fix=f"the audiences are: {known}")


def _upstream_problems(configuration: Configuration, project: Project) -> Iterator[Problem]:
    for file in project.files:
        if isinstance(file.origin, IndexOrigin) and file.origin.index not in configuration.upstreams:
            message = f"index.yaml has no upstream '{file.origin.index}'"
            fix = f"add it there: upstreams: {{{file.origin.index}: https://…}}"
            yield Problem(rule="upstream-unknown", message=message, place=file.place, fix=fix)


def _rule_problems(configuration: Configuration, policies: Policies) -> Iterator[Problem]:
    known = ", ".join(configuration.audiences)
    for rule in policies.rules:
        for name in (*rule.audiences, *(name for requirement in rule.require for name in requirement.audiences)):
            if name not in configuration.audiences:
                message = f"the rule '{rule.id}' selects an audience '{name}' that is not there"
                yield Problem(rule="audience-unknown", message=message, place=rule.place, fix=f"the audiences are: {known}")


def _hides_names(problem: Problem) -> bool:
    """Say whether a problem kept a file from being read, with the people and groups that it declares."""
    return problem.rule.startswith("yaml-") or problem.rule in ("schema-version", "unknown-key", "missing-key", "invalid-value")


def _owner_problems(known: frozenset[Word], project: Project, document: Document) -> Iterator[Problem]:
    for number, owner in enumerate(project.owners):
        if owner not in known:
            near = get_close_matches(owner, sorted(known), n=1)
            fix = f"did you mean '{near[0]}'?" if near else "declare it under people: or groups: in policies.d/"
            place = document.place(("owners", number))
            yield Problem(rule="owner-unknown", message=f"nobody and no group is called '{owner}'", place=place, fix=fix)
