"""A repository with a policy, on which one change after the other is tried, each on its own branch."""

import json
from pathlib import Path

import pygit2
from conftest import commit_all

POLICY = """schema: 2
people:
  alice: {github: {login: alice, id: 1001}}
  bob: {github: {login: bob-b, id: 1002}}
  carol: {github: {login: carol, id: 1003}}
  dave: {github: {login: dave, id: 1004}}
groups: {team-web: [alice, bob], admins: [carol]}
rules:
  - id: acme-namespace
    projects: ["acme-*"]
    grant: {owners: [release, yank, edit, remove, transfer], team-web: [create]}
    require:
      - {for: [create, release], approvals: {count: 1, from: team-web}}
      - {for: [remove], approvals: {count: 1, from: admins}}
  - id: newcomers
    projects: ["*"]
    grant: {anyone: [create], owners: [release, yank, edit]}
  - id: admins
    projects: ["*"]
    grant: {admins: [administer, transfer]}
  - id: quarantine
    projects: ["evil-*"]
    grant: {}
    deny: {anyone: [create, release]}
reserved:
  - {names: ["acme-*"], for: [team-web]}
"""


class Story:
    """A repository with `main`, on which one change after the other is tried, each on its own branch."""

    def __init__(self, folder: Path, cli, dist) -> None:
        self.folder, self.cli, self.dist = folder, cli, dist
        self.git = pygit2.Repository(str(folder))

    def add(self, *wheels, owner="team-web") -> None:
        """Add wheels, as a contributor does."""
        folder = self.dist(*wheels)
        for name, _ in wheels:
            done = self.cli("add", "--dist", folder / name, "--owner", owner)
            assert done.code == 0, done.err
            (folder / name).unlink()

    def branch(self, name="change", start="main") -> None:
        """Begin a branch where `start` is."""
        self.git.references.create(f"refs/heads/{name}", self.git.branches[start].target, force=True)
        self.go(name)

    def merge(self) -> None:
        """Commit what was done, and make it what `main` is."""
        self.git.references.create("refs/heads/main", commit_all(self.folder), force=True)

    def commit_as(self, address, subject) -> None:
        """Commit everything as somebody."""
        index = self.git.index
        index.read()
        index.add_all()
        index.write()
        who = pygit2.Signature("somebody", address, 1_700_000_100, 0)
        self.git.create_commit("HEAD", who, who, f"{subject}\n\nmore", index.write_tree(), [self.git.head.target])

    def go(self, name) -> None:
        self.git.checkout(self.git.branches[name], strategy=pygit2.enums.CheckoutStrategy.FORCE)

    def edit(self, path, change) -> None:
        """Change a file's text; a text that is not changed would be no story."""
        file = self.folder / path
        old = file.read_text() if file.exists() else ""
        new = change(old) if callable(change) else change
        assert new != old
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(new)

    def judge(self, *arguments, commit=True):
        """Commit what was done, and judge it against main: the exit code and the report."""
        if commit:
            commit_all(self.folder)
        done = self.cli("check", "--base", "main", "--offline", "-q", "--format", "json", *arguments)
        report = json.loads(done.out)
        assert all(line.startswith("note: ") for line in done.err.splitlines()), done.err
        return done.code, report
