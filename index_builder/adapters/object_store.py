"""Objects by path in a bucket: S3 and what speaks its protocol, GCS, Azure, through obstore; its errors become ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, cast

from index_builder.adapters.google_credentials import GoogleCredentials
from index_builder.adapters.parts.azure import AzureUploads
from index_builder.adapters.parts.s3 import S3Uploads
from index_builder.adapters.parts.sending import PART, Parts, UntoldError, Uploads
from index_builder.errors import LostRaceError, RemoteError, UsageError
from index_builder.model.page import FOR_PEOPLE, HTML, JSON, JSON_LINES, SIMPLE_JSON, for_people
from index_builder.model.rows import is_rows

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import AzureStore, ObjectStore

#: How what never changes may be cached, by whoever else is named before it.
FOREVER: Final = "max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"
#: How long a request may take.
_TIMEOUT: Final = timedelta(seconds=40)
#: The same for what never changes, which nobody waits for.
_PATIENT: Final = timedelta(minutes=10)
#: Files above this size, in bytes, are sent in parts.
LARGE: Final = PART
#: Where Google's buckets are, whose protocol for parts is S3's.
_GOOGLE: Final = "https://storage.googleapis.com"
#: How much of a large object is read at once, in bytes.
_CHUNK: Final = 1024 * 1024


class Tag(NamedTuple):
    """What a version of an object is recognized by: S3 and Azure compare the entity tag, GCS the generation."""

    e_tag: str
    version: str | None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Tag:
        """Return it from what a provider tells of an object."""
        version = told.get("version")
        return cls(str(told["e_tag"]), None if version is None else str(version))

    def told(self) -> dict[str, str]:
        """Return it as a provider is told of it."""
        return {"e_tag": self.e_tag} | ({"version": self.version} if self.version is not None else {})


class Headers(NamedTuple):
    """What readers are told of an object besides its bytes."""

    kind: str
    cache: str


class Got(NamedTuple):
    """An object that was read."""

    content: bytes
    tag: Tag
    headers: Headers


class Opened(NamedTuple):
    """An object that is being read."""

    stream: BinaryIO
    headers: Headers


def _headers(found: GetResult) -> Headers:
    return Headers(str(found.attributes.get("Content-Type", "")), str(found.attributes.get("Cache-Control", "")))


#: What `endpoint:` and `region:` are called for each kind of provider; what is not here, it does not have.
_SETTINGS: Final = {
    "s3": {"endpoint": "endpoint", "region": "region"},
    "gs": {"endpoint": "base_url"},
    "az": {"endpoint": "endpoint"},
}


def open_bucket(url: str, endpoint: str, region: str, called: str) -> Bucket:
    """Open a bucket; `called` is who it is, for errors. Credentials come from the environment, as the provider's own tools take them.

    Raises UsageError, and RemoteError where Google's lets nobody in.
    """
    try:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra
        from obstore.store import from_url  # noqa: PLC0415
    except ImportError as error:
        msg = f"{called} is a bucket, and obstore is not installed"
        raise UsageError(msg, fix="pip install 'index-builder[bucket]'") from error
    scheme, _, place = url.partition("://")
    settings: dict[str, Any] = _settings(scheme, endpoint, region, called)
    bucket, _, prefix = place.partition("/")
    credentials = GoogleCredentials(called) if scheme == "gs" else None
    if credentials:
        settings["credential_provider"] = credentials.for_obstore
    opened: Callable[..., ObjectStore] = from_url  # which settings there are is for the URL's scheme to say
    try:
        store, patient = opened(url, **settings, **clients(endpoint)), opened(url, **settings, **clients(endpoint, patient=True))
    except (BaseError, ValueError, TypeError) as error:
        msg = f"{called}: {_first_line(error)}"
        raise UsageError(msg, fix="correct its `url:`, `endpoint:` and `region:` in index.yaml") from error
    uploads: Uploads
    if credentials:
        uploads = S3Uploads(bucket, prefix, endpoint or _GOOGLE, "", called, authorize=credentials.authorize)
    elif scheme == "az":
        uploads = AzureUploads(cast("AzureStore", store), called)
    else:
        uploads = S3Uploads(bucket, prefix, endpoint, region, called)
    return Bucket(store, patient, called, Parts(uploads), credentials)


def _settings(scheme: str, endpoint: str, region: str, called: str) -> dict[str, str]:
    given = {key: value for key, value in (("endpoint", endpoint), ("region", region)) if value}
    names = _SETTINGS[scheme]
    if wrong := given.keys() - names.keys():
        msg = f"{called}: `{min(wrong)}:` means nothing for {scheme}://"
        raise UsageError(msg, fix="take it out of index.yaml")
    return {names[key]: value for key, value in given.items()}


def clients(endpoint: str, *, patient: bool = False) -> dict[str, Any]:
    """Return how a store makes its requests; only an endpoint says that they need no TLS."""
    timeout = _PATIENT if patient else _TIMEOUT
    backoff = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=3), "base": 2}
    return {
        "client_options": {"allow_http": endpoint.startswith("http://"), "timeout": timeout},
        "retry_config": {"max_retries": 8, "retry_timeout": timeout, "backoff": backoff},
    }


class Bucket:
    """Objects by path, with obstore's errors as ours."""

    def __init__(
        self, store: ObjectStore, patient: ObjectStore, name: str, parts: Parts, credentials: GoogleCredentials | None = None
    ) -> None:  # fmt: skip
        """Take the store, twice: with little and with much time for a request; `name` is who it is, for errors.

        `parts` puts large objects; `credentials` are Google's.
        """
        self.store, self._patient, self.name, self.parts, self._credentials = store, patient, name, parts, credentials

    @property
    def requests_for_parts(self) -> int:
        """Say how many requests a large object takes beside those that bring its parts: whether it is there, and, say, the end."""
        return 1 + self.parts.requests

    def get(self, path: str) -> Got | None:
        """Return a small object; None where there is none. Raises RemoteError."""
        import obstore  # noqa: PLC0415 - an extra

        try:
            with self._errors(path):
                found = obstore.get(self.store, path)
                return Got(bytes(found.bytes()), Tag.of(found.meta), _headers(found))
        except FileNotFoundError:
            return None

    def open(self, path: str) -> BinaryIO | None:
        """Open an object, which may be large; None where there is none. Raises RemoteError, then and where it is read."""
        found = self.opened(path)
        return found.stream if found else None

    def opened(self, path: str) -> Opened | None:
        """Do so, and return what readers are told of it, too."""
        import obstore  # noqa: PLC0415

        try:
            with self._errors(path):
                found = obstore.get(self._patient, path)
        except FileNotFoundError:
            return None
        stream = BufferedReader(_Arriving(found.stream(min_chunk_size=_CHUNK), lambda: self._errors(path)), _CHUNK)
        return Opened(stream, _headers(found))

    def head(self, path: str) -> Mapping[str, Any] | None:
        """Return size, last_modified and what is in a `Tag` of an object; None where there is none. Raises RemoteError."""
        import obstore  # noqa: PLC0415

        try:
            with self._errors(path):
                return obstore.head(self.store, path)
        except FileNotFoundError:
            return None

    def put(
        self, path: str, content: bytes, *, cache: str, expected: Tag | None = None, new: bool = False, kind: str = ""
    ) -> Tag:  # fmt: skip
        """Put an object, with `new` only where there is none, with `expected` only where that one is there; return its tag.

        Its content type is `kind`, or follows from its path.

        Raises LostRaceError where that does not hold, RemoteError.
        """
        import obstore  # noqa: PLC0415

        mode: Any = "create" if new else expected.told() if expected else "overwrite"
        with self._errors(path):
            attributes = {"Content-Type": kind or content_type(path), "Cache-Control": cache}
            store = self._patient if cache.endswith(FOREVER) else self.store
            return Tag.of(obstore.put(store, path, content, attributes=attributes, mode=mode, use_multipart=False))

    def put_large(self, path: str, chunks: Iterable[bytes], size: int, *, cache: str) -> None:
        """Put an object of `size` bytes that never changes, in parts; nothing is there before `chunks` has ended.

        Raises RemoteError, and what `chunks` raises.
        """
        import obstore  # noqa: PLC0415

        attributes = {"Content-Type": content_type(path), "Cache-Control": cache}
        with suppress(UntoldError):
            self.parts.put(path, chunks, size, attributes)
            return
        with self._errors(path):
            obstore.put(self._patient, path, chunks, attributes=attributes, use_multipart=True, chunk_size=LARGE)

    def delete(self, paths: Sequence[str]) -> None:
        """Delete objects, there or not; raises RemoteError."""
        import obstore  # noqa: PLC0415

        with suppress(FileNotFoundError), self._errors(paths[0]):
            obstore.delete(self.store, list(paths))

    def list(self) -> Iterator[tuple[str, int, str]]:
        """Yield every object with its size and entity tag; raises RemoteError."""
        import obstore  # noqa: PLC0415

        with self._errors(""):
            for batch in obstore.list(self.store):
                yield from ((str(found["path"]), int(found["size"]), str(found["e_tag"])) for found in batch)

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        from obstore import exceptions  # noqa: PLC0415

        try:
            yield
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as error:
            msg = f"{self.name}: {path} is not what it was a moment ago"
            raise LostRaceError(msg) from error
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            if self._credentials and self._credentials.failed:
                raise self._credentials.failed from error
            msg = f"{self.name}: the bucket does not let us at {path or 'its list'}: {_first_line(error)}"
            fix = "renew the credentials (they may have expired), and let them read, put and delete objects there, and list them"
            raise RemoteError(msg, fix=fix) from error
        except exceptions.BaseError as error:
            text = str(error)
            denied = "403" in text or "401" in text or "ExpiredToken" in text or "credential" in text.lower()
            msg = f"{self.name}: {path or 'the list'}: {_first_line(error)}"
            fix = "renew the credentials" if denied else "publish again: what arrived is not sent once more"
            raise RemoteError(msg, fix=fix, retryable=not denied) from error


class _Arriving(RawIOBase):
    """A stream of what arrives in chunks."""

    def __init__(self, chunks: Iterator[Any], errors: Callable[[], AbstractContextManager[None]]) -> None:
        """Take the chunks, and what makes of their errors ours."""
        self._chunks, self._errors, self._kept = chunks, errors, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._kept:
            with self._errors():
                chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._kept = memoryview(bytes(chunk))
        size = min(len(buffer), len(self._kept))
        buffer[:size], self._kept = self._kept[:size], self._kept[size:]
        return size


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


def content_type(path: str) -> str:
    """Return what kind of content is at a path."""
    top, _, rest = path.partition("/")
    if is_rows(path):
        return JSON_LINES
    if top == "packages":
        return "text/plain; charset=utf-8" if path.endswith(".metadata") else "application/octet-stream"
    if top in FOR_PEOPLE:
        kind = for_people(path)
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    if rest.endswith(".v1_json"):
        return SIMPLE_JSON
    if top == "simple":
        return f"{HTML}; charset=utf-8"
    return JSON
