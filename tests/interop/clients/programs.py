"""One run of a client: a folder of its own, a server of its own, and what came of it."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from live import Live
from packaging.utils import canonicalize_name
from uv import find_uv_bin

PROJECTS = frozenset({"alpha", "beta", "delta", "epsilon", "eta", "gamma-ray", "iota", "zeta"})
LONGEST = 240
UV = find_uv_bin()
HOMES = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_DIRS")


@dataclass
class Outcome:
    """`requests` are what the client asked of the index, `versions` what stands in its environment at the end."""

    good: bool
    said: str
    requests: list[str]
    versions: dict[str, str] = field(default_factory=dict)
    lock: str = ""
    client: str = ""

    def files(self) -> list[str]:
        return [line for line in self.requests if "/packages/" in line]


@dataclass
class Place:
    """Where one run of a client happens: all that it writes is under `folder`, its home and its caches too."""

    folder: Path
    live: Live
    toolbox: Path
    said: list[str] = field(default_factory=list)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def environment(self) -> dict[str, str]:
        """Return all that a client learns from its environment: nothing of the machine's own configuration."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {name: str(home / name.lower()) for name in HOMES} | {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "TMPDIR": str(home),
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            "NO_PROXY": "127.0.0.1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_CACHE_DIR": str(home / "uv"),
            "UV_PYTHON_DOWNLOADS": "never",
            "VIRTUALENV_OVERRIDE_APP_DATA": str(self.toolbox / "seeds"),
        }

    def run(self, *arguments, **variables) -> bool:
        """Run a command in the project's folder, keep what it says, and return whether it went well."""
        self.project.mkdir(exist_ok=True)
        done = subprocess.run(
            [str(argument) for argument in arguments],
            cwd=self.project,
            env=self.environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=LONGEST,
        )
        self.said.append(done.stdout)
        return done.returncode == 0

    def tool(self, name: str, *arguments, **variables) -> bool:
        """Run a program of the toolbox, where each has an environment of its own."""
        return self.run(self.toolbox / name / "bin" / name, *arguments, **variables)

    def uv(self, *arguments, **variables) -> bool:
        """Run uv itself: `python -m uv` would hand it the environment of the tests to work on."""
        return self.run(UV, *arguments, **variables)

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        self.project.mkdir(exist_ok=True)
        (self.project / name).write_text(addressed(text, self.live.simple))

    def outcome(self, good: bool, site: Path | None = None, lock: str = "") -> Outcome:
        """Return what came of it: what is in `site` or in the project's `.venv`, and the text of the lock file."""
        where = [site] if site else (self.project / ".venv").glob("lib/python*/site-packages")
        found = {name: version for folder in where for name, version in installed(folder).items()}
        path = self.project / lock
        return Outcome(good, "\n".join(self.said), list(self.live.requests), found, path.read_text() if path.is_file() else "")


def addressed(text: str, address: str) -> str:
    """Put the index's address into a setting; BARE stands for the address without the slash at its end."""
    return text.replace("ADDRESS", address).replace("BARE", address.rstrip("/"))


def installed(site: Path) -> dict[str, str]:
    """Return normalized name and version of each distribution of the test index that is installed in a folder."""
    stems = (path.name.removesuffix(".dist-info").rsplit("-", 1) for path in site.glob("*.dist-info"))
    return {name: version for raw, version in stems if (name := canonicalize_name(raw)) in PROJECTS}
