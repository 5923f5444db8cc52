"""`packages.json` with lines replaced in place equals one that is written anew."""

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from index_builder.render.rows import segment, spliced

NAMES = st.text("abc-9", min_size=1, max_size=4)
LINES = st.lists(st.integers(0, 9000), max_size=3)


def rows(name: str, sizes: list[int]) -> bytes:
    return b"".join(json.dumps({"filename": "x" * size, "project": name}).encode() + b"\n" for size in sizes)


def whole(projects: dict[str, list[int]]) -> bytes:
    return b"".join(rows(name, projects[name]) for name in sorted(projects))


@given(before=st.dictionaries(NAMES, LINES, max_size=8), edits=st.dictionaries(NAMES, LINES, max_size=4))
def test_a_splice_equals_a_rewrite(before, edits):
    """Whatever is added, replaced or taken away, long lines and empty files included, the bytes are those of a full build."""
    content = whole(before)
    result = b"".join(spliced(io.BytesIO(content), len(content), {name: rows(name, sizes) for name, sizes in edits.items()}))
    assert result == whole(before | edits)


@given(before=st.dictionaries(NAMES, LINES, max_size=8), name=NAMES)
def test_a_project_is_found_whole(before, name):
    """The part of a project is exactly its lines, and empty where it has none."""
    content = whole(before)
    begin, end = segment(io.BytesIO(content), len(content), name)
    assert content[begin:end] == rows(name, before.get(name, []))
