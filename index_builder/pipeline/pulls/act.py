"""What follows from a judgement of a pull request: a comment, a status, and where the policies want no person for it, a merge."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from index_builder.errors import LostRaceError, NotFoundError, RemoteError
from index_builder.judge.verdict import Outcome
from index_builder.model.previews import Previews
from index_builder.model.pull import Mark, Pull
from index_builder.pipeline.pulls.previews import may_be_shown
from index_builder.ports.repository import Dispatcher, Maintainer, Pulls

_MARKS: Final = {Outcome.MERGES: Mark.SUCCESS, Outcome.WAITS: Mark.PENDING, Outcome.REFUSED: Mark.FAILURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A judgement on its way from the job that made it to the one that may write.

    `head` and `base` are the commits that were judged, `branch` what the latter is the tip of, `reviews` what was said by then.
    `says` is a line, `report` all of it, in markdown.
    """

    number: int
    head: str
    base: str
    branch: str
    reviews: str
    outcome: Outcome
    merges: bool
    says: str
    report: str


class Done(StrEnum):
    """What was done."""

    SAID = "said"
    MERGED = "merged"
    OUTDATED = "was pushed to or reviewed since, and is judged again"
    REJUDGED = "its base moved, and it is judged again"
    CLOSED = "is closed"
    ELSEWHERE = "goes into another branch than the one that is published, and nothing is said of it"
    REFRESHED = "was behind its base: the base is merged into it, and it is judged again"
    UNMERGED = "could not be merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflows:
    """The workflow files that are started by name: what judges a pull request, publishes a branch, and shows a pull request."""

    judge: str = "judge.yml"
    publish: str = "publish.yml"
    preview: str = "preview.yml"


def said_of(pull: Pull) -> str:
    """Return what reviewers have said, as one word: whoever says more, changes it."""
    lines = [f"{review.by.id} {review.stand} {review.commit} {review.at.isoformat()}" for review in pull.reviews]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where verdicts are acted on: the pull requests, who may do something to them, and the workflows that go on from there.

    What is not merged is shown to others where `previews` has a place.
    """

    pulls: Pulls
    maintainer: Maintainer
    dispatcher: Dispatcher
    workflows: Workflows
    previews: Previews | None = None

    def act(self, verdict: Verdict) -> Done:
        """Say a verdict, and merge where it says so. Raises RemoteError.

        Nothing is said of a commit that was not judged: between the judgement and this, somebody may have pushed, or merged another.
        """
        try:
            pull = self.pulls.pull(verdict.number)
        except NotFoundError:
            return Done.CLOSED
        if pull.base != self.pulls.main():
            return Done.ELSEWHERE
        if (pull.head, pull.base, said_of(pull)) != (verdict.head, verdict.branch, verdict.reviews):
            return self._again(verdict, Done.OUTDATED)
        if self.pulls.tip(pull.base) != verdict.base:
            return self._again(verdict, Done.REJUDGED)
        self.maintainer.mark(verdict.head, _MARKS[verdict.outcome], verdict.says)
        merges = verdict.merges and verdict.outcome is Outcome.MERGES and not pull.is_draft
        shown = self.previews if self.previews and not merges and may_be_shown(self.previews, pull, verdict.outcome) else None
        self.maintainer.say(verdict.number, verdict.report + (_told(shown, verdict.number) if shown else ""))
        if shown:
            self._show(verdict, pull, shown)
        return self._merge(verdict) if merges else Done.SAID

    def _again(self, verdict: Verdict, done: Done) -> Done:
        self.dispatcher.dispatch(self.workflows.judge, verdict.branch, number=str(verdict.number))
        return done

    def _show(self, verdict: Verdict, pull: Pull, previews: Previews) -> None:
        self.dispatcher.dispatch(self.workflows.preview, pull.base, number=str(verdict.number), head=verdict.head)
        if previews.label in pull.labels:
            self.maintainer.unlabel(verdict.number, previews.label)  # it was a word on this commit, and not on the next one

    def _merge(self, verdict: Verdict) -> Done:
        """Merge; where the base moved on and the branch wants that seen, merge the base into it first."""
        try:
            self.maintainer.merge(verdict.number, verdict.head)
        except LostRaceError:
            return self._again(verdict, Done.OUTDATED)
        except RemoteError as error:
            return self._unmerged(verdict, error)
        self.dispatcher.dispatch(self.workflows.publish, verdict.branch)
        return Done.MERGED

    def _unmerged(self, verdict: Verdict, error: RemoteError) -> Done:
        try:
            if self.pulls.lacks(verdict.head, verdict.base):
                self.maintainer.refresh(verdict.number, verdict.head)
                return self._again(verdict, Done.REFRESHED)
        except LostRaceError:
            return self._again(verdict, Done.OUTDATED)
        except RemoteError as another:
            error = another
        self.maintainer.say(verdict.number, f"{verdict.report}\nIt could not be merged: {error.message}\n")
        return Done.UNMERGED


def _told(previews: Previews, number: int) -> str:
    """Return where people without the builder can try it, in some minutes."""
    where = previews.address(number)
    line = f"uv pip install --no-config --index-url {where}simple/ PROJECT"
    return f"\nIn some minutes it is shown, unsigned, at {where}:\n\n```\n{line}\n```\n"
