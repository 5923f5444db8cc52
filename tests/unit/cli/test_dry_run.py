"""`--dry-run` on everything that writes: it says what would happen, and nothing does."""

import json
import re
from pathlib import Path

import click
import pytest
from distributions import wheel
from trees import contents

from index_builder.cli import VERBS, group

#: Verbs that write nothing of yours, each with the reason.
READERS = {
    "check": "judges", "serve": "serves", "list": "answers", "show": "answers", "search": "answers", "diff": "answers", "can": "answers", "who": "answers",
    "completion": "prints", "rule": "answers", "policy replay": "answers", "preview": "shows, in a folder that is named for it",
    "pull which": "answers", "pull judge": "judges, into a file that is named for it", "pull act": "says what another one wrote down",
    "previews build": "writes into a folder that is named for it",
    "doctor": "looks", "verify": "checks", "proxy": "serves", "keys status": "answers", "mirror-check": "answers",
}  # fmt: skip


def commands() -> dict[str, click.Command]:
    found = {}
    for verb in VERBS:
        command = group.get_command(click.Context(group), verb)
        inner = command.commands if isinstance(command, click.Group) else {"": command}
        found |= {f"{verb} {name}".strip(): command for name, command in inner.items()}
    return found


def test_every_verb_that_writes_has_it():
    """No verb is forgotten: it reads only, and is listed here, or it has --dry-run."""
    without = {name for name, command in commands().items() if not any("--dry-run" in p.opts for p in command.params)}
    assert without == set(READERS)


@pytest.fixture
def filled(repo, cli, dist, monkeypatch):
    """An index with hosted releases, of which one is early, a damaged pool entry, an unneeded one, and an old policy."""
    folder = dist(wheel("demo", "1.0"), wheel("demo", "2.0a1"), wheel("demo", "2.0a2"), wheel("other", "1.0"))
    assert cli("add", "--dist", folder).code == 0
    assert cli("build", "--worktree", "-q").code == 0
    monkeypatch.setenv("INDEX_BUILDER_KEYS", "../keys")
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", "correct horse battery staple")
    for arguments in (("keys", "new", "alice"), ("keys", "init"), ("keys", "new", "bob"), ("sign", "--worktree", "-q")):
        assert cli(*arguments).code == 0
    assert cli("yank", "other", "1.0", "--reason", "late").code == 0
    assert cli("build", "--worktree", "-q").code == 0
    policy = repo / "policies.d" / "maintainers.yaml"
    policy.write_text(policy.read_text().replace("schema: 2", "schema: 1"))
    settings = repo / "index.yaml"
    settings.write_text(settings.read_text().replace("files: packages/", "files: packages/, url: https://index.example.org/"))
    stray = repo / ".pool" / "sha256" / "aa" / "bb" / ("c" * 60)
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"stray")
    (repo / "packages.d" / "other.yaml").write_text((repo / "packages.d" / "other.yaml").read_text().replace("1.0:", "1.0:  # mine"))
    return repo


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["init", "elsewhere/new"], "would be an index repository"),
        (["add", "--dist", "../dist/third-1.0-py3-none-any.whl"], "would be added"),
        (["import", "dumb-pypi", "../names", "--dist", "../dist"], "would be imported"),
        (["yank", "demo", "1.0", "--reason", "bad"], "would be yanked"),
        (["remove", "demo", "1.0", "--reason", "bad"], "would be removed"),
        (["prune", "demo", "--keep", "1"], "would be removed"),
        (["status", "demo", "archived"], "would be archived"),
        (["owners", "demo", "remove", "maintainers"], "only owner"),
        (["stamp"], "would be stamped"),
        (["migrate"], "would be migrated"),
        (["schema", "--write", "schemas"], "would be written"),
        (["policy", "codeowners", "--write"], "would be written"),
        (["pool", "check"], "the pool is damaged"),
        (["pool", "gc"], "would be deleted"),
        (["pool", "push", "../dist"], "would be in the inbox"),
        (["sign", "--worktree"], "would be written"),
        (["keys", "new", "carol"], "people/carol.json would be written"),
        (["keys", "admit", "bob"], "2.root.json would be written"),
        (["keys", "rotate", "timestamp"], "2.root.json would be written"),
        (["keys", "rotate", "alice"], "people/alice.json would be written"),
        (["keys", "renew", "--all"], "bins.json would be written"),
        (["keys", "sign"], "0 keys would sign"),
        (["keys", "grow"], "the bins are enough"),
        (["host-config", "nginx", "--worktree", "--root", "public=/srv/www", "--output", "conf"], "nginx.conf would be written"),
        (["host-config", "apache", "--worktree", "--root", "public=/srv/www", "--output", "conf"], "apache.conf would be written"),
        (["host-config", "caddy", "--worktree", "--root", "public=/srv/www", "--output", "conf"], "Caddyfile would be written"),
        (["client-config", "uv", "--worktree", "--write", "--file", "conf/pyproject.toml"], "would use"),
        (["host-config", "password", "alice", "--passwords", "conf/passwords"], "would be kept"),
        (["build", "--worktree"], "written, 0 would be deleted"),
        (["build", "--worktree", "--output", "fresh"], "would be written"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_nothing_changes(filled, cli, dist, arguments, said):
    """Manifests, policies, site and pool are byte for byte what they were."""
    from conftest import commit_all

    commit_all(filled)
    manifest = filled / "packages.d" / "demo.yaml"
    if arguments == ["stamp"]:
        text = manifest.read_text().replace("demo-2.0a2-py3", "demo-2.0a2-py2.py3")
        manifest.write_text(re.sub("uploaded: .*", "uploaded: 2020-01-01T00:00:00Z", text))
    dist(wheel("third", "1.0"))
    Path("../names").write_text("third-1.0-py3-none-any.whl\n")
    before = {path: content for path, content in contents(filled).items() if not path.startswith(".git/")}
    keys = contents(filled.parent / "keys")
    done = cli(*arguments, "--dry-run")
    assert said in done.err
    after = {path: content for path, content in contents(filled).items() if not path.startswith(".git/")}
    if arguments[0] in ("add", "import"):
        after = {path: content for path, content in after.items() if not path.startswith(".pool/") or path in before}
    assert after == before
    assert contents(filled.parent / "keys") == keys
    assert not Path("fresh").exists()
    assert not Path("conf").exists()
    assert not Path("elsewhere").exists()


def test_a_dry_build_names_each_file(filled, cli):
    """What would be written and deleted is listed, in text and in JSON, and the real build does just that."""
    assert cli("yank", "demo", "1.0", "--reason", "bad").code == 0
    assert cli("remove", "other", "--reason", "bad").code == 0
    shown = cli("build", "--worktree", "--dry-run")
    planned = json.loads(cli("build", "--worktree", "--dry-run", "--format", "json").out)["audiences"][0]
    assert "+ simple/demo/index.html\n" in shown.out
    assert "- simple/other/index.html\n" in shown.out
    real = json.loads(cli("build", "--worktree", "--format", "json").out)["audiences"][0]
    assert (planned["written"], planned["deleted"], planned["unchanged"]) == (real["written"], real["deleted"], real["unchanged"])
