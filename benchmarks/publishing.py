"""What a publication costs: the first one and one change, in seconds, requests and bytes, to a folder, a branch and a bucket.

usage: python benchmarks/publishing.py WORKLOAD [--kinds directory,pages-branch,bucket] [--peers VENV]
       python benchmarks/publishing.py --projects 1000,10000,100000 [--kinds …] [--peers VENV]

WORKLOAD is a folder of `workload.py … --git`; with --projects there is one made for each number. The bucket is moto's S3 server on
loopback, behind a proxy that counts; its seconds are mostly moto's. Of more than 20,000 projects, what moto would take hours for, the
first publication to a bucket is not done but forecast (`publish --dry-run`), and what one change asks after is put there by other means:
all that a folder has that was published to, but for pages of projects. With --peers, an environment that has s3pypi, or awscli and
dumb-pypi, they publish to such a bucket: s3pypi one wheel after another one, and dumb-pypi a whole build with `aws s3 sync`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pygit2
from measure import machine, measured

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from distributions import wheel
from published import CREDENTIALS, Faults, faulty, s3

from index_builder.adapters.object_store import open_bucket

#: Moto's server takes some 250 requests a second.
_MOST_FOR_MOTO = 20_000
PROGRAM = str(Path(sys.executable).parent / "index-builder")


@dataclass(frozen=True)
class Cost:
    """What one publication took."""

    seconds: float
    memory: float
    requests: int
    sent: int


def commits(repository: Path, targets: str) -> tuple[str, str]:
    """Return commits of the branches `main` and `changed`, the second on top of the first, that publish to some targets."""
    git = pygit2.Repository(str(repository))
    who = pygit2.Signature("bench", "bench@example.org", 1_700_000_000, 0)
    made: list[pygit2.Oid] = []
    for branch in ("main", "changed"):
        tree = git.branches[branch].peel(pygit2.Commit).tree
        text = tree["index.yaml"].data + f"publish: [{targets}]\n".encode()
        builder = git.TreeBuilder(tree)
        builder.insert("index.yaml", git.create_blob(text), pygit2.enums.FileMode.BLOB)
        made.append(git.create_commit(None, who, who, branch, builder.write(), made[-1:]))
    return str(made[0]), str(made[1])


def publishing(repository: Path, targets: str, proxy: Faults | None, *, is_there: bool = False) -> Iterator[tuple[str, Cost]]:
    """Yield what the first publication to target t costs, unless it `is_there`, one change, and one in which nothing has changed."""
    first, changed = commits(repository, targets)
    for what, commit in (("first", first), ("one change", changed), ("nothing", changed))[is_there:]:
        if proxy:
            proxy.requests.clear()
            proxy.sent = 0
        command = [PROGRAM, "publish", "--quiet", "--repo", str(repository), "--target", "t", "--commit", commit]
        figures = measured(command)
        yield what, Cost(figures.wall, figures.memory, len(proxy.requests) if proxy else 0, proxy.sent if proxy else 0)


def laid_out(repository: Path, bucket: str, folder: Path, url: str) -> tuple[str, Cost]:
    """Bring to a bucket what one change asks after, by other means than a publication; return the targets, and what that would cost.

    It is what a folder has to which the same commit was published, but for the pages of projects.
    """
    targets = f"{bucket}, {{name: folder, audience: public, kind: directory, path: '{folder}'}}"
    first, _ = commits(repository, targets)
    command = [PROGRAM, "publish", "--repo", str(repository), "--commit", first, "--target"]
    said = subprocess.run([*command, "t", "--dry-run", "--format", "json"], check=True, capture_output=True).stdout
    found = json.loads(said)["targets"][0]
    cost = Cost(0, 0, found["forecast"]["requests"], found["bytes"])
    subprocess.run([*command, "folder", "--quiet"], check=True)
    there, tree = open_bucket("s3://acme-index/ours/", url, "us-east-1", "the bucket"), folder.resolve()
    places = [path.relative_to(tree) for path in tree.rglob("*") if path.is_file()]
    pages = {place for place in places if place.match("simple/*/*") or place.parts[0] in ("pypi", "project")}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda place: there.put(place.as_posix(), (tree / place).read_bytes(), cache="no-cache"), set(places) - pages))
    return targets, cost


def row(projects: int, name: str, what: str, cost: Cost) -> str:
    """Return a line of the table."""
    requests = f"{cost.requests:,} | {cost.sent / 1e6:,.2f} MB" if cost.requests else "- | -"
    took = f"{cost.seconds:.2f} s | {cost.memory:,.0f} MB" if cost.seconds else "- | -"
    return f"| {projects:,} | {name} | {what} | {took} | {requests} |"


@contextmanager
def counted() -> Iterator[Faults]:
    """Run moto behind a proxy that lets nothing go wrong."""
    with s3() as url, faulty(url, 0, share=0) as proxy:
        yield proxy


def of_peers(peers: Path, work: Path, say: Callable[[str, str, Cost], None]) -> None:
    """Publish by those peers that are there."""
    program = peers / "bin"
    with counted() as proxy, tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, **CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": proxy.url,
        }  # fmt: skip

        def cost(*commands: list[str | Path]) -> Cost:
            proxy.requests.clear()
            proxy.sent = 0
            begun = time.perf_counter()
            for command in commands:
                subprocess.run(command, check=True, env=environment, capture_output=True)
            return Cost(time.perf_counter() - begun, 0, len(proxy.requests), proxy.sent)

        if (program / "s3pypi").exists():
            for what, version in (("first", "1.0"), ("one change", "1.1")):
                name, content = wheel("bench", version)
                (Path(folder) / name).write_bytes(content)
                options = ["-b", "acme-index", "--prefix", "s3pypi", "--s3-endpoint-url", proxy.url, "--put-root-index"]
                say("s3pypi, of this project alone", what, cost([program / "s3pypi", "upload", *options, Path(folder) / name]))
        if (program / "aws").exists() and (program / "dumb-pypi").exists():
            site = Path(folder) / "site"
            for what, name in (("first", "packages.jsonl"), ("one change", "changed.jsonl")):
                build = ["--package-list-json", str(work / name), "--packages-url", "../../packages/", "--output-dir", str(site)]
                sync = [program / "aws", "s3", "sync", "--only-show-errors", "--endpoint-url", proxy.url, site, "s3://acme-index/dumb/"]
                say("dumb-pypi + aws s3 sync", what, cost([program / "dumb-pypi", *build], sync))


def of_ours(repository: Path, kinds: list[str], projects: int, say: Callable[[str, str, Cost], None]) -> None:
    """Publish to a target of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            shutil.rmtree(repository / ".publish", ignore_errors=True)
            if kind == "bucket":
                with counted() as proxy:
                    target = (
                        "{name: t, audience: public, kind: bucket, url: s3://acme-index/ours/, "
                        f"endpoint: '{proxy.url}', region: us-east-1}}"
                    )
                    if is_large := projects > _MOST_FOR_MOTO:
                        target, cost = laid_out(repository, target, Path(folder) / "folder", f"http://{proxy.behind}")
                        say(kind, "first, as forecast", cost)
                    for what, cost in publishing(repository, target, proxy, is_there=is_large):
                        say(kind, what, cost)
                continue
            where = Path(folder) / kind
            if kind == "pages-branch":
                pygit2.init_repository(str(where), bare=True)
            place = f"repository: 'file://{where}'" if kind == "pages-branch" else f"path: '{where}'"
            for what, cost in publishing(repository, f"{{name: t, audience: public, kind: {kind}, {place}}}", None):
                say(kind, what, cost)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", type=Path, nargs="?")
    parser.add_argument("--projects", default="", metavar="N,N")
    parser.add_argument("--kinds", default="directory,pages-branch,bucket")
    parser.add_argument("--peers", type=Path)
    options = parser.parse_args()
    if bool(options.workload) == bool(options.projects):
        parser.error("give either a WORKLOAD or --projects")
    os.environ.update(CREDENTIALS)
    print(machine(), "\n\n| projects | target | publication | time | memory | requests | sent |\n|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        works = [options.workload.resolve()] if options.workload else list(made(Path(folder), options.projects.split(",")))
        for work in works:
            projects = _projects(work)

            def say(name: str, what: str, cost: Cost, projects: int = projects) -> None:
                print(row(projects, name, what, cost), flush=True)

            of_ours(work / "repo.git", options.kinds.split(","), projects, say)
            if options.peers:
                of_peers(options.peers.resolve(), work, say)


def made(folder: Path, numbers: list[str]) -> Iterator[Path]:
    """Yield a workload of each number of projects."""
    for number in numbers:
        command = [sys.executable, Path(__file__).parent / "workload.py", number, folder / number, "--git"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        yield folder / number


def _projects(work: Path) -> int:
    """Return how many projects a workload has."""
    names = {json.loads(line)["filename"].partition("-")[0] for line in (work / "packages.jsonl").read_bytes().splitlines()}
    return len(names)


if __name__ == "__main__":
    main()
