"""Sigstore verifies attestations: signature, certificate chain, inclusion in the log, and the subject; asking nobody."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from index_builder.errors import AttestationError
from index_builder.model.attestation import Claims

if TYPE_CHECKING:
    from sigstore.models import Bundle
    from sigstore.verify import Verifier

    from index_builder.model.names import Sha256

#: Fulcio's extensions of a certificate, from its list of object ids, as DER strings.
_OIDS: Final = {
    "1.3.6.1.4.1.57264.1.8": "issuer", "1.3.6.1.4.1.57264.1.9": "signer", "1.3.6.1.4.1.57264.1.11": "runner",
    "1.3.6.1.4.1.57264.1.12": "repository", "1.3.6.1.4.1.57264.1.14": "ref", "1.3.6.1.4.1.57264.1.15": "repository_id",
    "1.3.6.1.4.1.57264.1.17": "owner_id", "1.3.6.1.4.1.57264.1.18": "workflow", "1.3.6.1.4.1.57264.1.20": "trigger",
}  # fmt: skip
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
        bundles = list(_bundles(value))
        if not 0 < len(bundles) <= _MOST:
            msg = f"it holds {len(bundles)} attestations"
            raise AttestationError(msg)
        return tuple(self._claims(bundle, environment, name, digest) for bundle, environment in bundles)

    def _claims(self, bundle: Bundle, environment: str, name: str, digest: Sha256) -> Claims:
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
        found: dict[str, str] = {}
        for extension in bundle.signing_certificate.extensions:
            key = _OIDS.get(extension.oid.dotted_string)
            if key:
                found[key] = _text(extension.value.public_bytes())
        # The signer is the workflow that ran; where another one called it, the two differ, and neither is pinned by the other.
        if found.get("signer") == found.get("workflow"):
            found.pop("signer", None)
        elif not found.get("signer"):
            found["workflow"] = ""
        return Claims(**found, environment=environment)


def _bundles(value: Any) -> list[tuple[Bundle, str]]:
    """Return the attestations of either form, each with the environment that an index says it is from."""
    from pypi_attestations import AttestationError as WrongFormError  # noqa: PLC0415 - an extra
    from pypi_attestations import Provenance  # noqa: PLC0415
    from sigstore.errors import Error  # noqa: PLC0415
    from sigstore.models import Bundle  # noqa: PLC0415

    try:
        if isinstance(value, dict) and "mediaType" in value:
            return [(Bundle.from_json(json.dumps(value)), "")]
        provenance = Provenance.model_validate(value)
        return [
            (attestation.to_bundle(), str(getattr(group.publisher, "environment", None) or ""))
            for group in provenance.attestation_bundles
            for attestation in group.attestations
        ]
    except (WrongFormError, Error, ValueError, RecursionError) as error:  # pydantic's errors are ValueErrors
        msg = "it is neither a provenance object (PEP 740) nor a Sigstore bundle"
        raise AttestationError(msg) from error


def _is_of(statement: Any, name: str, digest: Sha256) -> bool:
    """Say whether an in-toto statement is of these bytes, under this name where it gives a file's name."""
    subjects = statement.get("subject") if isinstance(statement, dict) else None
    of_bytes = [s for s in subjects or () if isinstance(s, dict) and (s.get("digest") or {}).get("sha256") == digest]
    return any(str(subject.get("name", "")).rpartition("/")[2] in ("", name) for subject in of_bytes)


def _text(der: bytes) -> str:
    """Return a DER UTF8String of less than 64 kB; what is none says nothing."""
    if len(der) < 2 or der[0] != 0x0C:  # noqa: PLR2004 - tag and length
        return ""
    skip = der[1] & 0x7F if der[1] & 0x80 else 0
    return der[2 + skip :].decode("utf-8", "replace") if skip <= 2 else ""  # noqa: PLR2004 - two bytes hold any length we take
