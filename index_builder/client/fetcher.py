"""python-tuf's fetcher over our guarded one: byte limits, total deadlines and a least rate, which its own lacks."""

from __future__ import annotations

from collections.abc import Iterator

from tuf.api.exceptions import DownloadError, DownloadHTTPError, DownloadLengthMismatchError
from tuf.ngclient import FetcherInterface

from index_builder.errors import OtherLengthError, RemoteError
from index_builder.fetch.download import Downloader


class GuardedFetcher(FetcherInterface):
    """Fetches metadata for python-tuf's client; each request is over within its deadline, however slowly the other side sends."""

    def __init__(self, downloader: Downloader) -> None:
        """Take what downloads."""
        self._downloader = downloader

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return a document of at most so many bytes; raises DownloadError. No byte more is read."""
        try:
            return self._downloader.page(url, "*/*", most=max_length).content
        except OtherLengthError as error:
            raise DownloadLengthMismatchError(error.message) from error
        except RemoteError as error:
            if error.status is not None:
                raise DownloadHTTPError(error.message, error.status) from error
            raise DownloadError(error.message) from error

    def _fetch(self, url: str) -> Iterator[bytes]:
        """Yield a document: what python-tuf asks for where it does not say how much it takes."""
        yield self.download_bytes(url, self._downloader.limits.page)
