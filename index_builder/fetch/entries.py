"""Entries of a pool: bytes are checked when they come, and again where they are read for what they promise."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

from index_builder.errors import CorruptEntryError
from index_builder.model.names import Sha256
from index_builder.ports.machine import Clock
from index_builder.ports.pool import Pool

_CHUNK = 1024 * 1024


def copy(stream: BinaryIO, pool: Pool, digest: Sha256, clock: Clock | None = None) -> int:
    """Put a stream's bytes into a pool, checked; return how many there are. `clock` stops it.

    Raises CorruptEntryError, StorageError, InterruptedRunError.
    """
    entry, size = pool.receive(digest), 0
    try:
        entry.discard()
        while chunk := stream.read(_CHUNK):
            if clock:
                clock.check()
            entry.write(chunk)
            size += len(chunk)
        entry.commit()
    finally:
        entry.close()
    return size


def keep(pool: Pool, digest: Sha256, content: bytes) -> None:
    """Put bytes of a known digest into a pool, unless they are there. Raises StorageError."""
    if pool.size(digest) != len(content):
        copy(io.BytesIO(content), pool, digest)


def hashed(stream: BinaryIO) -> tuple[Sha256, int]:
    """Return the digest and the number of the bytes that are left in a stream."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return Sha256(digest.hexdigest()), size


def check_entry(pool: Pool, digest: Sha256) -> None:
    """Drop an entry that does not hold the bytes of its digest, and raise CorruptEntryError."""
    if not is_genuine(pool, digest):
        pool.drop(digest)
        msg = f"the pool's copy of {digest} held other bytes, and was dropped"
        raise CorruptEntryError(msg, fix="run the command again to fetch it anew; `index-builder add --dist FILE` puts a hosted file back")


def is_genuine(pool: Pool, digest: Sha256) -> bool:
    """Say whether a pool's entry holds the bytes that its name promises."""
    with pool.open(digest) as stream:
        return hashed(stream)[0] == digest
