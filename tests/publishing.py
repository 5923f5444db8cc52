"""A repository with targets, and what they serve."""

import json
from pathlib import Path

import pygit2
from conftest import commit_all
from published import BranchReader, FolderReader

from index_builder.publish.record import decode

TARGETS = {
    "folder": "{name: folder, audience: public, kind: directory, path: published/public}",
    "branch": "{name: branch, audience: public, kind: pages-branch, repository: ../remote.git}",
    "tar": "{name: tar, audience: public, kind: pages-artifact}",
}


class Publishing:
    """A repository with targets, whose working tree is committed before each publication."""

    def __init__(self, folder: Path, cli, dist) -> None:
        self.folder, self.cli, self.dist = folder, cli, dist
        self.remote = folder.parent / "remote.git"
        pygit2.init_repository(str(self.remote), bare=True)
        self.branch, self.live = BranchReader(self.remote), FolderReader(folder / "published" / "public")

    def targets(self, *names: str) -> None:
        path = self.folder / "index.yaml"
        text = path.read_text().partition("publish:")[0]
        path.write_text(f"{text}publish: {'' if names else '[]'}\n" + "".join(f"  - {TARGETS.get(name, name)}\n" for name in names))

    def add(self, *wheels) -> str:
        folder = self.dist(*wheels)
        for name, _ in wheels:
            done = self.cli("add", "--dist", folder / name, "--owner", "maintainers")
            assert done.code == 0, done.err
        return self.commit()

    def commit(self) -> str:
        return commit_all(self.folder)

    def publish(self, *options, code=0):
        done = self.cli("publish", *options)
        assert done.code == code, done.err
        return done

    def outcome(self, *options, verb=("publish",), code=0) -> dict:
        done = self.cli(*verb, *options, "--format", "json")
        assert done.code == code, done.err
        return {target["target"]: target for target in json.loads(done.out)["targets"]}

    def record(self):
        return decode(self.live.get("state/publication.json"))
