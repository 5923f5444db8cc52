"""Clients of a protected audience behind a real web server, with the configuration that the builder writes for both sides."""

import json
import shutil
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import trustme
from conftest import LONG, run_tool
from interop.clients import edges, tools
from interop.clients.pips import LINES, Pip
from interop.clients.programs import Outcome, Place
from interop.hosts import machines

NAMES = {"nginx": "nginx", "apache": "Apache", "caddy": "Caddy"} | edges.NAMES
SETTINGS = """\
schema: 1
title: Acme packages
audiences: {{public: {{url: 'https://localhost:{port}/', files: packages/}}, team: {{url: 'https://localhost:{port}/team/', files: packages/}}}}
"""
POLICY = """\
schema: 2
people: {alice: {github: {login: alice, id: 1001}}, bob: {github: {login: bob, id: 1002}}}
rules: [{id: team, audiences: [team], grant: {alice: [download]}}]
"""
NEWEST = Pip("26.3")
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Credentials:
    """What stands in a client's netrc: for whom, and whether the password is theirs."""

    user: str = ""
    right: bool = True


GRANTED, WRONG, MISSING, REFUSED = Credentials("alice"), Credentials("alice", right=False), Credentials(), Credentials("bob")


@dataclass
class Hosting:
    """What all runs share: the tree, and passwords; `folder` can be read by Apache's own user."""

    folder: Path
    tree: Path
    passwords: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Path, folder: Path) -> "Hosting":
        folder.chmod(0o755)
        shutil.copytree(site, folder / "tree")
        made = cls(folder, folder / "tree")
        for name in ("alice", "bob"):
            done = run_tool("index_builder", "host-config", "password", name, "--passwords", folder / "passwords")
            assert done.returncode == 0, done.stderr
            made.passwords[name] = done.stdout.strip()
        return made


@dataclass
class Host:
    """A web server that serves the audience `team` at `simple`; its requests are in `log`."""

    url: str
    repository: Path
    authority: Path
    log: Path
    kind: str

    @property
    def simple(self) -> str:
        return f"{self.url}/team/simple/"

    @property
    def requests(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [_as_nginx(line) for line in lines if "handled request" in line] if self.kind == "caddy" else lines


def _as_nginx(line: str) -> str:
    """Return a line of Caddy's log as the other hosts write it: method, path, status."""
    told = json.loads(line)
    return f"{told['request']['method']} {told['request']['uri']} {told['status']}"


@contextmanager
def serving(hosting: Hosting, kind: str, folder: Path, *, tls: bool = True):
    """Run a host with exactly what host-config writes, at https://localhost:PORT/ or, without TLS, http://127.0.0.1:PORT/."""
    folder.mkdir(parents=True)
    port, repository, files = machines.free_port(), folder / "repository", folder / "files"
    (repository / "policies.d").mkdir(parents=True)
    (repository / "index.yaml").write_text(SETTINGS.format(port=port))
    (repository / "policies.d" / "team.yaml").write_text(POLICY)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued = authority.issue_cert("localhost")
    (folder / "chain.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate = ("--certificate", folder / "chain.pem", "--key", folder / "key.pem") if tls else ()
    root = ("--audience", "team", "--root", f"team={hosting.tree}")
    what = (*root, *certificate, "--listen", f"127.0.0.1:{port}", "--passwords", hosting.folder / "passwords", "--output", files)
    configured(repository, "host-config", kind, *what)
    (files / "users").chmod(0o644)
    with machines.running(kind, files, folder / "run", port):
        url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        log = folder / "run" / ("log" if kind == "caddy" else "access.log")
        yield Host(url, repository, folder / "authority.pem", log, kind)


def configured(repository: Path, *arguments) -> None:
    import index_builder.cli

    with _ONE_AT_A_TIME:
        assert index_builder.cli.run([*map(str, arguments), "--repo", str(repository), "--worktree"]) in (0, 10)


@dataclass
class Room(Place):
    """A place of a client whose trust, netrc and settings are those of a host."""

    hosting: Hosting | None = None

    def environment(self) -> dict[str, str]:
        authority = str(self.live.authority)
        more = {"NO_PROXY": "127.0.0.1,localhost", "SSL_CERT_FILE": authority, "REQUESTS_CA_BUNDLE": authority, "PIP_CERT": authority}
        return super().environment() | more | {"PIP_CONFIG_FILE": str(self.project / "pip.conf"), "PIP_NO_INPUT": "1"}

    def tell(self, tool: str, days: int = 0) -> None:
        """Let client-config write the tool's settings into what the project has."""
        file = {"pip": "pip.conf", "conda": "environment.yml"}.get(tool, "pyproject.toml")
        cooldown = ("--cooldown", days) if days else ()
        configured(self.live.repository, "client-config", tool, "--audience", "team", "--write", "--file", self.project / file, *cooldown)


def sign_in(place: Place, hosting: Hosting, who: Credentials) -> None:
    """Write a client's netrc."""
    if who.user:
        secret = hosting.passwords[who.user] if who.right else "not-it"
        netrc = Path(place.environment()["HOME"]) / ".netrc"
        netrc.write_text("".join(f"machine {host} login {who.user} password {secret}\n" for host in ("localhost", "127.0.0.1")))
        netrc.chmod(0o600)


def pip(room: Room, *requirements: str, days: int = 0) -> Outcome:
    room.project.mkdir(exist_ok=True)
    room.tell("pip", days)
    site = room.folder / "site"
    return room.outcome(NEWEST.run(room, "install", "--target", site, *requirements), site)


def uv(room: Room, *requirements: str, days: int = 0) -> Outcome:
    tools.write_project(room, requirements, "[tool.uv]\npackage = false")
    room.tell("uv", days)
    good = room.uv("lock", "--python", sys.executable) and room.uv("sync", "--locked", "--python", sys.executable)
    return room.outcome(good, lock="uv.lock")


def poetry(room: Room, *requirements: str, days: int = 0) -> Outcome:
    tools.write_project(room, requirements, "[tool.poetry]\npackage-mode = false")
    room.tell("poetry", days)
    own = {"POETRY_VIRTUALENVS_IN_PROJECT": "true", "POETRY_KEYRING_ENABLED": "false", "POETRY_NO_INTERACTION": "1"}
    good = room.tool("poetry", "lock", **own) and room.tool("poetry", "sync", **own)
    return room.outcome(good, lock="poetry.lock")


def pdm(room: Room, *requirements: str, days: int = 0) -> Outcome:
    tools.write_project(room, requirements, "[tool.pdm]\ndistribution = false")
    room.tell("pdm", days)
    own = {"PDM_CHECK_UPDATE": "0", "PDM_IGNORE_ACTIVE_VENV": "1"}
    good = room.uv("venv", "--python", sys.executable) and room.tool("pdm", "lock", **own)
    return room.outcome(good and room.tool("pdm", "sync", **own), lock="pdm.lock")


def pip_tools(room: Room, *requirements: str, days: int = 0) -> Outcome:
    room.write("requirements.in", "\n".join(requirements))
    room.tell("pip-tools", days)
    programs = room.toolbox / "pip-tools" / "bin"
    good = (
        room.run(programs / "pip-compile", "requirements.in", "--pip-args=--no-input")
        and room.run(room.toolbox / "pipenv" / "bin" / "virtualenv", "--quiet", "--python", sys.executable, ".venv")
        and room.run(programs / "pip-sync", "--python-executable", ".venv/bin/python", "requirements.txt")
    )
    return room.outcome(good, lock="requirements.txt")


def conda(room: Room, *requirements: str, days: int = 0) -> Outcome:
    """What conda does with the pip part of environment.yml: it hands the lines to pip as a file of requirements."""
    import yaml

    room.write("environment.yml", "dependencies:\n  - pip\n  - pip:\n" + "".join(f"      - {one}\n" for one in requirements))
    room.tell("conda", days)
    listed = yaml.safe_load((room.project / "environment.yml").read_text())["dependencies"]
    room.write("lines.txt", "\n".join(listed[-1]["pip"]))
    site = room.folder / "site"
    return room.outcome(NEWEST.run(room, "install", "--target", site, "-r", "lines.txt"), site)


TOOLS = {"pip 26.3": pip, "uv": uv, "Poetry": poetry, "PDM": pdm, "pip-tools": pip_tools, "conda": conda}


def easy_install(room: Room, *requirements: str) -> Outcome:
    """setuptools' own installer, which asks for names as they were typed, and makes eggs of wheels."""
    site = room.folder / "site"
    site.mkdir()
    path = f"{room.toolbox / 'easy_install'}:{site}"
    words = [one.partition("[")[0].title() for one in requirements]
    where = ("--index-url", room.live.simple, "--install-dir", site)
    good = room.run(shutil.which("pypy3"), "-W", "ignore", "-m", "easy_install", *where, *words, PYTHONPATH=path)
    found = dict(egg.name.split("-")[:2] for egg in site.glob("*.egg"))
    return replace(room.outcome(good, site), versions=found)


@dataclass
class InUrl:
    """A host as clients are pointed at it whose credentials stand in the address."""

    host: Host
    who: str

    def __getattr__(self, name: str):
        return getattr(self.host, name)

    @property
    def simple(self) -> str:
        return self.host.simple.replace("://", f"://{self.who}@")


SIGNED_IN = {"wrong": WRONG, "missing": MISSING, "refused": REFUSED}
WANTED = {"granted": ("beta[fast]",), "swapped": ("eta",), "dated": ("zeta",), "absent": ("nowhere",)}


def run(hosting: Hosting, toolbox: Path, kind: str, client: str, scenario: str, folder: Path) -> Outcome:
    """Let a client do something with a host of its own. pip before 9.0 and easy_install read no netrc, and find their credentials in the address."""
    who, wanted = SIGNED_IN.get(scenario, GRANTED), WANTED.get(scenario, ("alpha",))
    if kind in edges.NAMES:
        # Only from JSON does pip learn when a file was uploaded.
        form = "json" if scenario == "dated" else "html"
        with edges.serving(kind, form, hosting.tree, folder / "host", hosting.passwords) as live:
            place = Place(folder, live, toolbox)
            sign_in(place, hosting, who)
            return replace(AT_EDGES[client].install(place, *wanted, cutoff=scenario == "dated"), client=client)
    old = client not in TOOLS
    with serving(hosting, kind, folder / "host", tls=not old) as host:
        room = Room(folder, host, toolbox, hosting=hosting)
        if client in NO_NETRC and who.user:
            room.live = InUrl(host, f"{who.user}:{hosting.passwords[who.user] if who.right else 'not-it'}")
        else:
            sign_in(room, hosting, who)
        more = {"days": 30} if scenario == "dated" else {}
        if client == EASY:
            found = easy_install(room, *wanted)
        else:
            found = Pip(client.removeprefix("pip ")).install(room, *wanted) if old else TOOLS[client](room, *wanted, **more)
        return replace(found, client=client)


#: What is pointed at a host by its own settings, and not by client-config: these hosts are http, on loopback.
AT_EDGES = {"pip 26.3": NEWEST, "uv": tools.Uv(), "Poetry": tools.Poetry(), "PDM": tools.Pdm()}
#: The last setuptools whose easy_install runs by itself.
EASY = "easy_install"
SETUPTOOLS = "44.1.1"
NO_NETRC = (EASY, "pip 1.5.6", "pip 8.1.1")
OLD = tuple(f"pip {version}" for version in LINES[:-1])
RESOLVERS = ("uv", "Poetry", "PDM")
MAIN = ("pip 26.3", *RESOLVERS)
_ALL = ("granted", "swapped", "dated", "wrong", "missing", "refused", "absent")
#: What is run.
SCENARIOS = {
    **{(kind, client): _ALL for kind in ("apache", "caddy") for client in MAIN},
    **{("nginx", client): _ALL for client in TOOLS},
    **{("nginx", client): ("granted", "swapped", "wrong", "missing", "refused", "absent") for client in OLD},
    ("nginx", EASY): ("granted", "swapped", "wrong", "missing"),
    **{("cloudfront", client): _ALL for client in MAIN},
    **{(kind, client): ("granted", "swapped", "dated", "absent") for kind in ("netlify", "cloudflare") for client in MAIN},
}
#: What takes long, and is run where everything is: see LONG. It is in the table all the same, and each such run checks its cells.
SLOW = {("nginx", client, scenario) for client in OLD for scenario in ("swapped", "wrong", "refused", "absent")}
SLOW |= {
    (kind, client, scenario)
    for kind, clients in {"apache": MAIN[2:], "caddy": MAIN[2:], "nginx": ("Poetry", "PDM", "pip-tools", "conda")}.items()
    for client in clients
    for scenario in ("swapped", "dated", "wrong", "refused", "absent")
}
SLOW |= {
    (kind, client, scenario)
    for kind in edges.NAMES
    for client in MAIN
    for scenario in SCENARIOS[kind, client]
    if scenario != "granted" and (scenario != "absent" or client in MAIN[2:])
}


def runs(*scenarios: str) -> list[tuple[str, str, str]]:
    found = [(*who, scenario) for who, known in SCENARIOS.items() for scenario in known if scenario in scenarios]
    return [key for key in found if LONG or key not in SLOW]


#: The columns of the table of hosts: what a yes or a refusal means.
COLUMNS = {
    "install": ("Installs", "a project and what it depends on, with the right password"),
    "metadata": ("Core metadata", "dependencies are read from `.metadata` files before any wheel is asked for"),
    "hashes": ("Hashes", "a file that was swapped behind its digest is refused"),
    "cut-off": ("Cut-off", "what was uploaded in the last 30 days is left out, as `client-config --cooldown 30` says it"),
    "wrong": ("Wrong password", "401"),
    "missing": ("No password", "401; uv does not even ask"),
    "refused": ("Not granted", "403"),
    "absent": ("Absent", "404"),
}
_WITHOUT_METADATA = (*OLD[: OLD.index("pip 23.3.2")], EASY)
#: Where a cell is another than `yes`, or `refuses` of the last four, and why.
HOSTED_DIFFERENCES = (
    ("metadata", _WITHOUT_METADATA, "no", "It is older than PEP 714, and reads the wheels."),
    (
        "hashes",
        ("pip 22.3.1",),
        "no",
        "It does not check the digest of a JSON page, and installs the swapped file.",
    ),
    ("hashes", ("pip-tools",), "no", "`pip-compile` locks the digest of what it downloads, and does not compare it with the page's."),
    ("cut-off", ("conda",), "no", "It hands pip a file of requirements, in which no cut-off can stand; pip.conf applies there too."),
)


def expected_hosted(client: str, column: str) -> str:
    plain = "refuses" if column in ("wrong", "missing", "refused", "absent") else "yes"
    return next((word for key, clients, word, _ in HOSTED_DIFFERENCES if key == column and client in clients), plain)
