"""What was published for a wide audience, everywhere and ever, is searched for what was never in it."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import boto3
import pygit2
import pytest
import yaml
from botocore.config import Config
from conftest import commit_all
from distributions import wheel
from interop.hosts import world
from published import CREDENTIALS, s3
from trees import contents

import index_builder.cli

pytestmark = pytest.mark.timeout(240)


class Published:
    """An index whose audiences go to folders, a branch and one shared bucket; every place of each audience is read back."""

    def __init__(self, acme: world.World, folder: Path, server: str, bucket: str) -> None:
        self.acme, self.bucket = acme, bucket
        self.branches = {"public": folder / "remote.git", "internal": folder / "internal.git"}
        self.s3 = boto3.client("s3", endpoint_url=server, config=Config(proxies={}), region_name="us-east-1")
        self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        targets = ""
        for audience, branch in self.branches.items():
            pygit2.init_repository(str(branch), bare=True)
            targets += f"  - {{name: {audience}-pages, audience: {audience}, kind: pages-branch, repository: {branch}, branch: gh-pages}}\n"
        for audience in world.OWN:
            url = f"url: s3://{bucket}/{audience}/, endpoint: {server}, region: us-east-1"
            targets += f"  - {{name: {audience}-bucket, audience: {audience}, kind: bucket, {url}}}\n"
        settings = acme.folder / "index.yaml"
        settings.write_text(settings.read_text() + targets)

    def everything(self, audience: str) -> dict[str, bytes]:
        """Return all that was ever published for an audience by where it is: both trees of the folder, each object and path of the
        branch's history, each version of each key in the bucket."""
        folder = self.acme.root(audience).with_name(f".{audience}")
        found = {f"folder {path}": content for path, content in contents(folder).items()}
        if audience in self.branches:
            repository = pygit2.Repository(str(self.branches[audience]))
            for oid in repository.odb:
                found[f"branch {oid}"] = repository[oid].read_raw()
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket)
        for listed in (version for page in pages for version in page.get("Versions", [])):
            if listed["Key"].startswith(f"{audience}/"):
                body = self.s3.get_object(Bucket=self.bucket, Key=listed["Key"], VersionId=listed["VersionId"])["Body"].read()
                found[f"bucket {listed['Key']} {listed['VersionId']}"] = body
        return found

    def bytes_by_place(self, audience: str) -> dict[str, set[bytes]]:
        """Return which bytes were ever at each path of an audience's folder and keys of its bucket."""
        found: dict[str, set[bytes]] = {}
        for where, content in self.everything(audience).items():
            kind, path = where.split()[:2]
            if kind != "branch":
                found.setdefault(f"{kind} {path.removeprefix('a/').removeprefix('b/')}", set()).add(content)
        return found

    def tells(self, *projects: str) -> set[bytes]:
        """Return everything that would give a project away: its names, file names, digests, and git's id of its manifest."""
        words: set[str] = set()
        for name in projects:
            path = self.acme.folder / "packages.d" / f"{name}.yaml"
            text = path.read_text()
            words |= {name, name.replace("-", "_"), str(pygit2.hash(text.encode()))}
            for digest in re.findall("[0-9a-f]{64}", text):
                if digest != hashlib.sha256(world.PAPER).hexdigest():
                    words |= {digest, digest[4:]}
            words |= {file["name"] for release in yaml.safe_load(text)["releases"].values() for file in release["files"]}
        return {word.encode() for word in words}

    def leaks(self, audience: str, *projects: str) -> list[tuple[str, bytes]]:
        tells = self.tells(*projects)
        assert len(tells) >= 6 * len(projects)
        return self.leaks_of_words(audience, *tells)

    def leaks_of_words(self, audience: str, *tells: bytes) -> list[tuple[str, bytes]]:
        return [
            (where, tell)
            for where, content in self.everything(audience).items()
            for tell in tells
            if tell in content or tell in where.encode()
        ]

    def caching(self, audience: str) -> set[str]:
        """Return what the bucket says of an audience's objects, which passes whatever asks for passwords before it."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{audience}/")["Contents"]
        return {self.s3.head_object(Bucket=self.bucket, Key=found["Key"])["CacheControl"] for found in listed}

    def listed(self, audience: str) -> set[str]:
        return world.names_listed((self.acme.root(audience) / "simple" / "index.v1_json").read_bytes())


@pytest.fixture(scope="module")
def server():
    with s3() as url:
        yield url


@pytest.fixture
def published(tmp_path, monkeypatch, server, request):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    bucket = request.node.name.replace("_", "-")[:60]
    made = Published(world.make(tmp_path, monkeypatch), tmp_path, server, bucket)
    made.acme.publish()
    return made


def audiences(published: Published, project: str, old: str, new: str) -> None:
    published.acme.edit(f"packages.d/{project}.yaml", f"audiences: [{old}]", f"audiences: [{new}]")


def test_the_search_finds_what_is_there(published):
    """Each place has what belongs to it, so that a search which finds nothing means something; no shared cache keeps what is closed."""
    for audience, project in (("public", "open-lib"), ("internal", "acme-core")):
        assert {where.split()[0] for where, _ in published.leaks(audience, project)} == {"folder", "branch", "bucket"}
    kinds = ("simple", "packages", "tuf", "state", "pypi", "search", "changes", "project", "all", "feed.xml", "index.html")
    tops = {
        where.split()[1].removeprefix("a/").removeprefix("b/").removeprefix("team/").split("/")[0]
        for where, _ in published.leaks("team", "secret-plan")
    }
    assert tops >= set(kinds)
    assert {audience: published.listed(audience) for audience in world.OWN} == {
        "public": {"open-lib"}, "internal": {"open-lib", "acme-core"}, "team": {"open-lib", "acme-core", "secret-plan"},
    }  # fmt: skip
    lasting = "max-age=31536000, immutable"
    assert {audience: published.caching(audience) for audience in world.OWN} == {
        audience: {f"{scope}, {lasting}", f"{scope}, max-age=60", "no-cache"}
        for audience, scope in (("public", "public"), ("internal", "private"), ("team", "private"))
    }


def test_a_narrower_project_is_nowhere_in_a_wider_audience(published):
    """Through its whole life: it is new, has a second release, is yanked, and moves between narrow audiences."""
    assert published.leaks("public", "acme-core", "secret-plan") == []
    assert published.leaks("internal", "secret-plan") == []
    published.acme.add("team", wheel("secret-plan", "2.0", requires=["acme-core"]))
    published.acme.run("yank", "secret-plan", "1.0", "--reason", "leaky")
    published.acme.publish()
    assert published.leaks("public", "acme-core", "secret-plan") == []
    assert published.leaks("internal", "secret-plan") == []
    audiences(published, "secret-plan", "team", "internal")
    published.acme.publish()
    assert published.leaks("public", "acme-core", "secret-plan") == []
    assert "secret-plan" in published.listed("internal")


def test_from_narrow_to_wide(published):
    """What becomes public is there whole, in every place; nothing that stays private comes with it, nor its name from before."""
    audiences(published, "acme-core", "internal", "public")
    published.acme.publish()
    assert published.listed("public") == {"open-lib", "acme-core"}
    assert {where.split()[0] for where, _ in published.leaks("public", "acme-core")} == {"folder", "branch", "bucket"}
    assert published.leaks("public", "secret-plan") == []


def test_from_wide_to_narrow(published):
    """What becomes private is in no page, list, line or signed name of the public trees; its files go after the time of grace."""
    for target in ("public", "internal", "team"):
        published.acme.edit("index.yaml", f"path: published/{target}}}", f"path: published/{target}, grace: '0'}}")
    audiences(published, "open-lib", "public", "internal")
    published.acme.publish()
    assert published.listed("public") == set()
    live = {
        path: content
        for path, content in contents(published.acme.root("public")).items()
        if not path.startswith(("tuf/targets/", "tuf/replaced"))
    }
    signed = [path for path in live if path.startswith("tuf/") and ".bin-" in path]
    newest = {re.search(r"bin-\w+", path)[0]: path for path in sorted(signed, key=lambda path: int(path.split("/")[1].split(".")[0]))}
    for path in signed:
        if path not in newest.values():
            del live[path]  # the signature of the tree before, which stays for a day
    assert [path for path, content in live.items() if b"open-lib" in content and path != "state/publication.json"] == []


def test_an_audience_is_removed(published):
    """Its projects fall to nobody: while a manifest names it, nothing is published; then the other trees stay as they are."""
    settings = published.acme.folder / "index.yaml"
    settings.write_text("".join(line for line in settings.read_text().splitlines(keepends=True) if "team" not in line))
    published.acme.edit("policies.d/maintainers.yaml", "  - {id: crew-reads, audiences: [team], grant: {crew: [download]}}\n", "")
    shutil.rmtree(published.acme.folder / "trust" / "team")
    before = contents(published.acme.root("internal"))
    commit_all(published.acme.folder)
    published.acme.run("publish", "-q", code=1)
    assert contents(published.acme.root("internal")) == before
    published.acme.edit("packages.d/secret-plan.yaml", "audiences: [team]", "audiences: [internal]")
    published.acme.run("remove", "secret-plan", "--reason", "its audience is gone")
    published.acme.publish()
    after = contents(published.acme.root("internal"))
    assert {
        path
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path) and not path.startswith(("state/", "status.json", "tuf/"))
    } == set()
    assert published.leaks_of_words("public", b"secret-plan", b"secret_plan") == []
    assert published.leaks_of_words("internal", b"secret_plan") == []


#: What another commit changes of a tree, at each place: which commit it is, and the signatures over that. N is a version or a digest.
OF_A_COMMIT = {
    "state/build.json", "state/publication.json", "status.json", "tuf/N.bin-N.json", "tuf/N.snapshot.json", "tuf/replaced.json",
    "tuf/targets/state/N.build.json", "tuf/timestamp.json",
}  # fmt: skip


def signed(root: Path) -> dict[str, object]:
    """Return what a tree's TUF metadata signs, by path: of each bin, the newest."""
    found = {}
    for path in sorted(root.glob("tuf/*.bin-*.json"), key=lambda path: int(path.name.split(".")[0])):
        found[path.name.split(".")[1]] = json.loads(path.read_bytes())["signed"]["targets"]
    return {path: target for targets in found.values() for path, target in targets.items()}


def test_one_grant_changes(published, tmp_path):
    """No page or file of any target changes, and what is signed of a tree is its new commit; of the host's files, that audience's readers."""
    acme = published.acme
    hashes = tmp_path / "passwords"
    for name in world.USERS:
        assert index_builder.cli.run(["host-config", "password", name, "--passwords", str(hashes)]) == 0
    folders = {kind: tmp_path / kind for kind in ("nginx", "apache", "caddy")}
    for kind, folder in folders.items():
        acme.run("host-config", kind, "--passwords", hashes, "--output", folder)
    before = {audience: published.bytes_by_place(audience) for audience in world.OWN}
    signatures = {audience: signed(acme.root(audience)) for audience in world.OWN}
    files = {kind: contents(folder) for kind, folder in folders.items()}
    acme.edit("policies.d/maintainers.yaml", "grant: {staff: [download]}", "grant: {staff: [download], carol: [download]}")
    acme.publish()
    for audience in world.OWN:
        after = published.bytes_by_place(audience)
        changed = {where for where in before[audience].keys() | after.keys() if before[audience].get(where) != after.get(where)}
        told = sorted(re.sub(r"(?<=[/-])[0-9a-f]+(?=\.)", "N", where) for where in changed)
        wanted = {
            f"{kind} {path}" for kind, start in (("folder", ""), ("bucket", f"{audience}/")) for path in (start + p for p in OF_A_COMMIT)
        }
        assert told == sorted({*wanted, "folder differing.json", f"bucket {audience}/state/lease.json"}), audience
        now = signed(acme.root(audience))
        assert {path for path in now.keys() | signatures[audience].keys() if now.get(path) != signatures[audience].get(path)} == {
            "state/build.json"
        }
    for kind, folder in folders.items():
        acme.run("host-config", kind, "--passwords", hashes, "--output", folder)
        after = contents(folder)
        assert {name for name in after if after[name] != files[kind].get(name)} == {"internal.readers"}, kind
        assert b"carol" in after["internal.readers"]
        assert b"carol" not in after["team.readers"]
