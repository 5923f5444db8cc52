"""Which authorities are trusted by libraries that would bring their own list of them."""

from __future__ import annotations

import os
import ssl


def trusted(variable: str) -> str | None:
    """Return the file that a variable of the environment names, or else this machine's own, to which a company adds its authority.

    None where the machine has none at its usual place.
    """
    return os.environ.get(variable) or ssl.get_default_verify_paths().cafile
