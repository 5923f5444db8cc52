"""Where previews of pull requests may be shown to others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from index_builder.model.names import Word

#: Says which pull requests are shown, and of which commits: at the root of the place.
LIST: Final = "previews.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """A place of its own, of another origin than what is published. What a kind of place does not have, is ''.

    `site` is where readers see it, ending in a slash; `label` is what a maintainer gives a pull request to have it shown.
    """

    audience: Word
    kind: str
    site: str
    label: str
    path: str = ""
    url: str = ""
    endpoint: str = ""
    region: str = ""

    def address(self, number: int) -> str:
        """Return where readers see a pull request's."""
        return f"{self.site}{folder_of(number)}/"


def folder_of(number: int) -> str:
    """Return the folder of a pull request's preview."""
    return f"pr-{number}"


def encode(shown: Mapping[int, str]) -> bytes:
    """Write which commits are shown, by number."""
    return json.dumps({str(number): shown[number] for number in sorted(shown)}, indent=1).encode() + b"\n"


def decode(content: bytes) -> dict[int, str]:
    """Read what `encode` wrote; raises ValueError."""
    value = json.loads(content)
    if not isinstance(value, dict):
        msg = "it is no object"
        raise ValueError(msg)  # noqa: TRY004 - one error for all that is wrong with a file
    return {int(number): str(head) for number, head in value.items()}
