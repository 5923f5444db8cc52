"""A project's card: what pages that show many projects say of one, and what the search shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import orjson

from index_builder.model.names import parse_version
from index_builder.model.profile import Profile
from index_builder.model.snapshot import CoreMetadata, ListedFile, ListedProject
from index_builder.render.web.words import words_of

_MOST_SUMMARY: Final = 160
_MOST_KEYWORDS: Final = 12
_LONGEST_KEYWORD: Final = 40
_NOTHING: Final[CoreMetadata] = {}


class Card(NamedTuple):
    """A project at a glance. `version`, `at` and `summary` are those of its newest release; `months` have events of it, as 2026-11."""

    normalized: str
    name: str
    version: str
    at: str
    summary: str
    owners: tuple[str, ...]
    state: str
    releases: int
    files: int
    size: int
    keywords: tuple[str, ...]
    months: tuple[str, ...]

    @property
    def key(self) -> str:
        """What it is found by among cards."""
        return f"{self.normalized} "

    def encode(self) -> bytes:
        """Return its line."""
        return _fitting(orjson.dumps((self.key, *self[1:])))

    def postings(self) -> dict[str, bytes]:
        """Return the lines of the search that lead to it, by key: a word, its name, and the fields that have the word.

        Words are letters and digits, so that nothing in them means something in JSON.
        """
        words = words_of(self.normalized, self.owners, self.keywords, self.summary)
        return {(key := f"{word} {self.normalized} "): f'["{key}","{letters}"]'.encode() for word, letters in words.items()}


def _fitting(content: bytes) -> bytes:
    """Return the same bytes in a room of their size: orjson's has some 2 kB, and there are a million of them."""
    return bytes(memoryview(content))


def decode(line: bytes) -> Card:
    """Return a card; raises ValueError or TypeError for what none is. It may come from another host."""
    row = orjson.loads(line)
    key, name, version, at, summary, owners, state, releases, files, size, keywords, months = row
    normalized = key.removesuffix(" ")
    card = Card(normalized, name, version, at, summary, tuple(owners), state, releases, files, size, tuple(keywords), tuple(months))
    texts = (*card[:5], card.state, *card.owners, *card.keywords, *card.months)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(number, int) for number in card[7:10]):
        msg = "a card is of texts and numbers"
        raise TypeError(msg)
    return card


def card_of(project: ListedProject, profile: Profile) -> Card:
    """Return a project's card."""
    newest = newest_of(project.files)
    found = metadata_of(project, newest)
    files = [file for file in project.files if file.version == newest]
    return Card(
        normalized=project.normalized,
        name=project.name,
        version=newest,
        at=min((file.uploaded for file in files if file.uploaded), default="")[:10],
        summary=_shortened(one_line(found.get("summary"))),
        owners=profile.owners,
        state=project.status.state.value if project.status else "active",
        releases=len({file.version for file in project.files}),
        files=len(project.files),
        size=sum(file.size or 0 for file in project.files),
        keywords=_keywords(found),
        months=tuple(sorted({event.at[:7] for event in profile.events})),
    )


def newest_of(files: Sequence[ListedFile]) -> str:
    """Return the version that a visitor wants: not yanked, final, the highest; '' where there is none. `files` ascend by version."""
    versions = dict.fromkeys(file.version for file in reversed(files) if file.version)
    held = {file.version for file in files if file.yanked is None}
    kept = [version for version in versions if version in held] or list(versions)
    return next((version for version in kept if not parse_version(version).is_prerelease), kept[0] if kept else "")


def metadata_of(project: ListedProject, version: str) -> CoreMetadata:
    """Return the core metadata of a release: a wheel's, where there is one."""
    if not project.metadata:
        return _NOTHING
    files = sorted((f for f in project.files if f.version == version), key=lambda file: not file.filename.endswith(".whl"))
    return next((found for file in files if (found := project.metadata.get(file.filename))), _NOTHING)


def one_line(value: object) -> str:
    """Return a text of core metadata without line breaks and control characters; '' for what is none."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "" if text == "UNKNOWN" else "".join(character for character in text if character.isprintable())


def texts(found: Mapping[str, object], field: str) -> list[str]:
    """Return the texts of a field that has several."""
    value = found.get(field)
    return [text for item in value if (text := one_line(item))] if isinstance(value, list) else []


def _keywords(found: CoreMetadata) -> tuple[str, ...]:
    given = texts(found, "keywords")
    parts = [part.strip() for text in given for part in (text.split(",") if "," in text or len(given) > 1 else text.split())]
    return tuple(dict.fromkeys(part[:_LONGEST_KEYWORD] for part in parts if part))[:_MOST_KEYWORDS]


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_SUMMARY else text[: _MOST_SUMMARY - 1].rstrip() + "…"
