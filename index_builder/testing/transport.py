"""A Transport that answers as it was told."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from index_builder.errors import RemoteError

_OK, _PARTIAL, _BAD_RANGE = 200, 206, 416


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
