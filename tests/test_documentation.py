"""Documentation tells the truth: its commands run, its lists are those of the code, its links lead somewhere."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from index_builder.manifests.loader import load
from index_builder.manifests.schema.configuration import IndexModel
from index_builder.manifests.schema.manifest import ManifestModel
from index_builder.manifests.schema.policy import PolicyModel
from index_builder.manifests.validate import validate

DOCS = ROOT / "docs"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run_script(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a bash script as a user would who has the tool on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    head = "set -euo pipefail; set -m; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
    return subprocess.run(
        ["bash", "-c", head + script], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=280
    )


@pytest.mark.network
def test_the_tutorial_runs(tmp_path):
    """Every command of the tutorial, as it stands there, succeeds and shows what the text promises."""
    commands = [line[2:] for block in blocks(DOCS / "tutorial.md", "console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(commands) >= 20
    script = "\n".join(commands).replace("8000", str(free_port()))
    done = run_script(script, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "name: six" in done.stdout
    assert "did you mean 'mirrored'?" in done.stderr
    assert "exit code 1" in done.stdout
    assert re.search(r"^1\.\d+\.\d+ hello$", done.stdout, re.MULTILINE)


@pytest.mark.network
def test_the_readme_runs(tmp_path):
    """The README's own steps work; its `make` lines are what CI runs, and `serve` is started and stopped."""
    block = next(block for block in blocks(ROOT / "README.md", "console") if "init" in block)
    lines = [line.split("  #")[0].strip() for line in block.splitlines()]
    assert lines[-1] == "index-builder serve"
    script = "\n".join([*lines[:-1], f"{lines[-1]} --port {free_port()} & sleep 3; kill %1"])
    done = run_script(script, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "my-index" / "site" / "public" / "simple" / "six" / "index.html").is_file()


def test_readme_lists_every_verb():
    """The README's table names each verb."""
    from index_builder.cli import VERBS

    text = (ROOT / "README.md").read_text()
    for verb in VERBS:
        assert re.search(rf"`{verb}[ `]", text), verb


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
    """Relative links of the pages outside docs/ name files that exist."""
    for page in ("README.md", "CONTRIBUTING.md", "SECURITY.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / page).read_text()):
            assert (ROOT / target).exists(), f"{page}: {target}"


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
