"""Somebody who installs from a signed index: with `verify`, or through `proxy` with real pip and real uv."""

import sys
from pathlib import Path

import index_builder.cli

#: The ways in which an index is read by who checks.
WAYS = ("verify", "pip", "uv")

_INSTALLERS = {
    "pip": (sys.executable, "-m", "pip", "install", "--no-cache-dir", "--retries", "0"),
    "uv": (sys.executable, "-m", "uv", "pip", "install", "--no-cache", "--python", sys.executable),
}


class Reader:
    """Has the pinned root; what he has seen is in `cache`, what he has installed in `target`."""

    def __init__(self, root: Path, folder: Path, capfd) -> None:
        self.cache, self.target, self._capfd = folder / "cache", folder / "target", capfd
        self.trust = ("--root", str(root), "--cache", str(self.cache))

    def run(self, *arguments) -> tuple[int, str]:
        """Run a command; return its exit code, and all that it said."""
        self._capfd.readouterr()
        code = index_builder.cli.run([str(argument) for argument in arguments])
        captured = self._capfd.readouterr()
        return code, captured.out + captured.err

    def read(self, way: str, url: str, *projects: str) -> tuple[int, str]:
        """Check all of an index with `verify`, or install projects through `proxy`."""
        return self.verify(url) if way == "verify" else self.install(url, *_INSTALLERS[way], *projects)

    def verify(self, url: str, *more) -> tuple[int, str]:
        """Check an index and its files."""
        return self.run("verify", url, "-q", "--files", *self.trust, *more)

    def install(self, url: str, *command) -> tuple[int, str]:
        """Run an installer's command through the proxy, into an empty `target`."""
        return self.run("proxy", "--index", url, *self.trust, "--", *command, "--target", self.target)

    def installed(self, project: str) -> list[str]:
        """Return what is in `target` of a project: `alpha-1.1.dist-info`."""
        return sorted(path.name for path in self.target.glob(f"{project}-*.dist-info"))
