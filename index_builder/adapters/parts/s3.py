"""Parts at S3, and at what speaks its protocol: GCS does, for those who are let in by a bearer token.

obstore does not tell by what an upload that was begun is found again; so these requests, and no others, are botocore's.
"""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from index_builder.adapters.certificates import trusted
from index_builder.adapters.parts.sending import AT_ONCE, refused
from index_builder.errors import UsageError

_DENIED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
#: What a service says that does not let us ask what was begun, does not know the question, or has ended the upload since.
_NOT_TOLD: Final = frozenset({"AccessDenied", "MethodNotAllowed", "NotImplemented", "NoSuchUpload"})


class S3Uploads:
    """Uploads to a bucket of S3, or, with `authorize`, of GCS."""

    #: What was begun, the beginning, the end.
    requests = 3

    def __init__(
        self, bucket: str, prefix: str, endpoint: str, region: str, name: str, *, authorize: Callable[[Any], None] | None = None
    ) -> None:  # fmt: skip
        """Take the bucket, what its keys begin with, where the service is and in which region, '' for what the environment says.

        `name` is who it is, for errors; `authorize` writes into a request's headers who asks, in the place of AWS's credentials.
        """
        self._bucket, self._prefix, self._endpoint, self._region, self._name = bucket, prefix, endpoint, region, name
        self._authorize = authorize
        self._lock = threading.Lock()
        self._client: Any = None

    def begin(self, path: str, size: int, attributes: Mapping[str, str]) -> S3Upload:
        """Go on with the upload of this object that was begun last; begin one where there is none, or nobody tells us."""
        client, where = self._opened(), {"Bucket": self._bucket, "Key": self._prefix + path}
        upload, there = _begun(client, where)
        if not upload:
            headers = {name.replace("-", ""): value for name, value in attributes.items()}
            upload = str(client.create_multipart_upload(**where, **headers)["UploadId"])
        return S3Upload(client, where, upload, there, size)

    @contextmanager
    def errors(self, path: str) -> Iterator[None]:
        """Make botocore's errors ours; raises UsageError where it is not installed."""
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
            raise refused(self._name, path, error, denied=denied) from error

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def _open(self) -> Any:
        from botocore import UNSIGNED  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415
        from botocore.session import Session  # noqa: PLC0415

        settings = Config(
            retries={"mode": "standard", "total_max_attempts": 6},
            connect_timeout=10, read_timeout=60, max_pool_connections=2 * AT_ONCE,
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required", response_checksum_validation="when_required",  # what others do not know
        )  # fmt: skip
        if self._authorize:
            # Nothing that the environment says of AWS is meant for somebody else.
            nowhere = (None, None, os.devnull, None)
            session = Session(session_vars={"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere})
            settings = settings.merge(Config(signature_version=UNSIGNED))
            client = session.create_client(
                "s3", config=settings, endpoint_url=self._endpoint, region_name="auto", verify=trusted("REQUESTS_CA_BUNDLE") or True
            )
            authorize = self._authorize
            client.meta.events.register("before-send.s3", lambda request, **_: authorize(request))
            return client
        return Session().create_client(
            "s3", config=settings, endpoint_url=self._endpoint or os.environ.get("AWS_ENDPOINT"),
            region_name=self._region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
            verify=trusted("AWS_CA_BUNDLE"),
        )  # fmt: skip


class S3Upload:
    """A multipart upload."""

    def __init__(self, client: Any, where: dict[str, str], upload: str, there: Mapping[int, tuple[str, int]], size: int) -> None:
        """Take the client, bucket and key, the upload's id, tag and size of each part that is there, and the size of the whole."""
        self._client, self._where, self._upload, self._there, self._size = client, where, upload, there, size
        self._tags: dict[int, str] = {}
        self._is_done = False

    def has(self, number: int, md5: bytes, size: int) -> bool:
        """Compare with the entity tag, which is the MD5, unless a part was encrypted by a key of KMS."""
        tag, there = self._there.get(number, ("", 0))
        if tag.strip('"') != md5.hex() or there != size:
            return self._is_done
        self._tags[number] = tag
        return True

    def send(self, number: int, md5: bytes, part: bytes) -> None:
        """Send a part."""
        self._unless_there(lambda: self._sent(number, md5, part))

    def _sent(self, number: int, md5: bytes, part: bytes) -> None:
        of = {**self._where, "UploadId": self._upload, "PartNumber": number}
        sent = self._client.upload_part(**of, Body=part, ContentMD5=base64.b64encode(md5).decode())
        self._tags[number] = str(sent["ETag"])

    def finish(self) -> None:
        """Complete it, unless another run has: ours may lack a part."""
        if self._is_done:
            return
        parts = [{"PartNumber": number, "ETag": self._tags[number]} for number in sorted(self._tags)]
        whole = {"Parts": parts}
        self._unless_there(lambda: self._client.complete_multipart_upload(**self._where, UploadId=self._upload, MultipartUpload=whole))

    def _unless_there(self, do: Callable[[], object]) -> None:
        """Do something; where it fails, the answer may have been lost, or another run, which sends the same bytes, was faster."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - takes a quarter of a second

        try:
            do()
        except ClientError:
            if not self._is_there():
                raise
            self._is_done = True

    def _is_there(self) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            return bool(self._client.head_object(**self._where)["ContentLength"] == self._size)
        except ClientError:
            return False


def _begun(client: Any, where: dict[str, str]) -> tuple[str, dict[int, tuple[str, int]]]:
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
