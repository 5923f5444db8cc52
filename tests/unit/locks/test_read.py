"""Lock files of other tools are read as those tools read them, and refused with a way out."""

import pytest

from index_builder.errors import SourceError, UsageError
from index_builder.locks.read import read_lock

A, B = "a" * 64, "b" * 64
WHEEL = "demo-1.0-py3-none-any.whl"

PYLOCK = f"""
lock-version = "1.0"
created-by = "tests"
[[packages]]
name = "demo"
version = "1.0"
index = "https://index.example.org/simple"
wheels = [{{url = "https://files.example.org/{WHEEL}", hashes = {{sha256 = "{A}"}}}}]
sdist = {{name = "demo-1.0.tar.gz", path = "demo-1.0.tar.gz", hashes = {{sha256 = "{B}"}}}}
[[packages]]
name = "app"
directory = {{path = "."}}
[[packages]]
name = "forked"
vcs = {{type = "git", url = "https://git.example.org/forked", commit-id = "{A[:40]}"}}
[[packages]]
name = "archived"
version = "2.0"
archive = {{url = "https://files.example.org/archived-2.0.tar.gz", hashes = {{sha256 = "{B}"}}}}
"""

UV_LOCK = f"""
version = 1
revision = 3
[[package]]
name = "app"
version = "0.1"
source = {{ virtual = "." }}
[[package]]
name = "demo"
version = "1.0"
source = {{ registry = "https://index.example.org/simple" }}
sdist = {{ url = "https://files.example.org/demo-1.0.tar.gz", hash = "sha256:{B}" }}
wheels = [{{ url = "https://files.example.org/{WHEEL}", hash = "sha256:{A}" }}]
[[package]]
name = "archived"
version = "2.0"
source = {{ url = "https://files.example.org/archived-2.0.tar.gz" }}
sdist = {{ hash = "sha256:{B}" }}
[[package]]
name = "forked"
version = "3.0"
source = {{ git = "https://git.example.org/forked#abc" }}
"""


def nothing(path):
    raise AssertionError(path)


@pytest.mark.parametrize(("name", "text"), [("pylock.toml", PYLOCK), ("pylock.web.toml", PYLOCK), ("uv.lock", UV_LOCK)])
def test_files_digests_and_registries_are_kept(name, text):
    """pylock.toml and uv.lock say the same of a project: its files with their digests, and where it was locked from."""
    lock = read_lock(f"some/{name}", text.encode(), nothing)
    demo, archived = lock.entries
    assert str(demo.requirement) == "demo==1.0"
    assert demo.registry == "https://index.example.org/simple"
    assert [(file.name.text, file.sha256) for file in demo.files] == [(WHEEL, A), ("demo-1.0.tar.gz", B)]
    assert (archived.url, archived.digests) == ("https://files.example.org/archived-2.0.tar.gz", {B})
    assert lock.itself == ("app",)
    assert [name for name, _ in lock.unusable] == ["forked"]
    assert "git.example.org/forked" in lock.unusable[0][1]


def test_requirements_keep_their_digests():
    """Continued lines, markers, comments, extras, direct URLs and constraints are read as pip reads them."""
    files = {
        "in/more.txt": b"third\n",
        "in/limits.txt": b"third<3\nfirst<9\n",
    }
    text = f"""\
--index-url https://index.example.org/simple/
first==1.0 ; python_version > "3" \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
    # via nothing
second[extra]>=2
-e .
-r more.txt
-c limits.txt
direct @ https://files.example.org/direct-1.0-py3-none-any.whl#sha256={A}
forked @ git+https://git.example.org/forked
"""
    lock = read_lock("in/requirements.txt", text.encode(), files.__getitem__)
    assert [str(entry.requirement) for entry in lock.entries] == ["first<9,==1.0", "second[extra]>=2", "third<3", "direct"]
    assert [len(entry.digests) for entry in lock.entries] == [2, 0, 0, 1]
    assert lock.entries[3].url == "https://files.example.org/direct-1.0-py3-none-any.whl"
    assert lock.itself == (".",)
    assert lock.unusable == (("forked", "forked @ git+https://git.example.org/forked"),)


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("requirements.txt", "demo===\nsix = 1\n", SourceError, "line 2"),
        ("requirements.txt", f"demo==1 --hash=md5:{A[:32]}\n", SourceError, "md5"),
        ("requirements.txt", "demo==1 --hash=sha256:abc\n", SourceError, "64 hexadecimal"),
        ("requirements.txt", "\xff", SourceError, "UTF-8"),
        ("requirements.txt", "-r requirements.txt\n", SourceError, "includes itself"),
        ("pylock.toml", "lock-version = '1.0'\n", SourceError, "is not a pylock.toml"),
        ("pylock.toml", "lock-version = ", SourceError, "cannot be read as TOML"),
        ("uv.lock", "version = 9\npackage = []\n", SourceError, "version 9"),
        ("uv.lock", "version = 1\n[[package]]\nname = 'x'\n", SourceError, "is not a uv.lock"),
        ("uv.lock", "version = '1'\npackage = []\n", SourceError, "version '1'"),
        ("uv.lock", UV_LOCK.replace('"https://index.example.org/simple"', "3"), SourceError, "is not a uv.lock"),
        ("uv.lock", f"version = {'1' * 5000}\npackage = []\n", SourceError, "cannot be read as TOML"),
        ("requirements.txt", "demo==1\n--pre\n", SourceError, "--pre is not understood"),
        ("requirements.txt", "demo @ https://files.example.org/demo-1.0.tar.gz#md5=00\n", SourceError, "md5"),
        ("requirements.txt", f"demo>={'1' * 5000}\n", SourceError, "at most 1,000 characters"),
        ("requirements.txt", "demo_==1\n", SourceError, "begins and ends with"),
        ("requirements.txt", "-r ./requirements.txt\n", SourceError, "includes itself"),
        ("poetry.lock", "", UsageError, "not a lock file that can be read"),
        ("pyproject.toml", "", UsageError, "not a lock file that can be read"),
        ("notes.md", "", UsageError, "none of pylock.toml"),
        ("other.toml", "a = 1\n", UsageError, "none of pylock.toml"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_way_out(name, text, error, said):
    """Each refusal names the file, says what is wrong with it, and what to do."""
    content = text.encode("latin-1")
    with pytest.raises(error, match=name) as raised:
        read_lock(name, content, lambda _path: content)
    assert said in raised.value.message
    assert raised.value.fix


@pytest.mark.parametrize(
    ("line", "url", "digests"),
    [
        ("https://files.example.org/demo-1.0-py3-none-any.whl", "https://files.example.org/demo-1.0-py3-none-any.whl", set()),
        (f"https://files.example.org/demo-1.0.tar.gz#sha256={A}", "https://files.example.org/demo-1.0.tar.gz", {A}),
        (f"demo --hash sha256:{A} --config-settings=x --hash=sha512:{B}", "", {A}),
    ],
)
def test_other_ways_to_write_a_requirement(line, url, digests):
    """A bare URL is a requirement too, and options other than --hash say nothing here."""
    (entry,) = read_lock("requirements.txt", line.encode(), nothing).entries
    assert (entry.requirement.name, entry.url, entry.digests) == ("demo", url, digests)


@pytest.mark.parametrize(
    "line", ["./demo", "dist/demo-1.0-py3-none-any.whl", "-e git+https://git.example.org/demo", "demo @ file:///tmp/demo-1.0.tar.gz"]
)
def test_what_is_on_no_index_is_named(line):
    """Checkouts and local files cannot be pinned, and are said."""
    lock = read_lock("requirements.txt", line.encode(), nothing)
    assert not lock.entries
    assert [text in line for _, text in lock.unusable] == [True]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("uv.lock", UV_LOCK.replace(WHEEL, "demo-1.0.egg"), "demo-1.0.egg"),
        ("uv.lock", UV_LOCK.replace(f"sha256:{A}", "sha512:00"), "sha512"),
        ("pylock.toml", PYLOCK.replace(f'sha256 = "{A}"', 'sha512 = "00"'), "sha512"),
    ],
)
def test_an_entry_that_cannot_be_pinned_can_be_left_out(name, text, why):
    """One bad entry does not stop the reading: it is named with its reason, so that --exclude can leave it out."""
    lock = read_lock(name, text.encode(), nothing)
    assert why in dict(lock.unusable)["demo"]
    assert [entry.requirement.name for entry in lock.entries] == ["archived"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-rmore.txt", "more"), ("--requirement=more.txt", "more"), ("-r more.txt", "more"), ("-r 'more.txt'", "more"),
        ("-iindex", ""), ("--index-url https://index.example.org/simple/", ""), ("--only-binary=:all:", ""),
    ],
)  # fmt: skip
def test_options_are_read_or_refused(line, expected):
    """Other files are read however the option is written, and indexes are kept: nothing that decides what comes is dropped."""
    lock = read_lock("requirements.txt", f"demo==1\n{line}\n".encode(), {"more.txt": b"more==2\n"}.__getitem__)
    assert [entry.requirement.name for entry in lock.entries] == ["demo", *([expected] if expected else [])]
    assert (lock.entries[0].registry != "") == ("index" in line)


def test_folders_of_a_lock_are_told_apart():
    """The locked project and its workspace are itself; another folder it depends on has no file to pin, and is said."""
    text = 'version = 1\n[manifest]\nmembers = ["app", "tool"]\n'
    for name, source in (("app", "."), ("tool", "tool"), ("lib", "lib")):
        text += f'[[package]]\nname = "{name}"\nversion = "1"\nsource = {{ editable = "{source}" }}\n'
    lock = read_lock("uv.lock", text.encode(), nothing)
    assert (lock.itself, [name for name, _ in lock.unusable]) == (("app", "tool"), ["lib"])


def test_files_that_include_each_other_twice_are_read_once():
    """A diamond of sixteen layers, each naming the next twice, is read in no time."""
    files = {f"{n}.txt": f"-r {n + 1}.txt\n-r {n + 1}.txt\n".encode() for n in range(16)} | {"16.txt": b"demo\n"}
    lock = read_lock("0.txt", files["0.txt"], files.__getitem__)
    assert [entry.requirement.name for entry in lock.entries] == ["demo"]
