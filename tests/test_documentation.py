"""Documentation tells the truth: its commands run, its lists are those of the code, its links lead somewhere."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from hosted import on_github

from index_builder.manifests.loader import load
from index_builder.manifests.schema.configuration import IndexModel
from index_builder.manifests.schema.manifest import ManifestModel
from index_builder.manifests.schema.policy import PolicyModel
from index_builder.manifests.validate import validate

DOCS = ROOT / "docs"


#: Pages whose commands have a test of their own; all others run by `test_how_tos_run`.
OWN_TEST = {"README.md", "docs/tutorial.md"}
NOT_RUN = re.compile(r"<!-- not run: (.{20,}) -->\n$")


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language that are not marked as `not run`."""
    text = page.read_text()
    found = re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block[1] for block in found if not NOT_RUN.search(text[: block.start()])]


def typed(page: Path) -> str:
    """Return the commands of a page: lines after `$ `, with the lines of a here-document that follow."""
    lines, inside = [], ""
    for line in "".join(blocks(page, "console")).splitlines():
        if inside:
            lines.append(line)
            inside = "" if line == inside else inside
        elif line.startswith("$ "):
            lines.append(line[2:])
            inside = found[1] if (found := re.search(r"<<'(\w+)'", line)) else ""
    return "\n".join(lines)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run_script(script: str, folder: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a bash script as a user would who has the tool on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = environment or {**os.environ, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    head = "set -euo pipefail; set -m; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
    return subprocess.run(
        ["bash", "-c", head + script], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=280
    )


@pytest.mark.network
def test_the_tutorial_runs(tmp_path):
    """Every command of the tutorial, as it stands there, succeeds and shows what the text promises."""
    script = typed(DOCS / "tutorial.md").replace("8000", str(free_port()))
    assert script.count("\n") >= 20
    done = run_script(script, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "name: six" in done.stdout
    assert "did you mean 'mirrored'?" in done.stderr
    assert "exit code 1" in done.stdout
    assert re.search(r"^1\.\d+\.\d+ hello$", done.stdout, re.MULTILINE)


@pytest.mark.network
def test_the_readme_runs(tmp_path):
    """The README's own steps work; `serve` is started and stopped."""
    block = next(block for block in blocks(ROOT / "README.md", "console") if "init" in block)
    lines = [line.split("  #")[0].strip() for line in block.splitlines()]
    assert lines[-1] == "index-builder serve"
    script = "\n".join([*lines[:-1], f"{lines[-1]} --port {free_port()} & sleep 3; kill %1"])
    done = run_script(script, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "my-index" / "site" / "public" / "simple" / "six" / "index.html").is_file()


HOW_TOS = sorted(path.relative_to(ROOT).as_posix() for path in (DOCS / "how-to").glob("*.md"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The folder that how-tos begin in, and the live index that plays PyPI."""
    from reference import sessions

    folder = tmp_path_factory.mktemp("how-to")
    with sessions.upstream(folder) as (live, run):
        sessions.prepared(folder / "template", run)
        yield folder / "template", live.simple


#: Pages that take long; what they type is also what stories do, one thing after the other.
LONGEST = {
    f"docs/how-to/{name}.md"
    for name in (
        "build-and-try", "carry-across-a-gap", "check-a-change", "publish", "roll-back", "set-up-both", "set-up-curated", "set-up-private",
    )
}  # fmt: skip


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.long] if page in LONGEST else []) for page in HOW_TOS if "console" in (ROOT / page).read_text()],
)
def test_how_tos_run(prepared, tmp_path, page):
    """Every command of a how-to succeeds as it stands, one after the other, in the index that the pages begin with."""
    from reference import sessions

    template, upstream = prepared
    shutil.copytree(template, tmp_path / "work")
    script = typed(ROOT / page).replace("8000", str(free_port()))
    environment = sessions.environment_for(tmp_path, upstream) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CONFIG_FILE": os.devnull}
    index = tmp_path / "work" / "index"
    with on_github(index) if "`GITHUB_TOKEN`" in (ROOT / page).read_text() else nullcontext({}) as given:
        done = run_script(script, index, environment | given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_block_is_run():
    """No page shows commands that no test types, and blocks in other languages hold no command of ours."""
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    for path in pages:
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text()
        if "```console" in text:
            assert name in OWN_TEST or name in HOW_TOS, name
        assert not re.search(r"^```(bash|sh|shell)", text, re.MULTILINE), name


def test_every_verb_has_a_how_to():
    """Each verb is typed in some how-to."""
    from index_builder.cli import VERBS

    shown = "\n".join((ROOT / page).read_text() for page in HOW_TOS)
    for verb in VERBS:
        assert re.search(rf"^\$ index-builder {verb}\b", shown, re.MULTILINE), verb


def test_the_first_page_lists_every_verb():
    """The table of the documentation's first page names each verb."""
    from index_builder.cli import VERBS

    text = (DOCS / "index.md").read_text()
    for verb in VERBS:
        assert re.search(rf"`{verb}[ `]", text), verb


def test_the_readme_is_short_and_honest():
    """It fits a screen or so, with a picture; and says of each other tool what that one does better."""
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 65
    assert "![" in text
    rows = dict(re.findall(r"^\| ([\w-]+) \|(.*)$", text, re.MULTILINE))
    assert rows.keys() == {"index-builder", "dumb-pypi", "s3pypi", "pypiserver", "devpi", "bandersnatch"}
    assert all("**" in row for name, row in rows.items() if name != "index-builder")


def test_the_documentation_goes_beside_an_index(tmp_path):
    """`make docs-beside` puts what mkdocs built into an archive of an index as docs/, and leaves the rest as it is."""
    (tmp_path / "public-docs" / "how-to").mkdir(parents=True)
    (tmp_path / "public-docs" / "how-to" / "index.html").write_text("how")
    with tarfile.open(tmp_path / "pages.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(ROOT / "LICENSE", "./index.html")
    command = ["make", "-f", ROOT / "Makefile", "-o", "docs", "docs-beside", "ARCHIVE=pages.tar"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with tarfile.open(tmp_path / "pages.tar") as archive:
        assert archive.getnames() == ["./index.html", "./docs", "./docs/how-to", "./docs/how-to/index.html"]
        assert all(member.isfile() or member.isdir() for member in archive)
        assert archive.extractfile("./index.html").read() == (ROOT / "LICENSE").read_bytes()
        assert archive.extractfile("./docs/how-to/index.html").read() == b"how"


def test_the_reference_shows_valid_files():
    """Each YAML example of the reference is valid against the schema that its editor line names."""
    models = {"manifest": ManifestModel, "index": IndexModel, "policy": PolicyModel}
    examples = blocks(DOCS / "reference" / "files.md", "yaml")
    assert len(examples) == 3
    for example in examples:
        kind = re.search(r"(\w+)\.schema\.json", example).group(1)
        document, problems = load("example.yaml", example.encode())
        assert not problems
        assert validate(document, models[kind])[1] == []
        for key in models[kind].model_json_schema(by_alias=True)["properties"]:
            assert f"\n{key}:" in example, f"{kind}: the example does not show {key}"


def test_readme_links_lead_somewhere():
    """Relative links of the pages outside docs/ name files that exist, and headings in them; those of docs/ are mkdocs's to check."""
    for page in ("README.md", "CONTRIBUTING.md", "SECURITY.md"):
        for target, _, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#([^)]+))?\)", (ROOT / page).read_text()):
            path = ROOT / (target or page)
            assert path.exists(), f"{page}: {target}"
            assert not anchor or anchor in _anchors(path.read_text()), f"{page}: {target}#{anchor}"


def _anchors(text: str) -> set[str]:
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def test_every_block_of_a_page_is_listed():
    """Whoever writes a theme finds each page with its blocks, and none that is not there."""
    rows = re.findall(r"^\| `(\w+)` \| (`.*`) \|$", (DOCS / "how-to" / "web-pages.md").read_text(), re.MULTILINE)
    listed = {page: re.findall(r"`(\w+)`", blocks) for page, blocks in rows}
    pages = {path.stem: path.read_text() for path in (ROOT / "templates" / "web").glob("*.html") if path.stem != "parts"}
    assert listed == {page: re.findall(r"\{% block (\w+) %\}", text) for page, text in pages.items()}
    assert all(len(blocks) > 2 for blocks in listed.values())


def test_every_page_is_in_the_navigation():
    """mkdocs.yml lists every page of docs/ and nothing else."""

    def pages(item):
        if isinstance(item, str):
            return [item]
        return [page for inner in (item.values() if isinstance(item, dict) else item) for page in pages(inner)]

    listed = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert sorted(listed) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def test_no_registry_is_named():
    """No tracked file of ours names a package registry by its host."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    hosts = re.compile(rb"[./@](?:pypi|pythonhosted|npmjs|debian)\.(?:org|com|net)", re.IGNORECASE)
    for name in filter(None, tracked):
        path = ROOT / name
        if path.is_file():
            assert not hosts.search(path.read_bytes()), name


def test_each_yaml_of_ours_names_its_schema():
    """Manifests, policies and index.yaml begin with an editor line that leads to an existing schema."""
    files = [ROOT / "index.yaml", *(ROOT / "packages.d").rglob("*.yaml"), *(ROOT / "policies.d").rglob("*.yaml")]
    assert len(files) > 20
    for path in files:
        first = path.read_text().splitlines()[0]
        schema = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
        assert schema, path
        assert (path.parent / schema[1]).is_file(), path


def test_every_file_of_the_tree_is_described(prepared, tmp_path):
    """Each path that a build writes has a line in the page of what is published, and each line a path."""
    from reference import sessions

    page = (DOCS / "reference" / "tree.md").read_text()
    block = re.search(r"```text\n(.*?)```", page, re.DOTALL)[1]
    patterns = {line.split("  ")[0]: _pattern(line.split("  ")[0]) for line in block.splitlines()}
    template, upstream = prepared
    shutil.copytree(template, tmp_path / "work")
    done = run_script("index-builder build -q", tmp_path / "work" / "index", sessions.environment_for(tmp_path, upstream))
    assert done.returncode == 0, done.stderr
    site = tmp_path / "work" / "index" / "site" / "public"
    paths = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    assert not [path for path in paths if not any(re.fullmatch(p, path) for p in patterns.values())]
    unseen = {text for text, pattern in patterns.items() if not any(re.fullmatch(pattern, path) for path in paths)}
    # No file here has the first, the list of so few is one file, and `publish` writes the others.
    assert unseen == {"provenance/<sha256>.json", "package-list/<2 hex>.jsonl", "state/publication.json", "status.json"}


def _pattern(text: str) -> str:
    return re.sub(r"<[^>]*>", "[^/]+", re.escape(text))
