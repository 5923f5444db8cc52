"""A package list with lines replaced in place equals one that is written anew."""

from hypothesis import given
from hypothesis import strategies as st

from index_builder.model.snapshot import ListedFile, ListedProject
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
    splices = []
    for name in sorted(edits):
        begin = sum(len(lines(other, before[other])) for other in before if other < name)
        splices.append(Splice(begin, begin + len(lines(name, before.get(name, []))), lines(name, edits[name])))
    assert spliced(whole(before), splices) == whole(before | edits)


@given(projects=st.dictionaries(NAMES, FILES, max_size=8), other=NAMES)
def test_a_project_is_found_by_its_first_file(projects, other):
    """The place is that of the line, and what is not there has none."""
    content = whole(projects)
    firsts = {f"{name}-{sizes[0]}.tar.gz": name for name, sizes in projects.items() if sizes}
    found = find_lines(content, {*firsts, f"{other}-99999.tar.gz"})
    assert found.keys() == firsts.keys()
    for filename, position in found.items():
        name = firsts[filename]
        assert content[position:].startswith(lines(name, projects[name]))


def test_a_file_that_stands_twice_is_not_found():
    """Two projects may list one file name, as old sdists can be read in two ways: nobody can say whose line it is."""
    assert find_lines(lines("a", [1]) * 2, {"a-1.tar.gz"}) == {}
