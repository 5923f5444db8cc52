"""A revision's files become an index, and every rule between and inside them trips where it should and nowhere else."""

from __future__ import annotations

import pytest
from packaging.version import Version
from unit.manifests.samples import GOOD, MANIFEST, A, B, C, D, file, manifest, read_files, rules_of, with_files

from index_builder.manifests.reader import name_problems
from index_builder.model.filename import parse_filename
from index_builder.model.index import Audience, Configuration, Index, Store, Target
from index_builder.model.names import NormalizedName, ProjectName, Sha256, Timestamp, Word
from index_builder.model.problem import Place
from index_builder.model.project import (
    File,
    Hosting,
    IndexOrigin,
    Project,
    Publisher,
    Release,
    Source,
    State,
    Status,
    StoredOrigin,
    Tombstone,
    UrlOrigin,
    Yanked,
)
from index_builder.model.source import EXECUTABLE, SUBMODULE, SYMLINK
from index_builder.policy.rules import Action, Approvals, Group, Person, Policies, Requirement, Rule

NOWHERE = Place(path="")
W = Word


def test_the_example_becomes_these_values() -> None:
    """The manifest, index.yaml and policy of the documentation are read as they are meant."""
    reading = read_files(GOOD)
    assert reading.problems == ()
    wheel = File(
        name=parse_filename("acme_utils-1.2.0-py3-none-any.whl"), sha256=Sha256(A), size=12345,
        uploaded=Timestamp("2026-11-21T09:30:00Z"), requires_python=">=3.9", metadata=Sha256(B), provenance=Sha256(C), place=NOWHERE,
        origin=UrlOrigin(url="https://example.org/acme/utils/releases/download/v1.2.0/acme_utils-1.2.0-py3-none-any.whl"),
    )  # fmt: skip
    yanked = Yanked(reason="broken on Windows", at=Timestamp("2026-11-22T10:00:00Z"))
    project = Project(
        name=ProjectName("Acme.Utils"), normalized=NormalizedName("acme-utils"), owners=(W("team-web"),), audiences=(W("internal"),),
        hosting=Hosting.MIRRORED, source=Source(github="acme/utils", versions=">=1.0"), place=NOWHERE,
        publishers=(Publisher(github="acme/utils", repository_id=4711, workflow="release.yml", environment="pypi"),),
        status=Status(state=State.DEPRECATED, reason="use acme-core", at=Timestamp("2026-11-21T09:30:00Z")),
        releases=(Release(version=Version("1.2.0"), written="1.2.0", files=(wheel,), yanked=yanked),),
        removed=(Tombstone(
            name="acme_utils-1.1.0.tar.gz", version=Version("1.1.0"), sha256=Sha256(D), reason="leaked a key",
            at=Timestamp("2026-11-20T08:00:00Z"),
        ),),
    )  # fmt: skip
    configuration = Configuration(
        title="Acme packages", upstreams={W("pypi"): "default"},
        audiences={
            W("public"): Audience(name=W("public"), url="https://index.example.org/index/", files="packages/", includes=(), place=NOWHERE),
            W("internal"): Audience(
                name=W("internal"), url="https://pypi.example.org/", files="packages/", includes=(W("public"),), place=NOWHERE,
            ),
        },
        pool=Store(kind="directory", path=".pool"), inbox=Store(kind="directory", path=".inbox"),
        publish=(Target(name=W("pages"), audience=W("public"), kind="pages-artifact"),),
    )  # fmt: skip
    assert reading.index == Index(revision="r1", configuration=configuration, projects={"acme-utils": project})
    release = (Action.RELEASE, Action.YANK, Action.EDIT)
    assert reading.policies == Policies(
        people={
            W("alice"): Person(name=W("alice"), github_login="alice", github_id=1001),
            W("bob"): Person(name=W("bob"), github_login="bob", github_id=1002),
        },
        groups={W("team-web"): Group(name=W("team-web"), members=(W("alice"), W("bob")))},
        rules=(
            Rule(
                id=W("acme-namespace"), projects=("acme-*",), audiences=(), deny={W("anyone"): (Action.TRANSFER,)}, place=NOWHERE,
                grant={W("owners"): release, W("team-web"): (Action.CREATE,)},
                require=(Requirement(
                    actions=(Action.CREATE, Action.RELEASE), approvals=Approvals(count=1, group=W("team-web")),
                    origins=("github:acme/*",), publisher="declared",
                ),),
            ),
            Rule(id=W("readers"), projects=(), audiences=(W("public"),), grant={W("anyone"): (Action.DOWNLOAD,)}, require=(), deny={}, place=NOWHERE),
        ),
    )  # fmt: skip
    file_place = reading.index.projects["acme-utils"].files[0].place
    assert (file_place.path, file_place.line, file_place.column) == ("packages.d/acme-utils.yaml", 15, 9)


def test_other_origins_and_orders_are_read() -> None:
    """Releases ascend by version, files by name, whatever order the manifest has; each origin has its value."""
    sdist, wheel = (
        file("demo-1.0.tar.gz", origin="index: pypi"),
        file(origin="index: pypi, project: Other.Name", extra="yanked: {reason: x, at: 2026-11-21T09:30:00Z}"),
    )
    ten = file("demo-1.10-py3-none-any.whl")
    releases = f"releases:\n  1.10:\n    files: [{ten}]\n  1.0:\n    files: [{sdist}, {wheel}]\n"
    reading = read_files({**GOOD, "packages.d/x/demo.yaml": manifest(releases=releases)})
    assert reading.problems == ()
    assert reading.index is not None
    project = reading.index.projects["demo"]
    assert [file.name.text for file in project.files] == ["demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz", "demo-1.10-py3-none-any.whl"]
    assert project.files[0].origin == IndexOrigin(index=W("pypi"), project=NormalizedName("other-name"))
    assert project.files[0].yanked == Yanked(reason="x", at=Timestamp("2026-11-21T09:30:00Z"))
    assert project.files[1].origin == IndexOrigin(index=W("pypi"), project=NormalizedName("demo"))


TOMB = "removed:\n  {}: {{version: {}, sha256: " + A + ", reason: x, at: 2026-11-21T09:30:00Z}}\n"
STORED = "stored: true"
MANIFESTS = [
    ("good", manifest(), []),
    ("name-file", manifest(name="demo2", files=f"[{file('demo2-1.0-py3-none-any.whl')}]"), ["name-file"]),
    ("version-invalid", manifest(releases=f"releases:\n  one:\n    files: [{file()}]\n"), ["version-invalid"]),
    ("version-invalid space", manifest(releases=f"releases:\n  '1.0 ':\n    files: [{file()}]\n"), ["version-invalid"]),
    ("version-invalid sign", manifest(releases=f"releases:\n  1.0+\u212a:\n    files: [{file()}]\n"), ["version-invalid"]),
    ("version-invalid tombstone", manifest(tail=TOMB.format("demo-0.9.tar.gz", "x")), ["version-invalid"]),
    ("version-spelling", manifest(releases=f"releases:\n  1.0:\n    files: [{file()}]\n  1.0.0:\n    files: [{file('demo-1.0.0-py2-none-any.whl')}]\n"), ["version-spelling"]),
    ("file-name project", manifest(files=f"[{file('other-1.0-py3-none-any.whl')}]"), ["file-name"]),
    ("file-name version", manifest(files=f"[{file('demo-1.1-py3-none-any.whl')}]"), ["file-name"]),
    ("file-name kind", manifest(files=f"[{file('demo-1.0.exe')}]"), ["file-name"]),
    ("file-name sdist", manifest(files=f"[{file('other-1.0.tar.gz')}]"), ["file-name"]),
    ("file-name tombstone", manifest(tail=TOMB.format("nonsense", "0.9")), ["file-name"]),
    ("file-name tombstone version", manifest(tail=TOMB.format("demo-0.8.tar.gz", "0.9")), ["file-name"]),
    ("file-unique", manifest(files=f"[{file()}, {file()}]"), ["file-unique"]),
    ("file-unique case", manifest(files=f"[{file()}, {file('Demo-1.0-py3-none-any.whl')}]"), ["file-unique"]),
    ("file-unique tombstone", manifest(tail=TOMB.format("demo-1.0-py3-none-any.whl", "1.0")), ["file-unique"]),
    ("file-unique tombstone case", manifest(tail=TOMB.format("DEMO-1.0-py3-none-any.whl", "1.0")), ["file-unique"]),
    ("tombstone", manifest(tail=TOMB.format("demo-0.9.tar.gz", "0.9")), []),
    ("file-origin none", manifest(files=f"[{file(origin='')}]"), ["file-origin"]),
    ("file-origin two", manifest(files=f"[{file(extra='index: pypi')}]"), ["file-origin"]),
    ("file-origin project", manifest(files=f"[{file(extra='project: x')}]"), ["file-origin"]),
    ("hosting-origin stored", manifest(files=f"[{file(origin=STORED)}]"), ["hosting-origin"]),
    ("hosting-origin url", manifest(hosting="hosted"), ["hosting-origin"]),
    ("hosted", manifest(hosting="hosted", files=f"[{file(origin=STORED)}]"), []),
    ("url-file-name", manifest(hosting="linked", files=f"[{file(origin='url: https://example.org/download?id=1')}]"), ["url-file-name"]),
    ("url-file-name mirrored", manifest(files=f"[{file(origin='url: https://example.org/download')}]"), []),
    ("url-file-name quoted", manifest(hosting="linked", files=f"[{file(origin='url: https://example.org/demo-1.0%2Dpy3-none-any.whl')}]"), []),
    ("sdist-single", manifest(hosting="hosted", files=f"[{file('demo-1.0.tar.gz', origin=STORED)}, {file('Demo-1.0.zip', origin=STORED)}]"), ["sdist-single", "sdist-single"]),
    ("sdist-single legacy", manifest(hosting="hosted", files=f"[{file('Demo-1.0.tar.gz', origin=STORED)}]"), ["sdist-single"]),
    ("sdist-single mirrored", manifest(files=f"[{file('demo-1.0.tar.gz')}, {file('demo-1.0.zip')}]"), []),
    ("requires-python", manifest(files="[" + file(extra="requires-python: three") + "]"), ["requires-python"]),
    ("requires-python good", manifest(files="[" + file(extra="requires-python: '>=3.9,!=3.10.*'") + "]"), []),
    ("no-releases", manifest(releases="releases: {}\n"), ["no-releases"]),
    ("no-releases removed", manifest(releases=TOMB.format("demo-1.0.tar.gz", "1.0")), []),
    ("audience-missing", manifest().replace("audiences: [internal]\n", ""), ["audience-missing"]),
    ("audience-unknown", manifest().replace("[internal]", "[internal, nobody]"), ["audience-unknown"]),
    ("upstream-unknown", manifest(files=f"[{file(origin='index: elsewhere')}]"), ["upstream-unknown"]),
    ("owner-unknown", manifest().replace("[team-web]", "[team-wob]"), ["owner-unknown"]),
    ("owner person", manifest().replace("[team-web]", "[alice]"), []),
    ("owner anyone", manifest().replace("[team-web]", "[anyone]"), ["owner-unknown"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [m[1:] for m in MANIFESTS], ids=[m[0] for m in MANIFESTS])
def test_rules_of_a_manifest(text: str, expected: list[str]) -> None:
    """Each rule trips on what it names, once, and on nothing near it."""
    assert rules_of(text) == expected


FIXES = [
    (manifest().replace("[team-web]", "[team-wob]"), "owner-unknown", "packages.d/demo.yaml", 3, 10, "did you mean 'team-web'?"),
    (manifest().replace("[team-web]", "[zzz]"), "owner-unknown", "packages.d/demo.yaml", 3, 10, "declare it"),
    (manifest().replace("[internal]", "[nobody]"), "audience-unknown", "packages.d/demo.yaml", 4, 13, "public, internal"),
    (manifest(files=f"[{file('demo-1.1-py3-none-any.whl')}]"), "file-name", "packages.d/demo.yaml", 8, 20, "move it to `1.1:`"),
    (manifest(files=f"[{file(origin='index: elsewhere')}]"), "upstream-unknown", "packages.d/demo.yaml", 8, 13, "upstreams: {elsewhere:"),
]


@pytest.mark.parametrize(("text", "rule", "path", "line", "column", "fix"), FIXES)
def test_problems_say_where_and_how(text: str, rule: str, path: str, line: int, column: int, fix: str) -> None:
    """A problem stands at the value that is wrong, and says what to write."""
    (problem,) = read_files({**GOOD, "packages.d/demo.yaml": text}).problems
    assert (problem.rule, problem.place) == (rule, Place(path=path, line=line, column=column))
    assert fix in problem.fix


def test_a_project_has_one_manifest() -> None:
    """Two spellings of one name in two files are found, whichever folders they are in."""
    reading = read_files({**GOOD, "packages.d/sub/acme-utils.yaml": MANIFEST.replace("Acme.Utils", "acme_utils")})
    assert [(p.rule, p.place.path) for p in reading.problems] == [("name-unique", "packages.d/sub/acme-utils.yaml")]


TREES = [
    ("executable", {"packages.d/x.yaml": manifest()}, {"packages.d/x.yaml": EXECUTABLE}, ["tree-mode"]),
    ("symlink", {"packages.d/x.yaml": "/etc/passwd"}, {"packages.d/x.yaml": SYMLINK}, ["tree-mode"]),
    ("submodule", {"packages.d/x": ""}, {"packages.d/x": SUBMODULE}, ["tree-mode"]),
    ("other mode", {"packages.d/x.yaml": ""}, {"packages.d/x.yaml": 0o100664}, ["tree-mode"]),
    ("yml", {"packages.d/demo.yml": manifest()}, {}, ["tree-stray"]),
    ("stray", {"policies.d/notes.txt": ""}, {}, ["tree-stray"]),
    ("space", {"packages.d/a b/README.md": ""}, {}, ["tree-path"]),
    ("line", {"packages.d/a\nb/README.md": ""}, {}, ["tree-path"]),
    ("depth", {"packages.d/" + "d/" * 9 + "README.md": ""}, {}, ["tree-path"]),
    ("long", {"packages.d/" + "d" * 240 + "/README.md": ""}, {}, ["tree-path"]),
    ("readme", {"packages.d/README.md": "", "policies.d/.gitkeep": ""}, {}, []),
    ("case", {"packages.d/demo.yaml": manifest(), "packages.d/Demo.yaml": manifest()}, {}, ["name-file", "tree-collision", "name-unique"]),
    ("unicode", {"packages.d/\u00e9/README.md": "", "packages.d/e\u0301/README.md": ""}, {}, ["tree-collision", "tree-path", "tree-path"]),
    (
        "both",
        {"packages.d/\u03b1\u0345\u0301/README.md": "", "packages.d/\u03b1\u0301\u0345/README.md": ""},
        {},
        ["tree-collision", "tree-path", "tree-path"],
    ),
]


@pytest.mark.parametrize(("files", "modes", "expected"), [t[1:] for t in TREES], ids=[t[0] for t in TREES])
def test_rules_of_the_tree(files: dict[str, str], modes: dict[str, int], expected: list[str]) -> None:
    """Only ordinary .yaml files with names of their own are part of an index; others are never opened."""
    reading = read_files({**GOOD, **files}, modes)
    assert sorted(p.rule for p in reading.problems) == sorted(expected)
    assert reading.index is not None


def test_an_index_repository_has_its_parts() -> None:
    """An empty tree is no index, and the two missing parts are named."""
    reading = read_files({})
    assert [(p.rule, p.place.path) for p in reading.problems] == [("tree-missing", "index.yaml"), ("tree-missing", "packages.d/")]
    assert reading.index is None


def test_one_broken_file_hides_nothing_of_the_others() -> None:
    """Problems of all files are found in one run; a broken policy file does not make its people unknown."""
    reading = read_files(with_files(manifest=MANIFEST.replace("size: 12345", "size: x"), index="a: [", policy="schema: 3\n"))
    assert [(p.place.path, p.rule) for p in reading.problems] == [
        ("index.yaml", "yaml-syntax"), ("packages.d/acme-utils.yaml", "invalid-value"), ("policies.d/acme.yaml", "schema-version"),
    ]  # fmt: skip
    assert [p.rule for p in read_files(with_files(policy="schema: 3\n")).problems] == ["schema-version"]


def test_a_name_that_another_manifest_has_is_taken() -> None:
    """Manifests that are not read count too, and so do those that are; a manifest is no obstacle to itself."""
    places = [("Acme.Utils", Place(path="packages.d/team/acme-utils.yaml", line=2)), ("demo", Place(path="packages.d/demo.yaml"))]
    taken = {"acme-utils": "packages.d/acme-utils.yaml"}
    problems = list(name_problems([*places, ("demo", Place(path="packages.d/x/demo.yaml"))], taken))
    assert [(p.rule, p.place.path, p.message.rpartition(" ")[2]) for p in problems] == [
        ("name-unique", "packages.d/team/acme-utils.yaml", "packages.d/acme-utils.yaml"),
        ("name-unique", "packages.d/x/demo.yaml", "packages.d/demo.yaml"),
    ]


def test_hosted_files_are_stored() -> None:
    """`stored: true` becomes a stored origin."""
    reading = read_files({**GOOD, "packages.d/demo.yaml": manifest(hosting="hosted", files=f"[{file(origin=STORED)}]")})
    assert reading.index is not None
    assert reading.index.projects["demo"].files[0].origin == StoredOrigin()
