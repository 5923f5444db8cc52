"""Keys that no machine of ours has: a key service signs, of people and of what runs by itself."""

import json
import os

import boto3
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from distributions import wheel
from moto.kms.utils import ECDSAPrivateKey
from moto.server import ThreadedMotoServer
from signed import PASSPHRASE, pointer


@pytest.fixture(scope="module")
def server():
    """A server on loopback that speaks as AWS KMS does."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def service(server, monkeypatch):
    """Make keys that sign: `service()` returns the URI of a new one."""
    given = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": server}
    for name, value in {**given, "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("kms")

    def make() -> str:
        return f"awskms:{client.create_key(KeyUsage='SIGN_VERIFY', KeySpec='ECC_NIST_P256')['KeyMetadata']['KeyId']}"

    # It signs the hash of what it gets, also where that is said to be a hash already (MessageType DIGEST): the real one does not.
    sign = patch_digest(monkeypatch)
    make.sign = sign
    return make


def patch_digest(monkeypatch):
    """Let the server sign a hash as it is; return how it signed before."""
    before = ECDSAPrivateKey.sign
    prehashed = ec.ECDSA(Prehashed(hashes.SHA256()))
    monkeypatch.setattr(ECDSAPrivateKey, "sign", lambda key, message, _algorithm: key.private_key.sign(message, prehashed))
    return before


@pytest.fixture
def index(repo, cli, dist, monkeypatch):
    """A built index of alpha, whose keys are about to be made in a folder."""
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(repo.parent / "keys"))
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", PASSPHRASE)
    assert cli("add", "--dist", dist(wheel("alpha", "1.0"))).code == 0
    assert cli("build", "--worktree", "-q").code == 0
    return repo


def done(cli, *arguments, code=0) -> str:
    result = cli(*arguments)
    assert result.code == code, result.err
    return result.out + result.err


def test_online_keys_of_a_service(index, cli, service, monkeypatch):
    """Both online keys never leave it: what they sign is verified, renewed, and signed by others after a rotation."""
    done(cli, "keys", "new", "alice")
    done(cli, "keys", "init", "--bins-key", service(), "--timestamp-key", service())
    assert len(list((index.parent / "keys").iterdir())) == 1
    done(cli, "sign", "--worktree", "-q")
    done(cli, "verify", "site/public", "-q", "--root", "trust/public/1.root.json", "--cache", "cache")
    before = pointer(index / "site" / "public").signed.version
    done(cli, "keys", "rotate", "timestamp", "--key", service())
    done(cli, "sign", "--worktree", "-q")
    assert pointer(index / "site" / "public").signed.version > before
    done(cli, "verify", "site/public", "-q", "--root", "trust/public/1.root.json", "--cache", "cache")
    done(cli, "keys", "rotate", "bins", "--key", service())
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    said = done(cli, "sign", "--worktree", code=4)
    assert "does not sign" in said
    assert "look at the key service" in said


def test_a_service_that_signs_something_else(index, cli, service, monkeypatch):
    """A signature is looked at before it is written anywhere."""
    done(cli, "keys", "new", "alice")
    done(cli, "keys", "init", "--bins-key", service(), "--timestamp-key", service())
    monkeypatch.setattr(ECDSAPrivateKey, "sign", service.sign)
    assert "gave a signature that does not hold" in done(cli, "sign", "--worktree", code=4)
    assert not (index / "site" / "public" / "tuf").exists()


def test_a_holders_key_of_a_service(index, cli, service):
    """A person's key may be one too: it signs what its holder begins, and later where its holder says so."""
    for name in ("alice", "bob"):
        done(cli, "keys", "new", name, "--key", service())
    done(cli, "keys", "init", "--threshold", "2")
    assert cli("keys", "status").code == 10
    said = done(cli, "keys", "sign", code=4)
    assert "--as NAME" in said
    done(cli, "keys", "sign", "--as", "alice")
    assert "1 more of bob" in cli("keys", "status").out
    assert "All have signed" in done(cli, "keys", "sign", "--as", "bob")
    done(cli, "sign", "--worktree", "-q")
    first = json.loads((index / "trust/public/people/alice.json").read_bytes())
    uri = service()
    done(cli, "keys", "rotate", "alice", "--key", uri)
    second = json.loads((index / "trust/public/people/alice.json").read_bytes())
    assert second["keyid"] != first["keyid"]
    assert second["x-index-builder-uri"] == uri
    assert "alice" in cli("keys", "status").out
    said = done(cli, "keys", "rotate", "bob", "--key", uri, code=2)
    assert "is a key of 'public' already" in said
