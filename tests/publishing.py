"""A repository with targets, and what they serve."""

import json
import shutil
import tarfile
from contextlib import contextmanager
from pathlib import Path

import pygit2
from conftest import commit_all
from live import serving
from published import BranchReader, FolderReader
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

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


class Pages:
    """The archive of a target, and where it is deployed."""

    def __init__(self, work, folder) -> None:
        self.work, self.folder, self.live = work, folder, FolderReader(folder)
        self.archive = work.folder / ".publish" / "tar.tar"

    def deploy(self) -> None:
        shutil.rmtree(self.folder)
        with tarfile.open(self.archive) as archive:
            archive.extractall(self.folder, filter="data")
        self.archive.unlink()

    def new_machine(self) -> None:
        for name in (".publish", ".pool", "site"):
            shutil.rmtree(self.work.folder / name, ignore_errors=True)


@contextmanager
def deployed(work, folder: Path, certificate: Path, monkeypatch):
    """Publish an archive, deploy it to a folder, and serve that, as long as the block lasts; yield the pages."""
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    folder.mkdir()
    with serving(folder, certificate, between=lambda _: Starlette(routes=[Mount("/", StaticFiles(directory=folder))])) as live:
        path = work.folder / "index.yaml"
        path.write_text(path.read_text().replace("  public: {", f"  public: {{url: {live.url}/, "))
        work.targets("tar")
        work.commit()
        assert live.url in path.read_text()
        work.publish()
        pages = Pages(work, folder)
        pages.deploy()
        yield pages
