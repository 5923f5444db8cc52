"""Whatever happens to a file's bytes, `inspect` answers with findings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.inspection.archives import (
    DESCRIPTOR,
    METADATA,
    SDIST_NAME,
    WHEEL_NAME,
    TarMember,
    gz,
    look,
    messages,
    pax,
    sdist,
    sdist_members,
    tar_file,
    wheel,
    wheel_members,
    wheel_with,
    zip64_file,
    zip_sdist,
)

from index_builder.model.rules import RULES

EXTENDED = sdist_members(pax(b"x", (b"path", b"acme_tools-1.2/long.py")), TarMember(name=b"x"), pax(b"g", (b"comment", b"0")))
FILES = {
    "wheel": (wheel(), WHEEL_NAME),
    "wheel-descriptor": (wheel_with(flags=DESCRIPTOR), WHEEL_NAME),
    "wheel-zip64": (zip64_file(wheel_members()), WHEEL_NAME),
    "sdist": (sdist(*EXTENDED[3:]), SDIST_NAME),
    "zip": (zip_sdist(), "acme_tools-1.2.zip"),
}
edits = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert"]), st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=3,
)


def damaged(content: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    """Overwrite, take out or put in a few bytes at places counted around the file."""
    for how, where, piece in changes:
        at = where % (len(content) + 1)
        behind = at if how == "insert" else at + len(piece)
        content = content[:at] + (b"" if how == "cut" else piece) + content[behind:]
    return content


def check(content: bytes, name: str) -> None:
    """Only rules that are declared; metadata of a file without findings is the original's."""
    found = look(content, name)
    assert {finding.rule for finding in found.findings} <= RULES.keys()
    assert found.findings or found.metadata
    if not [finding for finding in found.findings if not finding.tolerated]:
        assert found.metadata is not None
        assert found.metadata.content == METADATA, messages(found)


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=100, deadline=None)
@given(changes=edits)
def test_a_damaged_file_gives_findings_or_the_same_metadata(kind, changes):
    """Random flips, cuts and insertions never raise, and never smuggle other metadata past the checks."""
    content, name = FILES[kind]
    check(damaged(content, changes), name)


@settings(max_examples=100, deadline=None)
@given(changes=edits)
def test_a_tar_damaged_before_compression_gives_findings(changes):
    """gzip's checksum hides the tar from chance, not from whoever makes it: damage below it never raises either."""
    found = look(gz(damaged(tar_file(EXTENDED), changes)), SDIST_NAME)
    assert {finding.rule for finding in found.findings} <= RULES.keys()
    assert found.findings or found.metadata


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200), part=st.sampled_from(["metadata", "wheel", "record", "entry_points"]))
def test_any_bytes_in_dist_info_give_findings(data, part):
    """No content of METADATA, WHEEL, RECORD or entry_points.txt raises."""
    found = look(wheel(**{part: data}), WHEEL_NAME)
    assert {finding.rule for finding in found.findings} <= RULES.keys()


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(alphabet=":=[]#; \t\n\r\"',abT\x0b\x85\u2028", max_size=60),
    part=st.sampled_from(["metadata", "wheel", "record", "entry_points"]),
)
def test_any_punctuation_in_dist_info_gives_findings(text, part):
    """No arrangement of the parsers' own signs raises."""
    good = {"metadata": METADATA, "wheel": b"Wheel-Version: 1.0\n", "record": b"", "entry_points": b"[console_scripts]\n"}
    found = look(wheel(**{part: good[part] + text.encode()}), WHEEL_NAME)
    assert {finding.rule for finding in found.findings} <= RULES.keys()
