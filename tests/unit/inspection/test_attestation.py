"""A Sigstore bundle and the provenance object that it becomes: what a library makes of it, and what is made of nothing."""

import base64
import json

import attested
import pytest
from pypi_attestations import Attestation, Provenance
from sigstore.models import Bundle

from index_builder.inspection.attestation import provenance_of
from index_builder.model.names import Sha256
from index_builder.wiring import attestations


def test_it_says_what_the_bundle_says():
    """The same attestation as pypi-attestations makes of the bundle, and as the index gave it first; always in the same bytes."""
    made = provenance_of(attested.bundle(), attested.DIGEST)
    assert made == provenance_of(json.dumps(json.loads(attested.bundle()), indent=1).encode(), attested.DIGEST)
    group = Provenance.model_validate_json(made).attestation_bundles[0]
    assert group.attestations == [Attestation.from_bundle(Bundle.from_json(attested.bundle()))]
    first = Provenance.model_validate_json(attested.CONTENT).attestation_bundles[0]
    assert (group.publisher, group.attestations) == (first.publisher, first.attestations)
    assert attestations().verified(made, attested.NAME, attested.DIGEST) == (attested.CLAIMS,)


def test_a_chain_of_certificates_is_its_first_one():
    """Bundles before 0.3 have a chain."""
    value = json.loads(attested.bundle())
    value["verificationMaterial"]["x509CertificateChain"] = {"certificates": [value["verificationMaterial"].pop("certificate")]}
    assert provenance_of(json.dumps(value).encode(), attested.DIGEST) == provenance_of(attested.bundle(), attested.DIGEST)


def _changed(change) -> bytes:
    value = json.loads(attested.bundle())
    change(value)
    return json.dumps(value).encode()


def _certificate(der: bytes) -> bytes:
    text = base64.b64encode(der).decode()
    return _changed(lambda value: value["verificationMaterial"]["certificate"].update(rawBytes=text))


DER = base64.b64decode(json.loads(attested.bundle())["verificationMaterial"]["certificate"]["rawBytes"])


@pytest.mark.parametrize(
    "bundle",
    [
        b"", b"[]", b"{}", b"[" * 100_000, b"\xff", b'{"mediaType": "x"}',
        _changed(lambda value: value["verificationMaterial"].update(tlogEntries=[])),
        _changed(lambda value: value["dsseEnvelope"].update(signatures=[{"sig": "%%%"}])),
        _changed(lambda value: value["dsseEnvelope"].update(signatures=2 * value["dsseEnvelope"]["signatures"])),
        _changed(lambda value: value["dsseEnvelope"].update(payload="e30=")), _certificate(b""), _certificate(b"\x30\x03\x02\x01\x01"),
        _certificate(DER.replace(b"https://github.com/", b"https://gitbub.com/")),
    ],
)  # fmt: skip
def test_what_has_no_such_form_is_left(bundle):
    """Nothing is made of what is damaged, of somebody else's file, or of a certificate that no workflow on GitHub has; and nothing is raised."""
    assert provenance_of(bundle, attested.DIGEST) is None


@pytest.mark.parametrize("byte", [0, 7, 255])
def test_a_damaged_certificate_does_no_harm(byte):
    """Whatever byte of it is another one: it is read, or it is none."""
    for place in range(0, len(DER), 3):
        provenance_of(_certificate(DER[:place] + bytes([byte]) + DER[place + 1 :]), attested.DIGEST)


def test_another_file():
    """A bundle is of the file that it names by digest."""
    assert provenance_of(attested.bundle(), Sha256("0" * 64)) is None
