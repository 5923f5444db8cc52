"""The legacy JSON: which release speaks for the project, and where URLs lead."""

import json

from distributions import wheel


def test_urls_lead_to_the_files_from_where_they_stand(repo, cli, dist):
    """Without a published URL, links are relative, and right from both depths."""
    cli("add", "--dist", dist(wheel("demo", "1!2.0+local")))
    assert cli("build", "--worktree", "-q", "--release-json", "full").code == 0
    folder = repo / "site" / "public" / "pypi" / "demo"
    for page in (folder / "json", next(folder.glob("*/json"))):
        value = json.loads(page.read_bytes())
        for row in (*value["urls"], *value["releases"]["1!2.0+local"]):
            assert "%2B" in row["url"]
            assert (page.parent / row["url"].replace("%2B", "+").replace("%21", "!")).resolve().is_file()


def test_a_release_whose_files_are_all_yanked_is_not_the_newest(repo, cli, dist):
    """Marks on files count like a mark on the release; pre-releases come after final ones."""
    cli("add", "--dist", dist(wheel("demo", "1.0"), wheel("demo", "2.0"), wheel("demo", "3.0rc1")))
    path = repo / "packages.d" / "demo.yaml"
    text = path.read_text()
    at = text.index("stored: true", text.index("2.0:"))
    path.write_text(text[:at] + "yanked: {reason: bad, at: 2026-01-01T00:00:00Z}\n        " + text[at:])
    assert cli("build", "--worktree", "-q").code == 0
    info = json.loads((repo / "site/public/pypi/demo/json").read_bytes())["info"]
    assert (info["version"], info["yanked"]) == ("1.0", False)
    info = json.loads((repo / "site/public/pypi/demo/2.0/json").read_bytes())["info"]
    assert (info["yanked"], info["yanked_reason"]) == (True, "bad")
