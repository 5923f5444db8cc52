"""The judgement of a change is the judgement of its parts, taken together; in whatever order they come."""

import contextlib
import io
import json
import re

import pygit2
import pytest
from conftest import LONG
from gits import commit_files
from hypothesis import given, settings
from hypothesis import strategies as st
from story import POLICY
from trees import INDEX, linked

import index_builder.cli

NAMES = ("acme-utils", "acme-core", "flask-extras", "weather", "evil-twin")
BASE = {
    "index.yaml": INDEX.encode(),
    "policies.d/acme.yaml": POLICY.encode(),
    **{f"packages.d/{name}.yaml": linked(name.replace("-", "_"), ["1.0"]).replace("[team]", "[team-web]").encode() for name in NAMES},
}


def manifest(name, change):
    return {f"packages.d/{name}.yaml": change(BASE[f"packages.d/{name}.yaml"].decode()).encode()}


#: Edits that touch different files, so that any of them go together.
PARTS = [
    manifest("acme-utils", lambda text: text + linked("acme_utils", ["1.1"]).partition("releases:\n")[2]),
    manifest("acme-core", lambda text: text.replace("[team-web]", "[team-web, dave]")),
    manifest("flask-extras", lambda text: text.replace("  1.0:\n", "  1.0:\n    yanked: {reason: bad, at: 2026-01-03T00:00:00Z}\n")),
    manifest("weather", lambda text: text.replace("size: 1234", "size: 1235")),
    manifest("evil-twin", lambda text: text + linked("evil_twin", ["1.1"]).partition("releases:\n")[2]),
    {"packages.d/requestss.yaml": linked("requestss", ["1.0"]).replace("[team]", "[dave]").encode()},
    {"packages.d/acme-new.yaml": linked("acme_new", ["1.0"]).replace("[team]", "[dave]").encode()},
    {".github/workflows/publish.yml": b"on: push\n"},
]


#: What stands in policies.d/, in files of its own.
POLICIES = ["schema: 2\n" + part for part in re.split(r"^(?=rules:|reserved:)", POLICY.removeprefix("schema: 2\n"), flags=re.MULTILINE)]


def placed(files, place):
    """Return the same index with its policies in files of these numbers, and its manifests in these folders."""
    numbers, folders = place
    moved = {f"policies.d/{number}.yaml": text.encode() for number, text in zip(numbers, POLICIES, strict=True)}
    for path, content in files.items():
        folder, _, name = path.partition("/")
        if folder == "packages.d":
            moved[f"packages.d/{folders[sum(name.encode()) % len(folders)]}{name}"] = content
        elif folder != "policies.d":
            moved[path] = content
    return moved


def said(value):
    """Return a value of a report as text, without the folders of manifests."""
    return re.sub(r"packages\.d/([a-z]/)*", "packages.d/", json.dumps(value, sort_keys=True))


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Judge some of the parts together: what is found, decided and missing, as sets."""
    folder = tmp_path_factory.mktemp("judged") / "index"
    usual = commit_files(folder, BASE)
    alone = {}

    def run(parts, place=None):
        if len(parts) == 1 and id(parts[0]) in alone:
            return alone[id(parts[0])]
        files = dict(BASE)
        for part in parts:
            files |= part
        repository = pygit2.Repository(str(folder))
        repository.set_head(pygit2.Oid(hex=usual))
        base = commit_files(folder, placed(BASE, place)) if place else usual
        files = placed(files, place) if place else files
        head = commit_files(folder, files)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = index_builder.cli.run(
                ["check", "--repo", str(folder), "--base", base, "--head", head, "--actor", "alice", "--offline", "-q", "--format", "json"]
            )
        report = json.loads(out.getvalue())
        for decision in report["decisions"]:
            assert decision.pop("paths")
        return code, {key: {said(value) for value in report[key]} for key in ("problems", "decisions", "effect", "missing")}

    return run


@settings(max_examples=25 if LONG else 12, deadline=None)
@given(numbers=st.permutations(range(len(PARTS))).flatmap(lambda order: st.integers(1, len(PARTS)).map(lambda n: order[:n])))
def test_a_change_is_judged_as_its_parts(judged, numbers):
    """Findings, decisions, effect and what is missing are those of the parts; the worst verdict of the parts is that of the whole."""
    code, whole = judged([PARTS[number] for number in numbers])
    parts = [judged([PARTS[number]]) for number in numbers]
    for key, found in whole.items():
        assert found == set().union(*(part[key] for _, part in parts)), key
    assert code == (1 if any(code == 1 for code, _ in parts) else max(code for code, _ in parts))


@settings(max_examples=10 if LONG else 5, deadline=None)
@given(numbers=st.permutations(range(3)), folders=st.lists(st.sampled_from(["", "a/", "m/z/", "z/"]), min_size=1, max_size=4))
def test_no_order_of_files_matters(judged, numbers, folders):
    """In which files policies stand, and in which folders manifests lie, changes nothing but their paths."""
    assert judged(PARTS, (numbers, folders)) == judged(PARTS)
