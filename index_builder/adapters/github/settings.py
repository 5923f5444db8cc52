"""A repository's settings, over the API: what the token may not see stays unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

from index_builder.adapters.github.api import Api
from index_builder.adapters.github.repository import moment
from index_builder.errors import NotFoundError, RemoteError
from index_builder.model.repository import Environment, RepositorySettings

T = TypeVar("T")


def settings_of(api: Api, repository: str) -> RepositorySettings:
    """Return what can be seen; raises RemoteError, NotFoundError where there is no such repository."""
    path = f"repos/{repository}"
    branch = str(api.get(path)["default_branch"])
    rules = _seen(lambda: list(api.items(f"{path}/rules/branches/{branch}")))
    nothing: dict[str, Any] = {}
    classic = _seen(lambda: api.get(f"{path}/branches/{branch}/protection"), absent=nothing)
    pages = _seen(lambda: api.get(f"{path}/pages"), absent=nothing)
    rights = _seen(lambda: api.get(f"{path}/actions/permissions/workflow"))
    workflows = _seen(lambda: list(api.items(f"{path}/actions/workflows", "workflows")))
    environments = _seen(lambda: list(api.items(f"{path}/environments", "environments")))
    actions = _seen(lambda: api.get(f"{path}/actions/permissions"))
    secrets = _seen(lambda: list(api.items(f"{path}/actions/secrets", "secrets")))
    return RepositorySettings(
        branch=branch,
        required=_either(rules, classic, lambda: frozenset(_contexts(rules or [])) | frozenset(_classic(classic).get("contexts") or ())),
        is_strict=_either(rules, classic, lambda: _is_strict(rules or []) or bool(_classic(classic).get("strict"))),
        needs_pull=_either(rules, classic, lambda: _needs_pull(rules or [], classic or {})),
        reviews=_either(rules, classic, lambda: max(_reviews(rules or [], classic or {}))),
        workflows=None if workflows is None else {str(found["path"]).rpartition("/")[2]: str(found["state"]) for found in workflows},
        scheduled=dict(_scheduled(api, path, workflows or ())),
        actions=None if actions is None else str(actions.get("allowed_actions", "all")) if actions["enabled"] else "",
        environments=None if environments is None else tuple(_environment(api, path, found, branch) for found in environments),
        has_pages=None if pages is None else bool(pages),
        pages=str(pages["source"]["branch"]) if pages and pages.get("build_type") != "workflow" else "",
        is_public=bool(pages["public"]) if pages and "public" in pages else None,
        secrets=None if secrets is None else tuple(str(found["name"]) for found in secrets),
        may_open_pulls=None if rights is None else bool(rights["can_approve_pull_request_reviews"]),
        default_rights=None if rights is None else str(rights["default_workflow_permissions"]),
    )


def _either(rules: object, classic: object, ask: Callable[[], T]) -> T | None:
    """Return what rules and the protection of old say together; None where neither can be seen."""
    return None if rules is None and classic is None else ask()


def _classic(protection: Any) -> dict[str, Any]:
    return (protection or {}).get("required_status_checks") or {}


def _needs_pull(rules: list[Any], protection: dict[str, Any]) -> bool:
    return any(rule["type"] == "pull_request" for rule in rules) or bool(protection.get("required_pull_request_reviews"))


def _reviews(rules: list[Any], protection: dict[str, Any]) -> Iterator[int]:
    """Yield how many approvals each rule wants, and 0."""
    yield int((protection.get("required_pull_request_reviews") or {}).get("required_approving_review_count") or 0)
    found = (rule.get("parameters") or {} for rule in rules if rule["type"] == "pull_request")
    yield from (int(parameters.get("required_approving_review_count") or 0) for parameters in found)


def _scheduled(api: Api, path: str, workflows: Iterable[Any]) -> Iterator[tuple[str, datetime]]:
    """Yield when a schedule last started each workflow that it ever started."""
    for name in (str(found["path"]).rpartition("/")[2] for found in workflows):
        runs = _seen(partial(_runs, api, f"{path}/actions/workflows/{name}/runs"))
        if runs:
            yield name, moment(runs[0]["created_at"])


def _runs(api: Api, path: str) -> list[Any]:
    return list(api.get(path, event="schedule", per_page=1)["workflow_runs"])


def _is_strict(rules: list[Any]) -> bool:
    checks = [rule["parameters"] for rule in rules if rule["type"] == "required_status_checks"]
    return any(found.get("strict_required_status_checks_policy") for found in checks)


def _contexts(rules: list[Any]) -> set[str]:
    checks = [rule["parameters"]["required_status_checks"] for rule in rules if rule["type"] == "required_status_checks"]
    return {str(check["context"]) for found in checks for check in found}


def _environment(api: Api, path: str, value: Any, branch: str) -> Environment:
    kinds = {rule["type"] for rule in value.get("protection_rules") or ()}
    policy, here = value.get("deployment_branch_policy"), f"{path}/environments/{quote(str(value['name']), safe='')}"
    branches: tuple[str, ...] | None = ()
    if policy and policy.get("custom_branch_policies"):
        named = _seen(lambda: list(api.items(f"{here}/deployment-branch-policies", "branch_policies")))
        branches = None if named is None else tuple(str(found["name"]) for found in named)
    elif policy:
        branches = (branch,)  # protected branches only, which is what the default branch has to be
    secrets = _seen(lambda: list(api.items(f"{here}/secrets", "secrets")))
    return Environment(
        name=str(value["name"]), has_reviewers="required_reviewers" in kinds, branches=branches,
        secrets=None if secrets is None else tuple(str(found["name"]) for found in secrets),
    )  # fmt: skip


def _seen(ask: Callable[[], T], absent: T | None = None) -> T | None:
    """Return an answer, None where the token may not ask; `absent` where that there is none is an answer."""
    try:
        return ask()
    except NotFoundError:
        return absent
    except RemoteError as error:
        if error.status == HTTPStatus.FORBIDDEN and error.retry_after is None:
            return None
        raise
