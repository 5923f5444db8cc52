"""An index of three audiences, who may read which, and what is in each tree."""

import hashlib
import http.client
import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from conftest import commit_all
from distributions import wheel

import index_builder.cli

HOST = "index.example.org"
#: The host name of an audience that is apart from the others.
APART = "partners.example.org"
JSON = "application/vnd.pypi.simple.v1+json"
PREFIXES = {"public": "", "internal": "/internal", "team": "/internal/team"}
INDEX = f"""\
schema: 1
title: 'Acme "packages"; }} or {{'
upstreams: {{pypi: default}}
audiences:
  public: {{url: https://{HOST}/, files: packages/}}
  internal: {{url: https://{HOST}/internal/, files: packages/, includes: [public]}}
  team: {{url: https://{HOST}/internal/team/, files: packages/, includes: [internal]}}
  partners: {{url: https://{APART}/, files: packages/, includes: [public]}}
publish:
  - {{name: public, audience: public, kind: directory, path: published/public}}
  - {{name: internal, audience: internal, kind: directory, path: published/internal}}
  - {{name: team, audience: team, kind: directory, path: published/team}}
  - {{name: partners, audience: partners, kind: directory, path: published/partners}}
"""
POLICY = """\
schema: 2
people:
  alice: {github: {login: alice, id: 1001}}
  bob: {github: {login: bob, id: 1002}}
  carol: {github: {login: carol, id: 1003}}
  dave: {github: {login: dave, id: 1004}}
  erin: {github: {login: erin, id: 1005}}
groups: {staff: [alice, bob, dave], crew: [alice, erin]}
rules:
  - {id: admins, projects: ["*"], grant: {alice: [create, release, yank, edit, transfer, remove, administer]}}
  - {id: everybody, audiences: [public], grant: {anyone: [download]}}
  - {id: staff-reads, audiences: [internal], grant: {staff: [download]}}
  - {id: crew-reads, audiences: [team], grant: {crew: [download]}}
  - {id: partner-reads, audiences: [partners], grant: {carol: [download]}}
  - {id: not-dave, audiences: [internal], deny: {dave: [download]}}
"""
USERS = ("alice", "bob", "carol", "dave", "erin")
#: Who may read which audience, besides everybody for `public`. carol is granted nothing, dave is denied what his group is granted.
MAY = {"public": {*USERS}, "internal": {"alice", "bob"}, "team": {"alice", "erin"}}
#: The project that an audience, and each that includes it, sees.
OWN = {"public": "open-lib", "internal": "acme-core", "team": "secret-plan"}
PAPER = b'{"version": 1, "attestation_bundles": []}'


@dataclass
class World:
    """The index repository, published into folders, and a file of passwords."""

    folder: Path
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def password_file(self) -> Path:
        return self.folder.parent / "passwords"

    def root(self, audience: str) -> Path:
        return self.folder / "published" / audience

    def run(self, *arguments, code=0) -> None:
        found = index_builder.cli.run([*map(str, arguments), "--repo", str(self.folder)])
        assert found == code, arguments

    def add(self, audience: str, *wheels) -> None:
        dist = self.folder.parent / "dist" / audience
        dist.mkdir(parents=True, exist_ok=True)
        for name, content in wheels:
            (dist / name).write_bytes(content)
        self.run("add", "--dist", dist, "--audience", audience, "--owner", "staff")

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text()
        assert old in text, path
        file.write_text(text.replace(old, new))

    def publish(self, *more) -> None:
        commit_all(self.folder)
        self.run("publish", "-q", "--max-delete", "100", *more)

    def configure(self, kind: str, output: Path, port: int, *more) -> None:
        self.run("host-config", kind, "--passwords", self.password_file, "--output", output, "--listen", f"127.0.0.1:{port}", *more)

    def objects(self, audience: str) -> dict[str, tuple[str, str, str]]:
        """Return by kind of object its path in an audience's tree, what is asked for in Accept, and its content type."""
        name = OWN[audience]
        wheel_path = next(path for path in sorted((self.root(audience) / "packages").rglob("*.whl")) if name.replace("-", "_") in path.name)
        file = wheel_path.relative_to(self.root(audience)).as_posix()
        style = next((self.root(audience) / "assets").glob("*.css"))
        octets, html, json_type = "application/octet-stream", "text/html; charset=utf-8", "application/json"
        return {
            "list": ("/simple/", "text/html", html), "JSON list": ("/simple/", JSON, JSON),
            "page": (f"/simple/{name}/", "", html), "JSON page": (f"/simple/{name}/", JSON, JSON),
            "page by its file": (f"/simple/{name}/index.v1_json", "", JSON),
            "file": (f"/{file}", "", octets), "core metadata": (f"/{file}.metadata", "", "text/plain; charset=utf-8"),
            "provenance": (f"/provenance/{hashlib.sha256(PAPER).hexdigest()}.json", "", json_type),
            "TUF timestamp": ("/tuf/timestamp.json", "", json_type), "TUF root": ("/tuf/1.root.json", "", json_type),
            "state": ("/state/build.json", "", json_type), "legacy JSON": (f"/pypi/{name}/json", "", json_type),
            "lines": ("/packages.json", "", "application/jsonl"),
            "search": ("/search/index.json", "", json_type), "search page": ("/search/", "", html), "changelog": ("/changes/", "", html),
            "feed": ("/feed.xml", "", "application/atom+xml; charset=utf-8"), "style": (f"/assets/{style.name}", "", "text/css; charset=utf-8"),
            "status": ("/status.json", "", json_type), "front page": ("/", "", html), "project for people": (f"/project/{name}/", "", html),
        }  # fmt: skip


def make(folder: Path, monkeypatch) -> World:
    """Make the index, with a key for each audience and passwords for all, and publish it."""
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(folder / "keys"))
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", "correct horse battery staple")
    world = World(folder / "index")
    assert index_builder.cli.run(["init", str(world.folder)]) == 0
    (world.folder / "index.yaml").write_text(INDEX)
    (world.folder / "policies.d" / "maintainers.yaml").write_text(POLICY)
    world.add("public", wheel("open-lib", "1.0"))
    world.add("internal", wheel("acme-core", "1.0", requires=["open-lib"]))
    world.add("team", wheel("secret-plan", "1.0", requires=["acme-core"]))
    digest = hashlib.sha256(PAPER).hexdigest()
    paper = world.folder / ".pool" / "sha256" / digest[:2] / digest[2:4] / digest[4:]
    paper.parent.mkdir(parents=True)
    paper.write_bytes(PAPER)
    for name in OWN.values():
        manifest = world.folder / "packages.d" / f"{name}.yaml"
        manifest.write_text(re.sub(r"( +)(metadata: \w+)", rf"\1\2\n\1provenance: {digest}", manifest.read_text(), count=1))
    for audience in OWN:
        world.run("keys", "new", "alice", "--audience", audience)
    for audience in OWN:
        world.run("keys", "init", "--audience", audience)
    return world


def ask(port: int, path: str, user: str = "", password: str = "", method: str = "GET", accept: str = "", host: str = HOST):
    """Ask a host as it is asked from outside; return the answer with its body read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        if user:
            connection.putheader("Authorization", "Basic " + b64encode(f"{user}:{password}".encode()).decode())
        if accept:
            connection.putheader("Accept", accept)
        connection.endheaders()
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def names_listed(content: bytes) -> set[str]:
    return {project["name"] for project in json.loads(content)["projects"]}
