"""Private keys: files of one's own, secrets in the environment, and key services by URI. None is ever in the repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.exceptions import KeyMismatchError, UnsupportedLibraryError
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, CryptoSigner, Key, Signer, SSlibKey

from index_builder.adapters.storage import storage
from index_builder.errors import KeyMissingError, StorageError, TrustError, UsageError
from index_builder.trust.keys import found_at, uri_of

#: The passphrase of key files, for scripts; people are asked.
PASSPHRASE: Final = "INDEX_BUILDER_PASSPHRASE"  # noqa: S105 - its name, not itself
#: What signs without anybody there: each a private key in PEM, or the URI of one.
SECRETS: Final = {"bins": "INDEX_BUILDER_KEY_BINS", "timestamp": "INDEX_BUILDER_KEY_TIMESTAMP"}

#: Key services, and what of securesystemslib talks to them.
_EXTRAS: Final = {"awskms": "awskms", "gcpkms": "gcpkms", "azurekms": "azurekms", "hv": "vault", "hsm": "hsm"}
_SHORTEST_PASSPHRASE: Final = 12


class KeyFolder:
    """Key files of one person on one machine, by key id; `ask` gets a question and returns a passphrase."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], ask: Callable[[str, bool], str], *, dry_run: bool = False
    ) -> None:  # fmt: skip
        """Take the folder; it is made with the first key. A `dry_run` keeps none."""
        self.folder, self._dry_run = folder, dry_run
        self._environment, self._ask = environment, ask

    def create(self, name: str, *, encrypted: bool = True) -> Key:
        """Make an Ed25519 key; return its public half. Raises StorageError, UsageError."""
        private = Ed25519PrivateKey.generate()
        if self._dry_run:
            return SSlibKey.from_crypto(private.public_key())
        passphrase = self._new_passphrase(name) if encrypted else None
        protection = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
        key = SSlibKey.from_crypto(private.public_key())
        path = self.path(key)
        with storage(path):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as stream:  # noqa: PTH123 - over a descriptor
                stream.write(content)
        return key

    def path(self, key: Key) -> Path:
        """Return where a key's private half lies, if it is here."""
        return self.folder / f"{key.keyid[:16]}.pem"

    def has(self, key: Key) -> bool:
        """Say whether a key's private half is here."""
        return self.path(key).is_file()

    def signer(self, key: Key, called: str) -> Signer:
        """Return what signs with a key of this folder, or of a key service; raises TrustError, StorageError, UsageError."""
        if not self.has(key) and uri_of(key):
            return from_uri(uri_of(key), key)
        path = self.path(key)
        with storage(path):
            content = path.read_bytes()
        return self._of_pem(content, key, called)

    def online(self, key: Key, role: str) -> Signer:
        """Return what signs with an online key, wherever it is; raises TrustError where it is nowhere, or is another one."""
        secret = self._environment.get(SECRETS[role], "").strip()
        if "-----BEGIN" in secret:
            return self._of_pem(secret.encode() + b"\n", key, SECRETS[role])
        if secret or uri_of(key):
            return from_uri(secret or uri_of(key), key)
        if self.has(key):
            return self.signer(key, f"the online key of {role}")
        msg = f"the online key of {role} is not here"
        raise KeyMissingError(
            msg, fix=f"set {SECRETS[role]} to the private key or its URI; or sign on the machine that has {self.path(key).name}"
        )

    def _of_pem(self, content: bytes, key: Key, called: str) -> Signer:
        passphrase = self._passphrase(called) if b"ENCRYPTED" in content else None
        try:
            private = load_pem_private_key(content, passphrase.encode() if passphrase else None)
            return CryptoSigner(private, _ssl(key))
        except KeyMismatchError as error:
            msg = f"{called} is another key than the one that the root metadata names"
            raise TrustError(msg, fix=f"give the private half of {key.keyid[:16]}") from error
        except (ValueError, TypeError) as error:
            msg = f"the private key of {called} cannot be opened"
            raise TrustError(msg, fix="was the passphrase right? a key file is PEM, PKCS 8") from error

    def _passphrase(self, called: str) -> str:
        return self._environment.get(PASSPHRASE) or self._ask(f"Passphrase of {called}", False)

    def _new_passphrase(self, name: str) -> str:
        passphrase = self._environment.get(PASSPHRASE) or self._ask(f"New passphrase for the key of {name}", True)
        if len(passphrase) < _SHORTEST_PASSPHRASE:
            msg = f"a passphrase of {len(passphrase)} characters is soon guessed"
            raise UsageError(msg, fix=f"take {_SHORTEST_PASSPHRASE} or more: a few words do")
        return passphrase


def _ssl(key: Key) -> SSlibKey:
    if not isinstance(key, SSlibKey):
        msg = f"{key.keyid[:16]} is a key of another kind"
        raise TrustError(msg)
    return key


def from_uri(uri: str, key: Key) -> Signer:
    """Return what signs with a key by its URI; raises UsageError, TrustError."""
    scheme = _scheme(uri)
    try:
        return Signer.from_priv_key_uri(uri, key)
    except UnsupportedLibraryError as error:
        raise _library_missing(scheme) from error
    except Exception as error:
        msg = f"{scheme}: gives no key: {error}"
        raise TrustError(msg, fix="look at the URI, and at the credentials for it") from error


def public_of(uri: str) -> Key:
    """Return the public half of a key that a service has, with where it is to be found; raises UsageError, TrustError."""
    scheme = _scheme(uri)
    importer = getattr(SIGNER_FOR_URI_SCHEME[scheme], "import_", None)
    if importer is None:
        msg = f"{scheme}: is no key service"
        raise UsageError(msg, fix=f"name a key as one of {', '.join(f'{name}:…' for name in _EXTRAS)}")
    rest = uri.partition(":")[2]
    split = scheme in ("azurekms", "hsm")
    arguments = [int(p) if p.isdecimal() else p for p in rest.split("/") if p] if split else [rest.removeprefix("//")]
    try:
        found, key = importer(*arguments)
    except UnsupportedLibraryError as error:
        raise _library_missing(scheme) from error
    except Exception as error:
        msg = f"{uri} gives no key: {error}"
        raise TrustError(msg, fix="look at the URI, and at the credentials for it") from error
    return found_at(key, found)


def _scheme(uri: str) -> str:
    scheme, colon, _ = uri.partition(":")
    if not colon or scheme not in SIGNER_FOR_URI_SCHEME:
        msg = f"{uri!r} is no URI of a key"
        raise UsageError(msg, fix=f"the kinds are: {', '.join(f'{name}:' for name in _EXTRAS)}; file2:/path for a PEM file")
    return scheme


def _library_missing(scheme: str) -> UsageError:
    msg = f"keys of {scheme}: need a library that is not installed"
    return UsageError(msg, fix=f"pip install 'securesystemslib[{_EXTRAS.get(scheme, scheme)}]'")


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return where one's own keys are: INDEX_BUILDER_KEYS, else the configuration folder of the user."""
    if given := environment.get("INDEX_BUILDER_KEYS"):
        return Path(given)
    with suppress(RuntimeError):
        return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "index-builder" / "keys"
    msg = "this user has no home folder"
    raise StorageError(msg, fix="say where keys are: INDEX_BUILDER_KEYS")
