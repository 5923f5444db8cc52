"""`import dumb-pypi`: a list becomes manifests, with the bytes in the pool."""

import hashlib
import json

import pytest
from distributions import sdist, wheel
from live import serving


def row(name, content, **facts):
    return {"filename": name, "hash": f"sha256={hashlib.sha256(content).hexdigest()}", **facts}


@pytest.fixture
def listed(tmp_path):
    """Write a list: `listed({...}, "not json")`."""

    def write(*lines):
        path = tmp_path / "list.json"
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return path

    return write


def test_a_folder_becomes_hosted_projects(repo, cli, dist, listed):
    """Digests are checked, upload times and yanked files kept; core metadata comes from the files; the index builds."""
    files = [wheel("demo", "1.0", requires_python=">=3.8"), sdist("demo", "1.0", requires_python=">=3.8"), wheel("other_thing", "2.0")]
    rows = [row(name, content, upload_timestamp=1700000000) for name, content in files]
    rows[2]["yanked_reason"] = "broken\non Windows"
    done = cli("import", "dumb-pypi", listed(*rows, rows[0]), "--dist", dist(*files))
    assert done.code == 0, done.err
    text = (repo / "packages.d" / "demo.yaml").read_text()
    assert text.count("uploaded: 2023-11-14T22:13:20Z") == 2
    assert text.count("stored: true") == 2
    assert "requires-python:" in text
    assert "broken on Windows" in (repo / "packages.d" / "other-thing.yaml").read_text()
    assert cli("check", "--worktree", "--offline").code == 0
    assert cli("build", "--worktree", "-q").code == 0
    assert 'data-yanked="broken on Windows"' in (repo / "site/public/simple/other-thing/index.html").read_text()


def test_a_second_time_changes_nothing(repo, cli, dist, listed):
    """Files that are listed already stay as they are."""
    files = [wheel("demo", "1.0")]
    arguments = ("import", "dumb-pypi", listed(*(row(*file) for file in files)), "--dist", dist(*files))
    assert cli(*arguments).code == 0
    before = (repo / "packages.d" / "demo.yaml").read_text()
    assert "nothing to do" in cli(*arguments).err
    assert (repo / "packages.d" / "demo.yaml").read_text() == before


@pytest.mark.parametrize("hosting", ["linked", "mirrored"])
def test_a_url_becomes_linked_or_mirrored_projects(repo, cli, listed, tmp_path, trusted, hosting, monkeypatch):
    """Files are fetched once and verified; those without a digest in the list too."""
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    files = [wheel("demo", "1.0"), wheel("demo", "1.1")]
    for name, content in files:
        (tmp_path / "tls" / "packages").mkdir(parents=True, exist_ok=True)
        (tmp_path / "tls" / "packages" / name).write_bytes(content)
    with serving(tmp_path / "tls", trusted) as live:
        path = listed(row(*files[0]), {"filename": files[1][0]})
        done = cli("import", "dumb-pypi", path, "--packages-url", f"{live.url}/packages", "--hosting", hosting)
        assert done.code == 0, done.err
        text = (repo / "packages.d" / "demo.yaml").read_text()
        assert f"hosting: {hosting}" in text
        assert text.count(f"url: {live.url}/packages/demo-1.") == 2
        assert cli("build", "--worktree", "-q").code == 0


def test_every_bad_line_is_told_and_nothing_written(repo, cli, dist, listed):
    """A wrong digest, a missing file, a name that manifests do not list, broken JSON: each with its line. --keep-going takes the rest."""
    good, other = wheel("good", "1.0"), wheel("other", "1.0")
    lines = [
        row(*good),
        row(other[0], b"something else"),
        {"filename": "gone-1.0.tar.gz"},
        {"filename": "tool-1.0.exe"},
        "{",
        row(good[0], b"x"),
    ]
    arguments = ("import", "dumb-pypi", listed(*lines), "--dist", dist(good, other))
    done = cli(*arguments)
    assert done.code == 1
    assert [number for number in range(1, 7) if f"list.json:{number}:1" in done.err] == [2, 3, 4, 5, 6]
    assert "the list says sha256" in done.err
    assert "gone-1.0.tar.gz cannot be read" in done.err
    assert not list((repo / "packages.d").glob("*.yaml"))
    assert cli(*arguments, "--keep-going").code == 1
    assert [path.name for path in (repo / "packages.d").glob("*.yaml")] == ["good.yaml"]


def test_a_hash_of_another_kind_is_checked_too(repo, cli, dist, listed):
    """md5 and its like must be right; one that nobody can check is refused."""
    name, content = wheel("demo", "1.0")
    right = hashlib.md5(content).hexdigest()
    for written, code, said in (
        (f"md5={'0' * 32}", 1, "the list says md5"),
        ("crc32=00", 1, "nobody can check"),
        (f"md5={right}", 0, "imported"),
    ):
        done = cli("import", "dumb-pypi", listed({"filename": name, "hash": written}), "--dist", dist((name, content)))
        assert (done.code, said in done.err) == (code, True), done.err


def test_keep_going_passes_over_what_is_refused_inside(repo, cli, dist, listed):
    """A file that inspection refuses, and one of two names that differ only in case, do not keep out the rest."""
    good, two = wheel("good", "1.0"), wheel("two", "1.0")
    files = (
        good,
        two,
        ("bad-1.0-py3-none-any.whl", b"no archive"),
        (two[0].replace("two", "Two"), wheel("Two", "1.0", requires_python=">=3.9")[1]),
    )
    arguments = ("import", "dumb-pypi", listed(*({"filename": name} for name, _ in files)), "--dist", dist(*files))
    assert cli(*arguments).code == 1
    assert not list((repo / "packages.d").glob("*.yaml"))
    done = cli(*arguments, "--keep-going")
    assert done.code == 1
    assert "archive-format" in done.err
    assert "list.json:4:1" in done.err
    assert sorted(path.name for path in (repo / "packages.d").glob("*.yaml")) == ["good.yaml", "two.yaml"]


def test_what_is_listed_already_stays_and_that_is_said(repo, cli, dist, listed):
    """A list does not change a manifest's files."""
    files = [wheel("demo", "1.0")]
    assert cli("import", "dumb-pypi", listed({"filename": files[0][0]}), "--dist", dist(*files)).code == 0
    done = cli(
        "import", "dumb-pypi", listed({"filename": files[0][0], "yanked_reason": "x", "upload_timestamp": 5}), "--dist", dist(*files)
    )
    assert (done.code, "its time and mark stay" in done.err) == (0, True)


def test_plain_names_are_read_too(repo, cli, dist, tmp_path):
    """A list of file names is told from one of objects by its first line."""
    (tmp_path / "names").write_text("\ndemo-1.0-py3-none-any.whl\n")
    assert cli("import", "dumb-pypi", tmp_path / "names", "--dist", dist(wheel("demo", "1.0"))).code == 0
    assert (repo / "packages.d" / "demo.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--packages-url URL, or --dist DIR"), (["--dist", ".", "--packages-url", "https://x.example.org/"], "once"),
        (["--dist", ".", "--hosting", "linked"], "those of a folder are hosted"), (["--packages-url", "http://x.example.org"], "not an https URL"),
        (["--dist", ".", "--owner", "nobody"], "nobody and no group"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(repo, cli, listed, arguments, said):
    """Each mistake is told before anything is read."""
    done = cli("import", "dumb-pypi", listed({"filename": "a-1.0.tar.gz"}), *arguments)
    assert (done.code, said in done.err) == (2, True), done.err
