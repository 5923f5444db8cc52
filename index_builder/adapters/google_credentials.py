"""Who asks at Google's: application default credentials, as Google's own tools take them, also those of a workload's identity.

obstore takes keys of service accounts and what a machine is told, and no identity that another one vouches for, which is what
workflows have. So one way of credentials, google-auth's, is behind all requests, by whomever they are sent.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from index_builder.adapters.certificates import trusted
from index_builder.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from obstore.store import GCSCredential

_SCOPES: Final = ("https://www.googleapis.com/auth/devstorage.read_write",)


class GoogleCredentials:
    """Credentials, and the token that they give."""

    def __init__(self, name: str) -> None:
        """Find them and let them in once, so that whoever has none is told before anything begins; `name` is who it is for.

        Raises RemoteError, UsageError where google-auth is not installed.
        """
        self._name = name
        self._lock = threading.Lock()
        #: Why nobody is let in any more, if so: what obstore says of it is hard to read.
        self.failed: RemoteError | None = None
        with self._errors():
            from google.auth import default  # noqa: PLC0415
            from google.auth.credentials import with_scopes_if_required  # noqa: PLC0415
            from google.auth.transport.requests import Request  # noqa: PLC0415
            from requests import Session  # noqa: PLC0415

            session = Session()
            session.verify = trusted("REQUESTS_CA_BUNDLE") or True
            self._request = Request(session)
            logging.getLogger("google.auth").setLevel(logging.ERROR)  # a bucket belongs to no project that one would have to name
            with warnings.catch_warnings(action="ignore"):  # as its log does, it asks for a project
                found: Any = default(request=self._request)[0]  # it has no types
            # Now, because a workload's identity that has scopes would be asked for its project, of another host.
            scoped: Any = with_scopes_if_required
            self._found: Any = scoped(found, _SCOPES)
        self.for_obstore()

    def for_obstore(self) -> GCSCredential:
        """Return a token that is good for a while, and when it expires; raises RemoteError."""
        with self._lock, self._errors():
            self.failed = None
            if not self._found.valid:
                self._found.refresh(self._request)
            return {"token": self._found.token, "expires_at": self._found.expiry and self._found.expiry.replace(tzinfo=UTC)}

    def authorize(self, request: Any) -> None:
        """Write into the headers of a request of botocore's who asks; raises RemoteError."""
        request.headers["Authorization"] = f"Bearer {self.for_obstore()['token']}"

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            from google.auth import exceptions  # noqa: PLC0415 - an extra
        except ImportError as error:
            msg = f"{self._name} is a bucket of Google's, and google-auth is not installed"
            raise UsageError(msg, fix="pip install 'index-builder[bucket]'") from error
        try:
            yield
        except (exceptions.GoogleAuthError, OSError, AttributeError) as error:  # a folder, a list: whatever stands there
            text = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)  # some have a second one, of no use
            msg = f"{self._name}: {(text.strip() or type(error).__name__).splitlines()[0][:300]}"
            unheard = isinstance(error, exceptions.TransportError)
            fix = "set GOOGLE_APPLICATION_CREDENTIALS, or run: gcloud auth application-default login"
            self.failed = RemoteError(msg, fix="see that Google can be reached" if unheard else fix, retryable=unheard)
            raise self.failed from error
