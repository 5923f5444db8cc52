"""Files that no index lists: our own, and those that stand at a URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from index_builder.errors import RemoteError
from index_builder.fetch.stage import Fetcher
from index_builder.model.index import Index
from index_builder.model.names import Sha256
from index_builder.model.project import Hosting, StoredOrigin, UrlOrigin
from index_builder.pipeline.add.candidate import Candidate, Defaults, file_name, new_file, project_of


def from_urls(index: Index, urls: Sequence[str], defaults: Defaults, fetcher: Fetcher) -> list[Candidate]:
    """Fetch files by URL; raises RemoteError, SourceError."""
    candidates = []
    for url in urls:
        name = file_name(unquote(urlsplit(url).path.rpartition("/")[2]), url)
        digest, size = fetcher.adopt_url(url, name.text)
        project = project_of(index, name.project, defaults, Hosting.MIRRORED)
        metadata = _served_metadata(url, fetcher) if project.hosting is Hosting.LINKED and name.kind == "wheel" else None
        origin = UrlOrigin(url=url)
        candidates.append(Candidate(project=project, file=new_file(name, digest, size, origin, defaults, metadata)))
    return candidates


def _served_metadata(url: str, fetcher: Fetcher) -> Sha256 | None:
    """Return the digest of the core metadata that the other side serves beside a file, or None.

    A bucket that does not list its objects answers 403 for one that is missing: whatever is no good answer is none.
    """
    try:
        return fetcher.digest_of(f"{url}.metadata")
    except RemoteError:
        return None


def from_dist(index: Index, text: str, stream: BinaryIO, defaults: Defaults, fetcher: Fetcher) -> Candidate:
    """Put a file of our own, called `text`, into the pool; raises SourceError, StorageError."""
    name = file_name(text, text)
    digest, size = fetcher.adopt(stream)
    project = project_of(index, name.project, defaults, Hosting.HOSTED)
    return Candidate(project=project, file=new_file(name, digest, size, StoredOrigin(), defaults, None))
