"""`packages.json` with lines replaced in place equals one that is written anew."""

import io
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.model.snapshot import ListedFile, ListedProject
from index_builder.render import rows
from index_builder.render.rows import Splice, find_lines, render_rows, spliced

NAMES = st.text("abc-9", min_size=1, max_size=4)
FILES = st.lists(st.integers(0, 9000), max_size=3, unique=True)


def lines(name: str, sizes: list[int]) -> bytes:
    files = tuple(ListedFile(f"{name}-{size}.tar.gz", str(size), "../x", uploaded_by="é" * size) for size in sizes)
    return render_rows(ListedProject(name, name, files, {}, 0))


def whole(projects: dict[str, list[int]]) -> bytes:
    return b"".join(lines(name, projects[name]) for name in sorted(projects))


@given(before=st.dictionaries(NAMES, FILES, max_size=8), edits=st.dictionaries(NAMES, FILES, max_size=4))
def test_splices_equal_a_rewrite(before, edits):
    """Whatever is added, replaced or taken away, long lines and empty files included, the bytes are those of a full build."""
    content = whole(before)
    splices = []
    for name in sorted(edits):
        begin = sum(len(lines(other, before[other])) for other in before if other < name)
        splices.append(Splice(begin, begin + len(lines(name, before.get(name, []))), lines(name, edits[name])))
    assert b"".join(spliced(io.BytesIO(content), len(content), splices)) == whole(before | edits)


@pytest.mark.parametrize("few", [0, 99])
@given(projects=st.dictionaries(NAMES, FILES, max_size=8), other=NAMES)
def test_a_project_is_found_by_its_first_file(few, projects, other):
    """By searching or by reading each line, with pieces of any size, the place is that of the line."""
    content = whole(projects)
    firsts = {f"{name}-{sizes[0]}.tar.gz": name for name, sizes in projects.items() if sizes}
    with mock.patch.object(rows, "_CHUNK", 701), mock.patch.object(rows, "_FEW", few):
        found = find_lines(io.BytesIO(content), {*firsts, f"{other}-99999.tar.gz"})
    assert found.keys() == firsts.keys()
    for filename, position in found.items():
        name = firsts[filename]
        assert content[position:].startswith(lines(name, projects[name]))


@pytest.mark.parametrize("few", [0, 99])
def test_a_file_that_stands_twice_is_not_found(few):
    """Two projects may list one file name, as old sdists can be read in two ways: nobody can say whose line it is."""
    content = lines("a", [1]) * 2
    with mock.patch.object(rows, "_FEW", few):
        assert find_lines(io.BytesIO(content), {"a-1.tar.gz"}) == {}
