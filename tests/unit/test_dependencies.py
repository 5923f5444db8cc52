"""A dependency that an audience's readers cannot get here is found, and nothing else."""

import pytest
from trees import INDEX, POLICY, linked

from index_builder.dependencies import Needs, missing_dependencies
from index_builder.manifests.reader import read
from index_builder.model.source import ORDINARY, SourceEntry

TWO = "schema: 1\ntitle: Two\naudiences: {public: {}, internal: {includes: [public]}}\n"


def index_of(manifests: dict[str, str], configuration: str = INDEX):
    files = {"index.yaml": configuration, "policies.d/team.yaml": POLICY, **{f"packages.d/{n}.yaml": t for n, t in manifests.items()}}
    reading = read("", [SourceEntry(path=path, mode=ORDINARY, blob=path) for path in files], lambda entry: files[entry.path].encode())
    assert not [p for p in reading.problems if p.severity == "error"]
    return reading.index


def found(index, requires: dict[str, tuple[str, ...]]):
    needs = [
        Needs(project=project, file=file, requires=requires.get(f"{name}-{file.name.version}", ()))
        for name, project in index.projects.items()
        for file in project.files
    ]
    return missing_dependencies(index, needs)


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("other", ""),
        ("Other>=1", ""),
        ("other==1.0", ""),
        ("other>=2", "needs other>=2"),
        ("absent", "needs absent"),
        ("absent; extra == 'fast'", ""),
        ("absent; python_version < '3.9'", ""),
        ("absent; sys_platform == 'win32'", "where sys_platform"),
        ("absent; sys_platform == 'vms'", ""),
        ("absent; platform_release >= '5'", "where platform_release"),
        ("absent @ https://files.example.org/absent-1.0-py3-none-any.whl", ""),
        ("not a requirement !", ""),
    ],
)
def test_what_counts_as_missing(requirement, said):
    """Names, versions and markers decide as they do for an installer; extras are nobody's until asked for."""
    index = index_of({"demo": linked("demo", ["1.0"]), "other": linked("other", ["1.0"])})
    problems = found(index, {"demo-1.0": (requirement,)})
    assert [p.rule for p in problems] == (["dependency-missing"] if said else [])
    if said:
        assert said in problems[0].message
        assert "index-builder add" in problems[0].fix
        assert (problems[0].place.path, problems[0].severity) == ("packages.d/demo.yaml", "warning")


def test_the_newest_release_speaks_once_for_a_project():
    """Three releases and six files that lack the same thing are one problem, at the newest."""
    problems = found(
        index_of({"demo": linked("demo", ["1.0", "1.9", "1.10"])}), dict.fromkeys(("demo-1.0", "demo-1.9", "demo-1.10"), ("absent",))
    )
    assert [p.message.split(",")[0] for p in problems] == ["demo 1.10 needs absent"]


def test_what_only_an_old_release_lacks_is_said_of_it():
    """A newer release that needs nothing does not speak for an older one."""
    problems = found(index_of({"demo": linked("demo", ["1.0", "2.0"])}), {"demo-1.0": ("absent",)})
    assert ["demo 1.0 needs" in p.message for p in problems] == [True]


def test_by_audience():
    """What only a narrower audience has is missing for the wider one, and the fix names the audiences."""
    public = linked("demo", ["1.0"]).replace("owners:", "audiences: [public]\nowners:")
    internal = linked("other", ["1.0"]).replace("owners:", "audiences: [internal]\nowners:")
    index = index_of({"demo": public, "other": internal}, TWO)
    problems = found(index, {"demo-1.0": ("other",)})
    assert "readers of public cannot get here" in problems[0].message
    assert "audiences: [internal]" in problems[0].fix
    assert found(index, {"other-1.0": ("demo",)}) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [("status: {state: quarantined, reason: stolen, at: 2026-01-01T00:00:00Z}\n", "quarantined"), ("", "")],
)
def test_a_quarantined_dependency_is_missing(status, said):
    """A quarantined project offers nothing, so what needs it cannot be installed."""
    problems = found(index_of({"demo": linked("demo", ["1.0"]), "other": linked("other", ["1.0"]) + status}), {"demo-1.0": ("other",)})
    assert [said in p.fix for p in problems] == ([True] if said else [])


def test_a_yanked_dependency_counts_only_where_it_is_pinned():
    """Installers pass over yanked releases unless they are pinned."""
    yanked = linked("other", ["1.0"]).replace("  1.0:\n", "  1.0:\n    yanked: {reason: bad, at: 2026-01-01T00:00:00Z}\n")
    index = index_of({"demo": linked("demo", ["1.0"]), "other": yanked})
    assert len(found(index, {"demo-1.0": ("other>=1",)})) == 1
    assert found(index, {"demo-1.0": ("other==1.0",)}) == []
    assert found(index, {"other-1.0": ("absent",)}) == []


def test_clients_say_which_environments_count():
    """Where `clients:` names environments, a marker that is true elsewhere only does not count."""
    index = index_of({"demo": linked("demo", ["1.0"])}, INDEX + "clients: {python: ['3.12'], platform: [linux_x86_64]}\n")
    assert found(index, {"demo-1.0": ("absent; sys_platform == 'win32'", "gone; python_version < '3.12'")}) == []
    assert len(found(index, {"demo-1.0": ("absent; python_version == '3.12'",)})) == 1
