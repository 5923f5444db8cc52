"""The host of the index's repository, and of its projects': pull requests, workflows and releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from index_builder.model.hosted_release import HostedRelease
    from index_builder.model.names import Sha256
    from index_builder.model.pull import Draft, Mark, Pull, Standing


class Pulls(Protocol):
    """The pull requests of an index's repository. Everything raises RemoteError, and NotFoundError where there is no such thing."""

    def pull(self, number: int) -> Pull:
        """Return an open pull request, with its reviews."""
        ...

    def open_pulls(self) -> Sequence[Pull]:
        """Return all that are open, without their reviews."""
        ...

    def main(self) -> str:
        """Return the name of the default branch: what goes into it is published, and nothing else."""
        ...

    def tip(self, branch: str) -> str:
        """Return the commit that a branch is at."""
        ...

    def lacks(self, head: str, base: str) -> bool:
        """Say whether a commit has not all that another one has: it would be merged from behind."""
        ...


class Maintainer(Protocol):
    """Does to pull requests what their maintainers do. Everything raises RemoteError."""

    def say(self, number: int, body: str) -> None:
        """Keep the one comment of ours at a pull request as `body`."""
        ...

    def mark(self, commit: str, state: Mark, description: str) -> None:
        """Set the status of a commit, which a branch may require."""
        ...

    def unlabel(self, number: int, label: str) -> None:
        """Take a label off a pull request, there or not."""
        ...

    def refresh(self, number: int, head: str) -> None:
        """Merge the base into a pull request, if its head is still that commit; raises LostRaceError."""
        ...

    def merge(self, number: int, head: str) -> None:
        """Merge a pull request, if its head is still that commit; raises LostRaceError."""
        ...


class Dispatcher(Protocol):
    """Starts workflows by name: what a workflow's own token does, starts none."""

    def dispatch(self, workflow: str, branch: str, **inputs: str) -> None:
        """Start a workflow file of a branch; raises RemoteError."""
        ...


class Proposals(Protocol):
    """Where a program proposes changes."""

    def propose(self, draft: Draft) -> tuple[int, Standing]:
        """Open a pull request, or bring the one of that branch up to date; return its number. Raises RemoteError."""
        ...


class ReleaseFeed(Protocol):
    """The releases of repositories at a host."""

    def releases(self, repository: str) -> Sequence[HostedRelease]:
        """Return the published releases, the newest first; raises NotFoundError, RemoteError."""
        ...

    def attestations(self, repository: str, digest: Sha256) -> Sequence[bytes]:
        """Return the Sigstore bundles that a repository has for a file, as JSON; raises RemoteError."""
        ...
