"""Which pull requests an event is about. Numbers and names in an event are believed only where GitHub wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from index_builder.model.names import NormalizedName
from index_builder.model.review import Account
from index_builder.policy.rules import Policies
from index_builder.ports.repository import Pulls

#: So many are judged at once; of more, others come with the next hour.
MOST: Final = 50
_COMMAND: Final = re.compile(r"/(recheck|bump)(?:[ \t]+(\S{1,200}))?[ \t]*(?:\r?\n|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be done: pull requests to be judged, a project to be looked for, or why neither; `comment` is whose word it is."""

    numbers: tuple[int, ...] = ()
    comment: int | None = None
    project: NormalizedName | None = None
    refused: str = ""


def asked_by(name: str, event: Mapping[str, Any], pulls: Pulls, policies: Policies, now: datetime) -> Asked:
    """Return what an event of GitHub Actions asks for; raises RemoteError.

    A workflow's own event names a commit only: what the pull request's workflow says of itself is nobody's word. Only pull
    requests into the default branch are judged: other branches have other policies, and publish nothing.
    """
    branch = str((event.get("repository") or {}).get("default_branch") or "main")
    if name == "workflow_dispatch":
        number = str((event.get("inputs") or {}).get("number", ""))
        if not re.fullmatch("[1-9][0-9]{0,9}", number):
            return Asked(refused=f"{number!r} is no number")
        return _into(branch, int(number), pulls)
    if name == "workflow_run":
        head = event["workflow_run"]["head_sha"]
        return Asked(numbers=tuple(pull.number for pull in pulls.open_pulls() if pull.head == head and pull.base == branch)[:MOST])
    if name == "issue_comment":
        return _comment(event, branch, pulls, policies)
    if name == "schedule":
        numbers = sorted(pull.number for pull in pulls.open_pulls() if pull.base == branch)
        first = int(now.timestamp() // 3600) * MOST % max(len(numbers), 1)
        return Asked(numbers=tuple((numbers[first:] + numbers[:first])[:MOST]))
    return Asked(refused=f"an event '{name}' asks for nothing")


def _into(branch: str, number: int, pulls: Pulls, comment: int | None = None) -> Asked:
    """Ask for one that goes into the default branch. A laxer branch's policies would else say of a commit that it is good for both."""
    base = pulls.pull(number).base
    if base != branch:
        return Asked(comment=comment, refused=f"#{number} goes into '{base}', and only what goes into '{branch}' is judged")
    return Asked(comment=comment, numbers=(number,))


def _comment(event: Mapping[str, Any], branch: str, pulls: Pulls, policies: Policies) -> Asked:
    """Answer `/recheck` and `/bump NAME`, in the first line of a comment of somebody who may."""
    found = _COMMAND.match(str(event["comment"]["body"]))
    if found is None:
        return Asked()
    issue, user, comment = event["issue"], event["comment"]["user"] or {"id": 0, "login": "ghost"}, int(event["comment"]["id"])
    account = Account(id=int(user["id"]), login=str(user["login"]))
    person = policies.by_account(account.id)
    command, name = found.groups()
    if command == "recheck":
        if "pull_request" not in issue or issue.get("state") != "open":
            return Asked(comment=comment, refused="only an open pull request can be judged")
        if person is None and account.id != int((issue["user"] or {"id": -1})["id"]):
            return Asked(comment=comment, refused=f"{account.login} neither proposed it, nor is one of the policies' people")
        return _into(branch, int(issue["number"]), pulls, comment)
    if person is None:
        return Asked(comment=comment, refused=f"{account.login} is none of the policies' people")
    try:
        return Asked(comment=comment, project=NormalizedName.of(name or ""))
    except ValueError:
        return Asked(comment=comment, refused=f"{name or ''!r} is no project name: write /bump NAME")
