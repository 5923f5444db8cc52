"""What the verbs that configure others share: what index.yaml and the policies say, and who may read what in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from index_builder.cli import options
from index_builder.errors import UsageError

if TYPE_CHECKING:
    from index_builder.model.index import Configuration
    from index_builder.model.names import Word
    from index_builder.policy.readers import Readers
    from index_builder.policy.rules import Policies


def settings_of(repo: Path, commit: str, *, worktree: bool) -> tuple[Path, Configuration, Policies]:
    """Return the repository's root, and what index.yaml and the policies say; no manifest is read for that."""
    from index_builder.pipeline.judge.reading import base_settings  # noqa: PLC0415 - with pydantic behind it, slow to import

    root, tree = options.source(repo, commit, worktree=worktree)
    with options.problems_shown(tree, "text"):
        settings = base_settings(tree)
    assert settings.configuration is not None  # noqa: S101 - for the type checker: base_settings has seen to it
    return root, settings.configuration, settings.policies


@contextmanager
def usage() -> Iterator[None]:
    """Turn what a value refuses into wrong usage."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error), fix="write it otherwise: see --help, and `url:` and `path:` in index.yaml") from error


def readers_told(audience: Word, readers: Readers) -> str:
    """Say who may read an audience."""
    return f"{audience}: {'everybody' if readers.is_open else ', '.join(readers.people) or 'nobody'} may read it"
