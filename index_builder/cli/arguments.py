"""What people type after `add` and `pool push`: requirements, files, environments; each mistake with the way out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import product
from pathlib import Path

from packaging.requirements import Requirement

from index_builder import wiring
from index_builder.errors import SourceError, UsageError
from index_builder.locks.read import read_lock
from index_builder.model.environment import Environment
from index_builder.model.filename import SDIST_SUFFIXES
from index_builder.model.index import Configuration
from index_builder.model.lock import Lock
from index_builder.model.names import Word
from index_builder.model.requirement import parse_requirement

#: A lock file of 100,000 files has about 40 MB.
_LARGEST_LOCK = 64 * 1024 * 1024


def requirement(text: str) -> Requirement:
    """Return a requirement on a project of an index; raises UsageError."""
    if re.fullmatch(r"[0-9]+(\.[0-9a-z*]+)+", text):
        msg = f"{text!r} is a version, and no project goes with it"
        raise UsageError(msg, fix=f"write it as NAME=={text}")
    if "/" in text or text.endswith((".whl", *SDIST_SUFFIXES)):
        msg = f"{text!r} is a file or URL, not a project of an index"
        raise UsageError(msg, fix="files of your own are added with --dist, URLs with --url, lock files with --from")
    try:
        parsed = parse_requirement(text)
    except ValueError as error:
        msg = f"{text[:80]!r} is not a project or requirement: {error}"
        guess = re.sub(r"^([A-Za-z0-9._-]+)=([0-9].*)$", r"\1==\2", text)
        raise UsageError(msg, fix=f"did you mean '{guess}'?" if guess != text else "write it as NAME or 'NAME>=1.2'") from error
    if parsed.url and re.fullmatch(r"[0-9][A-Za-z0-9.]*", parsed.url):
        msg = f"{text!r} is not how a version is pinned"
        raise UsageError(msg, fix=f"did you mean '{parsed.name}=={parsed.url}'?")
    if parsed.url or parsed.marker:
        msg = f"{text!r} has a URL or marker, which says nothing about an index's files"
        raise UsageError(msg, fix="write it as NAME or 'NAME>=1.2'")
    return parsed


def own_files(what: Sequence[str]) -> list[Path]:
    """Return the wheels and sdists that paths of files and folders name, of folders at any depth; raises SourceError."""
    found: list[Path] = []
    for text in what:
        path = Path(text)
        if path.is_dir():
            inside = sorted(_distributions(path))
            if not inside:
                msg = f"{text} has no wheels or sdists"
                raise SourceError(msg, fix="build some first: python -m build")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            msg = f"{text} is neither a file nor a folder"
            raise SourceError(msg, fix="name wheels and sdists, or a folder of them; projects of an index are added with --pypi or --index")
    return found


def _distributions(folder: Path) -> Iterator[Path]:
    """Yield the wheels and sdists below a folder, but not what is hidden; links are followed within it alone. Raises SourceError."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(root, name)
            if name.startswith(".") or not name.endswith((".whl", *SDIST_SUFFIXES)):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
                msg = f"{path} is a link that leads out of {folder}"
                raise SourceError(msg, fix="name the file that it leads to, if that is meant")
            yield path


def lock(path: Path) -> Lock:
    """Read a lock file; raises SourceError, UsageError."""
    return read_lock(str(path), _content(str(path)), _content)


def _content(text: str) -> bytes:
    path = Path(text)
    fix = "name a pylock.toml, uv.lock, requirements.txt, or a folder of wheels and sdists"
    if "://" in text or text.startswith(("https:/", "http:/")):
        msg = f"{text} is a URL, and lock files are read from here only"
        raise SourceError(msg, fix="download it first, and look at it")
    try:
        if path.exists() and not path.is_file():
            msg = f"{path} is not an ordinary file"
            raise SourceError(msg, fix=fix)
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_LOCK + 1)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise SourceError(msg, fix=fix) from error
    if len(content) > _LARGEST_LOCK:
        msg = f"{path} has more than {_LARGEST_LOCK:,} bytes"
        raise SourceError(msg, fix="lock less at once")
    return content


def environments(
    pythons: Sequence[str], platforms: Sequence[str], clients: tuple[Environment, ...], *, needed: bool,
) -> tuple[Environment, ...]:  # fmt: skip
    """Return each Python on each platform; those of `clients:` where neither is given, this machine's where one is missing.

    Where nothing says any and none are `needed`, return none. Raises UsageError.
    """
    if not pythons and not platforms and (clients or not needed):
        return clients
    try:
        here = wiring.this_environment() if not (pythons and platforms) else None
        chosen = product(pythons or [here.python if here else ""], platforms or [here.platform if here else ""])
        return tuple(dict.fromkeys(Environment.of(python, platform) for python, platform in chosen))
    except ValueError as error:
        raise UsageError(str(error), fix="for example: --python 3.11 --python 3.13 --platform linux_x86_64") from error


def upstream(name: str, configuration: Configuration) -> Word:
    """Return the name of an upstream index; raises UsageError with the near ones."""
    known = configuration.upstreams
    if name in known:
        return Word(name)
    msg = f"index.yaml has no upstream '{name}'"
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    if near:
        raise UsageError(msg, fix=f"did you mean '{near[0]}'?")
    raise UsageError(msg, fix=f"the upstreams are: {', '.join(known)}" if known else f"add `upstreams: {{{name}: default}}` to index.yaml")
