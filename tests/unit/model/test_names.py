"""Strings that are right once they exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from index_builder.model.names import NormalizedName, ProjectName, Sha256, Timestamp, Word

GOOD = [
    (ProjectName, "Acme.Utils"), (ProjectName, "a"), (ProjectName, "0_-.9"), (ProjectName, "a" * 128),
    (NormalizedName, "acme-utils"), (NormalizedName, "a1"), (Sha256, "0af" * 21 + "0"),
    (Timestamp, "2026-11-21T09:30:00Z"), (Timestamp, "2026-11-21T23:59:59.123456Z"),
    (Word, "a"), (Word, "team-web"), (Word, "a.b_c-9"), (Word, "a" * 64),
]  # fmt: skip
BAD = [
    (ProjectName, ""), (ProjectName, "-a"), (ProjectName, "a-"), (ProjectName, "a b"), (ProjectName, "\u0430cme"), (ProjectName, "a\n"),
    (ProjectName, "a" * 129), (NormalizedName, "Acme"), (NormalizedName, "a_b"), (NormalizedName, "a--b"), (NormalizedName, "a-"),
    (Sha256, "0" * 63), (Sha256, "A" * 64), (Sha256, "g" * 64), (Sha256, "0" * 64 + "\n"),
    (Timestamp, "2026-11-21"), (Timestamp, "2026-11-21T09:30:00"), (Timestamp, "2026-11-21T09:30:00+00:00"), (Timestamp, "2026-13-01T00:00:00Z"),
    (Timestamp, "2026-11-21T24:00:00Z"), (Timestamp, "2026-11-21T09:30:00.1234567Z"), (Timestamp, "\u0662026-11-21T09:30:00Z"),
    (Word, ""), (Word, "Team"), (Word, "-a"), (Word, "a."), (Word, "a b"), (Word, "a" * 65), (Word, "é"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), GOOD)
def test_good_ones_are_the_text(kind: type[str], text: str) -> None:
    """A right text becomes a value that equals it."""
    assert kind(text) == text
    assert isinstance(kind(text), kind)


@pytest.mark.parametrize(("kind", "text"), BAD, ids=[f"{kind.__name__}-{text[:20]!r}" for kind, text in BAD])
def test_bad_ones_do_not_exist(kind: type[str], text: str) -> None:
    """A wrong text raises ValueError with a sentence."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        kind(text)


def test_names_are_normalized() -> None:
    """Runs of `._-` become one dash, letters lower case (PEP 503)."""
    assert NormalizedName.of("A._-B.c") == "a-b-c"
    with pytest.raises(ValueError, match="a project name"):
        NormalizedName.of("a b")
    with pytest.raises(ValueError, match="the normalized form is a-b"):
        NormalizedName("a_b")


def test_digests_have_a_path() -> None:
    """Bytes lie under the first two pairs of digits."""
    assert Sha256("abcd" + "0" * 60).path == "ab/cd/" + "0" * 60


def test_times_are_moments() -> None:
    """A timestamp is an aware time, and a moment of any zone becomes one in UTC."""
    assert Timestamp("2026-11-21T09:30:00.5Z").moment == datetime(2026, 11, 21, 9, 30, 0, 500000, tzinfo=UTC)
    assert Timestamp("1970-01-01T00:01:00.9Z").unix == 60
    assert Timestamp.of(datetime(2026, 11, 21, 11, 30, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-21T09:30:00Z"
