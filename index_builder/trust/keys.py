"""Public keys with who holds them, and one way from metadata to bytes."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Key, Signature, Signer
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, Signed
from tuf.api.serialization import DeserializationError, SignedSerializer
from tuf.api.serialization.json import CanonicalJSONSerializer, JSONSerializer

from index_builder.errors import TrustError
from index_builder.model.names import Word

#: Fields of a key that TUF does not know, and passes on: who holds it; where an online key is to be found.
_HOLDER: Final = "x-index-builder-holder"
_URI: Final = "x-index-builder-uri"


def holder_of(key: Key) -> str:
    """Return who holds a key, '' where it is nobody's: an online key."""
    return str(key.unrecognized_fields.get(_HOLDER, ""))


def uri_of(key: Key) -> str:
    """Return where a key service has an online key, '' where a file or secret holds it."""
    return str(key.unrecognized_fields.get(_URI, ""))


def held_by(key: Key, holder: str) -> Key:
    """Return a key with its holder."""
    key.unrecognized_fields[_HOLDER] = Word(holder)
    return key


def found_at(key: Key, uri: str) -> Key:
    """Return a key with the place where it is to be found."""
    key.unrecognized_fields[_URI] = uri
    return key


def write_key(key: Key) -> bytes:
    """Return a public key as a file holds it."""
    return orjson.dumps({"keyid": key.keyid, **key.to_dict()}, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"


def read_key(content: bytes, where: str) -> Key:
    """Return a public key of a file; raises TrustError."""
    try:
        value: dict[str, Any] = orjson.loads(content)
        key = Key.from_dict(value.pop("keyid"), value)
        check_key(key, where)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"{where} is no public key"
        raise TrustError(msg, fix="take it from git's history, or make a new one: index-builder keys new NAME") from error
    return key


def check_key(key: Key, where: str) -> None:
    """Raise TrustError where a key is not called by its content: its id is a file name, and what people compare."""
    named = {"keytype": key.keytype, "scheme": key.scheme, "keyval": key.keyval}
    expected = hashlib.sha256(str(encode_canonical(named)).encode()).hexdigest()  # as securesystemslib names its keys
    if key.keyid != expected:
        msg = f"{where} has a key that is called {key.keyid[:64]!r}, and is {expected}"
        raise TrustError(msg, fix="take it from git's history; find out who changed it")


class _Canonical(SignedSerializer):
    """OLPC canonical JSON. Where nothing must be escaped, that is sorted, compact JSON, and 20 times as fast; PEM has line ends."""

    def serialize(self, signed_obj: Signed) -> bytes:
        fast = orjson.dumps(signed_obj.to_dict(), option=orjson.OPT_SORT_KEYS)
        return CanonicalJSONSerializer().serialize(signed_obj) if b"\\" in fast else fast


_CANONICAL: Final = _Canonical()


def add_signature(metadata: Metadata[Any], signer: Signer) -> None:
    """Add a signature, or put it in the place of an older one of the same key.

    Raises TrustError where a key service refuses, or gives a signature that does not hold: clients would refuse it.
    """
    fix = "look at the key service, and at the credentials for it"
    try:
        metadata.sign(signer, append=True, signed_serializer=_CANONICAL)
    except UnsignedMetadataError as error:
        msg = f"the key {signer.public_key.keyid[:16]} does not sign: {error.__cause__ or error}"
        raise TrustError(msg, fix=fix) from error
    if not is_signed_by(metadata, signer.public_key):
        msg = f"the key {signer.public_key.keyid[:16]} gave a signature that does not hold"
        raise TrustError(msg, fix=fix)


def is_signed_by(metadata: Metadata[Any], key: Key) -> bool:
    """Say whether metadata has a good signature of a key."""
    signature: Signature | None = metadata.signatures.get(key.keyid)
    if signature is None:
        return False
    try:
        key.verify_signature(signature, _CANONICAL.serialize(metadata.signed))
    except (UnverifiedSignatureError, VerificationError, TypeError, ValueError):
        return False  # of numbers or characters that JSON has not, there is no canonical form that anybody could have signed
    return True


def is_signed_by_enough(metadata: Metadata[Any], delegator: Metadata[Any], role: str) -> bool:
    """Say whether so many of those to whom a role is delegated have signed its metadata as must."""
    try:
        return bool(delegator.signed.get_verification_result(role, metadata.signed_bytes, metadata.signatures))
    except (ValueError, TypeError, RepositoryError, VerificationError):
        return False  # it is delegated to nobody, or nobody could have signed it


def write(metadata: Metadata[Any]) -> bytes:
    """Return metadata as it is published: compact."""
    return orjson.dumps(metadata.to_dict(), option=orjson.OPT_SORT_KEYS)


def write_for_people(metadata: Metadata[Any]) -> bytes:
    """Return metadata as git keeps it: each signature on lines of its own."""
    return JSONSerializer().serialize(metadata) + b"\n"


def read(content: bytes, role: str, where: str) -> Metadata[Any]:
    """Return metadata of a role's type; raises TrustError for anything else."""
    try:
        found = Metadata.from_bytes(content)
    except (DeserializationError, RepositoryError, ValueError, RecursionError) as error:
        msg = f"{where} is no TUF metadata"
        raise TrustError(msg, fix="take it from git's history, or from the published tree") from error
    if found.signed.type != role:
        msg = f"{where} is metadata of {found.signed.type}, not of {role}"
        raise TrustError(msg)
    return found
