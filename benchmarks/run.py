"""Build the benchmark's index with index-builder and with dumb-pypi, side by side, and print the ratios.

usage: python benchmarks/run.py PROJECTS [--runs N] [--work DIR] [--sites DIR] [--peers DIR]

Each figure is of a whole process; the median of N runs (3 unless told). Each tool does this, in a folder of its own:

full      an empty folder becomes the whole index
one more  one file was added to one project
nothing   nothing has changed since

list       index-builder from dumb-pypi's package list, with everything that it writes for installers but release JSON
list html  the same, writing only what dumb-pypi writes
git        index-builder from manifests in git, without pages for people
git people the same with them
dumb-pypi  from the same list, `--no-per-release-json`, with the list before as `--previous-package-list-json`

Trees are written into --sites, memory where the system has a /dev/shm; one full build is written to the disk beside, and the
same files once more without any tool.
"""

from __future__ import annotations

import argparse
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import folder
import trustme
from measure import Figures, machine, measured, median, raw_write, table

PROGRAM = str(Path(sys.executable).parent / "index-builder")


def from_list(work: Path, site: Path, *more: str) -> dict[str, list[str]]:
    """Return our commands on the package list."""
    common = [PROGRAM, "build", "--quiet", "--packages-url", "../../pool/", "--no-per-release-json", "--output-dir", str(site), *more]
    return with_lists([*common, "--package-list-json"], work)


def from_git(work: Path, site: Path, *more: str) -> dict[str, list[str]]:
    """Return our commands on the repository."""
    common = [PROGRAM, "build", "--quiet", *more, "--release-json", "none", "--repo", str(work / "repo.git"), "--output", str(site)]
    common += ["--pool", str(work / "pool"), "--commit"]
    return {"full": [*common, "main"], "one more": [*common, "changed"], "nothing": [*common, "changed"]}


def of_dumb_pypi(program: str, work: Path, site: Path) -> dict[str, list[str]]:
    """Return dumb-pypi's commands."""
    common = [program, "--packages-url", "../../pool/", "--no-per-release-json", "--output-dir", str(site), "--package-list-json"]
    return with_lists(common, work)


def with_lists(common: list[str], work: Path) -> dict[str, list[str]]:
    """Return commands that end with a list, and with the one before it."""
    before, after, previous = str(work / "packages.jsonl"), str(work / "changed.jsonl"), "--previous-package-list-json"
    return {"full": [*common, before], "one more": [*common, after, previous, before], "nothing": [*common, after, previous, after]}


def run(projects: int, runs: int, work: Path, sites: Path, peers: Path | None) -> str:
    """Make the workload, measure, and return the page."""
    if not (work / "repo.git").exists():
        workload = [sys.executable, Path(__file__).parent / "workload.py", str(projects), work, "--git"]
        subprocess.run(workload, check=True, stdout=subprocess.DEVNULL)
    tools = {
        "list": lambda site: from_list(work, site, "--no-web"),
        "list html": lambda site: from_list(work, site, "--no-web", "--no-simple-json"),
        "git": lambda site: from_git(work, site, "--no-web"),
        "git people": lambda site: from_git(work, site),
    }
    if peers:
        tools["dumb-pypi"] = lambda site: of_dumb_pypi(str(peers / "dumb-pypi"), work, site)
    taken: dict[str, dict[str, list[Figures]]] = {}
    for _ in range(runs):
        for tool, commands in tools.items():
            site = sites / f"site-{tool.replace(' ', '-')}"
            for kind, command in commands(site).items():
                taken.setdefault(kind, {}).setdefault(tool, []).append(measured(command))
            # Not by ourselves: to list a folder of 100,000 takes memory, which would count for all that is started afterwards.
            subprocess.run(["rm", "-rf", site], check=True)
    results = {kind: {tool: median(figures) for tool, figures in found.items()} for kind, found in taken.items()}
    with (work / "packages.jsonl").open() as lines:
        files = sum(1 for _ in lines)
    head = f"{files:,} files in {projects:,} projects, median of {runs}, on {machine()}, trees in {sites}"
    return (
        "\n\n".join(
            [
                head,
                table(results, "dumb-pypi"),
                judged(work, runs),
                fresh_runner(work, sites, runs),
                started(runs),
                on_disk(work, runs),
                *folder.run(min(projects, 2000), runs, sites, peers),
            ]
        )
        + "\n"
    )


def judged(work: Path, runs: int) -> str:
    """Return what it takes to judge the change of one manifest; the workload's times are old, and so it is refused."""
    command = [PROGRAM, "check", "--repo", str(work / "repo.git"), "--base", "main", "--head", "changed", "--offline", "--quiet"]
    f = median([measured([*command, "--pool", str(work / "pool")], expected=(0, 1, 10)) for _ in range(runs)])
    return f"One change judged against its base, `check --base`, offline: {f.wall:.2f} s, {f.memory:,.0f} MB."


def fresh_runner(work: Path, sites: Path, runs: int) -> str:
    """Return what a machine takes that has nothing but the repository: the state comes from the published site, over loopback."""
    site, scratch = sites / "published", sites / "scratch"
    subprocess.run(from_git(work, site, "--no-web")["full"], check=True)
    with serving(site / "public") as (url, environment):
        found = []
        for _ in range(runs):
            shutil.rmtree(scratch, ignore_errors=True)
            changed = from_git(work, scratch, "--no-web", "--sparse", "--published", url)["one more"]
            found.append(measured(changed, environment=environment))
    f = median(found)
    shutil.rmtree(site)
    shutil.rmtree(scratch)
    return f"A fresh runner, one manifest changed, state from the published site, `--sparse`: {f.wall:.2f} s, {f.memory:,.0f} MB."


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a folder over HTTPS on loopback; yield its URL, and the environment in which it is believed."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with authority.cert_pem.tempfile() as trusted:
            yield f"https://127.0.0.1:{server.server_port}/", {"INDEX_BUILDER_UNSAFE_NETWORKS": "127.0.0.1", "SSL_CERT_FILE": trusted}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def started(runs: int) -> str:
    """Return what the start of the program takes, and a look at the small index of this repository."""
    here = str(Path(__file__).parent.parent)
    shown = median([measured([PROGRAM, "--help"]) for _ in range(runs)])
    listed = median([measured([PROGRAM, "list", "--repo", here]) for _ in range(runs)])
    return f"`--help`: {shown.wall:.2f} s; `list` of this repository: {listed.wall:.2f} s."


def on_disk(work: Path, runs: int) -> str:
    """Return what a full build to the disk takes, and what the disk alone takes, one after the other and the disk at rest before each.

    Nothing is deleted before the last run is over: ext4 looks past each file that was deleted within some minutes before it makes a
    new one, and makes them twenty times as slowly.
    """
    built, raw = [], []
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        for number in range(runs):
            site, copy = Path(scratch, f"site-{number}"), Path(scratch, f"copy-{number}")
            os.sync()
            built.append(measured(from_list(work, site, "--no-web")["full"]).wall)
            os.sync()
            raw.append(raw_write(site, copy))
    tool, loop = statistics.median(built), statistics.median(raw)
    return (
        f"Full, from the list, on disk: {tool:.2f} s; the same files written by nothing but a loop: {loop:.2f} s ({tool / loop:.2f} times)."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", type=int)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--sites", type=Path, default=Path("/dev/shm") if Path("/dev/shm").is_dir() else None)
    parser.add_argument("--peers", type=Path, metavar="DIR", help="the bin/ of an environment with dumb-pypi, simple503 and pypiserver")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory(dir=given.sites) as sites:
        try:
            print(run(given.projects, given.runs, given.work or Path(scratch), Path(sites), given.peers))
        except subprocess.CalledProcessError as error:
            sys.exit(f"{error}\n{(error.stderr or b'').decode()}")


if __name__ == "__main__":
    main()
