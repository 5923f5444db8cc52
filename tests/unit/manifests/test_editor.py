"""Typical edits with the exact text that comes out."""

from __future__ import annotations

import pytest

from index_builder.errors import EditError
from index_builder.manifests.editor import Editor
from index_builder.manifests.scalar import Flow

SETS = [
    ("a: 1 # c\nb: 2\n", ("a",), "x y", "a: x y # c\nb: 2\n"),
    ("a: 'x' # c\n", ("a",), "no", 'a: "no" # c\n'),
    ("a:\n  b: 1\n# end\n", ("a", "c"), Flow({"x": "1"}), "a:\n  b: 1\n  c: {x: 1}\n# end\n"),
    ("a:\n    b: 1 # c\n    # deep\nz: 2", ("a", "c"), "1", "a:\n    b: 1 # c\n    c: 1\n    # deep\nz: 2"),
    ("a: {b: 1}\n", ("a", "c"), {"x": ["1"]}, "a: {b: 1, c: {x: [1]}}\n"),
    ("a: {b: 1,}\n", ("a", "c"), "2", "a: {b: 1, c: 2,}\n"),
    ("a: {b, d: }\n", ("a", "b"), "2", "a: {b: 2, d: }\n"),
    ("a: {b, d: }\n", ("a", "d"), "2", "a: {b, d: 2 }\n"),
    ('a: {"b":1}\n', ("a", "b"), "2", 'a: {"b": 2}\n'),
    ("a: {} # c\nz: 1\n", ("a", "1.10"), {"f": "x"}, "a: # c\n  1.10:\n    f: x\nz: 1\n"),
    ("a:   # c\nz: 1\n", ("a", "b"), "1", "a:   # c\n  b: 1\nz: 1\n"),
    ("a:\nz: 1\n", ("a",), "1", "a: 1\nz: 1\n"),
    ("a: # c\n  # d\n  b: 1 # e\n  c: 2\nz: 1\n", ("a",), "1", "a: 1 # c\n  # d\nz: 1\n"),
    ("a: # c\n    # d\n    b: 1\nz: 1\n", ("a",), {"x": {"k": "1"}}, "a: # c\n    # d\n    x:\n      k: 1\nz: 1\n"),
    ("a:\n  'x' # c\nz: 1\n", ("a",), {"b": "1"}, "a:\n   # c\n  b: 1\nz: 1\n"),
    ("a:\n  'x'\nz: 1\n", ("a",), {"b": "1"}, "a:\n  b: 1\nz: 1\n"),
    ("a: |\n  x\nz: 1\n", ("a",), "1", "a: 1\nz: 1\n"),
    ("a: |+\n  x\n\n", ("b",), "1", "a: |+\n  x\n\nb: 1\n"),
    ("l:\n- {}\n- 1\n", ("l", 0, "b"), {"x": "1"}, "l:\n- {b: {x: 1}}\n- 1\n"),
    ("a: 1\r\nb: 2", ("c",), {"x": "1"}, "a: 1\r\nb: 2\r\nc:\r\n  x: 1"),
    ("l:\n-   a: 1\n", ("l", 0, "b"), "2", "l:\n-   a: 1\n    b: 2\n"),
    ("😀: {é: 1}\n", ("😀", "b"), "☃", '😀: {é: 1, b: "☃"}\n'),
]


@pytest.mark.parametrize(("before", "path", "value", "after"), SETS, ids=[repr(s[0]) for s in SETS])
def test_setting(before: str, path: tuple[str | int, ...], value: object, after: str) -> None:
    """A value appears at its path; everything else keeps its bytes."""
    editor = Editor("x.yaml", before)
    editor.set(path, value)
    assert editor.text == after


EXTENDS = [
    ("a:\n- 1 # c\nb: 2\n", ["2", {"x": "1", "k": "2"}], "a:\n- 1 # c\n- 2\n- x: 1\n  k: 2\nb: 2\n"),
    ("a:\n   -  x: 1\n", [{"x": "2"}], "a:\n   -  x: 1\n   - x: 2\n"),
    ("a:\n  - {x: 1}\n", [{"x": "2", "k": ["1"]}], "a:\n  - {x: 1}\n  - {x: 2, k: [1]}\n"),
    ("a: [1, # c\n  2]\n", ["3"], "a: [1, # c\n  2, 3]\n"),
    ("a: [] # c\n", ["1", "2"], "a: [1, 2] # c\n"),
    ("a: [] # c\n", [{"x": "1"}], "a: # c\n  - x: 1\n"),
]


@pytest.mark.parametrize(("before", "items", "after"), EXTENDS, ids=[repr(s[0]) for s in EXTENDS])
def test_extending(before: str, items: list[object], after: str) -> None:
    """Items are appended in the style of the list."""
    editor = Editor("x.yaml", before)
    editor.extend(("a",), items)
    assert editor.text == after


DELETES = [
    ("a: 1\nb: 2 # c\nc: 3\n", ("b",), "a: 1\nc: 3\n"),
    ("a: 1\nb: 2", ("b",), "a: 1"),
    ("a: 1\r\nb: 2\r\n", ("a",), "b: 2\r\n"),
    ("a:\n  1.1: x # c\n  # about 1.10\n  1.10: y\n", ("a", "1.1"), "a:\n  # about 1.10\n  1.10: y\n"),
    ("a: # c\n  # d\n  b: 1 # e\nz: 1\n", ("a", "b"), "a: {} # c\n  # d\nz: 1\n"),
    ("a:\n- 1\n", ("a", 0), "a: []\n"),
    ("a:\n- b: 1\n  c: 2\n", ("a", 0, "b"), "a:\n- c: 2\n"),
    ("a:\n- b: 1\n  # d\n  c: 2\n", ("a", 0, "b"), "a:\n-\n  # d\n  c: 2\n"),
    ("a:\n- b: 1\n", ("a", 0, "b"), "a:\n- {}\n"),
    ("a: {b: 1, c: 2}\n", ("a", "b"), "a: {c: 2}\n"),
    ("a: {b: 1, c: 2}\n", ("a", "c"), "a: {b: 1}\n"),
    ("a: {b: 1 }\n", ("a", "b"), "a: {}\n"),
    ("a: [b: 1, 2]\n", ("a", 0, "b"), "a: [{}, 2]\n"),
    ("a: [1, # c\n  2,\n]\n", ("a", 1), "a: [1, # c\n  \n]\n"),
    ("a: [1, # c\n  2]\n", ("a", 0), "a: [ # c\n  2]\n"),
    ("a: |\n  x\nb: 1\n  # deep\n", ("b",), "a: |\n  x\n#\n  # deep\n"),
    ("a:\n  - - 1\n    - 2\n", ("a", 0, 0), "a:\n  - - 2\n"),
]


@pytest.mark.parametrize(("before", "path", "after"), DELETES, ids=[repr(s[0]) for s in DELETES])
def test_deleting(before: str, path: tuple[str | int, ...], after: str) -> None:
    """An entry goes with its lines; comments above and below stay."""
    editor = Editor("x.yaml", before)
    editor.delete(path)
    assert editor.text == after


def test_many_keys_are_inserted_at_once() -> None:
    """One run of text holds them all, in their order; a mapping that is not there begins with them."""
    editor = Editor("x.yaml", "a:\n  b: 1\nz: 1\n")
    editor.insert(("a",), {"d": "1", "c": "2"})
    editor.insert(("new",), {"x": Flow({"k": "1"})})
    assert editor.text == "a:\n  b: 1\n  d: 1\n  c: 2\nz: 1\nnew:\n  x: {k: 1}\n"


REFUSED = [
    (lambda e: e.set(("x", "y"), "1"), "it is not there"),
    (lambda e: e.set(("a", "y"), "1"), "it is not a mapping"),
    (lambda e: e.set(("q", "y"), "1"), "it is not a mapping"),
    (lambda e: e.extend(("a",), ["1"]), "it is not a list"),
    (lambda e: e.delete(("x",)), "it is not there"),
    (lambda e: e.delete(("a", "b")), "it is not there"),
    (lambda e: e.delete(("l", 7)), "it is not there"),
    (lambda e: e.insert(("m",), {"k": "1"}), "it has k already"),
    (lambda e: e.insert(("a",), {"k": "1"}), "it is not a mapping"),
    (lambda e: e.set(("a",), "\ud800"), "the edit would break the file"),
    (lambda e: e.set(("s", 0, "y"), "1"), "the edit would change something else too"),
]


@pytest.mark.parametrize(("edit", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_cannot_be_done_is_refused(edit: object, why: str) -> None:
    """An edit that would not do what was asked changes nothing, and says why and what to do."""
    text = "a: 1\nq: ''\nl: [1]\nm: {k: 1}\ns: [x: 1]\n"
    editor = Editor("packages.d/x.yaml", text)
    with pytest.raises(EditError) as caught:
        edit(editor)
    assert why in caught.value.message
    assert "packages.d/x.yaml" in caught.value.message
    assert caught.value.fix
    assert editor.text == text


def test_the_last_key_of_a_file_stays() -> None:
    """A file is never emptied, and one that is no mapping is not rewritten."""
    with pytest.raises(EditError, match="would be empty"):
        Editor("x.yaml", "a: 1\n").delete(("a",))
    with pytest.raises(EditError, match="in place"):
        Editor("x.yaml", "---\n").set(("a",), "1")


def test_a_broken_file_is_not_edited() -> None:
    """What cannot be read cannot be edited, and the line is named."""
    with pytest.raises(EditError, match=r"x\.yaml, line 2: the key 'a' stands here again"):
        Editor("x.yaml", "a: 1\na: 2\n")
