"""What `verify` and `proxy` share: where the index is, and whom to trust for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from index_builder import wiring
from index_builder.cli import arguments
from index_builder.cli.console import note, progress
from index_builder.client.index import VerifiedIndex
from index_builder.errors import TrustError, UsageError
from index_builder.trust.committed import TRUST

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
    if sum((pinned.root is not None, pinned.fingerprint is not None, pinned.unsafe)) > 1:
        msg = "--root, --root-fingerprint and --unsafe-trust-on-first-use say different things"
        raise UsageError(msg, fix="give one of them")
    url = _url(where)
    with wiring.open_client(url, progress(quiet=quiet)) as client:
        root = _root(where, url, pinned, client, cache)
        with wiring.open_verified(url, root, client, cache) as index:
            yield index


def _url(where: str) -> str:
    """Return the URL of the tree, ending in a slash; people give that of its simple API too."""
    if "://" not in where:
        folder = Path(where)
        if not folder.is_dir():
            msg = f"{where} is neither a URL nor a folder"
            raise UsageError(msg, fix="name the index's URL, or the folder of one audience, such as site/public")
        return folder.resolve().as_uri() + "/"
    url = arguments.http_url(where).rstrip("/") + "/"
    return url.removesuffix("simple/") if url.endswith("/simple/") else url


def _root(where: str, url: str, pinned: Pinned, client: wiring.Client, cache: Path | None) -> bytes:
    if pinned.root is not None:
        return pinned.root.read_bytes()
    if pinned.fingerprint is not None or pinned.unsafe:
        return _first_root(url, pinned, client, cache)
    near = _own_root(where)
    if near is not None:
        note(f"trusting {near}")
        return near.read_bytes()
    msg = "whom to trust for this index is not said"
    raise UsageError(
        msg, fix=f"--root FILE: {TRUST}/AUDIENCE/1.root.json of its repository; or --root-fingerprint, as its maintainers say it"
    )


def _own_root(where: str) -> Path | None:
    """Return the root in git of the tree in `site/AUDIENCE`, or the throw-away one that signed it."""
    if "://" in where:
        return None
    folder = Path(where).resolve()
    repository = folder.parent.parent
    for path in (repository / TRUST / folder.name / "1.root.json", repository / ".development-keys" / folder.name / TRUST / "1.root.json"):
        if path.is_file():
            return path
    return None


def _first_root(url: str, pinned: Pinned, client: wiring.Client, cache: Path | None) -> bytes:
    """Return the index's first root, which has the fingerprint, or is the one that was taken the first time."""
    content = client.downloader.page(f"{url}tuf/1.root.json", "*/*").content
    found = hashlib.sha256(content).hexdigest()
    if pinned.fingerprint is not None:
        if found != pinned.fingerprint.lower():
            msg = f"the first root of {url} has the fingerprint {found}, not the one that was given"
            raise TrustError(msg, fix="compare it with what its maintainers say, by another way than the index")
        return content
    return wiring.first_seen(url, content, cache)
