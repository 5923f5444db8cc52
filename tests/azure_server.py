"""Azurite: Microsoft's own emulator of Azure's blobs, on loopback."""

import base64
import hashlib
import hmac
import http.client
import os
import re
import subprocess
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from conftest import ROOT

_PROGRAM = ROOT / "requirements" / "emulators" / "node_modules" / ".bin" / "azurite-blob"
_ACCOUNT, _SECRET = "acme", b"no secret"
_VERSION = "2021-08-06"
#: What obstore takes from the environment to speak for the account.
CREDENTIALS = {"AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": base64.b64encode(_SECRET).decode()}


@contextmanager
def azure(folder: Path, container: str):
    """Yield the endpoint of an account that has an empty container."""
    environment = {**os.environ, "AZURITE_ACCOUNTS": f"{_ACCOUNT}:{CREDENTIALS['AZURE_STORAGE_ACCOUNT_KEY']}"}
    command = [_PROGRAM, "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"]
    command += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]  # a log that nobody reads would stop it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder)
    try:
        said = ""
        while (found := re.search(r"listen(?:ing|s) (?:on|at) http://127\.0\.0\.1:([0-9]+)", said)) is None:
            line = process.stdout.readline()
            assert line, f"azurite ended: {said}"
            said += line
        port = int(found[1])
        _create(port, container)
        yield f"http://127.0.0.1:{port}/{_ACCOUNT}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _create(port: int, container: str) -> None:
    """Create a container, by a request signed as Azure's documentation of Shared Key says."""
    headers = f"x-ms-date:{formatdate(usegmt=True)}\nx-ms-version:{_VERSION}\n"
    signed = "PUT" + "\n" * 12 + headers + f"/{_ACCOUNT}/{_ACCOUNT}/{container}\nrestype:container"
    signature = base64.b64encode(hmac.new(_SECRET, signed.encode(), hashlib.sha256).digest()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = dict(line.split(":", 1) for line in headers.splitlines()) | {"Authorization": f"SharedKey {_ACCOUNT}:{signature}"}
    connection.request("PUT", f"/{_ACCOUNT}/{container}?restype=container", headers=sent)
    answer = connection.getresponse()
    assert answer.status == http.client.CREATED, answer.read()
    connection.close()
