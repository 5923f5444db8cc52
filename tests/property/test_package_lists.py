"""A list that is built with the one before equals one that is built anew, whatever happened between the two."""

import io
import json
import shutil
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from conftest import LONG
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trees import contents

import index_builder.cli
from index_builder.packagelists import changes
from index_builder.packagelists.changes import changes_between, line_numbers

FILES = [
    f"{name}-{version}{end}"
    for name in ("a", "b_c", "B.d", "zz")
    for version in ("1", "1.0", "2.0rc1")
    for end in (".tar.gz", ".zip", "-py3-none-any.whl")
]
LINES = st.builds(
    lambda filename, python, time: json.dumps({"filename": filename} | python | time),
    st.sampled_from(FILES),
    st.sampled_from([{}, {"requires_python": ">=3.9"}, {"yanked_reason": "bad", "requires_dist": ["x"]}]),
    st.sampled_from([{}, {"upload_timestamp": 1}, {"upload_timestamp": 1500000000.25, "hash": "md5=00"}]),
)
LISTS = st.lists(LINES, max_size=12, unique_by=lambda line: json.loads(line)["filename"])


def build(folder: Path, name: str, *arguments) -> None:
    given = ["build", "-q", "--packages-url", "../../x/", "--output-dir", folder / name, *arguments]
    assert index_builder.cli.run([str(argument) for argument in given]) == 0


@given(lists=st.lists(LISTS, min_size=2, max_size=3), repeat=st.booleans(), people=st.booleans())
@settings(max_examples=60 if LONG else 30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_a_list_and_the_one_before_it(lists, repeat, people):
    """Lines come, go, change and move, files are marked and unmarked, projects appear and are gone: the bytes are those of a fresh build."""
    folder = Path(tempfile.mkdtemp())
    more = [] if people else ["--no-web"]
    try:
        before = None
        for number, lines in enumerate(lists):
            path = folder / f"list{number}"
            path.write_text("".join(line + "\n" for line in (lines + lines[:2] if repeat else lines)))
            build(folder, "live", "--package-list-json", path, *more, *(["--previous-package-list-json", before] if before else []))
            shutil.rmtree(folder / "fresh", ignore_errors=True)
            build(folder, "fresh", "--package-list-json", path, "--jobs", "1", *more)
            assert contents(folder / "live") == contents(folder / "fresh")
            before = path
    finally:
        shutil.rmtree(folder)


TEXTS = st.lists(st.sampled_from(["a", "bb", "c c", "", "x"]), max_size=8).map(lambda parts: "\n".join(parts).encode())


@pytest.mark.parametrize("chunk", [1, 2, 3, 50])
@given(before=TEXTS, after=TEXTS, end=st.sampled_from([b"", b"\n", b"\r\n"]))
def test_differences_are_those_of_the_sets_of_lines(chunk, before, after, end):
    """What went is exactly what one has and the other has not; what came is all of that, and its place is where it begins."""
    after += end
    old, new = ({line.strip() for line in text.split(b"\n")} - {b""} for text in (before, after))
    with mock.patch.object(changes, "_CHUNK", chunk):
        found = changes_between(io.BytesIO(before), io.BytesIO(after))
        numbers = line_numbers(io.BytesIO(after), {position for position, _ in found.added})
    assert set(found.removed) == old - new
    assert new - old <= {line for _, line in found.added} <= new
    for position, line in found.added:
        assert after[position:].split(b"\n")[0].strip() == line
        assert numbers[position] == after[:position].count(b"\n") + 1
