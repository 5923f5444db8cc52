"""What a resolver chooses from, and what it chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.requirements import Requirement

    from index_builder.model.environment import Environment
    from index_builder.model.names import NormalizedName
    from index_builder.model.offer import OfferedFile, Pin


class Offer(Protocol):
    """What a resolver may choose from, in one environment. Asked from several threads at once."""

    def files(self, project: NormalizedName) -> Sequence[OfferedFile]:
        """Return a project's wheels; raises NotFoundError, RemoteError."""
        ...

    def metadata(self, name: str) -> bytes:
        """Return the core metadata of a wheel by its file name; raises NotFoundError, RemoteError, StorageError."""
        ...


class Resolver(Protocol):
    """Requirements become releases, for one environment."""

    def resolve(
        self, requirements: Sequence[Requirement], environment: Environment, offer: Offer, *,
        preferred: Sequence[Pin], excluded: Sequence[NormalizedName], pre: bool,
    ) -> list[Pin]:  # fmt: skip
        """Return the requirements' releases and those of all that they depend on; raises ResolutionError, UsageError.

        `preferred` is chosen where it fits; `excluded` is left out, with what only it depends on; `pre` lets pre-releases count.
        """
        ...
