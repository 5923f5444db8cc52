"""uv as the resolver. It sees one index, ours on loopback, and builds nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.version import Version

from index_builder.errors import ResolutionError, UsageError
from index_builder.model.environment import Environment
from index_builder.model.names import NormalizedName
from index_builder.model.offer import Pin
from index_builder.ports.resolving import Offer

#: An offer -> the URL of a simple index that serves it while the block lasts.
Serving = Callable[[Offer], AbstractContextManager[str]]

#: Platform tag -> uv's word for it. What uv would also take does not matter: the offer holds only what fits.
_PLATFORMS: Final = (
    (r"(?:linux|manylinux_.*?)_(x86_64|aarch64)", r"\1-manylinux_2_40"),
    (r"musllinux_.*?_(x86_64|aarch64)", r"\1-unknown-linux-musl"),
    (r"macosx_.*_arm64", "aarch64-apple-darwin"),
    (r"macosx_.*_x86_64", "x86_64-apple-darwin"),
    (r"win_amd64", "x86_64-pc-windows-msvc"),
    (r"win_arm64", "aarch64-pc-windows-msvc"),
    (r"win32", "i686-pc-windows-msvc"),
)
#: The newest macOS whose wheels uv may consider; the offer's own filter is the narrower one.
_MACOS: Final = "26.0"


class UvResolver:
    """Runs `uv pip compile` against an offer."""

    def __init__(self, serving: Serving) -> None:
        """Take what serves an offer over HTTP."""
        self._serving = serving

    def resolve(
        self, requirements: Sequence[Requirement], environment: Environment, offer: Offer, *,
        preferred: Sequence[Pin], excluded: Sequence[NormalizedName], pre: bool,
    ) -> list[Pin]:  # fmt: skip
        """Resolve for one environment."""
        program = [_find_uv(), "pip", "compile", "-", "--quiet", "--no-config", "--no-cache", "--no-progress", "--color", "never"]
        program += ["--no-header", "--no-annotate", "--no-build", "--no-sources", "--no-python-downloads"]
        program += ["--python", sys.executable, "--python-version", environment.python, "--python-platform", _platform(environment)]
        program += ["--prerelease", "allow"] if pre else []
        with tempfile.TemporaryDirectory() as scratch, self._serving(offer) as url:
            output = Path(scratch) / "requirements.txt"
            output.write_text("".join(f"{pin.project}=={pin.version}\n" for pin in preferred), "utf-8")
            left_out = Path(scratch) / "excluded.txt"
            left_out.write_text("".join(f"{name}\n" for name in excluded), "utf-8")
            program += ["--excludes", str(left_out)] if excluded else []
            program += ["--default-index", url, "--output-file", str(output)]
            done = subprocess.run(  # noqa: S603 - fixed words, checked names and versions
                program, input="\n".join(map(str, requirements)), capture_output=True, text=True, check=False,
                env=_environment(), cwd=scratch,
            )  # fmt: skip
            if done.returncode != 0:
                msg = f"no set of releases fits {environment}: {_explanation(done.stderr)}"
                raise ResolutionError(msg, fix="ask for other versions, or leave a project out with --exclude NAME")
            return [_pin(line) for line in output.read_text("utf-8").splitlines() if line and not line.startswith(("#", "-"))]


def _find_uv() -> str:
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - an extra

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        msg = "resolving needs uv, which is not here"
        raise UsageError(msg, fix="pip install uv")
    return found


def _platform(environment: Environment) -> str:
    for pattern, word in _PLATFORMS:
        if found := re.fullmatch(pattern, environment.platform):
            return found.expand(word)
    msg = f"uv resolves nothing for {environment.platform}"
    raise UsageError(msg, fix="choose an x86_64 or aarch64 platform, or add what is missing without --with-dependencies")


def _environment() -> dict[str, str]:
    """Return this process's environment without what would lead uv or Python elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_", "PYTHON", "VIRTUAL_ENV"))}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "MACOSX_DEPLOYMENT_TARGET": _MACOS}


def _explanation(text: str) -> str:
    """Return what uv says, without the drawing around it, as one paragraph."""
    words = " ".join(re.sub(r"[^\x20-\x7e]+", " ", text).split())
    return re.sub(r"^(error: )?(No solution found when resolving dependencies[^:]*: )?", "", words) or "uv does not say why"


def _pin(line: str) -> Pin:
    requirement = Requirement(line)
    return Pin(project=NormalizedName.of(requirement.name), version=Version(next(iter(requirement.specifier)).version))
