"""An index as its signatures say it is: what is not signed, is not there; what is there, is what was signed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import DelegatedRole, Metadata, Root, TargetFile, Targets
from tuf.api.serialization import DeserializationError
from tuf.ngclient import Updater, UpdaterConfig

from index_builder.client.cache import Cache
from index_builder.client.fetcher import GuardedFetcher
from index_builder.errors import NotFoundError, OtherLengthError, RemoteError, StorageError, TrustError
from index_builder.fetch.download import Downloader
from index_builder.state import digest_of
from index_builder.trust.layout import BINS, BITS, COPIES, FOLDER, ROOT, TARGETS, copy_path, is_copied, metadata_path

#: How many versions of root are followed at once, and how large the TUF snapshot may be: 65,536 bins take 6 MB.
_CONFIG = UpdaterConfig(max_root_rotations=1024, snapshot_max_length=8_000_000)
_GONE = (403, 404, 410)
#: Core metadata and provenance have no size in a page: more than this, in bytes, they never have.
_UNSIZED = 8 * 1024 * 1024
_NOT_ACCEPTABLE = 406


def read_root(content: bytes, where: str) -> Metadata[Root]:
    """Return a root that its own keys have signed; raises TrustError, which says what is instead in `where`."""
    try:
        root: Metadata[Any] = Metadata.from_bytes(content)
        if root.signed.type != ROOT:
            msg = f"{where} is no root of an index: it is metadata of {root.signed.type}"
            raise TrustError(msg, fix=_ROOT_FIX)
        root.signed.verify_delegate(ROOT, root.signed_bytes, root.signatures)
    except UnsignedMetadataError as error:
        msg = f"{where} is no root of an index: too few of its own keys have signed it"
        raise TrustError(msg, fix=_ROOT_FIX) from error
    except (DeserializationError, RepositoryError, ValueError, RecursionError) as error:
        msg = f"{where} is no root of an index: it is no JSON of TUF"
        raise TrustError(msg, fix=_ROOT_FIX) from error
    return root


class VerifiedIndex:
    """One audience's tree at `url`, which ends in a slash, as of the last `refresh`. Safe to be asked from several threads."""

    def __init__(self, url: str, root: bytes, cache: Cache, downloader: Downloader) -> None:
        """Trust `root`, and nothing else. Raises TrustError where it is no root."""
        self.url, self.downloader = url, downloader
        self._root, self._cache = root, cache
        self._updater: Updater | None = None
        logging.getLogger("tuf").setLevel(logging.ERROR)
        self._pinned = read_root(root, "what is to be trusted")

    def refresh(self) -> None:
        """Learn what is newest; raises TrustError where it is not signed, older than what was seen, or expired; RemoteError."""
        with self._cache.writing(), _in_words(self.url):
            updater = updater_of(self._cache.folder, f"{self.url}{FOLDER}", f"{self.url}{COPIES}", self._root, self.downloader)
            updater.refresh()
            self._updater = updater

    def target(self, path: str, what: str = "") -> TargetFile | None:
        """Return what is signed of a path: its length and digest; None where it is signed that there is none. Raises as `refresh`.

        An error says that it is about `what`: the path, unless something else is given.
        """
        if self._updater is None:
            self.refresh()
        assert self._updater is not None  # noqa: S101 - for the type checker: refresh has set it
        with self._cache.writing(), _in_words(what or path):
            return self._updater.get_targetinfo(path)

    def read(self, path: str) -> bytes:
        """Return a signed file's bytes, from its copy that never changes where there is one.

        Raises NotFoundError, TrustError, RemoteError.
        """
        target = self.target(path)
        if target is None:
            msg = f"{path} is not in the index"
            raise NotFoundError(msg)
        where = copy_path(path, target.hashes["sha256"]) if is_copied(path) else path
        return self._matching(where, target)

    def shows_another_root(self) -> bool:
        """Say whether nothing here was ever good, and where our root should be there is one of other keys."""
        if self._updater is not None:
            return False
        path = metadata_path(ROOT, self._pinned.signed.version)
        try:
            found = read_root(self.downloader.page(self.url + path, "*/*", most=_CONFIG.root_max_length).content, path)
        except (TrustError, RemoteError):
            return False
        return not set(found.signed.roles[ROOT].keyids) & set(self._pinned.signed.roles[ROOT].keyids)

    def other_bins(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the bins that list none of these paths, each with a path that would be in it; raises TrustError, RemoteError."""
        self.target(next(iter(paths := list(paths))))
        with self._cache.writing(), _in_words(BINS):
            bins: Metadata[Targets] = Metadata.from_file(str(self._cache.folder / f"{BINS}.json"))
            roles = bins.signed.delegations and bins.signed.delegations.succinct_roles
            targets: Metadata[Targets] = Metadata.from_file(str(self._cache.folder / f"{TARGETS}.json"))
            before = [role for name, role in _roles_of(targets) if name != BINS]
        if not roles or roles.bit_length not in BITS:
            raise TrustError(f"{BINS}.json has no bins", fix=_ASK)

        def is_in_bin(path: str) -> bool:
            return not any(role.is_delegated_path(path) for role in before)

        known = {roles.get_role_for_target(path) for path in filter(is_in_bin, paths)}
        found: dict[str, str] = {}
        # What bin a path is in, its digest says: so many are tried that each bin has one.
        for path in filter(is_in_bin, (f"simple/{number}/index.html" for number in count())):
            if len(found) == roles.number_of_bins:
                return {role: path for role, path in found.items() if role not in known}
            found.setdefault(roles.get_role_for_target(path), path)
        raise AssertionError

    def live(self, path: str, target: TargetFile) -> bytes:
        """Return a signed page as installers meet it; raises TrustError where it is another one."""
        return self._matching(path, target)

    def answers(self, folder: str, accept: str, signed: Sequence[TargetFile]) -> bool:
        """Say whether who asks for a folder gets one of these pages, or False, where the host has none there.

        Raises TrustError where it is another one, RemoteError.
        """
        what = f"{folder}, asked for as {accept.partition(',')[0]},"
        try:
            content = self.downloader.page(self.url + quote(folder), accept, most=max(target.length for target in signed)).content
        except OtherLengthError as error:
            raise _other(what) from error
        except RemoteError as error:
            if error.status in (*_GONE, _NOT_ACCEPTABLE):
                return False
            raise
        if digest_of(content) not in [target.hashes["sha256"] for target in signed]:
            raise _other(what)
        return True

    def compare(self, url: str, digest: str, size: int | None, name: str) -> None:
        """Compare a file with its digest, however large it is; raises TrustError, RemoteError."""
        with _signed(name):
            length, found = self.downloader.digest(url, _UNSIZED if size is None else size)
        if (size is not None and length != size) or found != digest:
            raise _other(name)

    def bytes_of(self, url: str, digest: str, size: int | None, name: str) -> bytes:
        """Return a file by its digest; raises TrustError, RemoteError."""
        content = self._fetched(url, _UNSIZED if size is None else size, name)
        if (size is not None and len(content) != size) or digest_of(content) != digest:
            raise _other(name)
        return content

    def expiries(self) -> dict[str, datetime]:
        """Return when the roles of the last refresh expire."""
        with self._cache.writing():
            found: dict[str, datetime] = {}
            for role in ("root", "timestamp", "snapshot"):
                metadata: Metadata[Any] = Metadata.from_file(str(self._cache.folder / f"{role}.json"))
                found[role] = metadata.signed.expires
            return found

    def _matching(self, path: str, target: TargetFile) -> bytes:
        content = self._fetched(self.url + quote(path), target.length, path)
        if len(content) != target.length or digest_of(content) != target.hashes.get("sha256"):
            raise _other(path)
        return content

    def _fetched(self, url: str, most: int, name: str) -> bytes:
        with _signed(name):
            return self.downloader.page(url, "*/*", most=most).content


def _roles_of(metadata: Metadata[Targets]) -> Iterable[tuple[str, DelegatedRole]]:
    return ((metadata.signed.delegations and metadata.signed.delegations.roles) or {}).items()


def updater_of(folder: Path, metadata: str, targets: str, root: bytes | None, downloader: Downloader) -> Updater:
    """Return python-tuf's client over our fetcher, with what it remembers in `folder`; with no root, it goes on from that one there."""
    return Updater(str(folder), metadata, str(folder), targets, GuardedFetcher(downloader), _CONFIG, bootstrap=root)


_ROOT_FIX = "give the file trust/AUDIENCE/1.root.json of the index's repository"
_ASK = "install nothing from it until its maintainers have explained this"


def _other(name: str) -> TrustError:
    return TrustError(f"{name} is not what was signed", fix=_ASK)


@contextmanager
def _signed(name: str) -> Iterator[None]:
    """Raise TrustError where something that is signed is not there, or longer; raises RemoteError for all else."""
    try:
        yield
    except RemoteError as error:
        if error.status in _GONE:
            msg = f"{name} is signed, and is not there: it is held back, or the publication is not whole"
            raise TrustError(msg, fix=_ASK) from error
        if isinstance(error, OtherLengthError):
            raise _other(name) from error
        raise


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Turn what python-tuf finds into TrustError, and what it cannot fetch into RemoteError."""
    try:
        yield
    except ExpiredMetadataError as error:
        msg = f"{what}: {error}: somebody keeps it from being renewed, or holds the newest back"
        raise TrustError(msg, fix="ask its maintainers; they renew it with: index-builder sign --heartbeat") from error
    except DownloadLengthMismatchError as error:
        msg = f"{what}: {error}"
        raise TrustError(msg, fix=_ASK) from error
    except DownloadHTTPError as error:
        if error.status_code in _GONE:
            msg = f"{what}: {error}: signatures that must be there are not"
            raise TrustError(msg, fix="is it the URL of a signed index? its signatures are in tuf/ beside simple/") from error
        raise RemoteError(f"{what}: {error}", status=error.status_code) from error
    except DownloadError as error:
        raise RemoteError(f"{what}: {error}", fix="look at the network and try again") from error
    except (RepositoryError, ValueError, RecursionError) as error:
        raise TrustError(f"{what}: {error}", fix=_ASK) from error
    except OSError as error:
        msg = f"what is remembered of {what} cannot be read or written: {error.strerror or error}"
        raise StorageError(msg, fix="choose another folder for it: --cache DIR") from error
