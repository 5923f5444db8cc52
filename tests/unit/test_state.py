"""State is read as it was written, or not at all."""

import json

import pytest

from index_builder.state import (
    Built,
    Mark,
    OutdatedStateError,
    PageDigest,
    audience_of,
    begun,
    decode_mark,
    decode_shard,
    digest_of,
    join_shard,
    shard_of,
)

MARK = Mark(
    audience="public",
    builder="1",
    source="a" * 40,
    inputs="b",
    projects=1,
    files=2,
    rows_size=3,
    rows={"packages.json": "z"},
    lists={"simple/index.html": "y"},
    shards={"state/projects/0a.json": "d"},
)
BUILT = [
    Built(
        name=name,
        path=f"packages.d/{name}.yaml",
        blob="c" * 40,
        first="x-1.tar.gz",
        rows=9,
        files=(f"simple/{name}/index.html", "packages/aa/bb/cc/x-1.tar.gz"),
        pages=(PageDigest(f"simple/{name}/index.html", 12, "e" * 64),),
    )
    for name in ("beta", "alpha")
]


def test_what_is_written_is_read():
    """Marks and shards survive the way through bytes, whatever the order of projects."""
    assert decode_mark(MARK.encode()) == MARK
    lines = [built.encode() for built in BUILT]
    content = join_shard(lines)
    assert content == join_shard(reversed(lines))
    assert list(decode_shard(content, digest_of(content)).values()) == BUILT[::-1]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}\n", b"[]", b"null", b"{", MARK.encode()[:-9], json.dumps({**json.loads(MARK.encode()), "schema": 1}).encode(),
        json.dumps({**json.loads(MARK.encode()), "more": 1}).encode(), b'{"schema": 2}',
    ],
)  # fmt: skip
def test_other_marks_are_outdated(content):
    """What is cut, of another form, or no mark at all means that everything is built."""
    with pytest.raises(OutdatedStateError):
        decode_mark(content)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lists": []}, {"lists": None}, {"lists": {"../x": "d"}}, {"lists": {"simple/index.html": 1}}, {"shards": None}, {"shards": []},
        {"shards": {"state/projects/../../x.json": "d"}}, {"files": None}, {"rows": "x"}, {"rows_size": -1}, {"source": 5}, {"audience": None},
        {"rows": {"../packages.json": "d"}}, {"rows": {"package-list/xy.jsonl": "d"}}, {"rows": {"packages.json": ""}},
    ],
)  # fmt: skip
def test_a_mark_of_other_types_is_outdated(wrong):
    """A mark may come from another host: what is not what a build writes is no mark."""
    with pytest.raises(OutdatedStateError):
        decode_mark(json.dumps({**json.loads(MARK.encode()), **wrong}).encode())


@pytest.mark.parametrize(
    "path",
    [
        "../victim",
        "/etc/x",
        "simple/../../victim",
        "simple/beta/index.html",
        "index.yaml",
        "packages/../../x",
        "packages//x",
        "packages/x\\y",
        "pypi/alpha",
    ],
)
def test_a_state_names_only_what_is_its_projects_own(path):
    """What a state names is deleted one day: a path out of the tree, or into another project, makes the state useless."""
    content = join_shard([BUILT[1]._replace(files=(*BUILT[1].files, path)).encode()])
    with pytest.raises(OutdatedStateError):
        decode_shard(content, digest_of(content))


def test_whose_tree_it_is():
    """A mark says so, whole or begun; what cannot be read says nothing."""
    assert [audience_of(content) for content in (MARK.encode(), begun("internal"), b"{", b"[]", b"{}", b'{"audience": 1}')] == [
        "public", "internal", None, None, None, None,
    ]  # fmt: skip


def test_a_shard_of_another_digest_is_not_used():
    """One altered byte, and the shard is not even parsed."""
    content = join_shard(built.encode() for built in BUILT)
    with pytest.raises(OutdatedStateError):
        decode_shard(content.replace(b"alpha", b"alphb"), digest_of(content))


def test_a_project_is_in_one_shard():
    """The shard follows from the name alone, and there are 256 of them."""
    shards = {shard_of(f"project-{number}") for number in range(5000)}
    assert len(shards) == 256
    assert all(path.startswith("state/projects/") and path.endswith(".json") for path in shards)
