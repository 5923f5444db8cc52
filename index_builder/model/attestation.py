"""What a verified attestation says of who published a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The identity in the certificate of an attestation (PEP 740) whose signature, log entry and subject were verified.

    Each is what Fulcio took from the workflow's token, '' where it says nothing. `workflow` is the URI of the workflow file
    with `@` and its ref, `signer` that of the workflow which it called to sign, if that is another; `ref` is that of the source.
    `environment` is not in the certificate: the index that served the attestation said so.
    """

    issuer: str = ""
    repository: str = ""
    repository_id: str = ""
    owner_id: str = ""
    workflow: str = ""
    signer: str = ""
    ref: str = ""
    trigger: str = ""
    runner: str = ""
    environment: str = ""
