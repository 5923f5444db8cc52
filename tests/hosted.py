"""An index repository on the GitHub on loopback, as pages and sessions show it: set up as it should be, with pull request 12."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pygit2
from github_pulls import bare, open_pull
from github_server import GitHub, Repository, Token, github

NAME = "acme/index"
#: Settings as `doctor` wants them.
SETTINGS = {
    "rules": [
        {"type": "pull_request", "parameters": {}},
        {
            "type": "required_status_checks",
            "parameters": {"required_status_checks": [{"context": "index-builder"}], "strict_required_status_checks_policy": True},
        },
    ],
    "pages": {"build_type": "workflow", "source": {"branch": "main", "path": "/"}, "public": True},
    "rights": {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": True},
    "workflows": dict.fromkeys(("validate.yml", "judge.yml", "bump.yml", "publish.yml"), "active"),
    "environments": [{"name": "publish", "protection_rules": [], "deployment_branch_policy": {"custom_branch_policies": True}}],
    "environment": {"branches": ["main"], "secrets": ["INDEX_BUILDER_KEY_BINS", "INDEX_BUILDER_KEY_TIMESTAMP"]},
    "actions": {"enabled": True, "allowed_actions": "all"},
    "scheduled": dict.fromkeys(("judge.yml", "bump.yml", "publish.yml"), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"),
    "secrets": [],
}


@contextmanager
def on_github(index: Path) -> Iterator[dict[str, str]]:
    """Put a committed index on GitHub, where alice proposes to yank six; yield what its people have in their environment."""
    remote = bare(index.parent / "acme.git")
    hub = GitHub(repositories={NAME: Repository(name=NAME, git=remote, settings=SETTINGS)})
    levels = {"contents": "write", "pull-requests": "write", "statuses": "write", "actions": "write", "administration": "read"}
    hub.tokens["token"] = Token(login="alice", permissions=levels)
    git = pygit2.Repository(str(index))
    git.remotes.create("origin", f"file://{remote}")
    main = git.head.target
    subprocess.run(["git", "push", "-q", "origin", f"{main}:refs/heads/main", f"{main}:refs/heads/change"], cwd=index, check=True)
    proposed = pygit2.Repository(str(remote))
    open_pull(hub.repositories[NAME], 12, head=_yank(proposed), author={"id": 1001, "login": "alice", "type": "User"})
    with github(hub):
        yield {"GITHUB_API_URL": hub.url, "GITHUB_REPOSITORY": NAME, "GITHUB_TOKEN": "token", "GITHUB_SERVER_URL": hub.url}


def _yank(git: pygit2.Repository) -> str:
    """Commit a yank of six 1.16.0 to the branch `change`."""
    tip = git.references["refs/heads/change"].peel(pygit2.Commit)
    entry = tip.tree["packages.d/six.yaml"]
    text = entry.data.decode().replace("  1.16.0:\n", "  1.16.0:\n    yanked: {reason: too old, at: 2026-11-21T09:30:00Z}\n", 1)
    index = pygit2.Index()
    index.read_tree(tip.tree)
    index.add(pygit2.IndexEntry("packages.d/six.yaml", git.create_blob(text.encode()), pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("Alice", "alice@example.org", 1_700_000_100, 0)
    return str(git.create_commit("refs/heads/change", who, who, "Yank six 1.16.0", index.write_tree(git), [tip.id]))
