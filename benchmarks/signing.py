"""What signing costs beside the build: one change among many projects, and among a million targets.

usage: python benchmarks/signing.py WORKLOAD [--runs N] [--sites DIR]

WORKLOAD is a folder of `workload.py … --git`. The tree of its branch `main` is built and signed, then the one of `changed`.
Printed are the medians of N signings of that change, within a process that has its libraries loaded, and of the whole command;
then those of one change among a million synthetic targets in 16,384 bins, at the level of metadata.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from measure import machine
from tuf.api.metadata import TargetFile

from index_builder import wiring
from index_builder.adapters.directory_site import DirectorySite
from index_builder.adapters.progress import NoProgress
from index_builder.cli import trusting
from index_builder.errors import StorageError
from index_builder.model.names import Word
from index_builder.pipeline.sign import Order, sign_tree
from index_builder.trust.ceremony import Online, begin
from index_builder.trust.ceremony import sign as sign_offline
from index_builder.trust.committed import read_committed
from index_builder.trust.keys import held_by
from index_builder.trust.published import find_before
from index_builder.trust.signing import sign as sign_targets

PROGRAM = str(Path(sys.executable).parent / "index-builder")


def of_workload(work: Path, sites: Path, runs: int) -> list[tuple[str, float, str]]:
    """Measure a change in a real tree."""
    repository = work / "repo.git"
    site, signed = sites / "public", sites / "signed"
    build = [
        PROGRAM,
        "build",
        "--quiet",
        "--release-json",
        "none",
        "--repo",
        str(repository),
        "--output",
        str(sites),
        "--pool",
        str(work / "pool"),
    ]
    subprocess.run([*build, "--commit", "main"], check=True)
    committed, keys = trusting.development(sites, Word("public"), lambda: projects_of(site), datetime.now(UTC))
    order = Order(committed=committed, signers=trusting.online(committed, keys), now=datetime.now(UTC))
    begun = time.perf_counter()
    tree = DirectorySite(site, "public")
    first = sign_tree(order, tree, tree, NoProgress())
    full = time.perf_counter() - begun
    subprocess.run([*build, "--commit", "changed"], check=True)
    shutil.copytree(site / "tuf", signed, copy_function=os.link)
    times = []
    for _ in range(runs):
        tree = DirectorySite(site, "public")
        begun = time.perf_counter()
        report = sign_tree(order, tree, tree, NoProgress())
        times.append(time.perf_counter() - begun)
        shutil.rmtree(site / "tuf")
        shutil.copytree(signed, site / "tuf", copy_function=os.link)
    bins = 2**committed.bins.signed.delegations.succinct_roles.bit_length  # type: ignore[union-attr]
    return [
        (f"first signing, {first.targets:,} targets in {bins:,} bins", full, f"{len(first.written):,} files"),
        (f"one change: {report.targets} targets, {report.bins} bins", statistics.median(times), f"{len(report.written)} files"),
    ]


def projects_of(site: Path) -> int:
    return sum(1 for _ in (site / "simple").iterdir()) - 2


def of_million(runs: int) -> list[tuple[str, float, str]]:
    """Measure a change at the level of metadata: what is published is a dictionary of bytes."""
    with tempfile.TemporaryDirectory() as folder:
        keys = wiring.open_keys(Path(folder), lambda *_: "")
        holder = held_by(keys.create("holder", encrypted=False), "holder")
        online = Online(bins=keys.create("bins", encrypted=False), timestamp=keys.create("timestamp", encrypted=False))
        now = datetime.now(UTC)
        files, _ = sign_offline(read_committed(begin({"holder": holder}, 1, online, 1_000_000, now), ""), keys.signer(holder, ""))
        committed = read_committed(files, "")
        signers = trusting.online(committed, keys)
        targets = {path: target(path, "") for number in range(500_000) for path in pages(number)}
        first = sign_targets(committed, None, targets, signers, now)
        published = dict(first.files)
        size = len(published[max(path for path in published if "snapshot" in path)])
        times = []
        for run in range(runs):
            begun = time.perf_counter()
            before = find_before(committed, lambda path: read(published, path))
            sign_targets(committed, before, {path: target(path, str(run)) for path in (*pages(7), "state/build.json")}, signers, now)
            times.append(time.perf_counter() - begun)
    return [("one change among 1,000,000 targets in 16,384 bins", statistics.median(times), f"TUF snapshot {size / 1e6:.2f} MB")]


def pages(number: int) -> tuple[str, str]:
    return f"simple/project-{number}/index.html", f"simple/project-{number}/index.v1_json"


def target(path: str, salt: str) -> TargetFile:
    return TargetFile(1234, {"sha256": hashlib.sha256((path + salt).encode()).hexdigest()}, path)


def read(published: dict[str, bytes], path: str) -> bytes:
    if path not in published:
        raise StorageError(path)
    return published[path]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sites", type=Path, default=Path("/dev/shm") if Path("/dev/shm").is_dir() else None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.sites) as sites:
        rows = of_workload(arguments.workload, Path(sites), arguments.runs)
    rows += of_million(arguments.runs)
    print(machine())
    print("| what | seconds | |\n|---|---|---|")
    for what, seconds, more in rows:
        print(f"| {what} | {seconds:.3f} | {more} |")


if __name__ == "__main__":
    main()
