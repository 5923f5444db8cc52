"""`add --from`: what a lock file pins comes in, with the digests that it locks, or not at all."""

import hashlib
import json
import subprocess
import sys

import pytest
from distributions import wheel

UV = [sys.executable, "-m", "uv"]


def listed(upstream) -> dict[str, str]:
    """Return the sha256 of each file that the upstream lists of demo."""
    import urllib.request

    request = urllib.request.Request(f"{upstream.simple}demo/", headers={"accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return {file["filename"]: file["hashes"]["sha256"] for file in json.load(answer)["files"]}


@pytest.fixture
def project(tmp_path):
    """A project that depends on demo 1.0, in a folder of its own."""
    folder = tmp_path / "app"
    folder.mkdir()
    text = '[project]\nname = "app"\nversion = "0.1"\nrequires-python = ">=3.11"\ndependencies = ["demo<1.1"]\n'
    (folder / "pyproject.toml").write_text(text)
    return folder


def locked(command, folder, upstream):
    done = subprocess.run(
        [*UV, *command, "--no-config", "--no-cache", "--default-index", upstream.simple, "--python", sys.executable],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("uv.lock", ["lock"]),
        ("pylock.toml", ["pip", "compile", "pyproject.toml", "--format", "pylock.toml", "--output-file", "pylock.toml"]),
        ("requirements.txt", ["pip", "compile", "pyproject.toml", "--generate-hashes", "--output-file", "requirements.txt"]),
    ],
)
def test_what_uv_locks_is_added(repo, cli, upstream, project, name, command):
    """Each form that uv writes adds exactly the locked releases, and `check` agrees with every digest."""
    locked(command, project, upstream)
    done = cli("add", "--from", project / name, "--format", "json")
    assert done.code == 0, done.err
    added = {file["name"]: file["sha256"] for m in json.loads(done.out)["manifests"] for file in m["files"]}
    assert {n for n in added if n.startswith("demo")} == {"demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"}
    assert added.items() >= {n: d for n, d in listed(upstream).items() if "-1.0" in n}.items()
    assert "helper-1.0-py3-none-any.whl" in added
    assert cli("check", "--worktree").code == 0
    again = cli("add", "--from", project / name)
    assert (again.code, "nothing to do" in again.err) == (0, True)


def test_digests_choose_and_refuse(repo, cli, upstream, tmp_path):
    """Of a release's files those with a locked digest come in; where none has one, nothing does."""
    wanted = listed(upstream)["demo-1.0.tar.gz"]
    (tmp_path / "requirements.txt").write_text(f"demo==1.0 --hash=sha256:{wanted}\n")
    done = cli("add", "--from", tmp_path / "requirements.txt", "--format", "json")
    assert [file["name"] for file in json.loads(done.out)["manifests"][0]["files"]] == ["demo-1.0.tar.gz"]
    (tmp_path / "requirements.txt").write_text(f"demo==1.1 --hash=sha256:{'0' * 64}\n")
    refused = cli("add", "--from", tmp_path / "requirements.txt")
    assert refused.code == 3
    assert "has a digest that" in refused.err
    assert "1.1" not in (repo / "packages.d" / "demo.yaml").read_text()


def test_a_lock_that_the_index_contradicts_is_refused(repo, cli, upstream, project):
    """The index lists other bytes than were locked: nothing is written."""
    locked(["lock"], project, upstream)
    lock = project / "uv.lock"
    lock.write_text(lock.read_text().replace(listed(upstream)["demo-1.0-py3-none-any.whl"], "0" * 64))
    done = cli("add", "--from", lock)
    assert done.code == 3
    assert "locks sha256 0000" in done.err
    assert not list((repo / "packages.d").glob("*.yaml"))


def test_bytes_that_are_not_the_locked_ones_are_refused(repo, cli, upstream, tmp_path):
    """The index lists the locked digest and sends something else: the download is refused, and nothing is written."""
    tampered = wheel("demo", "1.0", body="evil = True\n")[1]
    served = next((tmp_path / "upstream" / "site").rglob("demo-1.0-py3-none-any.whl"))
    served.write_bytes(tampered.ljust(served.stat().st_size, b"\0")[: served.stat().st_size])
    (tmp_path / "requirements.txt").write_text(f"demo==1.0 --hash=sha256:{listed(upstream)['demo-1.0-py3-none-any.whl']}\n")
    done = cli("add", "--from", tmp_path / "requirements.txt")
    assert done.code == 1
    assert "digest-differs" in done.err
    assert not list((repo / "packages.d").glob("*.yaml"))


def test_a_registry_that_is_no_upstream_is_asked_about(repo, cli, upstream, project):
    """A lock from an unknown index says which, and --index decides."""
    locked(["lock"], project, upstream)
    lock = project / "uv.lock"
    lock.write_text(lock.read_text().replace(f'registry = "{upstream.simple}"', 'registry = "https://index.example.org/simple"'))
    done = cli("add", "--from", lock)
    assert done.code == 2
    assert "https://index.example.org/simple, which is no upstream" in done.err
    assert cli("add", "--from", lock, "--index", "pypi").code == 0


def test_a_folder_and_a_url(repo, cli, upstream, dist, tmp_path, trusted):
    """A folder of wheels is added as --dist would; a URL must bring the locked digest."""
    folder = dist(wheel("mine", "1.0"))
    assert cli("add", "--from", folder).code == 0
    assert "hosting: hosted" in (repo / "packages.d" / "mine.yaml").read_text()
    from live import serving

    name, content = wheel("direct", "1.0")
    (tmp_path / "tls" / "packages").mkdir(parents=True)
    (tmp_path / "tls" / "packages" / name).write_bytes(content)
    with serving(tmp_path / "tls", trusted) as live:
        for digest, code in (("0" * 64, 3), (hashlib.sha256(content).hexdigest(), 0)):
            (tmp_path / "r.txt").write_text(f"direct @ {live.url}/packages/{name}#sha256={digest}\n")
            assert cli("add", "--from", tmp_path / "r.txt").code == code
    assert "url: https://" in (repo / "packages.d" / "direct.yaml").read_text()


def test_what_has_no_file_is_said_and_can_be_left_out(repo, cli, upstream, tmp_path):
    """A git checkout stops the command, unless it is excluded by name."""
    (tmp_path / "requirements.txt").write_text("demo==1.0\nforked @ git+https://git.example.org/forked\n")
    done = cli("add", "--from", tmp_path / "requirements.txt")
    assert done.code == 1
    assert "forked" in done.err
    assert "--exclude" in done.err
    assert not list((repo / "packages.d").glob("*.yaml"))
    assert cli("add", "--from", tmp_path / "requirements.txt", "--exclude", "Forked").code == 0


def test_environments_choose_wheels(repo, cli, upstream, tmp_path, dist):
    """--python and --platform take the wheels that fit, and the sdist only where none does."""
    done = cli("add", "--pypi", "demo==1.0", "--python", "3.12", "--platform", "win_amd64", "--format", "json")
    assert [file["name"] for file in json.loads(done.out)["manifests"][0]["files"]] == ["demo-1.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "poetry.lock"], "poetry export"),
        (["--from", "absent.txt"], "absent.txt cannot be read"),
        (["--from", "x.txt", "requirements.txt"], "--from takes one FILE"),
        (["--from", "x.txt", "--dist"], "--dist and --from was given"),
        (["--pypi"], "nothing to add"),
        (["--pypi", "demo", "--exclude", "x"], "--exclude says nothing"),
        (["--pypi", "demo", "--python", "2.7"], "not a Python version"),
        (["--pypi", "demo", "--platform", "linux"], "not a platform tag"),
        (["--index", "pipy", "demo"], "did you mean 'pypi'?"),
        (["--pypi", "demo", "--all", "--with-dependencies"], "--all and --with-dependencies"),
        (["--pypi", "demo", "--only", "*", "--with-dependencies"], "--only and --with-dependencies"),
    ],
)
def test_mistakes_are_told_with_the_way_out(repo, cli, upstream, arguments, said):
    """Wrong words are refused before anything is fetched."""
    (repo / "poetry.lock").write_text("")
    done = cli("add", *arguments)
    assert done.code in (1, 2)
    assert said in done.err
    assert "fix" in done.err


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 1, "locks nothing"),
        ("--index-url https://index.example.org/simple/\ndemo==1.0\n", 2, "which is no upstream of index.yaml"),
        ("--extra-index-url https://index.example.org/simple/\ndemo==1.0\n", 2, "which is no upstream of index.yaml"),
        ("demo @ http://files.example.org/demo-1.0-py3-none-any.whl\n", 2, "an https:// URL is needed"),
    ],
)
def test_what_would_be_wrong_or_nothing_is_refused(repo, cli, upstream, tmp_path, text, code, said):
    """An empty lock, an index that is none of ours, and a URL that no manifest may hold are errors, and nothing is written."""
    (tmp_path / "r.txt").write_text(text)
    done = cli("add", "--from", tmp_path / "r.txt")
    assert (done.code, said in done.err) == (code, True), done.err
    assert not list((repo / "packages.d").glob("*.yaml"))


def test_a_name_to_leave_out_must_be_there(repo, cli, upstream, tmp_path):
    """--exclude of a mistyped name is refused with the near one, rather than quietly adding it."""
    (tmp_path / "r.txt").write_text("demo==1.0\nhelper==1.0\n")
    done = cli("add", "--from", tmp_path / "r.txt", "--exclude", "helpr")
    assert (done.code, "did you mean helper?" in done.err) == (2, True)


def test_a_changed_file_of_a_lock_is_not_passed_over(repo, cli, upstream, tmp_path):
    """A release whose wheel has its locked digest and whose sdist has not is refused as a whole."""
    wheel_digest = listed(upstream)["demo-1.0-py3-none-any.whl"]
    (tmp_path / "r.txt").write_text(f"demo==1.0 --hash=sha256:{wheel_digest} --hash=sha256:{'0' * 64}\n")
    done = cli("add", "--from", tmp_path / "r.txt")
    assert (done.code, "demo-1.0.tar.gz has another one" in done.err) == (3, True)


@pytest.mark.parametrize("kind", ["device", "folder of none", "url"])
def test_only_ordinary_files_are_read(repo, cli, tmp_path, kind):
    """A device never ends and a URL is not read from here: both are refused at once."""
    path = {"device": "/dev/zero", "folder of none": str(tmp_path / "none"), "url": "https://index.example.org/r.txt"}[kind]
    done = cli("add", "--from", path)
    assert done.code in (1, 2)
    assert "fix" in done.err
