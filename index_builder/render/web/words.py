"""The words that a project is found by, and how a query is taken apart. `search.js` does the same in a browser."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from index_builder.model.names import normalize

#: Fields of a query, and the letter that a posting has for each.
FIELDS: Final = {"name": "n", "keyword": "k", "owner": "o", "summary": "s"}
_WORD: Final = re.compile(r"[^\W_]+")
_SHORTEST: Final = 2
_LONGEST: Final = 40
#: So many words lead to a project, besides its owners. A change of a project rewrites as many leaves of the search at most.
MOST: Final = 14
#: Words of English summaries that tell projects apart from nothing.
_EMPTY: Final = frozenset({
    "an", "and", "are", "as", "at", "be", "by", "can", "for", "from", "has", "in", "into", "is", "it", "its", "of", "on", "or", "that",
    "the", "this", "to", "use", "using", "with", "you", "your",
})  # fmt: skip


class Term(NamedTuple):
    """A word of a query; `fields` has the letters of the fields that it is looked for in, all of them where it says nothing."""

    text: str
    fields: str


def fold(text: str) -> str:
    """Return a text as words are compared: compatibility forms and case are one."""
    return unicodedata.normalize("NFKC", text).casefold()


def words_in(text: str) -> Iterator[str]:
    """Yield the words of a text that are worth looking for."""
    for word in _WORD.findall(fold(text)):
        if _SHORTEST <= len(word) <= _LONGEST and word not in _EMPTY:
            yield word


def words_of(normalized: str, owners: Iterable[str], keywords: Iterable[str], summary: str) -> dict[str, str]:
    """Return the words that lead to a project, each with the letters of the fields that it is in; owners and name come first."""
    found = dict.fromkeys((fold(owner) for owner in owners), "o")
    most = len(found) + MOST
    sources = (
        ("n", [normalized, *normalized.split("-")]),
        ("k", [word for keyword in keywords for word in words_in(keyword)]),
        ("s", list(words_in(summary))),
    )
    for letter, words in sources:
        for word in words:
            if not word or (word not in found and len(found) >= most):
                continue
            letters = found.get(word, "")
            found[word] = letters if letter in letters else letters + letter
    return found


def terms_of(query: str) -> tuple[Term, ...]:
    """Take a query apart: words, and words of one field as `owner:web`. A name is looked for in its normalized form too."""
    terms: list[Term] = []
    for part in query.split():
        field, colon, text = part.partition(":")
        letters = FIELDS.get(field.lower(), "") if colon else ""
        text = fold(text if letters else part)
        if letters in ("", "n") and re.fullmatch(r"[a-z0-9][a-z0-9._-]*", text):
            terms.append(Term(normalize(text).strip("-"), letters or "nkos"))
        elif letters == "o":
            terms.append(Term(text, letters))
        else:
            terms += [Term(word, letters or "nkos") for word in _WORD.findall(text)]
    return tuple(term for term in terms if term.text)
