"""Which kind of lock file it is, by its name and its first keys."""

from __future__ import annotations

import tomllib
from typing import Any, Final

from index_builder.errors import SourceError, UsageError
from index_builder.locks.pylock import read_pylock
from index_builder.locks.requirements import Include, read_requirements
from index_builder.locks.uvlock import read_uv_lock
from index_builder.model.lock import Lock

#: The command that turns another tool's lock file into one that is read here.
_EXPORTS: Final = {
    "poetry.lock": "poetry export --format requirements.txt --output requirements.txt",
    "pdm.lock": "pdm export --format pylock --output pylock.toml",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt",
    "pyproject.toml": "uv lock",
}


def read_lock(path: str, content: bytes, include: Include) -> Lock:
    """Return what a pylock.toml, uv.lock or requirements.txt pins; raises SourceError, UsageError.

    `include` gives the bytes of a file that a requirements.txt names with -r or -c.
    """
    name = path.rpartition("/")[2]
    if name in _EXPORTS:
        msg = f"{path} is not a lock file that can be read here"
        raise UsageError(msg, fix=f"make one of it: {_EXPORTS[name]}")
    if name.endswith((".toml", ".lock")):
        value = _toml(path, content)
        if "lock-version" in value:
            return read_pylock(path, value)
        if "package" in value and "version" in value:
            return read_uv_lock(path, value)
    elif name.endswith((".txt", ".in")):
        return read_requirements(path, content, include)
    msg = f"{path} is none of pylock.toml, uv.lock and requirements.txt"
    raise UsageError(msg, fix="export one with the tool that locks, or name a folder of wheels and sdists")


def _toml(path: str, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        msg = f"{path} cannot be read as TOML: {error}"
        raise SourceError(msg, fix="lock again with the tool that wrote it") from error
