"""Real installers, which install a wheel from an index, without what it depends on, into a folder that is thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

#: Who is to try an index.
INSTALLERS: Final = ("pip", "uv")
_DEADLINE: Final = 300


def available() -> dict[str, list[str]]:
    """Return the installers of this machine: how each is called, up to where it is told what to install."""
    return dict(_found())


def _found() -> Iterator[tuple[str, list[str]]]:
    pip = [sys.executable, "-m", "pip"] if find_spec("pip") else [path] if (path := shutil.which("pip")) else None
    if pip:
        quiet = ["--isolated", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--no-compile"]
        yield "pip", [*pip, "install", *quiet]
    uv = [sys.executable, "-m", "uv"] if find_spec("uv") else [path] if (path := shutil.which("uv")) else None
    if uv:
        yield "uv", [*uv, "pip", "install", "--no-config", "--no-cache", "--python", sys.executable]


def install(command: list[str], index: str, requirement: str, target: Path) -> str | None:
    """Install; return what the installer said if it failed. Nothing that arrives is executed: wheels only, none compiled."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    environment |= {"NO_PROXY": "127.0.0.1", "UV_PYTHON_DOWNLOADS": "never", "PIP_CONFIG_FILE": os.devnull}
    arguments = ["--no-deps", "--only-binary", ":all:", "--index-url", index, "--target", str(target), requirement]
    try:
        done = subprocess.run([*command, *arguments], capture_output=True, check=False, env=environment, timeout=_DEADLINE)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return f"it took more than {_DEADLINE} seconds"
    if done.returncode == 0:
        return None
    told = [line for line in (done.stderr + done.stdout).decode("utf-8", "replace").splitlines() if line.strip()]
    return told[-1].strip() if told else f"it ended with {done.returncode}"
