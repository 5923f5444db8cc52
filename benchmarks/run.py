"""Build the benchmark's index with index-builder and with dumb-pypi, side by side, and print the ratios.

usage: python benchmarks/run.py PROJECTS [--runs N] [--work DIR] [--dumb-pypi PROGRAM] [--page FILE]

Each figure is of a whole process: wall time, CPU time and peak memory, as the operating system counts them; the median
of N runs (3 unless told). What is measured, by each tool in a folder of its own:

full      an empty folder becomes the whole index
one more  one file was added to one project
nothing   nothing has changed since

index-builder builds from git, without the legacy JSON of each release; dumb-pypi from the same files as its package list,
`--no-per-release-json`, with the list of the last run as `--previous-package-list-json`.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from workload import main as make_workload

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one process: seconds of wall and CPU time, and megabytes of peak memory."""

    wall: float
    cpu: float
    memory: float


def measured(command: list[str]) -> Figures:
    """Run a command and return what it took; raises CalledProcessError where it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if status:
        raise subprocess.CalledProcessError(
            os.waitstatus_to_exitcode(status), command, stderr=process.stderr.read() if process.stderr else b""
        )
    return Figures(wall=wall, cpu=usage.ru_utime + usage.ru_stime, memory=usage.ru_maxrss / 1000)


def median(figures: list[Figures]) -> Figures:
    """Return the median of each figure by itself."""
    return Figures(**{name: statistics.median(getattr(f, name) for f in figures) for name in ("wall", "cpu", "memory")})


def ours(work: Path, site: Path) -> dict[str, list[str]]:
    """Return our commands, in the order in which they are run."""
    program = [
        str(Path(sys.executable).parent / "index-builder"),
        "build",
        "--quiet",
        "--release-json",
        "none",
        "--repo",
        str(work / "repo.git"),
    ]
    program += ["--output", str(site), "--pool", str(work / "pool"), "--commit"]
    return {"full": [*program, "main"], "one more": [*program, "changed"], "nothing": [*program, "changed"]}


def theirs(program: str, work: Path, site: Path) -> dict[str, list[str]]:
    """Return dumb-pypi's commands."""
    common = [program, "--packages-url", "../../pool/", "--no-per-release-json", "--output-dir", str(site), "--package-list-json"]
    before, after = str(work / "packages.jsonl"), str(work / "changed.jsonl")
    previous = "--previous-package-list-json"
    return {"full": [*common, before], "one more": [*common, after, previous, before], "nothing": [*common, after, previous, after]}


def table(results: dict[str, dict[str, Figures]]) -> str:
    """Return the results as a Markdown table, with the ratio of wall times to dumb-pypi's."""
    lines = ["| build | tool | wall | CPU | peak memory | wall, as a part of dumb-pypi's |", "|---|---|---|---|---|---|"]
    for kind in results["index-builder"]:
        for tool, figures in results.items():
            f = figures[kind]
            peer = results.get("dumb-pypi", {}).get(kind)
            ratio = f"{f.wall / peer.wall:.3f}" if peer else "not measured"
            lines.append(f"| {kind} | {tool} | {f.wall:.2f} s | {f.cpu:.2f} s | {f.memory:,.0f} MB | {ratio} |")
    return "\n".join(lines)


def machine() -> str:
    """Return what the figures were taken on."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def run(projects: int, runs: int, work: Path, dumb_pypi: str | None) -> str:
    """Make the workload, measure, and return the page."""
    if not (work / "repo.git").exists():
        sys.argv = ["workload.py", str(projects), str(work), "--git"]
        make_workload()
    tools = {"index-builder": lambda site: ours(work, site)}
    if dumb_pypi:
        tools["dumb-pypi"] = lambda site: theirs(dumb_pypi, work, site)
    taken: dict[str, dict[str, list[Figures]]] = {tool: {} for tool in tools}
    for _ in range(runs):
        for tool, commands in tools.items():
            site = work / f"site-{tool}"
            shutil.rmtree(site, ignore_errors=True)
            for kind, command in commands(site).items():
                taken[tool].setdefault(kind, []).append(measured(command))
            shutil.rmtree(site, ignore_errors=True)
    results = {tool: {kind: median(figures) for kind, figures in kinds.items()} for tool, kinds in taken.items()}
    return f"{projects:,} projects, median of {runs}, on {machine()}:\n\n{table(results)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", type=int)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--dumb-pypi", default=shutil.which("dumb-pypi"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        print(run(given.projects, given.runs, given.work or Path(scratch), given.dumb_pypi))


if __name__ == "__main__":
    main()
