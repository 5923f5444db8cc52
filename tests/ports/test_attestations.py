"""What fills `Attestations` proves what a real attestation says, offline, and nothing that it does not."""

import json
import socket

import attested
import pytest

from index_builder.adapters.attestations import SigstoreAttestations
from index_builder.errors import AttestationError
from index_builder.model.names import Sha256


@pytest.fixture
def attestations(monkeypatch, tmp_path):
    """The adapter on a machine without a network, with a home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def refused(*_):
        pytest.fail("it asked another host")

    monkeypatch.setattr(socket.socket, "connect", refused)
    return SigstoreAttestations()


@pytest.mark.parametrize("content", [attested.CONTENT, attested.bundle()], ids=["PEP 740", "Sigstore bundle"])
def test_a_real_attestation_verifies(attestations, content):
    """Both forms give the identity that the certificate has."""
    assert attestations.is_available()
    assert attestations.verified(content, attested.NAME, attested.DIGEST) == (attested.CLAIMS,)


def test_nobody_signs_what_stands_beside_an_attestation(attestations):
    """The environment that a provenance object names is anybody's word: only what is in the certificate counts."""
    value = json.loads(attested.CONTENT)
    value["attestation_bundles"][0]["publisher"]["environment"] = "production-release"
    assert attestations.verified(json.dumps(value).encode(), attested.NAME, attested.DIGEST) == (attested.CLAIMS,)


def changed(change):
    value = json.loads(attested.CONTENT)
    change(value["attestation_bundles"][0]["attestations"][0])
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("content", "name", "digest", "said"),
    [
        (attested.CONTENT, attested.NAME, Sha256("0" * 64), "of another file"),
        (attested.CONTENT, "pypi_attestations-0.0.20.tar.gz", attested.DIGEST, "of another file"),
        (changed(lambda a: a["envelope"].update(signature="AAAA" + a["envelope"]["signature"][4:])), attested.NAME, attested.DIGEST, "does not verify"),
        (changed(lambda a: a["envelope"].update(statement="e30=")), attested.NAME, attested.DIGEST, "does not verify"),
        (changed(lambda a: a["verification_material"]["transparency_entries"][0]["inclusionProof"].update(logIndex="31550400")), attested.NAME, attested.DIGEST, "does not verify"),
        (changed(lambda a: a["verification_material"].update(transparency_entries=[])), attested.NAME, attested.DIGEST, "neither"),
        (b'{"version": 1, "attestation_bundles": []}', attested.NAME, attested.DIGEST, "0 attestations"),
        (b"not json", attested.NAME, attested.DIGEST, "no JSON"),
        (b"[1]", attested.NAME, attested.DIGEST, "neither"),
        (b'{"mediaType": "x"}', attested.NAME, attested.DIGEST, "neither"),
        (b" " * (4 * 1024 * 1024 + 1), attested.NAME, attested.DIGEST, "are the most"),
    ],
)  # fmt: skip
def test_everything_else_is_refused(attestations, content, name, digest, said):
    """Other bytes, another name, a changed signature, statement or log entry, and what is no attestation at all."""
    with pytest.raises(AttestationError, match=said):
        attestations.verified(content, name, digest)
