"""A folder of wheels becomes an index: by index-builder, simple503 and pypiserver.

index-builder adds all wheels to manifests, looking into each, and builds; simple503 writes pages beside copies of them;
pypiserver is timed from its start to the first project list that is complete.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

from measure import Figures, measured, median, table

PROGRAM = str(Path(sys.executable).parent / "index-builder")
RELEASES = 10
PATIENCE = 300.0


def wheel(name: str, version: str) -> bytes:
    """Return a small wheel, the same bytes each time."""
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}/__init__.py": b"",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.9\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = (
        (path, base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()) for path, content in members.items()
    )
    record = "".join(f"{path},sha256={digest},{len(members[path])}\n" for path, digest in digests) + f"{info}/RECORD,,\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**members, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), content)
    return stream.getvalue()


def run(count: int, runs: int, work: Path, peers: Path | None) -> list[str]:
    """Return the page's paragraphs about `count` wheels; none without peers."""
    if peers is None:
        return []
    wheels = work / "wheels"
    wheels.mkdir(exist_ok=True)
    for number in range(count):
        name, version = f"bench{number // RELEASES}", f"1.{number % RELEASES}"
        (wheels / f"{name}-{version}-py3-none-any.whl").write_bytes(wheel(name, version))
    taken: dict[str, list[Figures]] = {}
    for _ in range(runs):
        taken.setdefault("index-builder", []).append(_ours(wheels, work / "index"))
        taken.setdefault("simple503", []).append(_simple503(peers, wheels, work / "simple503"))
        taken.setdefault("pypiserver", []).append(_pypiserver(peers, wheels, -(-count // RELEASES)))
    results = {"a folder of wheels": {tool: median(figures) for tool, figures in taken.items()}}
    return [f"A folder of {count:,} small wheels:", table(results, "simple503")]


def _ours(wheels: Path, index: Path) -> Figures:
    shutil.rmtree(index, ignore_errors=True)
    measured([PROGRAM, "init", str(index)])
    added = measured([PROGRAM, "add", "--quiet", "--dist", str(wheels)], index)
    built = measured([PROGRAM, "build", "--quiet", "--no-web", "--worktree"], index)
    return Figures(wall=added.wall + built.wall, cpu=added.cpu + built.cpu, memory=max(added.memory, built.memory))


def _simple503(peers: Path, wheels: Path, target: Path) -> Figures:
    shutil.rmtree(target, ignore_errors=True)
    return measured([str(peers / "simple503"), "--copy", str(wheels), str(target)])


def _pypiserver(peers: Path, wheels: Path, projects: int) -> Figures:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    server = subprocess.Popen(
        [str(peers / "pypi-server"), "run", "-i", "127.0.0.1", "-p", str(port), str(wheels)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while _listed(port) < projects:
            if server.poll() is not None or time.perf_counter() - began > PATIENCE:
                raise subprocess.CalledProcessError(server.returncode or 1, server.args)
            time.sleep(0.01)
        wall = time.perf_counter() - began
        status = Path(f"/proc/{server.pid}/status")
        peak = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
        ticks = Path(f"/proc/{server.pid}/stat").read_text().rpartition(") ")[2].split() if status.exists() else []
        cpu = (int(ticks[11]) + int(ticks[12])) / 100 if ticks else 0.0
    finally:
        server.kill()
        server.wait()
    return Figures(wall=wall, cpu=cpu, memory=int(peak[1]) / 1000 if peak else 0.0)


def _listed(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/simple/", timeout=60) as answer:
            return len(re.findall(rb"<a href", answer.read()))
    except OSError:
        return -1
