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


@pytest.mark.parametrize(("few", "near"), [(0, 1), (99, 1), (99, 700), (99, 65536)])
@given(projects=st.dictionaries(NAMES, FILES, max_size=8), other=NAMES)
def test_a_project_is_found_by_its_first_file(few, near, projects, other):
    """By halves of halves or by reading each line, the place is that of the line."""
    content = whole(projects)
    firsts = {f"{name}-{sizes[0]}.tar.gz": name for name, sizes in projects.items() if sizes}
    with mock.patch.object(rows, "_NEAR", near), mock.patch.object(rows, "_FEW", few):
        found = find_lines(io.BytesIO(content), len(content), {**firsts, f"{other}-99999.tar.gz": other})
    assert found.keys() == firsts.keys()
    for filename, position in found.items():
        name = firsts[filename]
        assert content[position:].startswith(lines(name, projects[name]))


@pytest.mark.parametrize("few", [0, 99])
def test_a_file_that_stands_twice_is_not_found(few):
    """Two projects may list one file name, as old sdists can be read in two ways: nobody can say whose line it is."""
    content = lines("a", [1]) * 2
    with mock.patch.object(rows, "_FEW", few):
        assert find_lines(io.BytesIO(content), len(content), {"a-1.tar.gz": "a"}) == {}


def test_one_line_of_many_is_found_without_reading_the_others():
    """Of a file of some megabytes, what is read are a few pieces; a name that could be another project's takes all of it."""
    projects = {f"p{n:05}": [1, 2] for n in range(20_000)} | {"p-1": [3]}
    content = whole(projects)

    class Counted(io.BytesIO):
        taken = 0

        def read(self, size=-1):
            found = super().read(size)
            Counted.taken += len(found)
            return found

        def readline(self, size=-1):
            found = super().readline(size)
            Counted.taken += len(found)
            return found

        __next__ = readline

    found = find_lines(Counted(content), len(content), {"p12345-1.tar.gz": "p12345"})
    assert content[found["p12345-1.tar.gz"] :].startswith(lines("p12345", [1]))
    assert Counted.taken < 100_000 < len(content)
    assert find_lines(io.BytesIO(content), len(content), {"p-1-3.tar.gz": "p-1"}) == {"p-1-3.tar.gz": content.index(lines("p-1", [3]))}
