"""Same commit, same bytes: whoever builds, wherever, whenever, however interrupted."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pygit2
import pytest
from conftest import LONG, commit_all
from distributions import sdist, wheel
from trees import contents, linked, write_index

from index_builder.adapters.git import GitTree
from index_builder.model.names import Word
from index_builder.pipeline.build import Order, build
from index_builder.pipeline.reading import configuration_of
from index_builder.render.legacy import ReleaseJson
from index_builder.wiring import NoProgress, SystemClock
from index_builder.wiring.fetchers import open_fetcher
from index_builder.wiring.shipped import builder, templates
from index_builder.wiring.sites import open_sites

COMMAND = [sys.executable, "-m", "index_builder", "build", "-q"]


@pytest.fixture
def mixed(repo, cli, dist):
    """A commit with hosted and linked projects, yanked files, a status and a tombstone."""
    files = dist(
        wheel("alpha", "1.0", requires=["beta"]),
        sdist("alpha", "1.0"),
        wheel("alpha", "1.10"),
        wheel("alpha", "1.9"),
        wheel("Be.Ta", "2.0"),
    )
    cli("add", "--dist", files)
    cli("yank", "alpha", "1.9", "--reason", "bad")
    cli("remove", "alpha", "alpha-1.0.tar.gz", "--reason", "leaked")
    (repo / "packages.d" / "gamma.yaml").write_text(linked("gamma", ["1.0", "2.0"]).replace("[team]", "[maintainers]"))
    commit_all(repo)
    return repo


def test_two_builders_write_the_same_bytes(mixed, tmp_path):
    """Two folders, two time zones, two hash seeds, two clones at other times: one tree."""
    clone = tmp_path / "clone"
    pygit2.clone_repository(str(mixed), str(clone), bare=True)
    trees = []
    for number, (zone, seed, source) in enumerate([("Pacific/Kiritimati", "1", mixed), ("America/Los_Angeles", "2", clone)]):
        environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed}
        output = tmp_path / f"out-{number}"
        pool = ["--pool", str(mixed / ".pool")]
        subprocess.run([*COMMAND, "--repo", str(source), "--output", str(output), *pool], env=environment, check=True)
        trees.append(contents(output))
    assert trees[0] == trees[1]
    assert len(trees[0]) > 20


class Shuffled(GitTree):
    """A commit whose files come in another order with each seed."""

    def __init__(self, folder, seed):
        super().__init__(folder, "HEAD")
        self._rng = random.Random(seed)

    def entries(self, *tops):
        entries = list(super().entries(*tops))
        self._rng.shuffle(entries)
        return iter(entries)


def test_the_order_of_input_does_not_matter(mixed, tmp_path):
    """Entries that arrive shuffled give the same tree."""
    trees = []
    order = Order(templates=templates(), release_json=ReleaseJson.FULL, builder=builder())
    for seed in range(4):
        tree = Shuffled(mixed, seed)
        fetching = open_fetcher(mixed, configuration_of(tree), SystemClock(), NoProgress())
        with fetching as fetcher, open_sites(tmp_path / str(seed), [Word("public")]) as sites:
            build(tree, sites, fetcher, order)
        trees.append(contents(tmp_path / str(seed)))
    assert all(tree == trees[0] for tree in trees)


def test_a_second_build_writes_nothing(mixed, cli):
    """What is right already is left as it is."""
    cli("build", "-q")
    before = {path: path.stat().st_mtime_ns for path in (mixed / "site").rglob("*") if path.is_file()}
    assert cli("build", "-q").code == 0
    assert {path: path.stat().st_mtime_ns for path in (mixed / "site").rglob("*") if path.is_file()} == before


def test_a_builder_killed_at_any_moment_leaves_whole_pages(tmp_path):
    """`kill -9` at random moments (50 of them, ten in a short run): each page is the old or the new one, no link is broken, and the next build repairs."""
    root, rng = tmp_path / "index", random.Random(7)
    for name, versions in (("old", ["1.0"]), ("new", ["1.0", "2.0"])):
        shutil.rmtree(root / "packages.d", ignore_errors=True)
        write_index(root, {f"p{n}": linked(f"p{n}", versions) for n in range(15)} | {f"only-{name}": linked(f"only_{name}", versions)})
        if name == "old":
            pygit2.init_repository(str(root))
        commit_all(root, name)
    live = tmp_path / "live"
    wanted, folders = {}, 0
    for name, revision in (("old", "HEAD~1"), ("new", "HEAD")):
        before = _written(live)
        assert _building(root, revision, live).wait() == 0
        wanted[name], folders = contents(live), len(_written(live) - before)
    partial = 0
    for moment in range(50 if LONG else 10):
        revision, goal = ("HEAD~1", "old") if moment % 2 == 0 else ("HEAD", "new")
        _kill_after(rng.randint(0, folders), _building(root, revision, live), live)
        found = contents(live)
        partial += found not in (wanted["old"], wanted["new"])
        _assert_whole(found, wanted)
        if moment % 10 == 9:
            assert _building(root, revision, live).wait() == 0
            assert contents(live) == wanted[goal]
    assert partial, "no kill met a build at work: the moments are badly chosen"


def _building(root: Path, revision: str, live: Path) -> subprocess.Popen:
    return subprocess.Popen([*COMMAND, "--repo", str(root), "--commit", revision, "--output", str(live)])


def _kill_after(folders: int, process: subprocess.Popen, live: Path) -> None:
    """Let a build go on, a millisecond at a time, until it has written into so many folders; then kill it."""
    before = _written(live)
    while process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if len(_written(live) - before) >= folders:
            process.kill()
            process.wait()
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.001)


def _written(live: Path) -> set[tuple[str, int]]:
    """Each folder, and when an entry of it was last written."""
    return {(path, Path(path).stat().st_mtime_ns) for path, _, _ in os.walk(live)}


def _assert_whole(found: dict[str, bytes], wanted: dict[str, dict[str, bytes]]) -> None:
    for path, content in found.items():
        if "/state/" in path:
            continue
        assert content in (wanted["old"].get(path), wanted["new"].get(path)), path
    listed = found["public/simple/index.html"].decode()
    for line in listed.splitlines():
        if line.startswith("<a "):
            folder = line.split('"')[1]
            assert f"public/simple/{folder}index.html" in found
