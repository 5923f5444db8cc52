"""Parts at Azure, which calls them blocks: they wait for a week under the name of the object that they are for.

obstore does not tell which are there. It signs addresses that let their bearer at one object, and with these Microsoft's own library
asks and sends; so all credentials are obstore's.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from index_builder.adapters.certificates import trusted
from index_builder.adapters.parts.sending import UntoldError, refused
from index_builder.errors import UsageError

if TYPE_CHECKING:
    from obstore.store import AzureStore

#: For how long an address lets its bearer in: a file may be hours on its way.
_LIFE: Final = timedelta(hours=12)
_DENIED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
#: More than are ever used at once.
_CONNECTIONS: Final = 32
_RETRIES: Final = 5


class AzureUploads:
    """Uploads to a container."""

    #: What arrived, the end; and for an identity the key that signs an address, twice.
    requests = 4

    def __init__(self, store: AzureStore, name: str) -> None:
        """Take the store, and who it is, for errors."""
        self._store, self._name = store, name

    @cached_property
    def _transport(self) -> Any:
        from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415
        from requests import Session  # noqa: PLC0415
        from requests.adapters import HTTPAdapter  # noqa: PLC0415

        session = Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
        verify = trusted("REQUESTS_CA_BUNDLE") or True
        transport = RequestsTransport(
            session=session, session_owner=False, connection_timeout=10, read_timeout=60, connection_verify=verify
        )
        transport.open()  # here: several threads would do so at once
        return transport

    def begin(self, path: str, size: int, attributes: Mapping[str, str]) -> AzureUpload:
        """Ask which blocks of an object are there; raises UntoldError where an address that is signed does not let us."""
        from azure.core.exceptions import HttpResponseError, ResourceNotFoundError  # noqa: PLC0415

        try:
            _, blocks = self._client("GET", path).get_block_list("uncommitted")
        except ResourceNotFoundError:
            blocks = []
        except HttpResponseError as error:
            if error.status_code in _DENIED:  # the credentials may be good for all but addresses that they sign
                raise UntoldError(path) from error
            raise
        there = {str(block.id): int(block.size) for block in blocks}
        return AzureUpload(self._client("PUT", path), there, attributes)

    def _client(self, method: Any, path: str) -> Any:
        """Return what asks after one object, or puts it."""
        import obstore  # noqa: PLC0415
        from azure.storage.blob import BlobClient, LinearRetry  # noqa: PLC0415
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            url = obstore.sign(self._store, method, path, _LIFE)
        except BaseError as error:
            raise UntoldError(path) from error
        times: Any = dict.fromkeys(("retry_total", "retry_connect", "retry_read", "retry_status"), _RETRIES)
        retries = LinearRetry(backoff=2, random_jitter_range=1, **times)  # in seconds
        return BlobClient.from_blob_url(url, transport=self._transport, retry_policy=retries)

    @contextmanager
    def errors(self, path: str) -> Iterator[None]:
        """Make the library's errors ours; raises UsageError where it is not installed."""
        try:
            from azure.core import exceptions  # noqa: PLC0415 - an extra
        except ImportError as error:
            msg = f"{self._name}: {path} is large, and azure-storage-blob, which sends it in blocks, is not installed"
            raise UsageError(msg, fix="pip install 'index-builder[bucket]'") from error
        try:
            yield
        except exceptions.AzureError as error:
            denied = isinstance(error, exceptions.HttpResponseError) and error.status_code in _DENIED
            raise refused(self._name, path, error, denied=denied) from error


class AzureUpload:
    """Blocks that wait to become an object. What a block is called says its number and its bytes."""

    def __init__(self, client: Any, there: Mapping[str, int], attributes: Mapping[str, str]) -> None:
        """Take the client, the sizes of the blocks that are there by what they are called, and the headers of the object."""
        self._client, self._there, self._attributes = client, there, attributes
        self._called: dict[int, str] = {}

    def has(self, number: int, md5: bytes, size: int) -> bool:
        """Look for a block of that name and size."""
        self._called[number] = _called(number, md5)
        return self._there.get(self._called[number]) == size

    def send(self, number: int, md5: bytes, part: bytes) -> None:
        """Send a block; the service compares the MD5 that goes with it."""
        # As a stream, because bytes would have to go within the time for a connection.
        self._client.stage_block(_called(number, md5), BytesIO(part), len(part), validate_content=True)

    def finish(self) -> None:
        """Make an object of all blocks."""
        from azure.storage.blob import BlobBlock, ContentSettings  # noqa: PLC0415

        settings = ContentSettings(content_type=self._attributes["Content-Type"], cache_control=self._attributes["Cache-Control"])
        self._client.commit_block_list([BlobBlock(self._called[number]) for number in sorted(self._called)], content_settings=settings)


def _called(number: int, md5: bytes) -> str:
    """Return what a block is called: 32 characters, as obstore's, because all of an object must have one length."""
    return f"{number:010}{base64.urlsafe_b64encode(md5).decode().rstrip('=')}"
