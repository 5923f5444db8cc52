"""A host behind TLS on loopback, with exactly the files that host-config writes for it."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from interop.hosts import machines
from interop.hosts.world import HOST, OWN, World

import index_builder.cli


@dataclass
class Secured:
    """`repository` says that the audiences are at `url`; `authority` is the PEM file that clients must trust."""

    kind: str
    url: str
    repository: Path
    authority: Path
    log: Path

    def simple(self, audience: str) -> str:
        return f"{self.url}{'' if audience == 'public' else '/internal' if audience == 'internal' else '/internal/team'}/simple/"

    def requests(self) -> list[str]:
        """Return what was asked, as `GET /simple/ 200` a line; nginx only."""
        return self.log.read_text().splitlines() if self.log.exists() else []


@contextmanager
def secured(acme: World, kind: str, folder: Path):
    """Serve a published world at https://localhost:PORT/."""
    port, repository, files = machines.free_port(), folder / "repository", folder / "files"
    folder.mkdir(parents=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued = authority.issue_cert("localhost")
    (folder / "chain.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    repository.mkdir()
    for name in ("packages.d", "policies.d", "schemas"):
        shutil.copytree(acme.folder / name, repository / name)
    (repository / "index.yaml").write_text(
        (acme.folder / "index.yaml").read_text().replace(f"https://{HOST}/", f"https://localhost:{port}/")
    )
    roots = [part for audience in OWN for part in ("--root", f"{audience}={acme.root(audience)}")]
    certificate = ("--certificate", str(folder / "chain.pem"), "--key", str(folder / "key.pem"))
    where = ("--repo", str(repository), "--worktree", "--listen", f"127.0.0.1:{port}", "--output", str(files), *certificate)
    assert index_builder.cli.run(["host-config", kind, *where, *roots, "--passwords", str(acme.password_file)]) == 0
    (files / "users").chmod(0o644)
    with machines.running(kind, files, folder / "run", port):
        yield Secured(kind, f"https://localhost:{port}", repository, folder / "authority.pem", folder / "run" / "access.log")
