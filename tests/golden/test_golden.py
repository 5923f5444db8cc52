"""A small index of every kind of project, compared with its golden tree file by file.

After a change that is meant: `UPDATE_GOLDEN=1 make test`, then read the diff.
"""

import os
import shutil
from pathlib import Path

from distributions import metadata, sdist, wheel
from trees import INDEX, POLICY, contents, linked

GOLDEN = Path(__file__).parent / "tree"
FACTS = {"requires": ["linked-one>=1", 'Odd.Name; extra == "all"'], "extras": ["all"], "requires_python": ">=3.9,<4"}
NOW = "2026-01-02T03:04:05Z"


def hosted(name: str, releases: dict[str, list[tuple[str, bytes]]], *, tail: str = "") -> str:
    """Return the manifest of a hosted project, with the facts of its files."""
    import hashlib

    lines = ["schema: 1", f"name: {name}", "owners: [team]", "hosting: hosted", "releases:"]
    for version, files in releases.items():
        lines += [f"  {version}:", "    files:"]
        for file, content in files:
            facts = [f"name: {file}", f"sha256: {hashlib.sha256(content).hexdigest()}", f"size: {len(content)}", f"uploaded: {NOW}"]
            if file.endswith(".whl"):
                facts.append(f"metadata: {hashlib.sha256(metadata(name, version, **(FACTS if name == 'Full.Facts' else {}))).hexdigest()}")
            if name == "Full.Facts":
                facts.append("requires-python: '>=3.9,<4'")
            lines.append(f"      - {{{', '.join([*facts, 'stored: true'])}}}")
    return "\n".join(lines) + "\n" + tail


def test_the_tree_is_the_golden_one(tmp_path, cli, dist, monkeypatch):
    """Every page of every kind of project is as it was agreed: names, links, attributes, keys, order, escaping."""
    full = {version: [wheel("Full.Facts", version, **FACTS), sdist("Full.Facts", version, **FACTS)] for version in ("1.9", "1.10")}
    odd = {"1.0": [wheel("Odd_Name", "1.0")], "2.0rc1": [wheel("Odd_Name", "2.0rc1")]}
    gone = {"1.0": [wheel("quarantined", "1.0")]}
    only = {"1.0": [sdist("only-sdist", "1.0")]}
    yanked = "removed:\n  full_facts-1.0-py3-none-any.whl: {version: 1.0, sha256: %s, reason: leaked, at: 2026-02-01T00:00:00Z}\n" % (
        "0" * 64
    )
    reason = "    yanked: {reason: 'quote \" amp & tag <script>', at: 2026-03-01T00:00:00Z}\n"
    manifests = {
        "full-facts": hosted("Full.Facts", full, tail=yanked).replace("  1.9:\n", "  1.9:\n" + reason),
        "team/odd-name": hosted("Odd_Name", odd, tail="status: {state: archived, reason: 'see <b>other</b>', at: 2026-04-01T00:00:00Z}\n"),
        "quarantined": hosted("quarantined", gone, tail="status: {state: quarantined, at: 2026-04-01T00:00:00Z}\n"),
        "only-sdist": hosted("only-sdist", only),
        "linked-one": linked("linked_one", ["1.0", "1!0.5.post1"]).replace("name: linked_one\n", "name: linked-one\n"),
    }
    root = tmp_path / "index"
    for path, text in {
        "index.yaml": INDEX,
        "policies.d/team.yaml": POLICY,
        **{f"packages.d/{n}.yaml": t for n, t in manifests.items()},
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    dist(*(file for releases in (full, odd, gone, only) for files in releases.values() for file in files))
    monkeypatch.chdir(root)
    cli("init", tmp_path / "scratch")
    assert cli("add", "--repo", tmp_path / "scratch", "--pool", root / ".pool", "--dist", tmp_path / "dist").code == 0
    done = cli("check", "--worktree", "--offline")
    assert done.code == 0, done.err
    done = cli("build", "--worktree", "-q", "--no-web", "--release-json", "full")
    assert done.code == 0, done.err
    found = {path: content for path, content in contents(root / "site" / "public").items() if not path.startswith(("packages/", "state/"))}
    if os.environ.get("UPDATE_GOLDEN"):
        shutil.rmtree(GOLDEN, ignore_errors=True)
        for path, content in found.items():
            (GOLDEN / path).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / path).write_bytes(content)
    expected = contents(GOLDEN)
    assert found.keys() == expected.keys()
    for path, content in expected.items():
        assert found[path] == content, path


def test_each_page_goes_when_it_no_longer_belongs(tmp_path, cli, dist):
    """After a project is removed, its pages, files and JSON are gone; a full build clears out what no build wrote, too."""
    cli("init", tmp_path / "index")
    cli("add", "--repo", tmp_path / "index", "--dist", dist(wheel("one", "1.0"), wheel("two", "1.0")))
    cli("build", "--repo", tmp_path / "index", "--worktree", "-q")
    site = tmp_path / "index" / "site" / "public"
    (site / "simple" / "stray").mkdir()
    (site / "simple" / "stray" / "index.html").write_text("edited by hand")
    (site / "CNAME").write_text("ours\n")
    cli("remove", "--repo", tmp_path / "index", "two", "--reason", "gone")
    cli("build", "--repo", tmp_path / "index", "--worktree", "-q")
    assert "simple/stray/index.html" in contents(site)
    assert not [path for path in contents(site) if "two" in path]
    cli("build", "--repo", tmp_path / "index", "--worktree", "-q", "--full")
    left = contents(site)
    assert not [path for path in left if "two" in path or "stray" in path]
    assert {"CNAME", "simple/one/index.html", "pypi/one/json", "pypi/one/1.0/json"} <= left.keys()
    assert not (site / "simple" / "two").exists()
