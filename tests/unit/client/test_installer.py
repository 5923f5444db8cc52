"""By what an installer would ask another index than the proxy: each way is found, and what is harmless is let through."""

import pytest

from index_builder.client.installer import environment_for, leading_past

SIMPLE = "http://127.0.0.1:1/simple/"


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Return what of a command line leads past; files are written first, by name."""
    monkeypatch.chdir(tmp_path)

    def look(*arguments, **files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return leading_past(arguments, {"WHERE": "more", "SECRET": "--index-url x"}, lambda path: path.read_bytes())

    return look


@pytest.mark.parametrize(
    "arguments",
    [
        ("-i", "x"), ("-ix",), ("-Ui", "x"), ("-qUix",), ("-f", "x"), ("-nf", "x"), ("--index-url", "x"), ("--index-url=x",), ("--index-u=x",),
        ("--pypi-url=x",), ("--extra-i", "x"), ("--find-link=x",), ("--index", "x"), ("--default-index=x",), ("--no-index",), ("--proxy=x",),
        ("--isolated",), ("--config-file", "x"), ("--config-file=x",), ("--torch-backend=cpu",), ("-r", "https://x.example.org/r.txt"),
        ("-rhttp://x.example.org/r.txt",), ("-r", "-"), ("--", "-i", "x"),
    ],
)  # fmt: skip
def test_options_that_name_an_index(found, arguments):
    """In full, cut short, with its value behind it, among other short ones; and requirements that nobody can look through."""
    assert found("pip", "install", *arguments) is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ("-U", "six"), ("-qqU", "six"), ("-t", "i"), ("-ti",), ("--index-strategy", "first-index"), ("--no-input",), ("--pre",), ("-Wignore", "-m", "pip"),
        ("-c", "print(1)"), ("-r",), ("-r", "not-there.txt"), ("-r", "x" * 5000), ("-c", "a\0b"), ("--config-settings=-i",), ("-p", "3.12"), ("-",), (),
        ("--project", "x"), ("--prefix", "x"), ("--require-virtualenv",), ("--python", "x"),
    ],
)  # fmt: skip
def test_options_that_name_none(found, arguments):
    """What looks a little like it, and files that are not there."""
    assert found("pip", "install", *arguments) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("-r", "r.txt"), ("-rr.txt",), ("-Ur", "r.txt"), ("-qrr.txt",), ("-c", "r.txt"), ("-b", "r.txt"), ("--requirement", "r.txt"),
        ("--requirement=r.txt",), ("--requirements=r.txt",), ("--req=r.txt",), ("--constraint=r.txt",), ("--constraints", "r.txt"),
        ("--build-constraint", "r.txt"), ("--overrides=r.txt",), ("--with-requirements", "r.txt"), ("sync", "r.txt"),
    ],
)  # fmt: skip
def test_files_of_requirements_are_looked_through(found, arguments):
    """By whatever option they are given."""
    assert found("pip", *arguments, r_txt="six\n--extra-index-url https://x.example.org/\n") == ("--extra-index-url", "r.txt")
    assert found("pip", *arguments, r_txt="six\n--no-index\n--pre\nsix==1 --hash=sha256:0\n# -i x\n") is None


@pytest.mark.parametrize(
    "content",
    [
        "-i x", "  -i x", "-ix", "--index-url=x", "--index-url \\\n x", "--ind\\\nex-url x", "six\r\n--find-links x\r\n", "-f x # why", "# a comment \\\n-i x",
        "six --extra-index-url x", "${SECRET}", "'--index-url' x", '-i "unbalanced', "\ufeff-i x", "-i x".encode("utf-16"), b"\xff\n-i x",
    ],
)  # fmt: skip
def test_index_options_in_a_file(found, content):
    """However a line of the file is written, as pip and uv read it."""
    assert found("pip", "install", "-r", "r.txt", r_txt=content) is not None


def test_files_name_files(found):
    """Each is looked through once, from the folder that it is in; circles and what is not there do no harm."""
    circle = {"r_txt": "-r sub/a.txt\n-r r.txt\n-c not-there.txt\n", "sub__more_txt": "-r ../r.txt\n"}
    assert found("pip", "install", "-r", "r.txt", **circle, sub__a_txt="-r ${WHERE}.txt\n-r more.txt\n") is None
    last = found("pip", "install", "-r", "r.txt", **{**circle, "sub__more_txt": "-i x\n"})
    assert last == ("-i", "more.txt")
    assert found("pip", "install", "-r", "r.txt", r_txt="-r https://x.example.org/r.txt\n") is not None


def test_uv_takes_files_from_its_folder(found):
    """`uv --directory DIR` reads them there."""
    assert found("uv", "--directory", "sub", "pip", "install", "-r", "q.txt", sub__q_txt="-i x\n") == ("-i", "q.txt")


def test_what_cannot_be_read_twice_is_refused(tmp_path):
    """A pipe would be empty for the installer."""
    assert leading_past(["pip", "install", "-r", "/dev/stdin"], {}, lambda _path: None) is not None


@pytest.mark.parametrize(
    "name",
    [
        "PIP_EXTRA_INDEX_URL", "PIP_extra_index_url", "pip_index_url", "PIP_FIND_LINKS", "PIP_REQUIREMENT", "PIP_CONSTRAINT", "PIP_NO_INDEX", "PIP_PROXY",
        "PIP_ISOLATED", "PIP_TOMORROWS_INDEX", "UV_INDEX", "UV_CONFIG_FILE", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_TORCH_BACKEND", "UV_ENV_FILE", "uv_index", "UV_X",
    ],
)  # fmt: skip
def test_variables_that_may_name_an_index_are_left_out(name):
    """In any case of letters, and also those that nobody knows yet."""
    kept, left = environment_for({name: "x", "HOME": "/"}, SIMPLE, "127.0.0.1", "/dev/null")
    assert name not in kept
    assert left == [name]


def test_the_proxy_is_the_only_index():
    """Harmless variables stay; those that name the index are ours, and no word is made of them."""
    given = {
        "PIP_INDEX_URL": "x",
        "PIP_CONFIG_FILE": "x",
        "UV_NO_CONFIG": "0",
        "PIP_TARGET": "t",
        "UV_PYTHON": "3.12",
        "PATH": "p",
        "no_proxy": "a",
    }
    kept, left = environment_for(given, SIMPLE, "127.0.0.1", "/dev/null")
    assert kept == {
        "PIP_INDEX_URL": SIMPLE, "UV_DEFAULT_INDEX": SIMPLE, "PIP_CONFIG_FILE": "/dev/null", "UV_NO_CONFIG": "1", "PIP_TARGET": "t", "UV_PYTHON": "3.12",
        "PATH": "p", "NO_PROXY": "a,127.0.0.1", "no_proxy": "a,127.0.0.1",
    }  # fmt: skip
    assert left == []
