"""Who a job on GitHub is: the tokens that its identity service gives (OIDC), and how a provider believes one by the published key."""

from __future__ import annotations

import base64
import json
import time
from functools import cache
from typing import Any
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from github_server import Call, GitHub, RefusedError, route


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@route("GET", "/identity/token")
def token(call: Call) -> Any:
    """Say who the job is that has this token, to an audience; `id-token: write` is the right to ask."""
    if call.token is None or call.token.permissions.get("id-token") != "write":
        raise RefusedError(403, "Resource not accessible by integration")
    environment = call.query.get("environment", "")
    subject = f"repo:{call.token.repository}:{f'environment:{environment}' if environment else 'ref:refs/heads/main'}"
    claims = {
        "iss": call.hub.url, "aud": call.query["audience"], "sub": subject, "repository": call.token.repository,
        "environment": environment, "exp": int(time.time()) + 300,
    }  # fmt: skip
    signed = f"{_text(json.dumps({'alg': 'RS256', 'kid': 'one'}).encode())}.{_text(json.dumps(claims).encode())}"
    return {"value": f"{signed}.{_text(_key().sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"}


@route("GET", "/.well-known/jwks")
def keys(_call: Call) -> Any:
    """Publish the key by which tokens are believed."""
    numbers = _key().public_key().public_numbers()
    whole = {"n": numbers.n, "e": numbers.e}
    return {"keys": [{"kid": "one", "kty": "RSA", **{name: _text(n.to_bytes((n.bit_length() + 7) // 8)) for name, n in whole.items()}}]}


def verified(hub: GitHub, token: str, audience: str, *, environment: str | None) -> dict[str, Any]:
    """Ask for a job's identity with its token, and return the claims once they are verified as a cloud provider does."""
    query = f"audience={audience}" + (f"&environment={environment}" if environment else "")
    headers = {"Authorization": f"Bearer {token}"}
    with urlopen(Request(f"{hub.url}/identity/token?{query}", headers=headers), timeout=10) as answer:
        value = json.load(answer)["value"]
    with urlopen(f"{hub.url}/.well-known/jwks", timeout=10) as answer:
        (key,) = json.load(answer)["keys"]
    signed, _, signature = value.rpartition(".")
    public = rsa.RSAPublicNumbers(*(int.from_bytes(_bytes(key[name])) for name in ("e", "n"))).public_key()
    public.verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), SHA256())
    claims = json.loads(_bytes(signed.partition(".")[2]))
    assert (claims["iss"], claims["aud"]) == (hub.url, audience)
    assert claims["exp"] > time.time()
    return dict(claims)
