"""What `verify` and `proxy` share: where the index is, and whom to trust for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from index_builder.cli import urls
from index_builder.cli.console import note, progress
from index_builder.client.index import VerifiedIndex, read_root
from index_builder.errors import RemoteError, TrustError, UsageError
from index_builder.trust.layout import FOLDER, ROOT, TRUST, metadata_path
from index_builder.wiring import clients

_STOP: Final = "install nothing from it until its maintainers have explained this"
_GONE: Final = (403, 404, 410)
#: In bytes; python-tuf's client takes no larger one either.
_LARGEST_ROOT: Final = 512_000

Command = Callable[..., Any]


class Pinned(NamedTuple):
    """Whom to trust: a file, a fingerprint, or whatever comes first."""

    root: Path | None
    fingerprint: str | None
    unsafe: bool


def options(command: Command) -> Command:
    """Add --root, --root-fingerprint, --unsafe-trust-on-first-use and --cache."""
    root = click.option(
        "--root", type=click.Path(path_type=Path, dir_okay=False, exists=True), envvar="INDEX_BUILDER_ROOT", metavar="FILE",
        help="The root metadata to trust, which came by another way than the index.",
    )  # fmt: skip
    fingerprint = click.option("--root-fingerprint", metavar="SHA256", help="Trust the index's first root if it has this digest.")
    unsafe = click.option("--unsafe-trust-on-first-use", is_flag=True, help="Trust whatever root the index shows the first time.")
    cache = click.option("--cache", type=click.Path(path_type=Path), metavar="DIR", help="Where is remembered what was seen.")
    decorated: Command = root(fingerprint(unsafe(cache(command))))
    return decorated


@contextmanager
def opened(where: str, pinned: Pinned, cache: Path | None, *, quiet: bool) -> Iterator[VerifiedIndex]:
    """Yield the index at a URL or in a folder; raises UsageError, TrustError, RemoteError."""
    _check(pinned)
    folder = None if "://" in where else _folder(where)
    url = folder.as_uri() + "/" if folder else _url(where)
    with clients.open_client(url, progress(quiet=quiet)) as client:
        name, root = _root(folder, url, pinned, client, cache)
        with clients.open_verified(url, root, client, cache) as index:
            try:
                yield index
            except TrustError as error:
                if name and index.shows_another_root():
                    msg = f"{where} is not the index of {name}: it shows a root of other keys"
                    raise TrustError(msg, fix=f"give the root of this very index; if {name} is it, {_STOP}") from error
                raise


def _check(pinned: Pinned) -> None:
    """Raise UsageError where whom to trust is said in two ways, or not whole."""
    if sum((pinned.root is not None, pinned.fingerprint is not None, pinned.unsafe)) > 1:
        msg = "--root, --root-fingerprint and --unsafe-trust-on-first-use say different things"
        raise UsageError(msg, fix="give one of them")
    if pinned.fingerprint is not None and not re.fullmatch(r"[0-9A-Fa-f]{64}", pinned.fingerprint):
        msg = "--root-fingerprint is no SHA-256"
        raise UsageError(msg, fix="give all its 64 digits, as sha256sum prints them")


def _url(where: str) -> str:
    """Return the URL of the tree, ending in a slash; people give that of its simple API too."""
    url = urls.http_url(where).rstrip("/") + "/"
    return url.removesuffix("simple/") if url.endswith("/simple/") else url


def _folder(where: str) -> Path:
    """Return the folder of an audience's tree; people give that of its simple API too. Raises UsageError."""
    folder = _as_given(Path(where))
    if not folder.is_dir():
        msg = f"{where} is neither a URL nor a folder"
        raise UsageError(msg, fix="name the index's URL, or the folder of one audience, such as site/public")
    if folder.name == "simple" and (folder.parent / FOLDER).is_dir():
        return folder.parent
    audiences = [] if (folder / FOLDER).is_dir() else sorted(path.name for path in folder.iterdir() if (path / FOLDER).is_dir())
    if audiences:
        msg = f"{where} has the trees of several readers, or may have"
        raise UsageError(msg, fix=f"name one of them: {' or '.join(str(Path(where) / name) for name in audiences)}")
    return folder


def _as_given(path: Path) -> Path:
    """Return an absolute path without following links: what is published to a folder is a link that goes to and fro between two.

    What was seen is remembered by this path. `..` after a link is what the system makes of it.
    """
    absolute = path.absolute()
    while ".." in absolute.parts:
        first = absolute.parts.index("..") + 1
        absolute = Path(*absolute.parts[:first]).resolve() / Path(*absolute.parts[first:])
    return absolute


def _root(folder: Path | None, url: str, pinned: Pinned, client: clients.Client, cache: Path | None) -> tuple[str, bytes]:
    """Return the root to trust, and the name of the file that it came from, '' where it came from the index itself."""
    if pinned.fingerprint is not None or pinned.unsafe:
        return "", _first_root(url, pinned, client, cache)
    near = pinned.root or (_own_root(folder) if folder else None)
    if near is not None:
        if near != pinned.root:
            note(f"trusting {near}")
        return str(near), _of_file(near)
    msg = "whom to trust for this index is not said"
    raise UsageError(
        msg, fix=f"--root FILE: {TRUST}/AUDIENCE/1.root.json of its repository; or --root-fingerprint, as its maintainers say it"
    )


def _of_file(path: Path) -> bytes:
    """Return the root in a file; raises UsageError where none is in it: that says nothing about the index."""
    try:
        content = path.read_bytes()
        read_root(content, str(path))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise UsageError(msg) from error
    except TrustError as error:
        raise UsageError(error.message, fix=error.fix) from error
    return content


def _own_root(folder: Path) -> Path | None:
    """Return the root in git of the tree in `site/AUDIENCE`, or the throw-away one that signed it."""
    repository = folder.parent.parent
    for path in (repository / TRUST / folder.name / "1.root.json", repository / ".development-keys" / folder.name / TRUST / "1.root.json"):
        if path.is_file():
            return path
    return None


def _first_root(url: str, pinned: Pinned, client: clients.Client, cache: Path | None) -> bytes:
    """Return the index's first root, which has the fingerprint, or is the one that was taken the first time."""
    path = f"{url}{metadata_path(ROOT, 1)}"
    try:
        content = client.downloader.page(path, "*/*", most=_LARGEST_ROOT).content
    except RemoteError as error:
        if error.status not in _GONE:
            raise
        msg = f"{path} is not there, and with it the trust would begin"
        raise TrustError(msg, fix="is it the URL of a signed index? if it is, its first root is held back: give --root FILE") from error
    if pinned.fingerprint is not None:
        found = hashlib.sha256(content).hexdigest()
        if found != pinned.fingerprint.lower():
            msg = f"the first root of {url} has the fingerprint {found}, not the one that was given"
            raise TrustError(msg, fix="compare it with what its maintainers say, by another way than the index")
        return content
    # What is taken once, is trusted for good: not the page of a login, nor an error of a host.
    read_root(content, path)
    return clients.first_seen(url, content, cache)
