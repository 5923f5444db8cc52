"""Search over what an index has published for it, as its pages do in a browser: `search.js` finds the same in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import orjson
from rapidfuzz.distance import OSA

from index_builder.errors import StorageError
from index_builder.model.names import normalize
from index_builder.render.web.card import Card, decode
from index_builder.render.web.leaves import file_name
from index_builder.render.web.shared import CARDS, WORDS
from index_builder.render.web.words import Term, fold, terms_of

_INDEX: Final = "search/index.json"
#: So many leaves of a word that begins many others are looked into, so many projects for all words of a query, and so many
#: leaves for names that begin so.
_MOST_LEAVES: Final = 3
_MOST_CANDIDATES: Final = 400
_MOST_CARD_LEAVES: Final = 2
_LONG: Final = 5
_SHORTEST_FUZZY: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a query found, the best first. `is_near` says that nothing is called so, and these are called nearly so."""

    cards: tuple[Card, ...]
    is_near: bool = False


class Search:
    """The search of one index; `read` gives the bytes of a path of its tree, or raises StorageError."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        """Read what the search begins with; raises StorageError where the index has none."""
        self._read = read
        self._leaves: dict[str, list[list[object]]] = {}
        try:
            index = orjson.loads(read(_INDEX))
            self._cards: list[str] = [str(prefix) for prefix in index["cards"]]
            self._words: list[str] = [str(prefix) for prefix in index["words"]]
        except (ValueError, TypeError, KeyError) as error:
            raise _damaged(_INDEX) from error

    def find(self, query: str, most: int) -> Found:
        """Return the best projects for a query; raises StorageError, RemoteError."""
        terms = terms_of(query)
        if not terms:
            return Found(cards=())
        cards = tuple(islice(self._exact(terms, most), most))
        if cards or len(terms) > 1 or len(terms[0].text) < _SHORTEST_FUZZY:
            return Found(cards=cards)
        return Found(cards=tuple(islice(self._near(terms[0]), most)), is_near=True)

    def _exact(self, terms: Sequence[Term], most: int) -> Iterator[Card]:
        """Yield projects by the rarest of the words, as the number of its leaves tells it; the others are looked for in their cards.

        What is called so, or begins so, comes first; where that is enough, the words of others are not looked into.
        """
        first = min(terms, key=lambda term: (len(_leaves_for(self._words, term.text)), -len(term.text)))
        others = [term for term in terms if term is not first]
        best = self._called(first.text) if "n" in first.fields else {}
        if others or len(best) < most:
            for word, name, letters in self._postings(first.text, _MOST_LEAVES):
                value = _score(word, letters, first)
                if value is not None and value < best.get(name, 99):
                    best[name] = value
        for name in sorted(best, key=lambda name: (best[name], name))[:_MOST_CANDIDATES]:
            card = self._card(name)
            if card and all(_has(card, term) for term in others):
                yield card

    def _called(self, text: str) -> dict[str, int]:
        """Return the projects that are called so, which is best, or whose names begin so."""
        leaves = [*_leaves_for(self._cards, f"{text} ")[:1], *_leaves_for(self._cards, text)[:_MOST_CARD_LEAVES]]
        names = [str(row[0])[:-1] for prefix in leaves for row in self._leaf(CARDS, prefix)]
        return {name: int(name != text) for name in names if name.startswith(text)}

    def _near(self, term: Term) -> Iterator[Card]:
        text = term.text
        most = 2 if len(text) > _LONG else 1
        starts = dict.fromkeys((text[:2], text[1] + text[0], text[1:3], text[0] + text[2:3]))
        best: dict[str, int] = {}
        for start in starts:
            for word, name, letters in self._postings(start, 2):
                if "n" in letters and "n" in term.fields:
                    distance = min(OSA.distance(word, text), OSA.distance(name, text))
                    if distance <= most and distance < best.get(name, 99):
                        best[name] = distance
        for name in sorted(best, key=lambda name: (best[name], name)):
            if card := self._card(name):
                yield card

    def _postings(self, start: str, most: int) -> Iterator[tuple[str, str, str]]:
        for prefix in _leaves_for(self._words, start)[:most]:
            for key, letters, *_ in self._leaf(WORDS, prefix):
                word, _, name = str(key)[:-1].partition(" ")
                if str(key).startswith(start):
                    yield word, name, str(letters)

    def _card(self, name: str) -> Card | None:
        key = f"{name} "
        for prefix in _leaves_for(self._cards, key)[:1]:
            for row in self._leaf(CARDS, prefix):
                if row[0] == key:
                    try:
                        return decode(orjson.dumps(row))
                    except (ValueError, TypeError, AttributeError) as error:
                        raise _damaged(CARDS + file_name(prefix)) from error
        return None

    def _leaf(self, folder: str, prefix: str) -> list[list[object]]:
        path = folder + file_name(prefix)
        if path not in self._leaves:
            try:
                rows = orjson.loads(self._read(path))
            except ValueError as error:
                raise _damaged(path) from error
            if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) > 1 and isinstance(row[0], str) for row in rows):
                raise _damaged(path)
            self._leaves[path] = rows
        return self._leaves[path]


def _damaged(path: str) -> StorageError:
    return StorageError(f"{path} is not what a build wrote", fix="build the index again: index-builder build --full")


def _leaves_for(prefixes: Sequence[str], start: str) -> list[str]:
    """Return the leaves that may have keys which begin so: the nearest one above, then all below."""
    above = max((prefix for prefix in prefixes if start.startswith(prefix)), key=len, default=None)
    below = [prefix for prefix in prefixes if prefix.startswith(start) and prefix != above]
    return below if above is None else [above, *below]


_RANKS: Final = {"n": 3, "k": 4, "o": 5, "s": 6}


def _score(word: str, letters: str, term: Term) -> int | None:
    """Return how far a word of a project is from what was asked for: by the first of its fields, and whether it is the whole word."""
    shared = [letter for letter in letters if letter in term.fields]
    return _RANKS[shared[0]] + (0 if word == term.text else 4) if shared else None


def _has(card: Card, term: Term) -> bool:
    texts = {"n": (normalize(card.name),), "s": (card.summary,), "o": card.owners, "k": card.keywords}
    return any(term.text in fold(text) for field in term.fields for text in texts[field])
