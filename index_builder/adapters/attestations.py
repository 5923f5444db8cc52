"""Sigstore verifies attestations: signature, certificate chain, inclusion in the log, and the subject; asking nobody."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from index_builder.errors import AttestationError
from index_builder.inspection.attestation import identity_in
from index_builder.model.attestation import Claims

if TYPE_CHECKING:
    from sigstore.models import Bundle
    from sigstore.verify import Verifier

    from index_builder.model.names import Sha256

_LARGEST: Final = 4 * 1024 * 1024
_MOST: Final = 64


class _AnyIdentity:
    """Asks sigstore for everything but whose certificate it is: the claims in it are held against publishers afterwards."""

    def verify(self, cert: object) -> None:
        """Accept any identity."""


class SigstoreAttestations:
    """Verifies with the trust root that comes with the installed sigstore. Fills the port `Attestations`."""

    def __init__(self) -> None:
        """Load nothing yet: sigstore takes half a second to import."""
        self._verifier: Verifier | None = None

    def is_available(self) -> bool:
        """Say whether sigstore is installed: it is an extra."""
        from importlib.util import find_spec  # noqa: PLC0415 - rarely asked

        return find_spec("sigstore") is not None and find_spec("pypi_attestations") is not None

    def verified(self, content: bytes, name: str, digest: Sha256) -> tuple[Claims, ...]:
        """Return who made each attestation of a file: a provenance object (PEP 740), or a Sigstore bundle. Raises AttestationError."""
        if len(content) > _LARGEST:
            msg = f"it has {len(content):,} bytes, and {_LARGEST:,} are the most"
            raise AttestationError(msg)
        try:
            value = json.loads(content)
        except (ValueError, RecursionError) as error:
            msg = "it is no JSON"
            raise AttestationError(msg) from error
        bundles = _bundles(value)
        if not 0 < len(bundles) <= _MOST:
            msg = f"it holds {len(bundles)} attestations"
            raise AttestationError(msg)
        return tuple(self._claims(bundle, name, digest) for bundle in bundles)

    def _claims(self, bundle: Bundle, name: str, digest: Sha256) -> Claims:
        from pypi_attestations import AttestationType  # noqa: PLC0415 - as sigstore
        from sigstore.errors import Error  # noqa: PLC0415 - an extra, and slow to import
        from sigstore.verify import Verifier  # noqa: PLC0415

        # It warns that it is offline, as it is meant to be.
        logging.getLogger("sigstore").setLevel(logging.ERROR)
        self._verifier = self._verifier or Verifier.production(offline=True)
        try:
            kind, payload = self._verifier.verify_dsse(bundle, _AnyIdentity())
            statement = json.loads(payload)
        except (Error, ValueError, RecursionError) as error:
            msg = f"it does not verify: {' '.join(str(error).split())}"
            raise AttestationError(msg) from error
        if kind != "application/vnd.in-toto+json" or not _is_of(statement, name, digest):
            msg = "it is an attestation of another file"
            raise AttestationError(msg)
        if statement.get("predicateType") not in [kind.value for kind in AttestationType]:
            msg = "it attests something else than where the file comes from"
            raise AttestationError(msg)
        found = identity_in(bundle.signing_certificate)
        # The signer is the workflow that ran; where another one called it, the two differ, and neither is pinned by the other.
        if found.get("signer") == found.get("workflow"):
            found.pop("signer", None)
        elif not found.get("signer"):
            found["workflow"] = ""
        return Claims(**found)


def _bundles(value: Any) -> list[Bundle]:
    """Return the attestations of either form; what the object of an index says beside them, nobody signed."""
    from pypi_attestations import AttestationError as WrongFormError  # noqa: PLC0415 - an extra
    from pypi_attestations import Provenance  # noqa: PLC0415
    from sigstore.errors import Error  # noqa: PLC0415
    from sigstore.models import Bundle  # noqa: PLC0415

    try:
        if isinstance(value, dict) and "mediaType" in value:
            return [Bundle.from_json(json.dumps(value))]
        provenance = Provenance.model_validate(value)
        return [attestation.to_bundle() for group in provenance.attestation_bundles for attestation in group.attestations]
    except (WrongFormError, Error, ValueError, RecursionError) as error:  # pydantic's errors are ValueErrors
        msg = "it is neither a provenance object (PEP 740) nor a Sigstore bundle"
        raise AttestationError(msg) from error


def _is_of(statement: Any, name: str, digest: Sha256) -> bool:
    """Say whether an in-toto statement is of these bytes, under this name where it gives a file's name."""
    subjects = statement.get("subject") if isinstance(statement, dict) else None
    of_bytes = [s for s in subjects or () if isinstance(s, dict) and (s.get("digest") or {}).get("sha256") == digest]
    return any(str(subject.get("name", "")).rpartition("/")[2] in ("", name) for subject in of_bytes)
