"""One published index a session, and each host that serves it."""

import contextlib
import io
import pathlib
import tempfile

import pytest
from interop.hosts import machines, world

import index_builder.cli


@pytest.fixture(scope="session")
def readable():
    """A folder that Apache's own user can read, which pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="hosts-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def acme(readable):
    """The index, published; everybody has a password."""
    folder = readable
    with pytest.MonkeyPatch.context() as patched:
        made = world.make(folder, patched)
        made.publish()
        for name in world.USERS:
            made.passwords[name] = password(name, made.password_file)
        yield made


def password(name: str, file: pathlib.Path) -> str:
    """Let the command line make a password."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert index_builder.cli.run(["host-config", "password", name, "--passwords", str(file)]) == 0
    return said.getvalue().strip()


@pytest.fixture(scope="session")
def served(acme, readable):
    """Start a host with what host-config writes for all audiences, or those that are named, once a session; `served(kind)` is its port."""
    with contextlib.ExitStack() as hosts:
        ports = {}

        def start(kind: str, *audiences: str) -> int:
            key = "-".join((kind, *audiences))
            if key not in ports:
                folder, port = readable / key, machines.free_port()
                acme.configure(kind, folder / "files", port, *(word for name in audiences for word in ("--audience", name)))
                (folder / "files" / "users").chmod(0o644)  # in the place of its group, which only a real installation has
                hosts.enter_context(machines.running(kind, folder / "files", folder / "run", port))
                ports[key] = port
            return ports[key]

        yield start
