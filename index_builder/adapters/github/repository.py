"""An index's repository on GitHub: pull requests, the one comment at each, statuses, merges, dispatches, and proposals of our own."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from index_builder.adapters.github.api import Api
from index_builder.errors import LostRaceError, NotFoundError, RemoteError
from index_builder.model.pull import Draft, Mark, Pull, Standing
from index_builder.model.review import Account, Review, Stand

#: What our comment begins with, and the context of our status.
MARKER: Final = "<!-- index-builder: judgement -->"
CONTEXT: Final = "index-builder"
#: What GitHub takes of a comment, in characters, and of a status' description.
_LONGEST: Final = 65_000
_LINE: Final = 140
#: The ways to merge, and what the repository says of each; what it does not say, is allowed.
_METHODS: Final = (("merge", "allow_merge_commit"), ("squash", "allow_squash_merge"), ("rebase", "allow_rebase_merge"))


class GitHubRepository:
    """A repository, OWNER/NAME."""

    def __init__(self, api: Api, name: str) -> None:
        """Take the API and the repository's name."""
        self._api, self._path, self._owner = api, f"repos/{name}", name.partition("/")[0]

    def pull(self, number: int) -> Pull:
        """Return an open pull request, with its reviews."""
        try:
            value = self._api.get(f"{self._path}/pulls/{number}")
        except NotFoundError as error:
            msg = f"there is no pull request #{number} in {self._path.removeprefix('repos/')}, or the token may not see it"
            raise NotFoundError(msg, fix="look at the number; the repository is what GITHUB_REPOSITORY says") from error
        if value["state"] != "open":
            msg = f"pull request #{number} is closed"
            raise NotFoundError(msg, fix="only an open one can be judged")
        reviews = tuple(map(_review, self._api.items(f"{self._path}/pulls/{number}/reviews")))
        return _pull(value, reviews)

    def open_pulls(self) -> list[Pull]:
        """Return all that are open, without their reviews."""
        return [_pull(value, ()) for value in self._api.items(f"{self._path}/pulls", state="open")]

    def main(self) -> str:
        """Return the name of the default branch."""
        return str(self._about["default_branch"])

    @cached_property
    def _about(self) -> Any:
        return self._api.get(self._path)

    def tip(self, branch: str) -> str:
        """Return the commit that a branch is at."""
        return str(self._api.get(f"{self._path}/git/ref/heads/{branch}")["object"]["sha"])

    def unlabel(self, number: int, label: str) -> None:
        """Take a label off a pull request, there or not."""
        with suppress(NotFoundError):
            self._api.send("DELETE", f"{self._path}/issues/{number}/labels/{quote(label, safe='')}")

    def say(self, number: int, body: str) -> None:
        """Keep our comment; one that somebody else wrote is never taken for it, whatever it begins with."""
        text = _shortened(f"{MARKER}\n{body}")
        if self._update_comment(number, text):
            return
        try:
            self._api.send("POST", f"{self._path}/issues/{number}/comments", {"body": text})
        except RemoteError as error:
            if not error.retryable:
                raise
            # It may have been made before the answer got lost.
            if not self._update_comment(number, text):
                self._api.send("POST", f"{self._path}/issues/{number}/comments", {"body": text})

    def _update_comment(self, number: int, text: str) -> bool:
        """Let our comment say something else; return whether there is one."""
        for comment in self._api.items(f"{self._path}/issues/{number}/comments"):
            if (comment["user"] or {}).get("type") == "Bot" and (comment["body"] or "").startswith(MARKER):
                if comment["body"] != text:
                    self._api.send("PATCH", f"{self._path}/issues/comments/{int(comment['id'])}", {"body": text})
                return True
        return False

    def mark(self, commit: str, state: Mark, description: str) -> None:
        """Set our status of a commit, unless it says so already: GitHub takes a thousand of a commit, and no more."""
        body = {"state": state.value, "context": CONTEXT, "description": description[:_LINE]}
        last = self._status(commit)
        if last is None or any(last.get(key) != value for key, value in body.items()):
            self._api.send("POST", f"{self._path}/statuses/{commit}", body, again=True)

    def begin(self, commit: str) -> None:
        """Set the status of a commit that has none: until it is judged, nothing of the same name stands in for it."""
        if self._status(commit) is None:
            self.mark(commit, Mark.PENDING, "is being judged")

    def _status(self, commit: str) -> Any:
        """Return the last status of ours, None where there is none; the newest comes first."""
        return next((found for found in self._api.items(f"{self._path}/commits/{commit}/statuses") if found["context"] == CONTEXT), None)

    def react(self, comment: int, *, agreed: bool) -> None:
        """Let whoever commented see that they were heard."""
        self._api.send("POST", f"{self._path}/issues/comments/{comment}/reactions", {"content": "+1" if agreed else "confused"})

    def lacks(self, head: str, base: str) -> bool:
        """Say whether a commit has not all that another one has."""
        return int(self._api.get(f"{self._path}/compare/{base}...{head}")["behind_by"]) > 0

    def refresh(self, number: int, head: str) -> None:
        """Merge the base into a pull request, if its head is still that commit. GitHub does so in a moment, and answers before."""
        try:
            self._api.send("PUT", f"{self._path}/pulls/{number}/update-branch", {"expected_head_sha": head})
        except RemoteError as error:
            if error.status == HTTPStatus.UNPROCESSABLE_ENTITY and self.pull(number).head != head:
                msg = f"#{number} was pushed to meanwhile"
                raise LostRaceError(msg, status=error.status) from error
            raise

    def merge(self, number: int, head: str) -> None:
        """Merge a pull request, if its head is still that commit, in the first way that the repository allows.

        A merge whose answer got lost is a merge.
        """
        method = next((method for method, key in _METHODS if self._about.get(key) is not False), "merge")
        try:
            self._api.send("PUT", f"{self._path}/pulls/{number}/merge", {"sha": head, "merge_method": method})
        except RemoteError as error:
            if error.status == HTTPStatus.CONFLICT:
                msg = f"#{number} was pushed to meanwhile"
                raise LostRaceError(msg, status=error.status) from error
            if not self._api.get(f"{self._path}/pulls/{number}").get("merged"):
                raise

    def dispatch(self, workflow: str, branch: str, **inputs: str) -> None:
        """Start a workflow file of a branch."""
        self._api.send("POST", f"{self._path}/actions/workflows/{workflow}/dispatches", {"ref": branch, "inputs": inputs}, again=True)

    def propose(self, draft: Draft) -> tuple[int, Standing]:
        """Open a pull request, or bring the one of that branch up to date."""
        there, closed = None, None
        for pull in self._of_branch(draft.branch):
            if pull["state"] == "open":
                there = pull
            elif draft.mark in (pull.get("body") or "") and not pull.get("merged_at"):
                closed = pull
        if there is None and closed is not None:
            return int(closed["number"]), Standing.DECLINED
        if there is not None and draft.seal in (there.get("body") or ""):
            return int(there["number"]), Standing.THERE
        self._push(draft)
        body = {"title": draft.title, "body": f"{_shortened(draft.body)}\n\n{draft.mark}\n{draft.seal}"}
        if there is not None:
            self._api.send("PATCH", f"{self._path}/pulls/{int(there['number'])}", body)
            return int(there["number"]), Standing.UPDATED
        made = self._api.send("POST", f"{self._path}/pulls", {**body, "head": draft.branch, "base": draft.base})
        return int(made["number"]), Standing.OPENED

    def _of_branch(self, branch: str) -> Iterator[Any]:
        return self._api.items(f"{self._path}/pulls", state="all", head=f"{self._owner}:{branch}")

    def _push(self, draft: Draft) -> None:
        """Let the branch be one commit ahead of where it begins; whatever it was before, it is ours."""
        tree = self._api.get(f"{self._path}/git/commits/{draft.parent}")["tree"]["sha"]
        entries = []
        for path, content in sorted(draft.files.items()):
            blob = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
            sha = self._api.send("POST", f"{self._path}/git/blobs", blob)["sha"]
            entries.append({"path": path, "mode": "100644", "type": "blob", "sha": sha})
        made = self._api.send("POST", f"{self._path}/git/trees", {"base_tree": tree, "tree": entries})["sha"]
        commit = self._api.send("POST", f"{self._path}/git/commits", {"message": draft.title, "tree": made, "parents": [draft.parent]})[
            "sha"
        ]
        try:
            self._api.send("PATCH", f"{self._path}/git/refs/heads/{draft.branch}", {"sha": commit, "force": True})
        except RemoteError as error:
            # GitHub answers 422, and not 404, for a branch that is not there.
            if error.status not in (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.NOT_FOUND):
                raise
            self._api.send("POST", f"{self._path}/git/refs", {"ref": f"refs/heads/{draft.branch}", "sha": commit})


def _pull(value: Any, reviews: tuple[Review, ...]) -> Pull:
    return Pull(
        number=int(value["number"]), title=str(value["title"]), author=_account(value["user"]), head=str(value["head"]["sha"]),
        base=str(value["base"]["ref"]), opened=moment(value["created_at"]), is_draft=bool(value.get("draft")), reviews=reviews,
        labels=frozenset(str(label["name"]) for label in value.get("labels") or ()),
    )  # fmt: skip


def _review(value: Any) -> Review:
    at = value.get("submitted_at") or "1970-01-01T00:00:00Z"  # one that is pending was not submitted
    stand = Stand(str(value["state"]).lower())
    return Review(by=_account(value["user"]), stand=stand, commit=str(value.get("commit_id") or ""), at=moment(at))


def _account(value: Any) -> Account:
    """Return an account; of one that was deleted, nothing is left."""
    return Account(id=int(value["id"]), login=str(value["login"])) if value else Account(id=0, login="ghost")


def moment(text: str) -> datetime:
    """Read a time of GitHub's."""
    return datetime.fromisoformat(text)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n\n… the rest is in the workflow's log"
