"""Settings of installers: what is there stays, what must change does, and a second time nothing does."""

import tomllib

import pytest
import yaml

from index_builder.clientconfig import environment, ini
from index_builder.clientconfig.tools import TOOLS, UV_TOML, explained
from index_builder.clientconfig.wanted import Wanted
from index_builder.errors import EditError
from index_builder.model.address import Address
from index_builder.model.names import Word

URL = "https://packages.example.org/internal/simple/"
OTHER = "https://other.example.org/simple/"


def wanted(**more) -> Wanted:
    facts = {"audience": Word("my.team"), "address": Address.of(URL.removesuffix("simple/")), "is_open": False} | more
    return Wanted(**facts)


PYPROJECT = """\
# our project
[project]
name = "trial"   # keep this
dependencies = [
  "acme-core",  # and this
]

[tool.uv]
package = false
[tool.pdm]
distribution = false
[tool.ruff]
line-length = 100
"""


@pytest.mark.parametrize("tool", ["uv", "poetry", "pdm", "pip-tools"])
@pytest.mark.parametrize("text", ["", PYPROJECT])
def test_toml_keeps_what_is_there(tool, text):
    """Every line stays in its order, the index is there, and editing again changes nothing."""
    edit = TOOLS[tool].files["pyproject.toml"]
    once = edit(text, wanted(days=7))
    assert once.others == ()
    lines = iter(once.text.splitlines())
    assert all(line in lines for line in text.splitlines() if line)
    assert edit(once.text, wanted(days=7)).text == once.text
    parsed = tomllib.loads(once.text)["tool"]
    found = {
        "uv": lambda: (parsed["uv"]["index"], parsed["uv"]["exclude-newer"]),
        "poetry": lambda: (parsed["poetry"]["source"], None),
        "pdm": lambda: (parsed["pdm"]["source"], parsed["pdm"]["resolution"]["exclude-newer"]),
        "pip-tools": lambda: ([parsed["pip-tools"]], parsed["pip-tools"]["uploaded-prior-to"]),
    }[tool]()
    (index,), when = found
    assert index.get("url", index.get("index-url")) == URL
    assert when == {"uv": "7 days", "poetry": None, "pdm": "7d", "pip-tools": "P7D"}[tool]


@pytest.mark.parametrize(
    ("tool", "before", "others"),
    [
        ("uv", f'[[tool.uv.index]]\nname = "other"\nurl = "{OTHER}"\n', (OTHER,)),
        ("uv", f'[tool.uv]\nextra-index-url = ["{OTHER}"]\n', (f"extra-index-url ['{OTHER}']",)),
        ("uv", f'[[tool.uv.index]]\nname = "my-team"\nurl = "{OTHER}"\n', ()),
        ("poetry", f'[[tool.poetry.source]]\nname = "other"\nurl = "{OTHER}"\n', (OTHER,)),
        ("pdm", f'[[tool.pdm.source]]\nname = "other"\nurl = "{OTHER}"\n', (OTHER,)),
        ("pdm", f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{OTHER}"\n', ()),
        ("pip-tools", f'[tool.pip-tools]\nextra-index-url = ["{OTHER}"]\n', (f"extra-index-url ['{OTHER}']",)),
    ],
)  # fmt: skip
def test_another_index_is_told(tool, before, others):
    """What names a second index stays, and is told; ours of an earlier address is moved."""
    edited = TOOLS[tool].files["pyproject.toml"](before, wanted())
    assert edited.others == others
    assert (OTHER in edited.text) == bool(others)
    assert URL in edited.text


@pytest.mark.parametrize("text", ["[project\n", "tool = 1\n", "[tool]\nuv = 1\n", "[tool.uv]\nindex = 3\n"])
def test_what_is_no_such_file(text):
    """A file that cannot be edited is refused, with its name."""
    with pytest.raises(EditError, match=r"pyproject\.toml cannot be edited"):
        TOOLS["uv"].files["pyproject.toml"](text, wanted())


def test_uv_has_a_file_of_its_own():
    """In uv.toml the same stands at the top."""
    parsed = tomllib.loads(UV_TOML("", wanted(days=2)).text)
    assert parsed == {"exclude-newer": "2 days", "index": [{"name": "my-team", "url": URL, "default": True, "authenticate": "always"}]}
    assert "authenticate" not in tomllib.loads(UV_TOML("", wanted(is_open=True)).text)["index"][0]


@pytest.mark.parametrize(
    ("before", "after", "others"),
    [
        ("", "[global]\nindex-url = URL\n", ()),
        ("# mine\n[install]\nuser = true\n", "# mine\n[install]\nuser = true\n\n[global]\nindex-url = URL\n", ()),
        ("[global]\ntimeout = 60\n\n[install]\nuser = true\n", "[global]\ntimeout = 60\nindex-url = URL\n\n[install]\nuser = true\n", ()),
        ("[global]\n; why\nindex_url: OTHER\ntimeout = 60\n", "[global]\n; why\nindex-url = URL\ntimeout = 60\n", ()),
        ("[global]\nindex-url =\n    OTHER\ntimeout = 60\n", "[global]\nindex-url = URL\ntimeout = 60\n", ()),
        ("[global]\nindex-url = OTHER\nindex-url = OTHER\n", "[global]\nindex-url = URL\n", ()),
        (
            "[global]\nextra-index-url =\n    OTHER\n    OTHER\n", "[global]\nextra-index-url =\n    OTHER\n    OTHER\nindex-url = URL\n",
            ("extra-index-url of [global]",),
        ),
        ("[install]\nindex-url = OTHER\n", "[install]\nindex-url = OTHER\n\n[global]\nindex-url = URL\n", ("index-url of [install]",)),
    ],
)  # fmt: skip
def test_pip_conf(before, after, others):
    """Comments, sections and other keys stay; a value over several lines is one value."""
    before, after = (text.replace("URL", URL).replace("OTHER", OTHER) for text in (before, after))
    edited = ini.edited(before, {"index-url": URL})
    assert edited.text == after
    assert edited.others == others
    assert ini.edited(after, {"index-url": URL}).text == after


@pytest.mark.parametrize(
    ("before", "after", "others"),
    [
        ("", "dependencies:\n  - pip\n  - pip:\n      - --index-url URL\n", ()),
        ("name: x # mine\n", "name: x # mine\ndependencies:\n  - pip\n  - pip:\n      - --index-url URL\n", ()),
        ("dependencies:\n- python=3.12\nname: x\n", "dependencies:\n- python=3.12\n- pip:\n    - --index-url URL\nname: x\n", ()),
        (
            "dependencies:\n  - pip  # why\n  - pip:\n    - six\n    - --extra-index-url OTHER\n",
            "dependencies:\n  - pip  # why\n  - pip:\n    - --index-url URL\n    - six\n    - --extra-index-url OTHER\n", ("--extra-index-url OTHER",),
        ),
        ("dependencies:\n  - pip:\n    - -i OTHER # old\n    - six\n", "dependencies:\n  - pip:\n    - --index-url URL # old\n    - six\n", ()),
    ],
)  # fmt: skip
def test_environment_yml(before, after, others):
    """conda's file keeps its form, and its pip part begins with the index."""
    before, after = (text.replace("URL", URL).replace("OTHER", OTHER) for text in (before, after))
    edited = environment.edited(before, "environment.yml", URL)
    assert edited.text == after
    assert edited.others == tuple(other.replace("OTHER", OTHER) for other in others)
    assert environment.edited(after, "environment.yml", URL).text == after
    pip = next(item["pip"] for item in yaml.safe_load(after)["dependencies"] if isinstance(item, dict))
    assert f"--index-url {URL}" in pip


@pytest.mark.parametrize(
    "text", ["dependencies: [pip]\n", "dependencies: pip\n", "dependencies:\n  - pip: [six]\n", "a: [\n", "dependencies:\n"]
)
def test_environment_yml_of_another_form(text):
    """What has no line for each dependency is refused rather than rewritten."""
    with pytest.raises(EditError, match=r"environment\.yml"):
        environment.edited(text, "environment.yml", URL)


@pytest.mark.parametrize(
    ("text", "overrides", "others"),
    [
        ("", True, []), ("[global]\nindex-url = URL\n", True, []), ("[global]\nindex-url = OTHER\n", True, ["index-url of [global]"]),
        ("[global]\nindex-url = OTHER\n", False, []), ("[install]\nindex_url = OTHER\n", False, ["index-url of [install]"]),
        ("[global]\nextra-index-url =\n  OTHER\n", False, ["extra-index-url of [global]"]), ("[x]\nfind-links: y\n", False, ["find-links of [x]"]),
        ("no section\n", True, []),
    ],
)  # fmt: skip
def test_another_file_of_pip(text, overrides, others):
    """What is added counts in every file, an index in the place of ours only where it is read after ours."""
    assert list(ini.elsewhere(text.replace("URL", URL).replace("OTHER", OTHER), URL, overrides=overrides)) == others


def test_what_is_explained():
    """Credentials are told where they are needed, the cooldown where there is one."""
    text = "\n".join(explained("pip", wanted()))
    assert "machine packages.example.org login NAME password PASSWORD" in text
    port = wanted(address=Address.of("https://packages.example.org:8443/"))
    assert "keyring set packages.example.org:8443 NAME" in "\n".join(explained("pip", port))
    assert "uv auth login https://packages.example.org:8443" in "\n".join(explained("uv", port))
    assert "machine packages.example.org login" in "\n".join(explained("uv", port))
    assert "UV_INDEX_MY_TEAM_PASSWORD" in "\n".join(explained("uv", wanted()))
    assert "Credentials" not in "\n".join(explained("pip", wanted(is_open=True)))
    assert "serves HTML alone" in "\n".join(explained("pip", wanted(has_json=False)))
    assert "conda has none" in "\n".join(explained("conda", wanted()))
