"""What a project needs, told by extra. Source: the dependency specifiers of PyPA, and PEP 685."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from index_builder.model.names import normalize

#: A name, and what follows it.
Needed = tuple[str, str]
#: A marker as far as it is known: always, never, or under a condition, which is told in these words.
_Known = bool | str

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_TOKEN: Final = re.compile(r"""\s*("[^"]*"|'[^']*'|[()]|[<>=!~]+|[A-Za-z_][\w.]*)""")
_DEEPEST: Final = 20


class Requirements(NamedTuple):
    """`plain` are the project's own; `extras` has those that come with each extra, none for one that brings nothing."""

    plain: tuple[Needed, ...]
    extras: tuple[tuple[str, tuple[Needed, ...]], ...]


def by_extra(lines: Iterable[str], provided: Iterable[str]) -> Requirements:
    """Take requirements apart; what cannot be read stands among the project's own as it is. `provided` are the extras that it names."""
    plain: list[Needed] = []
    extras: dict[str, list[Needed]] = {}
    names: dict[str, str] = {}
    for extra in provided:
        names.setdefault(normalize(extra), extra)
        extras.setdefault(normalize(extra), [])
    for line in lines:
        name = _NAME.match(line)
        if not name:
            continue
        rest = line[name.end() :].strip()
        base, found = _told(rest)
        if base is not None:
            plain.append((name[0], base))
        for extra, text in found:
            names.setdefault(normalize(extra), extra)
            extras.setdefault(normalize(extra), []).append((name[0], text))
    return Requirements(tuple(plain), tuple((names[extra], tuple(needed)) for extra, needed in sorted(extras.items())))


def _told(rest: str) -> tuple[str | None, list[tuple[str, str]]]:
    """Return what follows a name where no extra is asked for, None where it is not needed then; and by extra where that differs."""
    before, _, marker = rest.rpartition(";")
    if "extra" not in marker:
        return rest, []
    try:
        tokens = _tokens(marker)
        named = dict.fromkeys(token[1:-1] for token in tokens if token[0] in "\"'" and _is_of_extra(tokens, token))
        base = _Parser(tokens, "").whole()
        found = [(extra, _Parser(tokens, extra).whole()) for extra in named]
    except ValueError:
        return rest, []
    before = before.rstrip()
    return _joined(before, base), [
        (extra, text) for extra, known in found if known != base and (text := _joined(before, known)) is not None
    ]


def _joined(before: str, known: _Known) -> str | None:
    if isinstance(known, bool):
        return before if known else None
    return f"{before}; {known}"


def _tokens(marker: str) -> list[str]:
    found, at = [], 0
    marker = marker.rstrip()
    while at < len(marker):
        token = _TOKEN.match(marker, at)
        if token is None:
            raise ValueError(marker)
        found.append(token[1])
        at = token.end()
    return found


def _is_of_extra(tokens: list[str], token: str) -> bool:
    """Say whether a text is compared with `extra` somewhere."""
    return any((a, c) in ((token, "extra"), ("extra", token)) for a, c in zip(tokens, tokens[2:], strict=False))


class _Parser:
    """One reading of a marker, for one extra: `or` of `and` of comparisons and what is in brackets. Raises ValueError."""

    def __init__(self, tokens: list[str], extra: str) -> None:
        self._tokens, self._extra, self._at, self._depth = tokens, extra, 0, 0

    def whole(self) -> _Known:
        known = self._either()
        if self._at != len(self._tokens):
            raise ValueError(self._tokens[self._at])
        return known

    def _either(self) -> _Known:
        parts = [part for part in self._listed("or", self._both) if part is not False]
        if True in parts:
            return True
        return " or ".join(map(str, parts)) or False

    def _both(self) -> _Known:
        parts = [part for part in self._listed("and", self._one) if part is not True]
        if False in parts:
            return False
        texts = [f"({part})" if " or " in str(part) and len(parts) > 1 else str(part) for part in parts]
        return " and ".join(texts) or True

    def _listed(self, word: str, read: Callable[[], _Known]) -> Iterator[_Known]:
        yield read()
        while self._next() == word:
            self._at += 1
            yield read()

    def _one(self) -> _Known:
        if self._next() == "(":
            self._at, self._depth = self._at + 1, self._depth + 1
            if self._depth > _DEEPEST:
                raise ValueError(self._depth)
            known = self._either()
            if self._next() != ")":
                raise ValueError(self._tokens)
            self._at, self._depth = self._at + 1, self._depth - 1
            return known
        begin = self._at
        while self._next() not in ("and", "or", "(", ")", ""):
            self._at += 1
        comparison = self._tokens[begin : self._at]
        text = " ".join(comparison)
        if len(comparison) not in (3, 4):  # `a in b`, `a not in b`
            raise ValueError(text)
        return _holds(text, self._extra) if "extra" in comparison else text

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""


@lru_cache(maxsize=4096)
def _holds(comparison: str, extra: str) -> bool:
    """Say whether a comparison with `extra` alone holds. Raises ValueError."""
    from packaging.markers import InvalidMarker, Marker  # noqa: PLC0415 - for pages for people only

    try:
        return Marker(comparison).evaluate({"extra": extra})
    except InvalidMarker as error:
        raise ValueError(comparison) from error
