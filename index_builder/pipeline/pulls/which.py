"""Which pull requests an event is about. Numbers and names in an event are believed only where GitHub wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from index_builder.model.names import NormalizedName
from index_builder.model.review import Account
from index_builder.policy.rules import Policies
from index_builder.ports import Pulls

#: So many are judged at once; the rest come with the next hour.
MOST: Final = 50
_COMMAND: Final = re.compile(r"/(recheck|bump)(?:[ \t]+(\S{1,200}))?[ \t]*(?:\r?\n|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be done: pull requests to be judged, a project to be looked for, or why neither."""

    numbers: tuple[int, ...] = ()
    project: NormalizedName | None = None
    refused: str = ""


def asked_by(name: str, event: Mapping[str, Any], pulls: Pulls, policies: Policies) -> Asked:
    """Return what an event of GitHub Actions asks for; raises RemoteError.

    A workflow's own event names a commit only: what the pull request's workflow says of itself is nobody's word.
    """
    if name == "workflow_dispatch":
        number = str((event.get("inputs") or {}).get("number", ""))
        return Asked(numbers=(int(number),)) if re.fullmatch("[1-9][0-9]{0,9}", number) else Asked(refused=f"{number!r} is no number")
    if name == "workflow_run":
        head = event["workflow_run"]["head_sha"]
        return Asked(numbers=tuple(pull.number for pull in pulls.open_pulls() if pull.head == head)[:MOST])
    if name == "issue_comment":
        return _comment(event, policies)
    if name == "schedule":
        return Asked(numbers=tuple(pull.number for pull in pulls.open_pulls())[:MOST])
    return Asked(refused=f"an event '{name}' asks for nothing")


def _comment(event: Mapping[str, Any], policies: Policies) -> Asked:
    """Answer `/recheck` and `/bump NAME`, in the first line of a comment of somebody who may."""
    found = _COMMAND.match(str(event["comment"]["body"]))
    if found is None:
        return Asked()
    issue, user = event["issue"], event["comment"]["user"]
    account = Account(id=int(user["id"]), login=str(user["login"]))
    person = policies.by_account(account.id)
    command, name = found.groups()
    if command == "recheck":
        if "pull_request" not in issue or issue.get("state") != "open":
            return Asked(refused="only an open pull request can be judged")
        if person is None and account.id != int(issue["user"]["id"]):
            return Asked(refused=f"{account.login} neither proposed it, nor is one of the policies' people")
        return Asked(numbers=(int(issue["number"]),))
    if person is None:
        return Asked(refused=f"{account.login} is none of the policies' people")
    try:
        return Asked(project=NormalizedName.of(name or ""))
    except ValueError:
        return Asked(refused=f"{name or ''!r} is no project name: write /bump NAME")
