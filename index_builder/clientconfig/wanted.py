"""What an installer is to be told."""

from __future__ import annotations

import re
from dataclasses import dataclass

from index_builder.model.address import Address
from index_builder.model.names import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The index of an audience, as the only one.

    `is_open` says that nobody needs a password; `days` is the cooldown: what was uploaded later is left out, 0 for none.
    `has_json` is False where its host serves HTML alone.
    """

    audience: Word
    address: Address
    is_open: bool
    days: int = 0
    has_json: bool = True

    @property
    def url(self) -> str:
        """The simple index."""
        return f"{self.address.root}simple/"

    @property
    def name(self) -> str:
        """What the index is called in settings: letters, digits and '-'."""
        return re.sub("[^a-z0-9]+", "-", self.audience)

    @property
    def variable(self) -> str:
        """The same in names of environment variables."""
        return self.name.replace("-", "_").upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A file's new text, and the other indexes that it names: an installer would take packages from them too."""

    text: str
    others: tuple[str, ...] = ()
