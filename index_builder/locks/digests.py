"""The digests of lock files: a manifest pins by SHA-256, and by nothing weaker."""

from __future__ import annotations

from collections.abc import Mapping

from index_builder.errors import SourceError
from index_builder.model.filename import parse_filename
from index_builder.model.lock import LockedFile
from index_builder.model.names import Sha256

_FIX = "lock again with SHA-256 digests"


def sha256_of(hashes: Mapping[str, str], where: str) -> Sha256:
    """Return the SHA-256 digest of a table of hashes; raises SourceError where there is none."""
    if "sha256" not in hashes:
        msg = f"{where} is locked by {', '.join(sorted(hashes)) or 'no digest'}, and a manifest pins by sha256"
        raise SourceError(msg, fix=_FIX)
    try:
        return Sha256(hashes["sha256"].lower())
    except ValueError as error:
        msg = f"{where}: {error}"
        raise SourceError(msg, fix=_FIX) from error


def sha256_from(text: str, where: str) -> Sha256:
    """Return the digest of `sha256:…`; raises SourceError."""
    kind, _, digest = text.partition(":")
    return sha256_of({kind: digest} if digest else {}, where)


def file_of(path: str, name: str, hashes: Mapping[str, str]) -> LockedFile:
    """Return a file that the lock file `path` lists; raises SourceError for a name that no index could list."""
    try:
        parsed = parse_filename(name)
    except ValueError as error:
        msg = f"{path}: {name}: {error}"
        raise SourceError(msg, fix="leave its project out with --exclude") from error
    return LockedFile(name=parsed, sha256=sha256_of(hashes, f"{path}: {name}"))
