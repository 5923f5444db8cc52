"""Who published a file, by its attestations, held against the publishers that the manifest declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from index_builder.judge.change import ProjectChange
from index_builder.model.attestation import Claims
from index_builder.model.problem import Problem
from index_builder.model.project import File, Publisher

#: The one issuer of tokens for GitHub's workflows, which is what makes the other claims mean what they say.
_ISSUER: Final = "https://token.actions.githubusercontent.com"
_GITHUB: Final = "https://github.com/"
#: A pull request's workflow can be anybody's: what it signs, nobody meant to publish.
_NOT_BY: Final = ("pull_request", "pull_request_target", "issue_comment", "workflow_run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What was found of a file's attestations: the claims of those that verify, or why one does not; or that nobody could look."""

    claims: tuple[Claims, ...] = ()
    failure: str = ""
    is_unchecked: bool = False


def mismatch(publisher: Publisher, claims: Claims) -> str:
    """Return the first thing in which an attestation is not this publisher's, or ''.

    Stricter than an index needs to be: names change hands, so numbers must agree; the workflow's file is pinned together with
    the ref that it was read from; and what an attestation does not say, it does not prove.
    """
    repository = f"{_GITHUB}{publisher.github}"
    path, _, ref = claims.workflow.partition("@")
    checks = [
        ("issuer", claims.issuer == _ISSUER, claims.issuer),
        ("repository", claims.repository == repository, claims.repository),
        ("repository_id", claims.repository_id == str(publisher.repository_id), claims.repository_id),
        ("workflow", path == f"{repository}/.github/workflows/{publisher.workflow}", claims.workflow),
        ("signer", fnmatchcase(claims.signer, f"{_GITHUB}{publisher.signer}") if publisher.signer else not claims.signer, claims.signer),
        ("ref", ref == claims.ref and fnmatchcase(ref, publisher.ref or "*"), claims.ref),
        ("trigger", bool(claims.trigger) and claims.trigger not in _NOT_BY, claims.trigger),
        ("owner_id", not publisher.owner_id or claims.owner_id == str(publisher.owner_id), claims.owner_id),
        ("runner", not publisher.runner or claims.runner == publisher.runner, claims.runner),
        ("environment", not publisher.environment or claims.environment == publisher.environment, claims.environment),
    ]
    return next((f"{what} is {said or 'not said'}" for what, is_good, said in checks if not is_good), "")


def published(publishers: Sequence[Publisher], attested: Attested | None) -> bool:
    """Say whether one of the publishers attested a file."""
    return attested is not None and any(not mismatch(publisher, claims) for publisher in publishers for claims in attested.claims)


def publishers_of(change: ProjectChange) -> tuple[Publisher, ...]:
    """Return whose attestations count: those of the base, or of a new project its own."""
    project = change.before or change.after
    return project.publishers if project else ()


def provenance_problems(change: ProjectChange, attested: Mapping[str, Attested], *, had: bool) -> Iterator[Problem]:
    """Yield what is wrong with the attestations of new files; `had` says whether the project had any before."""
    publishers = publishers_of(change)
    for file in change.new_files():
        found = attested.get(file.name.text)
        if found is None:
            if had:
                message = f"{file.name.text} has no attestation, and releases of {change.name} had them until now"
                fix = "publish it by the workflow that publishes the others; or let an administrator approve this once"
                yield _problem("provenance-lost", message, file, fix)
        elif found.failure:
            fix = "fetch it anew, and do not publish the file before it verifies"
            yield _problem("provenance-invalid", f"{file.name.text}: {found.failure}", file, fix)
        elif publishers and not found.is_unchecked and not published(publishers, found):
            said = "; ".join(dict.fromkeys(mismatch(publisher, claims) for publisher in publishers for claims in found.claims))
            message = f"{file.name.text} is not attested by a declared publisher: {said or 'nobody attested it'}"
            yield _problem("provenance-publisher", message, file, "declare the publisher under publishers:, in a change of its own")


def _problem(rule: str, message: str, file: File, fix: str) -> Problem:
    return Problem(rule=rule, message=message, place=file.place, fix=fix)
