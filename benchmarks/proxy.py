"""What the checking proxy costs: `uv pip install` of 50 packages, plain over loopback, and through it.

usage: python benchmarks/proxy.py [--runs N]

Both are served by `index-builder serve`, and each installation is into an empty folder, without a cache. `running` asks a proxy
that runs already, `command` is `index-builder proxy -- uv pip install …`, with the start of the proxy. Plain and proxied runs
alternate; printed are medians of whole processes, and ratios.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from measure import machine

PROGRAM = str(Path(sys.executable).parent / "index-builder")
UV = str(Path(sys.executable).parent / "uv")
NUMBER, MODULES = 50, 40


def write_wheel(folder: Path, name: str, requires: list[str]) -> None:
    """Write a wheel of about 1 MB in 40 modules."""
    words = random.Random(name)
    info = f"{name}-1.0.dist-info"
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {each}" for each in requires)])
    members = {f"{name}/m{number}.py": "".join(words.choices("abcdefghijklmnop \n", k=25_000)).encode() for number in range(MODULES)}
    members |= {
        f"{info}/METADATA": f"{text}\n\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: b\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={digest(content)},{len(content)}" for path, content in members.items()]
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in (*members.items(), (f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]).encode())):
            archive.writestr(path, content)


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def started(*command: str) -> tuple[subprocess.Popen[str], str]:
    """Start a server; return it and its URL."""
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = ""
    while not (found := re.search(r"(http://127\.0\.0\.1:[0-9]+)/", said)):
        said += running.stderr.readline()  # type: ignore[union-attr]
    return running, found[1]


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Return how long an installation takes."""
    with tempfile.TemporaryDirectory() as target:
        begun = time.perf_counter()
        subprocess.run([*command, "--target", target], check=True, env=environment, capture_output=True)
        return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "UV_PYTHON_DOWNLOADS": "never"}
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        index, dist = Path(scratch) / "index", Path(scratch) / "dist"
        dist.mkdir()
        names = [f"part{number:02}" for number in range(NUMBER)]
        for number, name in enumerate(names):
            write_wheel(dist, name, names[2 * number + 1 : 2 * number + 3])
        for arguments in (["init", index], ["add", "--repo", index, "--dist", dist], ["build", "--repo", index, "--worktree"]):
            subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True)
        subprocess.run([PROGRAM, "sign", "--repo", str(index), "--worktree", "--development"], check=True, capture_output=True)
        root = str(index / ".development-keys" / "public" / "trust" / "1.root.json")
        server, plain = started(PROGRAM, "serve", "--repo", str(index), "--port", "0", "--quiet")
        trust = ["--index", plain, "--root", root, "--cache", str(Path(scratch) / "cache")]
        proxy, proxied = started(PROGRAM, "proxy", *trust)
        install = [UV, "pip", "install", "--no-cache", "--no-config", "--python", sys.executable, names[0]]
        ways = {
            "plain": [*install, "--default-index", f"{plain}/simple/"],
            "running": [*install, "--default-index", f"{proxied}/simple/"],
            "command": [PROGRAM, "proxy", *trust, "--", *install],
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(runs):
            for name, command in ways.items():
                times[name].append(seconds(command, environment))
        for running in (server, proxy):
            running.terminate()
            running.wait()
    print(machine())
    print(f"{NUMBER} packages of 1 MB")
    base = statistics.median(times["plain"])
    for name, each in times.items():
        print(
            f"{name:8} {statistics.median(each):.2f} s ({min(each):.2f} to {max(each):.2f}), {statistics.median(each) / base:.2f} times plain"
        )


if __name__ == "__main__":
    main()
