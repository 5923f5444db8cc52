"""A Sigstore bundle becomes the provenance object (PEP 740) that says the same. Nothing is verified here, and nobody asked."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from cryptography.x509 import (
    Certificate,
    DuplicateExtension,
    InvalidVersion,
    UnrecognizedExtension,
    UnsupportedGeneralNameType,
    load_der_x509_certificate,
)

from index_builder.model.names import Sha256

#: Fulcio's extensions of a certificate, from its list of object ids, as DER strings.
_OIDS: Final = {
    "1.3.6.1.4.1.57264.1.8": "issuer", "1.3.6.1.4.1.57264.1.9": "signer", "1.3.6.1.4.1.57264.1.11": "runner",
    "1.3.6.1.4.1.57264.1.12": "repository", "1.3.6.1.4.1.57264.1.14": "ref", "1.3.6.1.4.1.57264.1.15": "repository_id",
    "1.3.6.1.4.1.57264.1.17": "owner_id", "1.3.6.1.4.1.57264.1.18": "workflow", "1.3.6.1.4.1.57264.1.20": "trigger",
    "1.3.6.1.4.1.57264.1.23": "environment",
}  # fmt: skip
_GITHUB: Final = "https://github.com/"
#: What is raised for certificates that are none, besides ValueError.
_WRONG_CERTIFICATES: Final = (DuplicateExtension, InvalidVersion, UnsupportedGeneralNameType)
_WORKFLOWS: Final = "/.github/workflows/"


def identity_in(certificate: Certificate) -> dict[str, str]:
    """Return what Fulcio wrote into a certificate of who asked for it."""
    found: dict[str, str] = {}
    for extension in certificate.extensions:
        key = _OIDS.get(extension.oid.dotted_string)
        if key and isinstance(extension.value, UnrecognizedExtension):
            found[key] = _text(extension.value.value)
    return found


def provenance_of(bundle: bytes, digest: Sha256) -> bytes | None:
    """Return a bundle as a provenance object, always in the same bytes; None where it is of another file, or has no such form.

    PEP 740: one attestation has one certificate, one entry of the log, one signature; beside it stands who published.
    """
    try:
        value = json.loads(bundle)
        material, envelope = value["verificationMaterial"], value["dsseEnvelope"]
        chain = material.get("x509CertificateChain")
        certificate = (chain["certificates"][0] if chain else material["certificate"])["rawBytes"]
        (entry,), (signature,) = material["tlogEntries"], envelope["signatures"]
        b64decode(signature["sig"], validate=True)
        subjects = json.loads(b64decode(envelope["payload"], validate=True))["subject"]
        if digest not in [subject["digest"]["sha256"] for subject in subjects]:
            return None
        attestation = {
            "version": 1, "envelope": {"statement": envelope["payload"], "signature": signature["sig"]},
            "verification_material": {"certificate": certificate, "transparency_entries": [entry]},
        }  # fmt: skip
        publisher = _publisher(identity_in(load_der_x509_certificate(b64decode(certificate, validate=True))))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, *_WRONG_CERTIFICATES):
        return None
    if publisher is None:
        return None
    provenance = {"version": 1, "attestation_bundles": [{"publisher": publisher, "attestations": [attestation]}]}
    return json.dumps(provenance, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _publisher(identity: Mapping[str, str]) -> dict[str, Any] | None:
    """Return who published, as an index names a workflow on GitHub; None for any other identity."""
    repository, workflow = identity.get("repository", ""), identity.get("workflow", "").partition("@")[0]
    if not repository.startswith(_GITHUB) or not workflow.startswith(f"{repository}{_WORKFLOWS}"):
        return None
    return {
        "kind": "GitHub", "repository": repository.removeprefix(_GITHUB), "workflow": workflow.removeprefix(f"{repository}{_WORKFLOWS}"),
        "environment": identity.get("environment") or None,
    }  # fmt: skip


def _text(der: bytes) -> str:
    """Return a DER UTF8String of less than 64 kB; what is none says nothing."""
    if len(der) < 2 or der[0] != 0x0C:  # noqa: PLR2004 - tag and length
        return ""
    skip = der[1] & 0x7F if der[1] & 0x80 else 0
    return der[2 + skip :].decode("utf-8", "replace") if skip <= 2 else ""  # noqa: PLR2004 - two bytes hold any length we take
