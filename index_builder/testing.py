"""Public fakes: every port in memory, for tests of this project and of those who build on it.

The suites in `tests/ports/` run against these and against the adapters, so that what holds for one holds for the other.
Nothing here sleeps, opens a socket or touches a disk.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from index_builder.errors import CorruptEntryError, InterruptedRunError, RemoteError, SourceError, StorageError
from index_builder.model.names import Sha256
from index_builder.model.source import ORDINARY, SourceEntry
from index_builder.ports import Note

_OK, _PARTIAL, _BAD_RANGE = 200, 206, 416
_TOPS = ("index.yaml", "packages.d", "policies.d")


def sha256(content: bytes) -> Sha256:
    """Return the digest of bytes."""
    return Sha256(hashlib.sha256(content).hexdigest())


class MemoryTree:
    """A SourceTree of texts; `modes` gives a path another git mode than that of an ordinary file.

    >>> tree = MemoryTree({"index.yaml": "schema: 1"})
    >>> [entry.path for entry in tree.entries()]
    ['index.yaml']
    """

    def __init__(self, files: Mapping[str, str | bytes], *, revision: str = "", modes: Mapping[str, int] | None = None) -> None:
        """Take path -> content."""
        self.revision = revision
        self._files = {path: content.encode() if isinstance(content, str) else content for path, content in files.items()}
        self._modes = modes or {}
        self.earlier: dict[str, MemoryTree] = {}

    def entries(self) -> Iterator[SourceEntry]:
        """Yield the files of the index; others are passed over, as in a repository."""
        for path in sorted(self._files):
            if path.partition("/")[0] in _TOPS:
                yield SourceEntry(path=path, mode=self._modes.get(path, ORDINARY), blob=path)

    def read(self, entry: SourceEntry) -> bytes:
        """Return a file's bytes."""
        try:
            return self._files[entry.blob]
        except KeyError as error:
            msg = f"there is no content for {entry.path}"
            raise SourceError(msg) from error

    def identity(self, entry: SourceEntry) -> str:
        """Return the id that git would give the content."""
        content = self.read(entry)
        return hashlib.sha1(b"blob %d\x00%b" % (len(content), content), usedforsecurity=False).hexdigest()

    def changed_since(self, revision: str) -> frozenset[str] | None:
        """Compare with the tree that `earlier` has under a revision."""
        before = self.earlier.get(revision)
        if before is None:
            return None
        mine, theirs = ({(e.path, e.mode, tree.identity(e)) for e in tree.entries()} for tree in (self, before))
        return frozenset(path for path, _, _ in mine ^ theirs)


class MemoryPool:
    """A Pool of bytes. After `capacity` bytes, counting unfinished entries, its disk is full.

    `entries` and `notes` may be looked into and changed, as one may damage a folder.
    """

    def __init__(self, contents: Iterable[bytes] = (), *, capacity: int | None = None) -> None:
        """Take what the pool holds from the beginning."""
        self.entries: dict[Sha256, bytes] = {sha256(content): content for content in contents}
        self.partial: dict[Sha256, bytes] = {}
        self.notes: dict[tuple[Note, Sha256], str] = {}
        self.capacity = capacity
        self._busy: set[Sha256] = set()
        self._lock = threading.Lock()

    def size(self, digest: Sha256) -> int | None:
        """Return an entry's size."""
        content = self.entries.get(digest)
        return None if content is None else len(content)

    def open(self, digest: Sha256) -> BinaryIO:
        """Open an entry."""
        try:
            return io.BytesIO(self.entries[digest])
        except KeyError as error:
            msg = f"{digest}: no such entry"
            raise StorageError(msg) from error

    def receive(self, digest: Sha256) -> MemoryEntry:
        """Take up the partial entry, or begin one of our own where another is being written."""
        with self._lock:
            owner = digest not in self._busy
            self._busy.add(digest)
        return MemoryEntry(self, digest, owner=owner)

    def drop(self, digest: Sha256) -> None:
        """Delete an entry."""
        self.entries.pop(digest, None)

    def note(self, kind: Note, digest: Sha256) -> str | None:
        """Return what was noted."""
        return self.notes.get((kind, digest))

    def set_note(self, kind: Note, digest: Sha256, text: str) -> None:
        """Note something of a file."""
        self.notes[kind, digest] = text

    def release(self, digest: Sha256, content: bytes) -> None:
        """Keep what an entry's owner had written, and let another own it."""
        with self._lock:
            self._busy.discard(digest)
            self.partial.pop(digest, None)
            if content:
                self.partial[digest] = content

    def has_room(self, size: int) -> bool:
        """Say whether `size` more bytes fit."""
        used = sum(map(len, [*self.entries.values(), *self.partial.values()]))
        return self.capacity is None or used + size <= self.capacity


class MemoryEntry:
    """Bytes on their way into a MemoryPool."""

    def __init__(self, pool: MemoryPool, digest: Sha256, *, owner: bool) -> None:
        """Go on from what an earlier owner left."""
        self._pool, self._digest, self._owner = pool, digest, owner
        self._content = pool.partial.pop(digest, b"") if owner else b""
        self._closed = False

    @property
    def written(self) -> int:
        """The bytes so far."""
        return len(self._content)

    def write(self, chunk: bytes) -> None:
        """Append."""
        if not self._pool.has_room(len(self._content) + len(chunk)):
            msg = f"{self._digest}: no space left"
            raise StorageError(msg, fix="free some space")
        self._content += chunk

    def commit(self) -> None:
        """Compare, then make it visible."""
        found = sha256(self._content)
        if found != self._digest:
            self.discard()
            msg = f"expected sha256 {self._digest}, got {found}"
            raise CorruptEntryError(msg)
        self._pool.entries[self._digest] = self._content
        self._content = b""

    def discard(self) -> None:
        """Forget what was written."""
        self._content = b""

    def close(self) -> None:
        """Keep what was written."""
        if self._owner and not self._closed:
            self._pool.release(self._digest, self._content)
        self._closed = True


class MemorySite:
    """A Site of bytes. `log` holds what was done, in order: `("put", path)`, `("delete", path)`."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        """Take path -> content of what is there from the beginning."""
        self.files: dict[str, bytes] = dict(files or {})
        self.log: list[tuple[str, str]] = []

    def listing(self) -> dict[str, int]:
        """Return path -> size."""
        return {path: len(content) for path, content in self.files.items()}

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        try:
            return self.files[path]
        except KeyError as error:
            msg = f"{path}: no such file"
            raise StorageError(msg) from error

    def size(self, path: str) -> int | None:
        """Return a file's size."""
        return len(self.files[path]) if path in self.files else None

    def open(self, path: str) -> BinaryIO:
        """Open a file."""
        return io.BytesIO(self.read(path))

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file once all of its bytes were given."""
        self.files[path] = b"".join(chunks)
        self.log.append(("put", path))

    def delete(self, path: str) -> None:
        """Delete a file."""
        self.files.pop(path, None)
        self.log.append(("delete", path))


class FakeClock:
    """A Clock that tests move. `slept` holds every wait; each look at `monotonic` moves it on by `tick` seconds."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 9, 30, tzinfo=UTC), *, tick: float = 0.0) -> None:
        """Begin at `now`, with `monotonic` at 0."""
        self.slept: list[float] = []
        self.tick = tick
        self._begin = now
        self._passed = 0.0
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed += seconds

    def now(self) -> datetime:
        """Return the time of day."""
        return self._begin + timedelta(seconds=int(self._passed))

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        self.advance(self.tick)
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Let time pass, and note that it was waited for."""
        self.check()
        self.advance(seconds)
        self.slept.append(seconds)

    def check(self) -> None:
        """Raise InterruptedRunError once stopped."""
        if self._stopped.is_set():
            msg = "stopped"
            raise InterruptedRunError(msg)

    def stop(self) -> None:
        """Make every later `sleep` and `check` raise."""
        self._stopped.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a ScriptedTransport was asked: the URL, and headers with names in lower case."""

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a ScriptedTransport says. `breaks_after` bytes of the body the connection ends with an error.

    `error` is raised instead of answering. Where `ranges`, a Range of the request is honoured as RFC 9110 says.
    """

    status: int = _OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    breaks_after: int | None = None
    error: RemoteError | None = None
    ranges: bool = True


class ScriptedTransport:
    """A Transport that answers from a script: URL -> answers in turn, the last one again and again.

    A URL without a script gets the answer 404. `requests` holds what was asked, in order. Redirects are followed.
    """

    MAX_REDIRECTS = 5

    def __init__(self, script: Mapping[str, Answer | Sequence[Answer]] | None = None, *, chunk: int = 65536) -> None:
        """Take the script, and the size of the pieces in which bodies come."""
        self.requests: list[Request] = []
        self._answers: dict[str, deque[Answer]] = defaultdict(deque)
        self._chunk = chunk
        self._lock = threading.Lock()
        for url, answers in (script or {}).items():
            self.add(url, *([answers] if isinstance(answers, Answer) else answers))

    def add(self, url: str, *answers: Answer) -> None:
        """Add answers to the script."""
        self._answers[url].extend(answers)

    @contextmanager
    def get(self, url: str, headers: dict[str, str], *, deadline: float) -> Iterator[ScriptedResponse]:
        """Yield the next answer for `url`."""
        for _ in range(self.MAX_REDIRECTS + 1):
            answer = self._next(url, headers)
            if answer.error is not None:
                raise answer.error
            if "location" not in answer.headers:
                yield ScriptedResponse(url, _ranged(answer, headers), self._chunk)
                return
            url = answer.headers["location"]
        msg = f"{url}: more than {self.MAX_REDIRECTS} redirects"
        raise RemoteError(msg)

    def _next(self, url: str, headers: Mapping[str, str]) -> Answer:
        with self._lock:
            self.requests.append(Request(url=url, headers=dict(headers)))
            answers = self._answers.get(url)
            if not answers:
                return Answer(status=404)
            return answers.popleft() if len(answers) > 1 else answers[0]


def _ranged(answer: Answer, headers: Mapping[str, str]) -> Answer:
    asked = headers.get("range", "")
    if not answer.ranges or answer.status != _OK or not asked:
        return answer
    start, size = int(asked.removeprefix("bytes=").removesuffix("-")), len(answer.body)
    if start >= size:
        return Answer(status=_BAD_RANGE, headers={"content-range": f"bytes */{size}"})
    found = {**answer.headers, "content-range": f"bytes {start}-{size - 1}/{size}"}
    return Answer(status=_PARTIAL, headers=found, body=answer.body[start:], breaks_after=answer.breaks_after)


class ScriptedResponse:
    """An answer of a ScriptedTransport."""

    def __init__(self, url: str, answer: Answer, chunk: int) -> None:
        """Take the answer, and the size of the body's pieces."""
        self.url, self.status, self.headers = url, answer.status, dict(answer.headers)
        self._answer, self._chunk = answer, chunk

    def chunks(self) -> Iterator[bytes]:
        """Yield the body, up to where it breaks."""
        breaks = self._answer.breaks_after
        body = self._answer.body[:breaks]
        for start in range(0, len(body), self._chunk):
            yield body[start : start + self._chunk]
        if breaks is not None:
            msg = f"{self.url}: the connection broke"
            raise RemoteError(msg, retryable=True)


class SilentProgress:
    """A Progress that shows nothing."""

    def begin(self, what: str, files: int, size: int) -> None:
        """Show nothing."""

    def advance(self, size: int) -> None:
        """Show nothing."""

    def done(self, name: str) -> None:
        """Show nothing."""

    def note(self, message: str) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


class RecordingProgress(SilentProgress):
    """A Progress that remembers: the stages begun and ended, the sum of bytes, files done, and notes."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.begun: list[tuple[str, int, int]] = []
        self.ended = 0
        self.size = 0
        self.files: list[str] = []
        self.notes: list[str] = []
        self._lock = threading.Lock()

    def begin(self, what: str, files: int, size: int) -> None:
        """Remember a stage."""
        self.begun.append((what, files, size))

    def advance(self, size: int) -> None:
        """Add bytes."""
        with self._lock:
            self.size += size

    def done(self, name: str) -> None:
        """Remember a file."""
        self.files.append(name)

    def note(self, message: str) -> None:
        """Remember a note."""
        self.notes.append(message)

    def end(self) -> None:
        """Count the end of a stage."""
        self.ended += 1
