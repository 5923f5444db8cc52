"""Who made a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from index_builder.model.attestation import Claims
    from index_builder.model.names import Sha256


class Attestations(Protocol):
    """Who published a file, proved by signatures. Nobody is asked."""

    def is_available(self) -> bool:
        """Say whether what verifies is installed."""
        ...

    def verified(self, content: bytes, name: str, digest: Sha256) -> tuple[Claims, ...]:
        """Return who made each attestation of a file: a provenance object (PEP 740), or a Sigstore bundle. Raises AttestationError."""
        ...
