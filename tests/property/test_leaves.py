"""Leaves are cut by what is in them alone: whatever came and went before, they are those of a fresh cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.render.web import leaves
from index_builder.render.web.leaves import Leaves, file_name, joined, lines_of

KEYS = st.lists(st.text("abc-é", min_size=1, max_size=5).map(lambda text: f"{text} "), unique=True, max_size=40)


def line(key: str, length: int) -> bytes:
    import orjson

    return orjson.dumps((key, "x" * length))


def fresh(lines):
    made = Leaves("f/", {}, lambda path: b"")
    found = made.changed(set(), lines)
    return made.sizes, found


@given(steps=st.lists(st.tuples(KEYS, KEYS, st.integers(0, 60)), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_what_came_first_does_not_matter(steps):
    """After any number of changes, leaves and their sizes are those that the lines would get at once."""
    original, leaves.LARGEST = leaves.LARGEST, 120
    try:
        files, lines = {}, {}
        kept = Leaves("f/", {}, files.__getitem__)
        for came, taken, length in steps:
            gone = {*taken, *came}
            new = {key: line(key, length + number % 7) for number, key in enumerate(came)}
            lines = {key: value for key, value in lines.items() if key not in gone} | new
            for path, content in kept.changed(gone, new).items():
                assert files.get(path) != content, "a leaf that stays as it was is not written"
                if content is None:
                    del files[path]
                else:
                    files[path] = content
            sizes, expected = fresh(lines)
            assert files == expected
            assert kept.sizes == sizes
            for start in ("", "a", "ab", "b "):
                assert dict(kept.beginning(start)) == {key: value for key, value in lines.items() if key.startswith(start)}
    finally:
        leaves.LARGEST = original


def test_each_prefix_has_a_file_of_its_own():
    """Names of files tell prefixes apart, and have no letter that a host or a disk may mistake."""
    names = [file_name(prefix) for prefix in ("", "_", "a", "A", "é", "a ", "a_20_", "..", "/")]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name.isascii() and "/" not in name and not name.startswith(".") for name in names)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"[1]\n", b'[["a"\n', b'[["a 1,2]]'])
def test_what_is_no_leaf_is_refused(content):
    """Bytes that no build wrote are an error, not an empty leaf."""
    with pytest.raises(ValueError, match=r"."):
        lines_of(content)
    assert lines_of(joined([])) == {}
