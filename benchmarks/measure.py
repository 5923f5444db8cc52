"""What a process takes: wall time, CPU time and peak memory, as the operating system counts them."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one process and its children: seconds of wall and CPU time, and megabytes of peak memory of the largest."""

    wall: float
    cpu: float
    memory: float


def measured(
    command: list[str], folder: Path | None = None, *, expected: tuple[int, ...] = (0,), environment: dict[str, str] | None = None
) -> Figures:
    """Run a command, with more in its `environment`, and return what it took.

    Raises CalledProcessError where it exits with another code than expected.
    """
    with tempfile.TemporaryFile() as said:  # a pipe that nobody reads would stop whoever says much
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, cwd=folder, env={**os.environ, **(environment or {})})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        if os.waitstatus_to_exitcode(status) not in expected:
            said.seek(0)
            raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command, stderr=said.read())
    return Figures(wall=wall, cpu=usage.ru_utime + usage.ru_stime, memory=usage.ru_maxrss / 1000)


def median(figures: list[Figures]) -> Figures:
    """Return the median of each figure by itself."""
    return Figures(**{name: statistics.median(getattr(f, name) for f in figures) for name in ("wall", "cpu", "memory")})


def table(results: dict[str, dict[str, Figures]], peer: str) -> str:
    """Return results (kind of work -> tool -> figures) as a Markdown table, with the ratio of wall times to a peer's."""
    lines = [f"| work | tool | wall | CPU | peak memory | wall, of {peer}'s |", "|---|---|---|---|---|---|"]
    for kind, tools in results.items():
        for tool, f in tools.items():
            ratio = f"{f.wall / tools[peer].wall:.3f}" if peer in tools else "not measured"
            lines.append(f"| {kind} | {tool} | {f.wall:.2f} s | {f.cpu:.2f} s | {f.memory:,.0f} MB | {ratio} |")
    return "\n".join(lines)


def machine() -> str:
    """Return what figures were taken on."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def raw_write(tree: Path, copy: Path) -> float:
    """Return the seconds that it takes to write a tree's files once more, as plainly as can be: what the disk alone costs.

    It is done in a process of its own, which holds the tree: what a process takes, counts for all that it starts later.
    """
    command = [sys.executable, __file__, str(tree), str(copy)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _write_again(tree: Path, copy: Path) -> float:
    files = [(path.relative_to(tree), path.read_bytes()) for path in tree.rglob("*") if path.is_file()]
    began = time.perf_counter()
    for path, content in files:
        target = copy / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(_write_again(*map(Path, sys.argv[1:])))
