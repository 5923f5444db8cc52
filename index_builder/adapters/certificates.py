"""Which authorities are trusted by libraries that would bring their own list of them."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from index_builder.errors import UsageError


def trusted(variable: str) -> str | None:
    """Return the file that a variable of the environment names, or else this machine's own, to which a company adds its authority.

    None where the machine has none at its usual place. Raises UsageError where the one that is named is not there.
    """
    named = os.environ.get(variable)
    if named and not Path(named).exists():
        msg = f"{variable} names {named}, and that is not there"
        raise UsageError(msg, fix=f"correct it, or leave {variable} out: this machine's own authorities are trusted then")
    return named or ssl.get_default_verify_paths().cafile
