"""The right to change a bucket's pages, which one publication has at a time.

The lease is an object that is made only where there is none, and taken over only where it has expired: whoever holds it
renews it before half of its time is over, and puts nothing once it might have been taken.
"""

from __future__ import annotations

import json
import secrets
import threading
from contextlib import suppress
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from index_builder.adapters.object_store import REVALIDATE, Bucket, Tag
from index_builder.errors import LostRaceError, RemoteError, UsageError

if TYPE_CHECKING:
    from index_builder.ports.machine import Clock, Progress

LEASE: Final = "state/lease.json"
#: Of a life, the part before its end in which nothing is begun any more; a request may take less than that.
_MARGIN: Final = 0.375


class Lease:
    """The right to change pages, for a while."""

    def __init__(self, bucket: Bucket, clock: Clock, life: float) -> None:
        """Hold nothing yet. `life` is in seconds."""
        self._bucket, self._clock, self._life = bucket, clock, life
        self._lock = threading.Lock()
        self._holder = secrets.token_hex(16)
        self._tag: Tag | None = None
        self._until = 0.0
        self._commit = ""

    def take(self, commit: str, progress: Progress) -> None:
        """Take it, waiting for whoever has it until that is over or has expired. Raises RemoteError."""
        self._commit = commit
        deadline = self._clock.monotonic() + 3 * self._life
        seen: tuple[Tag, float] | None = None
        while not self._try(seen):
            found = self._bucket.get(LEASE)
            if found is None:
                seen = None  # it was given back: what was seen before is not there to be taken over
                continue
            now = self._clock.monotonic()
            if seen is None or seen[0] != found[1]:
                if seen is None:
                    progress.note("another publication holds the bucket's lease; waiting until it is done, or its lease runs out")
                seen = (found[1], now)  # whether it has expired is told by our clock, from when we saw it first
            if now > deadline:
                msg = "another publication holds the bucket's lease, and goes on renewing it"
                raise RemoteError(msg, fix="wait until it is done, then publish again")
            self._clock.sleep(_PAUSE)

    def _try(self, seen: tuple[Tag, float] | None) -> bool:
        started = self._clock.monotonic()
        expired = seen is not None and started - seen[1] > self._life
        try:
            self._tag = self._put(expected=seen[0] if seen and expired else None, new=not expired)
        except LostRaceError:
            found = self._bucket.get(LEASE)
            if found is None or self._holder not in found[0].decode("utf-8", "replace"):
                return False
            self._tag = found[1]  # ours: the answer was lost on the way
        self._until = started + self._life
        self._compare_clocks()
        return True

    def _compare_clocks(self) -> None:
        """Raise UsageError where the bucket's time is another one: what is to go is told by ours."""
        head = self._bucket.head(LEASE)
        if head is not None and abs(difference := self._clock.now() - head["last_modified"]) > _SKEW:
            msg = f"this machine's clock is {abs(difference)} {'ahead of' if difference > timedelta() else 'behind'} the bucket's"
            raise UsageError(msg, fix="set this machine's clock")

    def _put(self, *, expected: Tag | None, new: bool) -> Tag:
        at = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        content = json.dumps({"holder": self._holder, "commit": self._commit, "at": at, "life": self._life}).encode()
        return self._bucket.put(LEASE, content, cache=REVALIDATE, expected=expected, new=new)

    def check(self) -> None:
        """Go on holding it; raises LostRaceError where it may have been taken by somebody else."""
        with self._lock:
            now = self._clock.monotonic()
            if self._tag is not None and now < self._until - self._life / 2:
                return
            if self._tag is None or not self._is_surely_ours():
                self._tag = None
                msg = "the bucket's lease ran out before the publication was done"
                raise LostRaceError(msg)
            self._tag = self._put(expected=self._tag, new=False)
            self._until = now + self._life

    def release(self) -> None:
        """Let others have it. Where that fails, it expires."""
        with suppress(RemoteError):
            if self._tag is not None and (self._is_surely_ours() or self._is_still_ours()):
                self._bucket.delete([LEASE])
        self._tag = None

    def _is_surely_ours(self) -> bool:
        """Say whether nobody can have taken it yet, however long a request takes."""
        return self._clock.monotonic() < self._until - self._life * _MARGIN

    def _is_still_ours(self) -> bool:
        found = self._bucket.get(LEASE)
        return found is not None and found[1] == self._tag


_SKEW: Final = timedelta(minutes=10)
_PAUSE: Final = 0.2
