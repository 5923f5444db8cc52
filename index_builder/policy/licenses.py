"""Whether a license expression (PEP 639, SPDX) stays within what a policy allows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

_TOKEN = re.compile(r"[()]|[^\s()]+")


def is_allowed(expression: str, patterns: Sequence[str]) -> bool:
    """Say whether every license that somebody must accept fits a pattern: of `A OR B` one will do, of `A AND B` both are needed.

    `X WITH Y` is taken with the pattern `X WITH Y`, or `X`: an exception only permits more. An expression that is not valid, or
    empty, is not allowed. Case does not matter.
    """
    try:
        canonical = canonicalize_license_expression(expression)
    except InvalidLicenseExpression:
        return False
    return _Reading(_TOKEN.findall(canonical), [pattern.casefold() for pattern in patterns]).either()


class _Reading:
    """A valid expression, read from left to right: OR binds least, then AND, then WITH."""

    def __init__(self, tokens: list[str], patterns: list[str]) -> None:
        self._tokens = tokens
        self._patterns = patterns

    def either(self) -> bool:
        found = self._both()
        while self._next_is("OR"):
            found = self._both() or found
        return found

    def _both(self) -> bool:
        found = self._one()
        while self._next_is("AND"):
            found = self._one() and found
        return found

    def _one(self) -> bool:
        if self._next_is("("):
            found = self.either()
            self._next_is(")")
            return found
        license_id = self._tokens.pop(0)
        names = [license_id, f"{license_id} WITH {self._tokens.pop(0)}"] if self._next_is("WITH") else [license_id]
        return any(fnmatchcase(name.casefold(), pattern) for name in names for pattern in self._patterns)

    def _next_is(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            del self._tokens[0]
            return True
        return False
