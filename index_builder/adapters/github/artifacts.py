"""The preview that a pull request's own workflow has built, as its artifact: whoever made the pull request decides what is in it.

So of the archive only what installers ask for is unpacked, by the reader that refuses what two readers would read differently.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final

from index_builder.adapters.github.api import Api
from index_builder.adapters.storage import storage
from index_builder.errors import NotFoundError, RemoteError
from index_builder.inspection.finding import RefusedArchiveError
from index_builder.inspection.ziparchive import Archive, Member
from index_builder.model.names import Word
from index_builder.ports.machine import Progress

#: The workflow that builds it, and what it calls it.
WORKFLOW: Final = "validate.yml"
NAME: Final = "preview"
#: Bytes of an archive, and of what is in it: Pages takes no larger site.
_MOST: Final = 1_000_000_000
#: What installers ask for, below the name of an audience. Pages for people are left out: they may have scripts.
_ASKED_FOR: Final = re.compile(r"([^/]+)/(?:simple|packages|provenance)/.*[^/]")
_INSTEAD: Final = "leave --artifact out: then the preview is built here, from the pull request's commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Where it is, its bytes, and its SHA-256, '' where GitHub does not say."""

    path: str
    size: int
    digest: str


class PreviewArtifacts:
    """The artifacts of a repository."""

    def __init__(self, api: Api, name: str) -> None:
        """Take the API and the repository, OWNER/NAME."""
        self._api, self._path = api, f"repos/{name}/actions"

    def find(self, commit: str) -> Artifact:
        """Return the newest preview that was built of a commit; raises NotFoundError, RemoteError."""
        runs = self._api.items(f"{self._path}/workflows/{WORKFLOW}/runs", "workflow_runs", event="pull_request", head_sha=commit)
        found = [run for run in runs if run.get("head_sha") == commit]
        for run in sorted(found, key=lambda run: int(run["id"]), reverse=True):
            for artifact in self._api.items(f"{self._path}/runs/{int(run['id'])}/artifacts", "artifacts", name=NAME):
                if artifact["name"] == NAME:
                    return self._artifact(artifact, commit)
        why = "is still at work" if any(run.get("status") != "completed" for run in found) else "has made none"
        msg = f"there is no preview of {commit[:12]}: {WORKFLOW} {why}" if found else f"{WORKFLOW} has not run for {commit[:12]}"
        raise NotFoundError(msg, fix=f"wait for it, or {_INSTEAD}")

    def _artifact(self, value: Any, commit: str) -> Artifact:
        if value.get("expired"):
            msg = f"the preview of {commit[:12]} has expired"
            raise NotFoundError(msg, fix=f"push to the pull request again, or {_INSTEAD}")
        digest = re.fullmatch(r"sha256:([0-9a-f]{64})", str(value.get("digest") or ""))
        path = f"{self._path}/artifacts/{int(value['id'])}/zip"
        return Artifact(path=path, size=int(value["size_in_bytes"]), digest=digest[1] if digest else "")

    def unpack(self, artifact: Artifact, folder: Path, progress: Progress) -> tuple[Word, ...]:
        """Unpack the trees in it into `folder`, where nothing is, each below its audience's name; return the audiences.

        Raises RemoteError, StorageError.
        """
        if artifact.size > _MOST:
            msg = f"the preview has {artifact.size:,} bytes, more than {_MOST:,}"
            raise RemoteError(msg, fix=_INSTEAD)
        with TemporaryFile() as stream:
            progress.begin("Downloading the preview:", 1, artifact.size)
            try:
                with self._api.download(artifact.path) as chunks:
                    size = _received(chunks, stream, artifact, progress)
            finally:
                progress.end()
            try:
                return _unpacked(Archive(stream, size), folder)
            except RefusedArchiveError as error:
                msg = f"the preview is refused: {error}"
                raise RemoteError(msg, fix=_INSTEAD) from error


def _received(chunks: Iterable[bytes], stream: BinaryIO, artifact: Artifact, progress: Progress) -> int:
    """Write what arrives, and return how much it is; raises RemoteError where it is not what GitHub says it is."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > _MOST:
            break
        digest.update(chunk)
        with storage("the temporary folder"):
            stream.write(chunk)
        progress.advance(len(chunk))
    if size > _MOST:
        msg = f"the preview is longer than the {artifact.size:,} bytes that GitHub names, and than {_MOST:,}"
        raise RemoteError(msg, fix=_INSTEAD)
    if artifact.digest and digest.hexdigest() != artifact.digest:
        msg = "the preview is not the one that GitHub names, by its digest"
        raise RemoteError(msg, fix=f"try again, or {_INSTEAD}", retryable=True)
    return size


def _unpacked(archive: Archive, folder: Path) -> tuple[Word, ...]:
    if (unpacked := sum(member.unpacked for member in archive.members)) > _MOST:
        raise RefusedArchiveError("archive-bomb", f"its members have {unpacked:,} bytes, more than {_MOST:,}")
    found: set[Word] = set()
    for member in archive.members:
        if (asked_for := _ASKED_FOR.fullmatch(member.name)) is not None:
            found.add(_audience(asked_for[1]))
            _write(archive, member, folder / member.name)
    if not found:
        raise RefusedArchiveError("archive-format", "there is no index in it")
    return tuple(sorted(found))


def _audience(text: str) -> Word:
    try:
        return Word(text)
    except ValueError as error:
        raise RefusedArchiveError("archive-member-name", f"{text!r} is no audience's name") from error


def _write(archive: Archive, member: Member, path: Path) -> None:
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            for chunk in archive.chunks(member):
                stream.write(chunk)
