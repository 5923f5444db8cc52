"""Publications that are killed, that race, and whose network fails: no reader ever meets a broken link."""

import json
import os
import random
import shutil
from contextlib import contextmanager

import obstore
import pygit2
import pytest
from conftest import LONG, commit_all
from distributions import wheel
from published import BranchReader, FolderReader, Following, HttpReader, begin, faulty, follow, killed_at

from index_builder.adapters.object_store import FOREVER, open_bucket

#: All of them in `make test-long`; each run takes a part.
KILLS, RACES = (100, 50) if LONG else (20, 8)


class Races:
    """A repository with a chain of commits, each of which adds, yanks or takes away something, and targets."""

    def __init__(self, folder, cli, dist) -> None:
        self.folder, self.cli, self.dist = folder, cli, dist
        pygit2.init_repository(str(folder.parent / "remote.git"), bare=True)
        wheels = [wheel("acme-core", "1.0"), *(wheel("acme-utils", f"1.{n}") for n in range(4)), wheel("acme-more", "1.0")]
        assert cli("add", "--dist", dist(*wheels), "--owner", "maintainers").code == 0
        self.manifest = folder / "packages.d" / "acme-utils.yaml"
        self.more = folder / "packages.d" / "acme-more.yaml"
        self.texts = self.manifest.read_text(), self.more.read_text()

    def target(self, text: str) -> None:
        path = self.folder / "index.yaml"
        path.write_text(f"{path.read_text().partition('publish:')[0]}publish:\n  - {text}\n")
        self.commit()

    def commit(self) -> str:
        return commit_all(self.folder)

    def change(self, number: int) -> str:
        """Commit the state of this number: of four, each has other releases, one has no acme-more, and the texts differ every time."""
        utils, more = self.texts
        releases = utils.split("\n  1.")
        kept = [releases[0], *(part for i, part in enumerate(releases[1:]) if i != number % 4)]
        self.manifest.write_text("\n  1.".join(kept).rstrip("\n") + f"\n# {number}\n")
        self.more.write_text(more) if number % 4 != 3 else self.more.unlink(missing_ok=True)
        return self.commit()

    def sign(self, monkeypatch) -> None:
        """Give the index keys."""
        monkeypatch.setenv("INDEX_BUILDER_KEYS", str(self.folder.parent / "keys"))
        monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", "correct horse battery staple")
        assert self.cli("keys", "new", "alice").code == self.cli("keys", "init").code == 0
        self.commit()

    def publish(self, *options) -> None:
        done = self.cli("publish", "-q", "--max-delete", "100", *options)
        assert done.code == 0, done.err

    def outcome(self, *options) -> dict:
        done = self.cli("publish", "--max-delete", "100", "--format", "json", *options)
        assert done.code == 0, done.err
        return json.loads(done.out)["targets"][0]

    def is_right(self, commit: str) -> None:
        """The target serves this commit, and every byte is as a fresh build has it."""
        outcome = self.outcome("--reconcile", "--dry-run")
        assert (outcome["before"], outcome["written"], outcome["deleted"]) == (commit, [], [])

    def is_undisturbed(self, commit: str, reader) -> None:
        """The target has each byte that a build into an empty folder has, and besides them what it says of itself and what lingers."""
        done = self.cli("build", "--commit", commit, "--output", "undisturbed", "-q")
        assert done.code == 0, done.err
        tree = self.folder / "undisturbed" / "public"
        wanted = {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
        assert [path for path, content in wanted.items() if reader.get(path) != content] == []
        own = {"state/publication.json", "status.json", ".nojekyll", *json.loads(reader.get("state/publication.json"))["gone"]}
        assert {path for path in reader.paths() - wanted.keys() if not path.startswith("tuf/")} <= own


@pytest.fixture
def races(repo, cli, dist):
    return Races(repo, cli, dist)


def _target(kind: str, url: str = "") -> str:
    return {
        "directory": "{name: t, audience: public, kind: directory, path: published/public, grace: 24h}",
        "pages-branch": "{name: t, audience: public, kind: pages-branch, repository: ../remote.git}",
        "bucket": f"{{name: t, audience: public, kind: bucket, url: s3://acme-index/public/, endpoint: '{url}', region: us-east-1}}",
    }[kind]


def _reader(kind: str, folder, url: str):
    return {
        "directory": FolderReader(folder / "published" / "public"),
        "pages-branch": BranchReader(folder.parent / "remote.git"),
        "bucket": HttpReader(f"{url}/acme-index/public/"),
    }[kind]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "signed"), [("directory", True), ("pages-branch", False), ("bucket", False)])
def test_killed_anywhere_no_reader_meets_a_broken_link(races, bucket, kind, signed, monkeypatch, tmp_path):
    """A hundred publications are killed at random points, while an installer follows all links; the next one makes it right."""
    races.target(_target(kind, bucket))
    races.change(0)
    if signed:
        races.sign(monkeypatch)
    races.publish()
    reader = _reader(kind, races.folder, bucket)
    choose = random.Random(kind)
    monkeypatch.setenv("INDEX_BUILDER_LEASE_SECONDS", "0.3")  # whoever comes after a killed one waits for its lease
    environment = {name: value for name, value in os.environ.items() if name.startswith("INDEX_BUILDER_")}
    killed, number, longest = 0, 0, {"bucket": 0.7, "directory": 0.6}.get(kind, 0.25)
    with Following(reader) as following:
        while killed < KILLS:
            number += 1
            commit = races.change(number)
            process = begin(races.folder, "publish", "-q", "--jobs", "1", "--max-delete", "100", environment=environment)
            killed += killed_at(process, choose.uniform(0.02, longest))
            assert number < 4 * KILLS, "most of them end before they are killed"
    assert following.passes > 3
    races.publish()
    assert follow(reader) > 3
    races.is_right(commit)
    if kind == "bucket":
        races.publish("--reconcile")  # what a killed run sent before it wrote down that it had begun is found by asking for all
    races.is_undisturbed(commit, reader)
    if signed:
        root = races.folder / "trust" / "public" / "1.root.json"
        done = races.cli("verify", "published/public", "-q", "--files", "--root", root, "--cache", tmp_path / "cache")
        assert done.code == 0, done.err


@pytest.mark.timeout(600)
def test_of_two_publishers_the_newer_commit_wins(races, bucket):
    """Fifty times two publish at once, from two commits: the newer one is live, whole, and nothing of the older one stays."""
    races.target(_target("bucket", bucket))
    races.change(0)
    races.publish()
    reader = _reader("bucket", races.folder, bucket)
    with Following(reader):
        for number in range(1, 2 * RACES, 2):
            older, newer = races.change(number), races.change(number + 1)
            options = ("publish", "-q", "--jobs", "1", "--max-delete", "100")
            processes = [begin(folder, *options, "--commit", commit) for folder, commit in _two(races.folder, older, newer, number)]
            for process in processes:
                process.join(240)
            assert [process.exitcode for process in processes] == [0, 0]
            assert json.loads(reader.get("state/publication.json"))["commit"] == newer
            assert json.loads(reader.get("state/build.json"))["source"] == newer
    races.is_right(newer)
    assert reader.get("state/lease.json") is None


def _two(folder, older: str, newer: str, number: int):
    """Return two clones, so that it is the bucket that decides; either may be the first to begin."""
    clones = []
    for name, commit in (("one", older), ("two", newer)):
        clone = folder.parent / name
        if clone.exists():
            shutil.rmtree(clone)
        shutil.copytree(folder, clone, symlinks=True, ignore=shutil.ignore_patterns(".publish", "site"))
        clones.append((clone, commit))
    return clones if number % 4 == 1 else clones[::-1]


@pytest.mark.timeout(300)
def test_a_network_that_fails_leaves_the_old_tree_or_the_new_one(races, bucket):
    """A fifth of all requests is dropped, delayed, overtaken, refused or cut short, before or after it was done: what is there is right.

    All the time an installer follows all links.
    """
    reader = _reader("bucket", races.folder, bucket)
    faults = 0
    for number in range(8):
        with faulty(bucket, number) as proxy, Following(reader):
            races.target(_target("bucket", proxy.url))
            commit = races.change(number)
            done = races.cli("publish", "-q", "--max-delete", "100")
            faults += proxy.faults
        assert follow(reader) > 3 or not number
        assert done.code in (0, 3), done.err
        if done.code:
            assert "fix" in done.err
        else:
            assert json.loads(reader.get("state/publication.json"))["commit"] == commit
    assert faults > 40
    races.target(_target("bucket", bucket))
    commit = races.commit()
    races.publish()
    races.is_right(commit)


@pytest.mark.parametrize("taken", [(), ("simple/index.html", "simple/acme-core/index.html", ".nojekyll")])
def test_a_first_publication_looks_once_and_puts(races, bucket, taken):
    """One request for each path, and thirteen; a page that somebody else has put there is asked after, and replaced with its type."""
    with faulty(bucket, 0, share=0) as proxy:
        races.target(_target("bucket", proxy.url))
        races.change(0)
        there = open_bucket("s3://acme-index/public/", bucket, "us-east-1", "the bucket")
        shown = races.cli("build", "--output", races.folder.parent / "shown", "-q")
        assert shown.code == 0, shown.err
        for path in taken:
            same = races.folder.parent / "shown" / "public" / path
            content = same.read_bytes() if path.startswith("simple/acme") else b"somebody else's"
            there.put(path, content, cache="no-cache", kind="application/octet-stream")
        foreseen = races.outcome("--dry-run")["forecast"]["requests"]
        proxy.requests.clear()
        written = races.outcome()["written"]
        asked = list(proxy.requests)
        replaced = {path for path in taken if path in written}
        assert len(replaced) == len([path for path in taken if path.startswith("simple/")])
        assert len(asked) <= len(written) + 13 + len(replaced), "\n".join(asked)
        assert foreseen <= len(asked) + 1
        assert follow(_reader("bucket", races.folder, bucket)) > 3
        for path in replaced:
            found = obstore.get(there.store, path)
            assert found.attributes["Content-Type"].startswith("text/html")
            assert "max-age=60" in found.attributes["Cache-Control"]
            assert bytes(found.bytes()) != b"somebody else's"


@pytest.mark.parametrize("more", ["", ", index-objects: html"])
def test_one_change_asks_little_of_a_bucket(races, bucket, monkeypatch, more):
    """A yank costs at most two requests for each object that changes, and twelve, also where it is signed; nothing is listed.

    A page that is the object of its folder, too, is two.
    """
    with faulty(bucket, 0, share=0) as proxy:
        races.target(_target("bucket", proxy.url).replace("}", f"{more}}}"))
        races.change(0)
        races.publish()
        for number, signed in enumerate((False, True)):
            if signed:
                races.sign(monkeypatch)
                races.publish()
            races.cli("yank", "acme-core", "1.0", "--reason", f"broken {number}")
            races.commit()
            foreseen = races.outcome("--dry-run")["forecast"]["requests"]
            proxy.requests.clear()
            written = races.outcome()["written"]
            asked = list(proxy.requests)
            changing = next(number for number, line in enumerate(asked) if line.startswith("PUT"))
            assert abs(foreseen - len(asked[changing:])) <= 1, "what was read before is not counted"
            twice = [path for path in written if more and path.startswith("simple/") and path.endswith("/index.html")]
            assert len(asked) <= 2 * (len(written) + len(twice)) + 12, "\n".join(asked)
            assert not any("list-type" in line for line in asked)
            assert ("tuf/timestamp.json" in written, asked[-1].endswith("tuf/timestamp.json")) == (signed, signed), "it is read back"


def expire(proxy, most: int, what: str = "PUT") -> None:
    """Let so many such requests through, and then nobody in."""
    whole, seen = proxy.fault, []

    def fault(line: str, size: int) -> str:
        if line.startswith("PUT") and what in line:
            seen.append(line)
        if len(seen) > most:
            proxy.answer = 403
            return "drop"
        return whole(line, size)

    proxy.fault = fault


@contextmanager
def renewed(proxy):
    """Let everybody in again where the block ends."""
    try:
        yield
    finally:
        del proxy.fault
        proxy.answer = None
        proxy.requests.clear()
        proxy.sent = 0


@pytest.mark.parametrize("most", [0, 2, 8, 16])
def test_credentials_that_expire_are_said(races, bucket, most, monkeypatch):
    """At whichever request: the error says what to do, no link is broken; with new credentials it goes on."""
    monkeypatch.setenv("INDEX_BUILDER_LEASE_SECONDS", "2")
    reader = _reader("bucket", races.folder, bucket)
    with faulty(bucket, 0, share=0) as proxy:
        races.target(_target("bucket", proxy.url))
        races.change(0)
        races.publish()
        commit = races.change(1)
        with renewed(proxy):
            expire(proxy, most)
            done = races.cli("publish", "-q")
        assert done.code == 3
        assert "renew the credentials" in done.err
        assert "Traceback" not in done.err
        assert follow(reader) > 3
        races.publish()
        races.is_right(commit)


@pytest.mark.parametrize("is_first", [True, False])
def test_what_arrived_of_many_files_is_not_sent_again(repo, cli, dist, bucket, is_first):
    """Of twenty files ten and more arrive; the next run asks after them, and sends the others."""
    races, size = Races(repo, cli, dist), 60_000
    many = [wheel(f"many-{number:02}", "1.0", body=f"#{random.Random(number).randbytes(size).hex()}\n") for number in range(20)]
    with faulty(bucket, 0, share=0) as proxy:
        races.target(_target("bucket", proxy.url))
        if not is_first:
            races.publish()
        assert cli("add", "--dist", dist(*many), "--owner", "maintainers").code == 0
        commit = races.commit()
        before = proxy.sent
        with renewed(proxy):
            expire(proxy, 10, ".whl")
            assert races.cli("publish", "-q", "--max-delete", "100").code == 3
            arrived = proxy.sent - before
        assert arrived > 10 * size
        races.publish()
        assert proxy.sent < 20 * 2 * size - arrived + 600_000, "what is known to be there is not sent"
        again = [line for line in proxy.requests if line.startswith("PUT") and ".whl" in line and ".metadata" not in line]
        assert len(again) <= 16
        races.is_right(commit)


def test_what_readers_are_told_is_repaired_too(races, bucket):
    """An object with its bytes and other headers is found by a comparison, and put right; so are all of them where an audience is closed."""
    races.target(_target("bucket", bucket).replace("name: t", "name: s").replace("/public/", "/second/"))
    path = races.folder / "index.yaml"
    path.write_text(f"{path.read_text()}  - {_target('bucket', bucket)}\n")
    commit = races.change(0)
    races.publish()
    there = open_bucket("s3://acme-index/public/", bucket, "us-east-1", "the bucket")
    assert races.cli("mirror-check").code == 0
    reader = _reader("bucket", races.folder, bucket)
    spoiled = ["simple/acme-core/index.html", next(path for path in sorted(reader.paths()) if path.endswith(".whl"))]
    for path in spoiled:
        there.put(path, reader.get(path), cache="max-age=9", kind="text/plain")
    done = races.cli("mirror-check")
    assert done.code == 1
    assert all(path in done.out for path in spoiled), done.out
    written = next(target for target in json.loads(_told(races, "--reconcile")) if target["target"] == "t")["written"]
    assert set(written) == {*spoiled, "status.json"}
    for path, told in zip(
        spoiled, (("text/html; charset=utf-8", "public, max-age=60"), ("application/octet-stream", f"public, {FOREVER}")), strict=True
    ):
        assert there.get(path).headers == told
    assert races.cli("mirror-check").code == 0
    for rule in (races.folder / "policies.d").glob("*.yaml"):
        rule.write_text(rule.read_text().replace("anyone: [download]", "maintainers: [download]"))
    races.commit()
    _told(races, "--reconcile")
    caches = {path: there.get(path).headers.cache for path in reader.paths() if not path.startswith("state/")}
    assert {path: cache for path, cache in caches.items() if "public" in cache} == {}
    assert commit


def _told(races, *options) -> str:
    done = races.cli("publish", "--max-delete", "100", "--format", "json", *options)
    assert done.code == 0, done.err
    return json.dumps(json.loads(done.out)["targets"])
