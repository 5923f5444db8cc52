"""`add --with-dependencies`: uv resolves, over nothing but what we offer it on loopback."""

import json
from contextlib import ExitStack

import pytest
from distributions import sdist, wheel
from live import serving

WHERE = ("--python", "3.11", "--python", "3.13", "--platform", "linux_x86_64")


@pytest.fixture
def published(tmp_path, cli, monkeypatch):
    """A live index that plays PyPI, with what a closure can meet."""
    folder, files = tmp_path / "pypi", tmp_path / "files"
    files.mkdir()
    for name, content in [
        wheel("web", "2.0", requires=["engine>=1", 'win; sys_platform == "win32"', 'old; python_version < "3.12"', 'extra; extra == "more"']),
        wheel("web", "1.0"), sdist("web", "2.0"),
        wheel("engine", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64"), wheel("engine", "1.0", tag="cp313-cp313-manylinux_2_17_x86_64"),
        wheel("engine", "1.0", tag="cp311-cp311-win_amd64"), wheel("engine", "1.1", tag="cp311-cp311-manylinux_2_17_x86_64"),
        wheel("win", "1.0"), wheel("old", "1.0"), wheel("extra", "1.0"), sdist("source-only", "1.0"),
        wheel("needs-source", "1.0", requires=["source-only"]), wheel("torn", "1.0", requires=["engine<1", "web"]),
        wheel("mine", "9.0", body="evil = True"),
    ]:  # fmt: skip
        (files / name).write_bytes(content)
    assert cli("init", folder).code == 0
    assert cli("add", "--repo", folder, "--dist", files).code == 0
    assert cli("build", "--repo", folder, "--worktree", "-q").code == 0
    with serving(folder / "site" / "public") as live:
        monkeypatch.setenv("PIP_INDEX_URL", live.simple)
        monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
        yield live


def names(done) -> set[str]:
    assert done.code == 0, done.err
    return {file["name"] for manifest in json.loads(done.out)["manifests"] for file in manifest["files"]}


def test_the_closure_of_two_pythons(repo, cli, published):
    """Each Python's resolution comes in, with the wheels that fit it, and nothing is missing afterwards for these clients."""
    added = names(cli("add", "--pypi", "web", "--with-dependencies", *WHERE, "--format", "json"))
    assert added == {
        "web-2.0-py3-none-any.whl", "old-1.0-py3-none-any.whl",
        "engine-1.1-cp311-cp311-manylinux_2_17_x86_64.whl", "engine-1.0-cp313-cp313-manylinux_2_17_x86_64.whl",
    }  # fmt: skip
    text = (repo / "index.yaml").read_text()
    (repo / "index.yaml").write_text(text + "clients: {python: ['3.11', '3.13'], platform: [linux_x86_64]}\n")
    done = cli("check", "--worktree")
    assert (done.code, "dependency-missing" in done.err) == (0, False)


def test_metadata_is_read_and_no_wheel_is_downloaded_to_resolve(repo, cli, published):
    """uv sees core metadata only; the wheels that come in are fetched once each, afterwards."""
    names(cli("add", "--pypi", "web", "--with-dependencies", *WHERE, "--format", "json"))
    asked = [line for line in published.requests if "/packages/" in line]
    first_wheel = next(n for n, line in enumerate(asked) if ".whl " in line)
    assert all(".whl.metadata 200" in line for line in asked[:first_wheel])
    assert len([line for line in asked if ".whl " in line]) == 4


def test_extras_and_platforms_are_asked_for(repo, cli, published):
    """An extra's dependencies come with the extra, a platform's with the platform."""
    added = names(
        cli("add", "--pypi", "web[more]", "--with-dependencies", "--python", "3.11", "--platform", "win_amd64", "--format", "json")
    )
    assert {"win-1.0-py3-none-any.whl", "extra-1.0-py3-none-any.whl", "engine-1.0-cp311-cp311-win_amd64.whl"} < added


def test_what_the_index_has_is_preferred(repo, cli, published):
    """A release that is here already and fits is not replaced by a newer one."""
    assert cli("add", "--pypi", "engine==1.0").code == 0
    added = names(cli("add", "--pypi", "web", "--with-dependencies", "--python", "3.11", "--platform", "linux_x86_64", "--format", "json"))
    assert not [name for name in added if name.startswith("engine-1.1")]


def test_our_own_wheels_bring_their_dependencies(repo, cli, published, dist):
    """--dist with dependencies: the hosted project stays ours even where the upstream has one of its name."""
    folder = dist(wheel("mine", "1.0", requires=["web"]))
    added = names(cli("add", "--dist", folder, "--with-dependencies", *WHERE, "--format", "json"))
    assert {"mine-1.0-py3-none-any.whl", "web-2.0-py3-none-any.whl", "old-1.0-py3-none-any.whl"} < added
    assert not published.asked("/simple/mine/")
    assert names(cli("add", "--pypi", "needs-source==1.0", "--exclude", "source-only", "--with-dependencies", *WHERE, "--format", "json"))
    assert "9.0" not in (repo / "packages.d" / "mine.yaml").read_text()


def test_a_project_that_is_hosted_here_is_never_looked_for_elsewhere(repo, cli, published, dist):
    """Dependency confusion: a dependency on our hosted project is met by ours, and the upstream is not asked for it."""
    assert cli("add", "--dist", dist(wheel("mine", "1.0"))).code == 0
    (repo.parent / "dist" / "mine-1.0-py3-none-any.whl").unlink()
    added = names(cli("add", "--dist", dist(wheel("app", "1.0", requires=["mine"])), "--with-dependencies", *WHERE, "--format", "json"))
    assert added == {"app-1.0-py3-none-any.whl"}
    assert not published.asked("/simple/mine/")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (["torn"], "no set of releases fits Python 3.11 on linux_x86_64: Because"),
        (["needs-source"], "source-only"),
        (["absent"], "absent was not found"),
    ],
)
def test_what_cannot_be_resolved_is_explained(repo, cli, published, what, said):
    """uv's explanation reaches the person, without its drawing, and nothing is written; no sdist is ever built."""
    done = cli("add", "--pypi", *what, "--with-dependencies", *WHERE)
    assert done.code == 1
    assert said in done.err
    assert "fix" in done.err
    assert not list((repo / "packages.d").glob("*.yaml"))
    assert not published.asked(".tar.gz")


def test_an_upstream_that_fails_is_said_as_itself(repo, cli, published, tmp_path):
    """A damaged core metadata document is not told as a failed resolution, but as what it is."""
    served = next((tmp_path / "pypi" / "site").rglob("old-1.0-py3-none-any.whl.metadata"))
    served.write_bytes(b"Metadata-Version: 2.1\nName: old\nVersion: 1.0\nRequires-Dist: evil\n")
    done = cli("add", "--pypi", "web", "--with-dependencies", *WHERE)
    assert done.code == 3
    assert "old-1.0-py3-none-any.whl.metadata does not have the digest" in done.err


def test_a_quarantined_project_is_not_resolved(repo, cli, published):
    """What is quarantined here is offered to nobody, to a resolver neither."""
    assert cli("add", "--pypi", "engine==1.0").code == 0
    assert cli("status", "engine", "quarantined", "--reason", "stolen").code == 0
    done = cli("add", "--pypi", "web==2.0", "--with-dependencies", *WHERE)
    assert done.code == 1
    assert "engine" in done.err


def test_add_says_what_is_still_missing(repo, cli, published):
    """Without --with-dependencies the command says at once what an installer would miss."""
    done = cli("add", "--pypi", "web")
    assert done.code == 0
    assert "warning[dependency-missing]: web 2.0 needs engine>=1" in done.err
    assert "--with-dependencies" in done.err


@pytest.fixture
def two_upstreams(repo, tmp_path, cli, monkeypatch):
    """`corp` has acme-core 1.0 and intern 1.0; `pypi`, which strangers fill, has both names too, newer, and what needs them."""
    contents = {
        "corp": [wheel("acme-core", "1.0"), wheel("intern", "1.0")],
        "pypi": [
            wheel("acme-core", "9.9", body="evil = True"), wheel("intern", "9.0", body="evil = True"), wheel("app", "1.0", requires=["acme-core>=2"]),
            wheel("app2", "1.0", requires=["intern"]), wheel("app3", "1.0", requires=["acme-core"]),
        ],
    }  # fmt: skip
    with ExitStack() as stack:
        lives = {}
        for name, files in contents.items():
            (tmp_path / f"{name}-files").mkdir()
            for file, content in files:
                (tmp_path / f"{name}-files" / file).write_bytes(content)
            cli("init", tmp_path / name)
            cli("add", "--repo", tmp_path / name, "--dist", tmp_path / f"{name}-files")
            cli("build", "--repo", tmp_path / name, "--worktree", "-q")
            lives[name] = stack.enter_context(serving(tmp_path / name / "site" / "public"))
        text = (repo / "index.yaml").read_text()
        (repo / "index.yaml").write_text(text.replace("{pypi: default}", f"{{corp: '{lives['corp'].simple}', pypi: default}}"))
        monkeypatch.setenv("PIP_INDEX_URL", lives["pypi"].simple)
        monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
        yield lives


@pytest.mark.parametrize("wanted", ["app", "app3"])
def test_a_project_that_is_here_is_looked_for_where_it_comes_from(repo, cli, two_upstreams, wanted):
    """Dependency confusion: acme-core came from corp, so pypi is never asked for it, whatever a stranger's project needs."""
    assert cli("add", "--index", "corp", "acme-core").code == 0
    done = cli("add", "--pypi", wanted, "--with-dependencies", *WHERE)
    assert done.code == (1 if wanted == "app" else 0), done.err
    assert not two_upstreams["pypi"].asked("/simple/acme-core/")
    assert "9.9" not in (repo / "packages.d" / "acme-core.yaml").read_text()


def test_the_index_that_is_named_for_a_project_is_the_one(repo, cli, two_upstreams):
    """Whoever names an index for a project that is here from another gets that index's release, and sees it in the manifest."""
    assert cli("add", "--index", "corp", "intern").code == 0
    added = names(cli("add", "--pypi", "intern>=9", "--with-dependencies", *WHERE, "--format", "json"))
    assert added == {"intern-9.0-py3-none-any.whl"}
    assert "index: pypi" in (repo / "packages.d" / "intern.yaml").read_text()


def test_dependencies_are_looked_for_in_the_order_of_the_index(repo, cli, two_upstreams):
    """--pypi names where the project comes from that is asked for; what it needs is looked for in corp first."""
    assert names(cli("add", "--pypi", "app2", "--with-dependencies", *WHERE, "--format", "json")) == {
        "app2-1.0-py3-none-any.whl",
        "intern-1.0-py3-none-any.whl",
    }
    assert "index: corp" in (repo / "packages.d" / "intern.yaml").read_text()


def test_a_broken_manifest_stops_before_anybody_is_asked(repo, cli, published, dist):
    """A hosted project whose manifest cannot be read is not an unknown one: nothing is looked for, nothing is written."""
    assert cli("add", "--dist", dist(wheel("mine", "1.0"))).code == 0
    (repo / "packages.d" / "team").mkdir()
    moved = (repo / "packages.d" / "mine.yaml").rename(repo / "packages.d" / "team" / "mine.yaml")
    moved.write_text(moved.read_text() + "zzz: 1\n")
    done = cli("add", "--pypi", "web", "--with-dependencies", *WHERE)
    assert (done.code, "unknown-key" in done.err) == (1, True)
    assert not published.requests
    assert cli("add", "--pypi", "mine").code == 1
    assert not (repo / "packages.d" / "mine.yaml").exists()


def test_what_installers_pass_over_is_not_preferred(repo, cli, published):
    """A yanked release of ours does not stand in the way of a good one."""
    assert cli("add", "--pypi", "engine==1.0").code == 0
    assert cli("yank", "engine", "1.0", "--reason", "bad").code == 0
    added = names(cli("add", "--pypi", "web", "--with-dependencies", "--python", "3.11", "--platform", "linux_x86_64", "--format", "json"))
    assert "engine-1.1-cp311-cp311-manylinux_2_17_x86_64.whl" in added


def test_several_versions_of_one_project_are_resolved_each(repo, cli, published, tmp_path):
    """A lock file that pins two versions of a project brings what each of them needs."""
    (tmp_path / "r.txt").write_text("web==1.0\nweb==2.0\n")
    added = names(cli("add", "--from", tmp_path / "r.txt", "--with-dependencies", *WHERE, "--format", "json"))
    assert {"web-1.0-py3-none-any.whl", "web-2.0-py3-none-any.whl", "old-1.0-py3-none-any.whl"} <= added


def test_sdists_only_is_said(repo, cli, published):
    """What has sdists only is named, with the way out."""
    done = cli("add", "--pypi", "needs-source", "--with-dependencies", *WHERE)
    assert "source-only: sdists only, and nothing is built here" in done.err
    assert "--dist" in done.err
