"""Password hashes as `htpasswd` keeps them, `name:hash` a line: strong ones only, and nothing that is no hash.

`name:hash:made` is a password that this program made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Self

from index_builder.errors import UsageError
from index_builder.model.names import Word

#: bcrypt in the forms that nginx (through libxcrypt), Apache and Caddy all take.
_BCRYPT: Final = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}", re.ASCII)
#: 2 to this power rounds, for a password that somebody chose: fewer are guessed too fast.
CHOSEN_COST: Final = 10
#: For one that was made: 160 random bits cannot be guessed however fast, and nginx and Apache hash anew for each request.
MADE_COST: Final = 5
#: With more, each request of an installer takes seconds.
_MOST_COST: Final = 14
#: What a line ends with whose password was made.
_MADE: Final = "made"
_HOW: Final = "index-builder host-config password NAME --passwords FILE"


class PasswordHash(str):
    """A bcrypt hash; `is_made` says that its password is 160 random bits. Raises ValueError, without repeating what may be a password."""

    __slots__ = ("is_made",)
    is_made: bool

    def __new__(cls, text: str, *, is_made: bool = False) -> Self:
        """Check the text; raises ValueError."""
        found = _BCRYPT.fullmatch(text)
        if found is None:
            msg = "that is no bcrypt hash: a plain password, or a weak hash"
            raise ValueError(msg)
        least = MADE_COST if is_made else CHOSEN_COST
        if not least <= int(found[1]) <= _MOST_COST:
            msg = f"its bcrypt cost is {int(found[1])}, and {least} to {_MOST_COST} are taken"
            raise ValueError(msg)
        self = super().__new__(cls, text)
        self.is_made = is_made
        return self


def read_passwords(text: str, path: str) -> dict[Word, PasswordHash]:
    """Return the hashes by name; raises UsageError at the first line that is none, with its number and never with its content."""
    found: dict[Word, PasswordHash] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        hashed, marked, mark = rest.partition(":")
        try:
            person = Word(name)
            password = PasswordHash(hashed if not marked or mark == _MADE else rest, is_made=mark == _MADE)
        except ValueError as error:
            msg = f"{path}, line {number}: {error}"
            raise UsageError(msg, fix=f"delete the line, then: {_HOW}") from error
        if person in found:
            msg = f"{path}, line {number}: {person} is there twice"
            raise UsageError(msg, fix="keep one")
        found[person] = password
    return found


def write_passwords(passwords: Mapping[Word, PasswordHash]) -> str:
    """Return the lines of a password file, by name."""
    return "".join(f"{name}:{hashed}{f':{_MADE}' if hashed.is_made else ''}\n" for name, hashed in sorted(passwords.items()))


def write_users(passwords: Mapping[Word, PasswordHash], separator: str = ":") -> str:
    """Return the lines that a host reads, by name."""
    return "".join(f"{name}{separator}{hashed}\n" for name, hashed in sorted(passwords.items()))
