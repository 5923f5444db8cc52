"""An audience's files as assets of GitHub releases; and a release as the place where contributors hand files in.

A release holds 1,000 assets, and about 500 can be made in an hour: so files are spread over 256 releases by their digests, what
is there is asked for before anything is sent, and what was sent stays when the hour is over. Nothing is ever overwritten.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final

from index_builder.adapters.github.api import Api
from index_builder.errors import NotFoundError, RemoteError, StorageError
from index_builder.fetch.download import local_storage
from index_builder.model.names import Sha256
from index_builder.model.publication import Put
from index_builder.model.releases import PER_HOUR, Releases, asset_of
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site

_BODY: Final = "Files of a package index, by the digest of their bytes. index-builder puts and removes them: leave them as they are."
_ATTEMPTS: Final = 4


class ReleaseDepot:
    """Releases of a repository, as the place of an audience's files."""

    def __init__(self, releases: Releases, api: Api) -> None:
        """Take whose they are."""
        self._releases, self._api = releases, api
        self._found = _Releases(api, f"repos/{releases.repository}/releases")

    def missing(self, puts: Sequence[Put], wanted: Site) -> list[Put]:
        """Return those that are not there yet; raises RemoteError, StorageError where one is there with other bytes."""
        return [put for put in puts if not self._is_there(put, wanted)]

    def stock(self, puts: Sequence[Put], wanted: Site, progress: Progress) -> None:
        """Upload what is not there; raises RemoteError, StorageError."""
        missing = self.missing(puts, wanted)
        if not missing:
            return
        sizes = {put.path: wanted.size(put.path) or 0 for put in missing}
        if len(missing) > PER_HOUR:
            hours = len(missing) / PER_HOUR
            progress.note(
                f"{len(missing):,} assets are uploaded, at {PER_HOUR} an hour: about {hours:.1f} hours; it can be stopped and run again"
            )
        progress.begin(f"Uploading to releases of {self._releases.repository}:", len(missing), sum(sizes.values()))
        try:
            for put in missing:
                with wanted.open(put.path) as stream:
                    asset = asset_of(put.path)
                    self._found.made(asset.tag, _BODY).put(asset.name, stream, sizes[put.path])
                progress.done(put.path)
        finally:
            progress.end()

    def withdraw(self, paths: Iterable[str]) -> None:
        """Delete files; raises RemoteError."""
        for path in paths:
            asset = asset_of(path)
            release = self._found.found(asset.tag)
            if release and (there := release.assets.pop(asset.name, None)):
                self._delete(there)

    def _is_there(self, put: Put, wanted: Site) -> bool:
        asset = asset_of(put.path)
        release = self._found.found(asset.tag)
        there = release.assets.get(asset.name) if release else None
        if there is None or there.get("state") != "uploaded":
            return False
        said = str(there.get("digest") or "")
        has_digest = put.digest and said.startswith("sha256:")  # older servers tell only how many bytes there are
        size = None if has_digest else wanted.size(put.path)
        if said != f"sha256:{put.digest}" if has_digest else size not in (None, there.get("size")):
            msg = f"{asset.name} is in the release {asset.tag} of {self._releases.repository} with other bytes"
            raise StorageError(msg, fix="find out who put it there; then delete that asset, and publish again")
        return True

    def _delete(self, there: dict[str, Any]) -> None:
        try:
            self._api.send("DELETE", f"repos/{self._releases.repository}/releases/assets/{int(there['id'])}")
        except NotFoundError:
            return


def _may_have_arrived(error: RemoteError) -> bool:
    """Say whether nobody knows if a request did what it should: that it did already, is answered by 422."""
    return error.status == HTTPStatus.UNPROCESSABLE_ENTITY or (error.retryable and error.retry_after is None)


class _Releases:
    """The releases of a repository that were asked for, each once, whoever of several threads asks."""

    def __init__(self, api: Api, path: str) -> None:
        self._api, self._path, self._lock = api, path, threading.RLock()
        self._known: dict[str, _Release | None] = {}

    def found(self, tag: str) -> _Release | None:
        """Return a release by its tag, with its assets; None where there is none. Raises RemoteError."""
        with self._lock:
            if tag not in self._known:
                self._known[tag] = self._asked(tag)
            return self._known[tag]

    def _asked(self, tag: str) -> _Release | None:
        try:
            release = _Release(self._api, self._path, self._api.get(f"{self._path}/tags/{tag}"))
        except NotFoundError:
            return None
        release.look()
        return release

    def made(self, tag: str, body: str) -> _Release:
        """Return a release, which is made where there is none. Raises RemoteError."""
        value = {"tag_name": tag, "name": tag, "body": body, "prerelease": True, "make_latest": "false"}
        for attempt in range(1, _ATTEMPTS + 1):
            if release := self.found(tag):
                return release
            try:
                self._known[tag] = _Release(self._api, self._path, self._api.send("POST", self._path, value))
            except RemoteError as error:
                if attempt == _ATTEMPTS or not _may_have_arrived(error):
                    raise
                del self._known[tag]
        raise AssertionError


class _Release:
    """A release, and what it has."""

    def __init__(self, api: Api, path: str, value: dict[str, Any]) -> None:
        self._api, self._path = api, path
        self._id, self._upload = int(value["id"]), str(value["upload_url"])
        self.assets: dict[str, dict[str, Any]] = {}

    def look(self) -> None:
        """Ask for its assets; a release that was just made has none."""
        self.assets = {asset["name"]: asset for asset in self._api.items(f"{self._path}/{self._id}/assets")}

    def put(self, name: str, stream: BinaryIO, size: int) -> None:
        """Upload a file; raises RemoteError, StorageError where GitHub did not keep its name."""
        for attempt in range(1, _ATTEMPTS + 1):
            if (left := self.assets.get(name)) and left.get("state") != "uploaded":
                self._api.send("DELETE", f"{self._path}/assets/{int(left['id'])}")
            try:
                made = self._api.upload(self._upload, name, stream, size)
            except RemoteError as error:
                if attempt == _ATTEMPTS or not _may_have_arrived(error):
                    raise
                self.look()
                there = self.assets.get(name)
                if there and there.get("state") == "uploaded" and there.get("size") == size:
                    return
                continue
            break
        if made["name"] != name:
            self._api.send("DELETE", f"{self._path}/assets/{int(made['id'])}")
            msg = f"GitHub made {made['name']!r} of the name {name!r}, by which no installer would find it"
            raise StorageError(msg, fix="keep this audience's files in a bucket: `files:` instead of `releases:`")
        self.assets[name] = made


class ReleaseInbox:
    """A pre-release whose assets are called by their digests: whoever may write to the repository fills it, its readers see it.

    It is no draft: those are hidden from tokens that may only read, and judging must not need more than that.
    """

    TAG: Final = "inbox"

    def __init__(self, repository: str, api: Api) -> None:
        """Take the repository."""
        self._api, self._path = api, f"repos/{repository}/releases"
        self._releases = _Releases(api, self._path)

    def open(self, digest: Sha256, name: str) -> BinaryIO | None:
        """Download a file, and open that."""
        release = self._releases.found(self.TAG)
        there = release.assets.get(digest) if release else None
        if there is None or there.get("state") != "uploaded":
            return None
        stream: BinaryIO = TemporaryFile()  # noqa: SIM115 - handed out
        try:
            with self._api.download(f"{self._path}/assets/{int(there['id'])}") as chunks, local_storage():
                stream.writelines(chunks)
        except BaseException:
            stream.close()
            raise
        stream.seek(0)
        return stream

    def put(self, digest: Sha256, stream: BinaryIO, size: int) -> None:
        """Hand a file in, unless it is there. Raises RemoteError."""
        release = self._releases.made(self.TAG, "Files handed in for a package index; they are called by their digests.")
        there = release.assets.get(digest)
        if there is None or there.get("state") != "uploaded":
            release.put(digest, stream, size)
