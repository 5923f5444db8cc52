"""A real attestation (PEP 740), made in public by a workflow: who signed it, and for which file."""

import base64
import json
from pathlib import Path

from pypi_attestations import Provenance

from index_builder.model.attestation import Claims
from index_builder.model.names import Sha256
from index_builder.model.project import Publisher

NAME = "pypi_attestations-0.0.19.tar.gz"
DIGEST = Sha256("9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3")
CONTENT = (Path(__file__).parent / "attestations" / f"{NAME}.provenance").read_bytes()
REPOSITORY = "trailofbits/pypi-attestations"
PUBLISHER = Publisher(github=REPOSITORY, repository_id=772247423, workflow="release.yml")
CLAIMS = Claims(
    issuer="https://token.actions.githubusercontent.com",
    repository=f"https://github.com/{REPOSITORY}",
    repository_id="772247423",
    owner_id="2314423",
    workflow=f"https://github.com/{REPOSITORY}/.github/workflows/release.yml@refs/tags/v0.0.19",
    ref="refs/tags/v0.0.19",
    trigger="release",
    runner="github-hosted",
)


def bundle_of(name: str, digest: str) -> bytes:
    """Return it as if it were of another file: its form is good, its signature is not."""
    value = json.loads(bundle())
    statement = json.loads(base64.b64decode(value["dsseEnvelope"]["payload"]))
    statement["subject"] = [{"name": name, "digest": {"sha256": digest}}]
    value["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    return json.dumps(value).encode()


def bundle() -> bytes:
    """Return the attestation as a Sigstore bundle."""
    attestation = Provenance.model_validate(json.loads(CONTENT)).attestation_bundles[0].attestations[0]
    return attestation.to_bundle().to_json().encode()
