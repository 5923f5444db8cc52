"""What an upstream index lists of a project, JSON or HTML, read by pypi-simple."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from index_builder.errors import NotFoundError, RemoteError
from index_builder.fetch.download import Downloader
from index_builder.model.filename import FileName, parse_filename
from index_builder.model.names import NormalizedName, Sha256, Timestamp, Word

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage

#: No file that an index serves is larger, in bytes.
_LARGEST = 1 << 40
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
#: Python's warning filters belong to the process: two threads that change them at once leave them changed for good.
_PARSING = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A file as an upstream index lists it; what it does not say is None or ''."""

    name: FileName
    url: str
    sha256: Sha256 | None
    size: int | None
    uploaded: Timestamp | None
    requires_python: str
    metadata: Sha256 | None
    provenance_url: str
    yanked: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A project's page on an upstream index: files by name, PEP 792 status."""

    files: dict[str, ListedFile]
    state: str = ""
    reason: str = ""


class Upstreams:
    """The upstream indexes of `index.yaml`; each page is asked for once in a run."""

    def __init__(self, endpoints: Mapping[Word, str], downloader: Downloader, *, default: str = "") -> None:
        """Take name -> URL; `default` is what the word `default` means (pip's index-url, or pypi-simple's constant)."""
        self._endpoints = endpoints
        self._default = default
        self._downloader = downloader
        self._pages: dict[tuple[Word, NormalizedName], Listing | RemoteError] = {}
        self._locks: dict[tuple[Word, NormalizedName], threading.Lock] = {}
        self._lock = threading.Lock()

    def listing(self, index: Word, project: NormalizedName) -> Listing:
        """Return a project's files; raises NotFoundError, RemoteError."""
        key = (index, project)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._pages:
                self._pages[key] = self._answer(index, project)
            found = self._pages[key]
        if isinstance(found, RemoteError):
            raise found
        return found

    def _answer(self, index: Word, project: NormalizedName) -> Listing | RemoteError:
        """Return a refusal too: what failed after all its tries is not tried again for each file of a project."""
        try:
            return self._ask(index, project)
        except RemoteError as error:
            return error

    def named(self, url: str) -> Word | None:
        """Return the upstream whose simple API is at `url`; `default` is PyPI's too, whatever stands in for it here."""
        wanted = url.rstrip("/")
        for name, endpoint in self._endpoints.items():
            known = {self._default, _standard_endpoint()} if endpoint == "default" else {endpoint}
            if wanted in {text.rstrip("/") for text in known}:
                return name
        return None

    def _ask(self, index: Word, project: NormalizedName) -> Listing:
        endpoint = self._endpoints.get(index)
        if endpoint is None:
            msg = f"the upstream index '{index}' is not known here"
            raise NotFoundError(msg, fix="declare it under upstreams: in index.yaml, in a change of its own first")
        base = (self._default or _standard_endpoint()) if endpoint == "default" else endpoint
        url = f"{base.rstrip('/')}/{project}/"
        try:
            page = self._downloader.page(url, ACCEPT)
        except NotFoundError as error:
            msg = f"the index '{index}' has no project {project}"
            raise NotFoundError(msg, fix=f"look at the spelling, and whether {base} is a simple index") from error
        return read_listing(project, page.content, page.content_type, page.url)


def _standard_endpoint() -> str:
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415 - slow to import, and most commands ask no index

    return PYPI_SIMPLE_ENDPOINT


def read_listing(project: NormalizedName, content: bytes, content_type: str, url: str) -> Listing:
    """Parse a project page; files that are neither wheels nor sdists are left out. Raises RemoteError."""
    from pypi_simple import ProjectPage, UnsupportedRepoVersionError  # noqa: PLC0415 - as above

    kind = content_type.partition(";")[0].strip().lower()
    try:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind.endswith("+json"):
                page = ProjectPage.from_json_data(json.loads(content), url)
            elif kind in ("text/html", "application/vnd.pypi.simple.v1+html"):
                page = ProjectPage.from_html(project, content, url)
            else:
                msg = f"{url}: {kind or 'an answer without content type'} is not a simple index"
                raise RemoteError(msg, fix="name the index's simple URL in upstreams:, ending in /simple/")
    except (ValueError, KeyError, TypeError, RecursionError, UnsupportedRepoVersionError) as error:
        msg = f"{url} is not a project page of a simple index: {str(error).partition(chr(10))[0]}"
        raise RemoteError(msg) from error
    files = {listed.name.text: listed for package in page.packages if (listed := _listed(project, package))}
    state = page.status.value if page.status else ""
    return Listing(files=files, state=state, reason=_one_line(page.status_reason or ""))


def _listed(project: NormalizedName, package: DistributionPackage) -> ListedFile | None:
    try:
        name = parse_filename(package.filename, project=project)
        sha256 = Sha256(package.digests["sha256"].lower()) if "sha256" in package.digests else None
        digest = (package.metadata_digests or {}).get("sha256")
        metadata = Sha256(digest.lower()) if digest else None
        uploaded = _timestamp(package.upload_time) if package.upload_time else None
        url = _plain_url(package.url)
        if package.size is not None and not 0 <= package.size <= _LARGEST:
            return None
    except (ValueError, OverflowError):
        return None
    return ListedFile(
        name=name,
        url=url,
        sha256=sha256,
        size=package.size,
        uploaded=uploaded,
        requires_python=(package.requires_python or "").strip(),
        metadata=metadata,
        provenance_url=package.provenance_url or "",
        yanked=_one_line(package.yanked_reason or "") if package.is_yanked else None,
    )


def link_url(url: str, name: str) -> str:
    """Check the URL of a file that pages will link to: pip takes the name from its end. Raises ValueError."""
    if unquote(urlsplit(_plain_url(url)).path.rpartition("/")[2]) != name:
        msg = f"{url!r} does not end with {name}"
        raise ValueError(msg)
    return url


def _plain_url(url: str) -> str:
    """Check a URL: http(s), ASCII, without credentials, and without fragment, where pip would look for a digest."""
    parts = urlsplit(url)
    odd = any(not "!" <= c <= "~" or c in '<>"{}|\\^`#' for c in url)
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc or odd:
        msg = f"{url!r} is not the URL of a file"
        raise ValueError(msg)
    return url


def _one_line(text: str) -> str:
    """Return another index's words as a manifest may hold them: one line, printable, not too long."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(plain.split())[:500]


def _timestamp(moment: datetime) -> Timestamp:
    # "The timestamp MUST be represented in UTC" (PEP 700): one without zone is not this machine's local time.
    return Timestamp.of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
