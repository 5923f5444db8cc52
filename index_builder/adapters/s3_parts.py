"""Large objects in parts at S3 and what speaks its protocol: parts that arrived in an earlier run are not sent again.

obstore does not tell by what an upload that was begun is found again; so these requests, and no others, are botocore's.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from index_builder.errors import RemoteError, UsageError

#: Of a file, in bytes: all parts but the last one have this size, in every version, or what arrived would not be found again.
PART: Final = 8 * 1024 * 1024
#: How many parts are on their way at once, of all files together.
_AT_ONCE: Final = 8
_DENIED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
#: What a service says that does not let us ask what was begun, does not know the question, or has ended the upload since.
_NOT_TOLD: Final = frozenset({"AccessDenied", "MethodNotAllowed", "NotImplemented", "NoSuchUpload"})


class S3Parts:
    """Objects that are put in parts."""

    def __init__(self, bucket: str, prefix: str, endpoint: str, region: str, name: str) -> None:
        """Take the bucket, what its keys begin with, where the service is and in which region, '' for what the environment says.

        `name` is who it is, for errors.
        """
        self._bucket, self._prefix, self._endpoint, self._region, self._name = bucket, prefix, endpoint, region, name
        self._lock = threading.Lock()
        self._client: Any = None
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="parts")
        self._room = threading.Semaphore(_AT_ONCE)

    def put(self, path: str, chunks: Iterable[bytes], size: int, attributes: Mapping[str, str]) -> None:
        """Put an object of `size` bytes; `attributes` are its headers.

        Nothing is there before `chunks` has ended; what was sent when that raises waits for the next run.
        Raises RemoteError, UsageError where botocore is not installed, and what `chunks` raises.
        """
        with self._errors(path):
            self._put(self._opened(), {"Bucket": self._bucket, "Key": self._prefix + path}, chunks, size, attributes)

    def _put(self, client: Any, where: dict[str, str], chunks: Iterable[bytes], size: int, attributes: Mapping[str, str]) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - takes a quarter of a second

        upload, there = self._begun(client, where)
        if not upload:
            headers = {name.replace("-", ""): value for name, value in attributes.items()}
            upload = str(client.create_multipart_upload(**where, **headers)["UploadId"])
        try:
            parts = self._send(client, where | {"UploadId": upload}, there, chunks)
            client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
        except ClientError:
            # The answer may have been lost, or another run, which sends the same bytes, was faster.
            if not _is_there(client, where, size):
                raise

    def _begun(self, client: Any, where: dict[str, str]) -> tuple[str, dict[int, tuple[str, int]]]:
        """Return the upload that was begun last, '' if none, and what arrived: the tag and size of each part by its number."""
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=where["Bucket"], Prefix=where["Key"])
            begun = [upload for page in pages for upload in page.get("Uploads", ()) if upload["Key"] == where["Key"]]
            if not begun:
                return "", {}
            upload = str(max(begun, key=lambda one: (one["Initiated"], one["UploadId"]))["UploadId"])
            pages = client.get_paginator("list_parts").paginate(**where, UploadId=upload)
            parts = [part for page in pages for part in page.get("Parts", ())]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _NOT_TOLD:
                raise
            return "", {}
        return upload, {int(part["PartNumber"]): (str(part["ETag"]), int(part["Size"])) for part in parts}

    def _send(
        self, client: Any, upload: Mapping[str, str], there: Mapping[int, tuple[str, int]], chunks: Iterable[bytes]
    ) -> list[dict[str, Any]]:
        """Send the parts that are not there with these bytes; return what all of them are called."""
        tags: dict[int, str] = {}
        waiting: deque[tuple[int, Future[str]]] = deque()
        try:
            for number, part in enumerate(_parts(chunks), 1):
                tag = f'"{hashlib.md5(part, usedforsecurity=False).hexdigest()}"'  # what S3 says of a part, unless a key of KMS is used
                if there.get(number) == (tag, len(part)):
                    tags[number] = tag
                    continue
                self._room.acquire()
                waiting.append((number, self._threads.submit(self._send_part, client, upload, number, part)))
                while waiting and waiting[0][1].done():
                    first, sent = waiting.popleft()
                    tags[first] = sent.result()
            tags |= {first: sent.result() for first, sent in waiting}
        except BaseException:
            wait([sent for _, sent in waiting])
            raise
        return [{"PartNumber": number, "ETag": tags[number]} for number in sorted(tags)]

    def _send_part(self, client: Any, upload: Mapping[str, str], number: int, part: bytes) -> str:
        try:
            return str(client.upload_part(**upload, PartNumber=number, Body=part)["ETag"])
        finally:
            self._room.release()

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        try:
            from botocore import exceptions  # noqa: PLC0415 - an extra
        except ImportError as error:
            msg = f"{self._name}: {path} is large, and botocore, which sends it in parts, is not installed"
            raise UsageError(msg, fix="pip install 'index-builder[bucket]'") from error
        try:
            yield
        except (exceptions.ClientError, exceptions.BotoCoreError) as error:
            if isinstance(error, exceptions.ClientError):
                denied = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in _DENIED
            else:  # what is not the network's is of the environment's settings: a profile that is not there, half of the credentials
                denied = not isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError))
            msg = f"{self._name}: {path}: {str(error).splitlines()[0][:300]}"
            fix = "correct or renew the credentials (they may have expired), and let them put objects there"
            fix = fix if denied else "publish again: what arrived is not sent once more"
            raise RemoteError(msg, fix=fix, retryable=not denied) from error

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def _open(self) -> Any:
        from botocore.config import Config  # noqa: PLC0415
        from botocore.session import Session  # noqa: PLC0415

        settings = Config(
            retries={"mode": "standard", "total_max_attempts": 6},
            connect_timeout=10, read_timeout=60, max_pool_connections=2 * _AT_ONCE,
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required", response_checksum_validation="when_required",  # what others do not know
        )  # fmt: skip
        return Session().create_client(
            "s3", config=settings, endpoint_url=self._endpoint or os.environ.get("AWS_ENDPOINT"),
            region_name=self._region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
            verify=os.environ.get("AWS_CA_BUNDLE") or ssl.get_default_verify_paths().cafile,
        )  # fmt: skip


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield bytes in parts, all but the last one of the same size."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        while len(kept) > PART:
            yield bytes(kept[:PART])
            del kept[:PART]
    yield bytes(kept)


def _is_there(client: Any, where: Mapping[str, str], size: int) -> bool:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        return bool(client.head_object(**where)["ContentLength"] == size)
    except ClientError:
        return False
