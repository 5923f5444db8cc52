"""Names, versions and times go there and back again."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from unit.manifests.yamltext import values

from index_builder.manifests.loader import load
from index_builder.manifests.scalar import block, flow
from index_builder.model.filename import parse_filename
from index_builder.model.names import NormalizedName, ProjectName, Timestamp

names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)


@given(names)
def test_normalizing_twice_is_normalizing_once(text: str) -> None:
    """The normalized form is its own normalized form, whatever case and separators it is written with."""
    normalized = NormalizedName.of(ProjectName(text))
    assert NormalizedName(normalized) == NormalizedName.of(normalized) == normalized
    assert NormalizedName.of(text.upper().replace(".", "__")) == normalized


@given(names, st.from_regex(r"[1-9][0-9]{0,3}(\.[1-9][0-9]{0,3}){0,3}((a|b|rc)[0-9])?", fullmatch=True))
def test_modern_file_names_say_what_they_are_made_of(name: str, version: str) -> None:
    """A name made as PEP 625 says is read back as its project and version, and is not called old."""
    normalized = NormalizedName.of(name)
    stem = f"{normalized.replace('-', '_')}-{version}"
    sdist, wheel = parse_filename(f"{stem}.tar.gz"), parse_filename(f"{stem}-py3-none-any.whl")
    assert (sdist.project, str(sdist.version), sdist.legacy) == (normalized, version, "")
    assert (wheel.project, str(wheel.version), wheel.kind) == (normalized, version, "wheel")


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - as Hypothesis wants it
def test_moments_survive_their_text(moment: datetime) -> None:
    """A moment is the same after it was written and read."""
    assert Timestamp.of(moment).moment == moment


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values, min_size=1))
def test_values_survive_their_yaml(value: dict[str, object]) -> None:
    """What is written as a block, or on one line, is read as the same."""
    for text in ("\n".join(block(value, 0)) + "\n", flow(value)):
        document, problems = load("x.yaml", text.encode())
        assert problems == []
        assert document is not None
        assert document.value == value
