"""Whole stories of keys and signatures, each through the command line, on a real repository and a published tree."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ROOT, commit_all
from distributions import wheel
from live import serving
from reader import WAYS, Reader
from signed import PASSPHRASE, Signed, bin_of, pointer, resign, snapshot
from trees import contents

from index_builder.state import MARK
from index_builder.trust.keys import add_signature, write
from index_builder.trust.published import find_before


@pytest.fixture
def index(repo, cli, dist, monkeypatch):
    """A signed and published index of alpha and beta, of two holders."""
    assert cli("add", "--dist", dist(wheel("alpha", "1.0"), wheel("beta", "2.0"))).code == 0
    made = Signed(repo, monkeypatch)
    made.at(minutes=-5)
    made.publish()
    made.now = None
    return made


def verify(index, cli, site=None, *, code=0, cache="cache"):
    done = cli("verify", site or index.site, "-q", "--files", "--root", index.root, "--cache", index.folder.parent / cache)
    assert done.code == code, done.out + done.err
    return done.out + done.err


def release(index, cli, dist, name="alpha", version="1.1"):
    folder = dist(wheel(name, version))
    assert cli("add", "--dist", folder / f"{name}-{version}-py3-none-any.whl").code == 0
    index.publish()


def added(cli, dist) -> None:
    """Add a release to the working tree."""
    assert cli("add", "--dist", dist(wheel("alpha", "9.0")) / "alpha-9.0-py3-none-any.whl").code == 0


def all_targets(site) -> dict[str, str]:
    """Return every target that the bins of a tree list, with its digest."""
    found = {}
    for name, meta in snapshot(site).signed.meta.items():
        if name.startswith("bin-"):
            content = json.loads((site / "tuf" / f"{meta.version}.{name}").read_bytes())
            found |= {path: target["hashes"]["sha256"] for path, target in content["signed"]["targets"].items()}
    return found


def test_a_first_ceremony_of_two_people(repo, cli, dist, monkeypatch):
    """Each makes a key on their own machine and commits the public half; one begins, the other signs; not before may anything be published."""
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", PASSPHRASE)
    assert cli("add", "--dist", dist(wheel("alpha", "1.0"))).code == 0
    assert cli("build", "--worktree", "-q").code == 0

    def on(machine):
        monkeypatch.setenv("INDEX_BUILDER_KEYS", str(repo.parent / machine))

    on("alices")
    assert "alice.json" in cli("keys", "new", "alice").err
    on("bobs")
    assert cli("keys", "new", "bob").code == 0
    on("alices")
    begun = cli("keys", "init", "--threshold", "2")
    assert begun.code == 0, begun.err
    assert "1 more of bob (2 must)" in begun.err
    status = cli("keys", "status")
    assert status.code == 10
    assert status.out.count("signed by alice, 1 more of bob") == 3
    early = cli("sign", "--worktree")
    assert early.code == 4
    assert "lacks 1 of 2 signatures (of bob)" in early.err
    assert "index-builder keys sign" in early.err
    on("bobs")
    signed = cli("keys", "sign")
    assert "bob signed version 1 of root" in signed.err
    assert "All have signed" in signed.err
    assert cli("keys", "status").code == 0
    digest = hashlib.sha256((repo / "trust/public/1.root.json").read_bytes()).hexdigest()
    assert digest in signed.err
    assert digest in cli("keys", "status").out
    again = cli("keys", "sign")
    assert "nothing waits" in again.err
    on("carols")
    stranger = cli("keys", "sign")
    assert stranger.code == 4
    assert "none of the keys of alice, bob" in stranger.err
    on("bobs")
    nowhere = cli("sign", "--worktree")
    assert nowhere.code == 4
    assert "INDEX_BUILDER_KEY_TIMESTAMP" in nowhere.err
    # A workflow has the online keys as secrets, and no key folder.
    for path in (repo.parent / "alices").iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert b"ENCRYPTED" in path.read_bytes()
    on("nowhere")
    names = {"BINS": begun.err.partition("online key of bins")[2].split(": ")[1].split()[0]}
    names["TIMESTAMP"] = begun.err.partition("online key of timestamp")[2].split(": ")[1].split()[0]
    for role, path in names.items():
        monkeypatch.setenv(f"INDEX_BUILDER_KEY_{role}", (repo / path).read_text())
    assert cli("sign", "--worktree").code == 0
    assert cli("verify", "site/public", "-q", "--files", "--cache", "cache").code == 0
    assert cli("verify", "site/public", "-q", "--root-fingerprint", digest, "--cache", "cache").code == 0
    monkeypatch.setenv("INDEX_BUILDER_KEY_BINS", (repo / names["TIMESTAMP"]).read_text())
    assert "another key" in cli("sign", "--worktree").err


def test_a_fresh_clone_without_keys_still_builds(repo, cli, dist, monkeypatch):
    """It is unsigned, and that is said loudly; throw-away signatures of before the ceremony are gone. `make index` asks for just that."""
    assert cli("add", "--dist", dist(wheel("alpha", "1.0"))).code == 0
    assert cli("build", "--worktree", "-q").code == 0
    assert cli("sign", "--worktree", "--development").code == 0
    index = Signed(repo, monkeypatch)
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(repo.parent / "nowhere"))
    assert cli("sign", "--worktree").code == 4
    done = cli("sign", "--worktree", "--or-unsigned")
    assert done.code == 0, done.err
    assert "unsigned: the online key of timestamp is not here; nobody can check what is in site/public" in done.err
    assert "INDEX_BUILDER_KEY_TIMESTAMP" in done.err
    assert (index.site / "simple" / "alpha" / "index.html").is_file()
    assert not (index.site / "tuf").exists()
    assert "sign --worktree $$([ -d trust ] && echo --or-unsigned" in (ROOT / "Makefile").read_text()


def test_signatures_survive_a_squash(repo, cli, dist, monkeypatch):
    """Signatures are in the files: what git does to commits does not matter."""
    index = Signed(repo, monkeypatch)
    commit = commit_all(repo)
    assert cli("add", "--dist", dist(wheel("alpha", "1.0"))).code == 0
    commit_all(repo)
    for arguments in (("reset", "--soft", commit), ("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "squashed")):
        subprocess.run(["git", *arguments], cwd=repo, check=True)
    index.do("build", "-q")
    index.do("sign", "-q")
    verify(index, cli)


def test_two_people_sign_on_a_branch_that_is_squashed(index, cli, monkeypatch):
    """Each signs the same event on a machine and in a clone of their own, in a commit of a `sign/*` branch; the squash merge holds both."""
    commit_all(index.folder)
    git(index, "branch", "-q", "-M", "main")
    holders = {key.unrecognized_fields["x-index-builder-holder"]: f"{key.keyid[:16]}.pem" for key in index.committed.people.values()}

    def on(name: str) -> Path:
        machine = index.folder.parent / name
        (machine / "keys").mkdir(parents=True)
        shutil.move(index.keys / holders[name], machine / "keys")
        monkeypatch.setenv("INDEX_BUILDER_KEYS", str(machine / "keys"))
        subprocess.run(["git", "clone", "-q", index.folder, machine / "clone"], check=True)
        return machine / "clone"

    alice = on("alice")
    begun = cli("keys", "renew", "--all", "--repo", alice)
    assert "git switch -c sign/renew" in begun.err
    assert "Then bob, on that branch:  index-builder keys sign" in begun.err
    for arguments in (
        ("switch", "-q", "-c", "sign/renew"),
        ("add", "trust"),
        ("commit", "-qm", "Sign"),
        ("push", "-q", "origin", "sign/renew"),
    ):
        git(index, *arguments, cwd=alice)
    bob = on("bob")
    git(index, "switch", "-q", "sign/renew", cwd=bob)
    assert cli("keys", "status", "--repo", bob).code == 10
    signed = cli("keys", "sign", "--repo", bob)
    assert [line.strip() for line in signed.err.splitlines()[:3]] == [
        f"bob signed version 2 of {role}" for role in ("root", "targets", "bins")
    ]
    for arguments in (("commit", "-qam", "Sign too"), ("push", "-q", "origin", "sign/renew")):
        git(index, *arguments, cwd=bob)
    git(index, "merge", "-q", "--squash", "sign/renew")
    git(index, "commit", "-qm", "Renew (#1)")
    assert json.loads((index.folder / "trust/public/2.root.json").read_text())["signatures"][1]["sig"]
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(index.keys))
    index.do("build", "-q")
    index.do("sign", "-q")
    assert cli("keys", "status").code == 0
    verify(index, cli)


def test_one_change_signs_what_changed(index, cli, dist):
    """After one release, only the bins of its pages, the lists and the state are signed again, and all else stays as it is."""
    before = contents(index.site)
    release(index, cli, dist)
    after = contents(index.site)
    verify(index, cli)
    bins = [path for path in after.keys() - before.keys() if ".bin-" in path]
    assert 1 <= len(bins) <= 6
    assert all(after[path] == content for path, content in before.items() if ".bin-" in path)
    fresh = index.folder.parent / "fresh"
    shutil.copytree(index.site, fresh / "public")
    shutil.rmtree(fresh / "public" / "tuf")
    index.do("sign", "--worktree", "-q", "--output", fresh)
    assert all_targets(index.site) == all_targets(fresh / "public")
    assert MARK in all_targets(fresh / "public")


def test_a_project_that_goes_is_no_target_any_more(index, cli, dist):
    """What is gone from the tree is gone from the bins."""
    release(index, cli, dist, "gamma", "1.0")
    assert "simple/gamma/index.html" in all_targets(index.site)
    (index.folder / "packages.d" / "gamma.yaml").unlink()
    index.publish()
    assert "simple/gamma/index.html" not in all_targets(index.site)
    verify(index, cli)


def test_signing_twice_writes_nothing(index, cli):
    """Where nothing changed and nothing is due, no byte is written; the same version never has other content."""
    before = contents(index.site)
    done = cli("sign", "--worktree")
    assert "nothing has changed" in done.err
    assert contents(index.site) == before


def test_what_was_replaced_stays_for_a_day(index, cli, dist):
    """A reader who is on his way through an older state finishes; a day later it is gone, and nothing that is needed."""
    first = contents(index.site)
    release(index, cli, dist)
    old = {path for path in first if path.startswith("tuf/")}
    assert old <= contents(index.site).keys()
    index.at(hours=25)
    release(index, cli, dist, "alpha", "1.2")
    gone = old - contents(index.site).keys()
    assert any(path.endswith("snapshot.json") for path in gone)
    assert any("tuf/targets/simple/alpha" in path for path in gone)
    index.now = None
    verify(index, cli)


def beat(index, first: int, last: int) -> None:
    """Let a schedule renew every other day, from one day to another."""
    for day in range(first, last + 1, 2):
        index.at(days=day)
        index.do("sign", "--worktree", "--heartbeat", "-q")


def test_a_site_whose_schedule_runs_raises_no_alarm(index, cli):
    """Every twelve hours, some of them late: what a monitor looks at is never within 48 hours of its end, and bins are no exception."""
    committed = index.committed
    index.now = start = datetime.now(UTC)
    index.do("sign", "--worktree", "-q")
    for number in range(1, 2 * 65):
        late = timedelta(hours=(0, 0.1, 3, 0, 1.5, 5.5)[number % 6])
        before = find_before(committed, lambda path: (index.site / path).read_bytes())
        index.now = start + number * timedelta(hours=12) + late
        ends = [before.timestamp.signed.expires, before.snapshot.signed.expires, before.bins_hold_until()]
        assert min(ends) - index.now > timedelta(hours=48), (number, ends)
        index.do("sign", "--worktree", "--heartbeat", "-q")
    assert cli("keys", "status", "--fail-within", "48h").code == 0


def test_a_heartbeat_renews_before_half_of_a_life_is_over(index, cli):
    """The timestamp first, then the TUF snapshot, then bins; pages are not looked at, and key A only where bins are due."""
    first = pointer(index.site).signed
    index.at(hours=5)
    index.do("sign", "--worktree", "--heartbeat")
    assert pointer(index.site).signed.version == first.version
    index.at(days=2)
    index.do("sign", "--worktree", "--heartbeat")
    second = pointer(index.site).signed
    assert second.version > first.version
    assert second.snapshot_meta.version == first.snapshot_meta.version
    beat(index, 4, 8)
    third = pointer(index.site).signed
    assert third.snapshot_meta.version > second.snapshot_meta.version
    bins = {name: meta.version for name, meta in snapshot(index.site).signed.meta.items() if name.startswith("bin-")}
    beat(index, 10, 22)
    renewed = {name for name, meta in snapshot(index.site).signed.meta.items() if bins.get(name) not in (None, meta.version)}
    assert renewed
    assert renewed != set(bins)
    beat(index, 24, 62)
    assert cli("keys", "status", "--fail-within", "48h").code == 0


def test_a_heartbeat_without_key_a_renews_what_it_can(index, cli):
    """Bins that are past half of their time hold for weeks yet: the timestamp does not wait for their key, and it is said."""
    keyid = index.online("bins").public_key.keyid
    beat(index, 2, 18)
    (index.keys / f"{keyid[:16]}.pem").unlink()
    before, bins = pointer(index.site).signed.version, snapshot(index.site).signed.meta
    beat(index, 20, 20)
    index.at(days=22)
    done = cli("sign", "--worktree", "--heartbeat")
    assert done.code == 0, done.err
    assert "bins should be renewed, and the key of the bins is not here" in done.err
    assert pointer(index.site).signed.version > before
    assert snapshot(index.site).signed.meta == bins
    assert cli("sign", "--worktree", "-q").code == 4
    beat(index, 24, 48)
    index.at(days=50)
    done = cli("sign", "--worktree", "--heartbeat")
    assert done.code == 4
    assert "clients refuse the index" in done.err
    assert "INDEX_BUILDER_KEY_BINS" in done.err
    status = cli("keys", "status", "--fail-within", "48h")
    assert status.code == 4
    assert "bin-*      EXPIRED" in status.out


def test_when_the_schedule_stops(index, cli):
    """Monitors hear of it two days ahead; then readers refuse the index, with the reason; the next signing of the tree heals it, and no heartbeat."""
    assert cli("keys", "status", "--fail-within", "48h").code == 0
    soon = cli("keys", "status", "--fail-within", "4d")
    assert soon.code == 4
    assert "sign --heartbeat" in soon.err
    index.at(days=-4)
    index.do("build", "--worktree", "-q", "--full")
    shutil.rmtree(index.site / "tuf")
    index.do("sign", "--worktree", "-q")
    index.now = None
    said = verify(index, cli, code=4)
    assert "expired" in said
    assert "sign --heartbeat" in said
    assert cli("keys", "status").code == 4
    done = cli("sign", "--worktree", "--heartbeat")
    assert done.code == 4
    assert "may be showing an old tree" in done.err
    index.do("sign", "--worktree")
    verify(index, cli)


def test_an_old_tree_is_not_made_the_newest_by_a_heartbeat(index, cli, dist):
    """A host that shows the signer what was genuine once gets no new signature for it: not expired, and not of another commit."""
    commit_all(index.folder)
    index.do("build", "-q")
    index.do("sign", "-q")
    old = index.copy("old")
    added(cli, dist)
    commit_all(index.folder)
    index.do("build", "-q")
    index.do("sign", "-q")
    index.at(days=2)
    shutil.rmtree(index.site)
    shutil.copytree(old, index.site)
    done = cli("sign", "--heartbeat")
    assert done.code == 4
    assert "what is published is of commit" in done.err
    assert "--commit" in done.err


def test_what_is_not_committed_is_not_signed_by_accident(index, cli, dist):
    """A tree of the working tree, or of another commit than HEAD, is refused with the way out."""
    commit_all(index.folder)
    added(cli, dist)
    index.do("build", "--worktree", "-q")
    done = cli("sign")
    assert done.code == 4
    assert "of files that are not committed" in done.err
    index.do("sign", "--worktree", "-q")
    index.do("build", "-q")
    commit_all(index.folder)
    done = cli("sign")
    assert done.code == 4
    assert "index-builder build" in done.err
    index.do("build", "-q")
    index.do("sign", "-q")


def test_nothing_is_signed_under_what_has_expired(index, cli):
    """When root, targets or bins have expired, signing says so, and who can renew them."""
    index.at(days=400)
    done = cli("sign", "--worktree")
    assert done.code == 4
    assert "keys renew" in done.err


def test_a_version_that_was_complete_is_not_signed_again_with_other_content(index, cli):
    """Who changes bins.json or a root without a new number gets no signature, from nobody, and the tree is not signed."""
    commit_all(index.folder)
    path = index.folder / "trust" / "public" / "bins.json"
    metadata = json.loads(path.read_bytes())
    metadata["signed"]["delegations"]["succinct_roles"]["bit_length"] += 1
    metadata["signatures"] = []
    path.write_text(json.dumps(metadata))
    commit_all(index.folder)
    for verb in (("keys", "sign"), ("keys", "renew", "--all"), ("keys", "rotate", "timestamp")):
        done = cli(*verb)
        assert done.code == 4, verb
        assert "bins.json was signed by enough people in commit" in done.err
    assert json.loads(path.read_bytes())["signatures"] == []


def _spoil_prefix(value):
    value["signed"]["delegations"]["succinct_roles"]["name_prefix"] = "../../../../evil"


def _spoil_bits(value):
    value["signed"]["delegations"]["succinct_roles"]["bit_length"] = 32


def _spoil_earlier(value):
    value["signed"]["x-index-builder-earlier-bits"] = [32]


def _spoil_version(value):
    value["signed"]["version"] = 2**40


@pytest.mark.parametrize("spoil", [_spoil_prefix, _spoil_bits, _spoil_earlier, _spoil_version])
def test_bins_that_no_ceremony_made_are_refused_unread(index, cli, spoil):
    """Names, numbers and versions of bins.json are looked at before anything is done by them."""
    path = index.folder / "trust" / "public" / "bins.json"
    metadata = json.loads(path.read_bytes())
    spoil(metadata)
    path.write_text(json.dumps(metadata))
    for verb in (("sign", "--worktree"), ("keys", "status"), ("keys", "sign")):
        done = cli(*verb)
        assert done.code == 4, verb
        assert "is not as a ceremony makes it" in done.err
    assert not list(index.folder.parent.glob("evil*"))


def test_a_public_key_is_of_whom_its_file_says(index, cli):
    """A key that is held by somebody else, or called by another id, is refused: it would take that one's place."""
    folder = index.folder / "trust" / "public" / "people"
    alice = json.loads((folder / "alice.json").read_bytes())
    for name, change in (("carol", {}), ("alice", {"keyid": "zz/../../x"})):
        (folder / f"{name}.json").write_text(json.dumps({**alice, **change}))
        done = cli("keys", "admit", name)
        assert done.code == 4
        assert "find out who changed it" in done.err
        (folder / "carol.json").unlink(missing_ok=True)
        (folder / "alice.json").write_text(json.dumps(alice))


def test_what_people_signed_is_not_published_twice_in_one_version(index, cli):
    """A root that is live stays what it is: another one under its number is refused before anything is signed."""
    (index.site / "tuf" / "1.root.json").write_bytes(b"{}")
    done = cli("sign", "--worktree")
    assert done.code == 4
    assert "tuf/1.root.json is published" in done.err


@pytest.mark.parametrize(
    "content",
    [b'{"2020": ["tuf/%s.bin-0.json"]}' % (b"9" * 5000), json.dumps({"2020": [f"tuf/targets/a/{64 * '0'}.x\0"]}).encode(), b"[" * 5000],
)
def test_notes_of_a_hostile_host_are_passed_over(index, cli, dist, content):
    """What is to be tidied comes from where anybody may have written: names that we never made are nothing to us."""
    (index.site / "tuf" / "replaced.json").write_bytes(content)
    added(cli, dist)
    index.publish()
    verify(index, cli)


def test_rotating_and_losing_key_b(index, cli):
    """A new key B needs those who hold root; readers follow. That the old one is lost changes nothing: all is signed anew."""
    verify(index, cli)
    keyid = index.online("timestamp").public_key.keyid
    (index.keys / f"{keyid[:16]}.pem").unlink()
    lost = cli("sign", "--worktree", "--heartbeat")
    assert lost.code == 4
    assert "the online key of timestamp is not here" in lost.err
    before = pointer(index.site).signed.version
    index.do("keys", "rotate", "timestamp")
    index.do("sign", "--worktree", "-q")
    assert pointer(index.site).signed.version > before
    verify(index, cli)


def test_rotating_key_a_signs_every_bin_anew(index, cli):
    """From the new bins.json on, the old key A is worth nothing: no bin that it signed is left."""
    old = index.online("bins").public_key.keyid
    index.do("keys", "rotate", "bins")
    index.do("sign", "--worktree", "-q")
    new = index.online("bins").public_key.keyid
    for name, meta in snapshot(index.site).signed.meta.items():
        if name.startswith("bin-"):
            signatures = json.loads((index.site / "tuf" / f"{meta.version}.{name}").read_bytes())["signatures"]
            assert [signature["keyid"] for signature in signatures] == [new] != [old]
    verify(index, cli)


def test_fast_forward_and_the_way_back(index, cli, tmp_path, capfd):
    """A thief of key B publishes a version far ahead, and readers follow; with the key, they forget it."""
    readers = {way: Reader(index.root, tmp_path / way, capfd) for way in WAYS}

    def read(url, code) -> None:
        for way, reader in readers.items():
            shutil.rmtree(reader.target, ignore_errors=True)
            found, said = reader.read(way, url, "alpha")
            assert found == code, said
            assert "2000000000" in said or code == 0
            assert reader.installed("alpha") == (["alpha-1.0.dist-info"] if code == 0 and way != "verify" else [])

    thief = index.online("timestamp")
    stolen = index.copy("stolen")
    metadata, timestamp = snapshot(stolen), pointer(stolen)
    metadata.signed.version = timestamp.signed.version = timestamp.signed.snapshot_meta.version = 2_000_000_000
    for path, each in ((stolen / "tuf" / "2000000000.snapshot.json", metadata), (stolen / "tuf" / "timestamp.json", timestamp)):
        timestamp.signed.snapshot_meta.hashes = timestamp.signed.snapshot_meta.length = None
        each.signatures.clear()
        add_signature(each, thief)
        path.write_bytes(write(each))
    port = 0
    for site in (index.site, stolen):
        with serving(site, port=port) as live:
            port = int(live.url.rpartition(":")[2])
            read(live.url, 0)
    with serving(index.site, port=port) as live:
        read(live.url, 4)
    shutil.copytree(stolen / "tuf", index.site / "tuf", dirs_exist_ok=True)
    for verb in (("sign", "--worktree"), ("sign", "--worktree", "--heartbeat"), ("keys", "status")):
        done = cli(*verb)
        assert done.code == 4, verb
        assert "version 2000000000 of timestamp is published" in done.err
        assert "keys rotate timestamp" in done.err
    index.do("keys", "rotate", "timestamp")
    index.do("sign", "--worktree", "-q")
    assert pointer(index.site).signed.version < 2_000_000_000
    with serving(index.site, port=port) as live:
        read(live.url, 0)


def test_a_version_that_nobody_signed_is_named_by_a_thief(index, cli):
    """With key B he lets the TUF snapshot name targets that are not there: it is seen, and the key must go."""
    metadata, timestamp, thief = snapshot(index.site), pointer(index.site), index.online("timestamp")
    metadata.signed.meta["targets.json"].version = 9
    metadata.signed.version += 1
    timestamp.signed.version += 1
    timestamp.signed.snapshot_meta.version = metadata.signed.version
    timestamp.signed.snapshot_meta.hashes = timestamp.signed.snapshot_meta.length = None
    resign(index.site / "tuf" / f"{metadata.signed.version}.snapshot.json", metadata, thief)
    resign(index.site / "tuf" / "timestamp.json", timestamp, thief)
    for verb in (("keys", "status"), ("sign", "--worktree")):
        done = cli(*verb)
        assert done.code == 4, verb
        assert "version 9 of targets is published, and we have not come to that" in done.err
    index.do("keys", "rotate", "timestamp")
    index.do("sign", "--worktree", "-q")
    assert cli("keys", "status").code == 0
    verify(index, cli)


def test_re_root_after_a_compromise(index, cli):
    """A holder's key and both online keys are stolen: the others take him out and replace both; readers follow from the first root."""
    verify(index, cli)
    assert cli("keys", "revoke", "alice").code == 2
    index.do("keys", "new", "carol")
    index.do("keys", "admit", "carol")
    index.do("keys", "revoke", "alice")
    index.do("keys", "rotate", "timestamp")
    index.do("keys", "rotate", "bins")
    stale = cli("keys", "status")
    assert stale.code == 4
    assert "tuf/timestamp.json is not signed by the present key" in stale.err
    assert "bob, carol" in stale.out
    assert "alice" not in stale.out
    index.do("sign", "--worktree", "-q")
    assert cli("keys", "status").code == 0
    assert (index.site / "tuf" / "4.root.json").is_file()
    verify(index, cli)


def test_a_holder_replaces_a_key(index, cli):
    """The old key and the new one sign the change; then the old one is unknown."""
    old = json.loads((index.folder / "trust/public/people/alice.json").read_text())["keyid"]
    index.do("keys", "rotate", "alice")
    assert cli("keys", "status").code == 0
    root = json.loads((index.folder / "trust/public/2.root.json").read_text())
    assert old not in root["signed"]["keys"]
    assert old in {signature["keyid"] for signature in root["signatures"]}
    index.do("sign", "--worktree", "-q")
    verify(index, cli)


def test_the_published_site_is_wiped(index, cli):
    """With it, its versions are gone; the next signing does not go back behind them, and readers who remember go on."""
    with serving(index.site) as live:
        verify(index, cli, live.url)
        port = int(live.url.rpartition(":")[2])
    shutil.rmtree(index.site)
    index.publish()
    with serving(index.site, port=port) as live:
        verify(index, cli, live.url)


def test_the_repository_is_force_pushed(index, cli, dist):
    """Its history is another one, without the last release: readers see versions go on, and the older content as the newer state."""
    commit_all(index.folder)
    release(index, cli, dist)
    verify(index, cli)
    version = pointer(index.site).signed.version
    for arguments in (("checkout", "-q", "."), ("clean", "-fdq", "packages.d")):
        subprocess.run(["git", *arguments], cwd=index.folder, check=True)
    index.publish()
    assert pointer(index.site).signed.version > version
    verify(index, cli)


def git(index, *arguments, cwd=None) -> None:
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments], cwd=cwd or index.folder, check=True)


@pytest.mark.parametrize("ceremony", [("renew", "--all"), ("rotate", "bins"), ("rotate", "timestamp")], ids=" ".join)
def test_the_repository_is_force_pushed_back_before_a_ceremony(index, cli, ceremony):
    """What readers have seen of root, targets and bins, they do not go back behind: nothing is signed until trust/ is back."""
    commit_all(index.folder)
    index.do("keys", *ceremony)
    commit_all(index.folder)
    index.publish()
    verify(index, cli)
    ahead = git_head(index)
    git(index, "reset", "-q", "--hard", "HEAD~1")
    for verb in (("sign", "--worktree"), ("keys", "status")):
        done = cli(*verb)
        assert done.code == 4, verb
        assert "signed by enough people, and trust/ has only version 1 of " in done.err
        assert "bring trust/ back from a clone" in done.err
    git(index, "checkout", "-q", ahead, "--", "trust")
    assert cli("keys", "status").code == 0
    index.do("sign", "--worktree", "-q")
    verify(index, cli)


def git_head(index) -> str:
    return subprocess.run(["git", "rev-parse", "HEAD"], cwd=index.folder, check=True, capture_output=True, text=True).stdout.strip()


def test_what_is_published_brings_trust_back(index, cli):
    """Where no clone has it, each version that people signed lies in tuf/, byte for byte as git had it."""
    commit_all(index.folder)
    index.do("keys", "renew", "--all")
    index.publish()
    folder = index.folder / "trust" / "public"
    lost = {name: (folder / name).read_bytes() for name in ("2.root.json", "targets.json", "bins.json")}
    git(index, "checkout", "-q", "--", "trust")
    (folder / "2.root.json").unlink()
    for path, name in (("2.root.json", "2.root.json"), ("2.targets.json", "targets.json"), ("2.bins.json", "bins.json")):
        done = cli("sign", "--worktree")
        assert done.code == 4
        assert f"put what is published at tuf/{path} there as {name}" in done.err
        shutil.copy(index.site / "tuf" / path, folder / name)
    assert {name: (folder / name).read_bytes() for name in lost} == lost
    index.do("sign", "--worktree", "-q")
    verify(index, cli)


def test_status_tells_when_what_is_published_expires(index, cli):
    """Not only the drafts of trust/: readers live by the root, targets and bins that are published."""

    def published() -> dict[str, str]:
        return {each["role"]: each["expires"] for each in json.loads(cli("keys", "status", "--format", "json").out)["published"]}

    first = published()
    assert list(first) == ["root", "targets", "bins", "snapshot", "timestamp", "bin-*"]
    index.at(days=364)
    index.do("sign", "--worktree", "-q")
    assert "renew it: index-builder keys renew" in cli("keys", "status", "--fail-within", "48h").err
    index.do("keys", "renew")
    assert published()["root"] == first["root"]
    soon = cli("keys", "status", "--fail-within", "48h")
    assert soon.code == 4
    assert "expires" in soon.err
    assert "renew it: index-builder sign\n" in soon.err
    index.do("sign", "--worktree", "-q")
    assert published()["root"] > first["root"]
    assert cli("keys", "status", "--fail-within", "48h").code == 0


@pytest.mark.parametrize("name", ["targets.json", "bins.json"])
def test_status_where_trust_is_not_whole(index, cli, name):
    """What people signed is lost here, and published: that is said, with the way back."""
    index.root.with_name(name).unlink()
    done = cli("keys", "status")
    assert done.code == 4
    assert f"tuf/1.{name} is published, signed by enough people, and trust/ has only version 0 of" in done.err
    assert f"there as {name}, and commit that" in done.err


def forbidding(app):
    """Answer as a bucket that does not list its objects does: of what is not there, it says that it is forbidden."""

    async def answer(scope, receive, send):
        async def altered(message):
            await send({**message, "status": 403} if message.get("status") == 404 else message)

        await app(scope, receive, altered)

    return answer


def test_status_of_what_a_bucket_serves(index, cli, trusted, monkeypatch):
    """That there is no next root, such a host says with 403."""
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    with serving(index.site, trusted, between=forbidding) as live:
        done = cli("keys", "status", "--published", live.url)
        assert done.code == 0, done.err
        assert "root       expires" in done.out
        assert live.asked("2.root.json")


def test_a_draft_counts_only_once_it_is_signed(index, cli, monkeypatch):
    """While a new key B waits for the second holder, the old one signs, and `keys status` asks for the signature alone."""
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(index.folder.parent / "alices"))
    (index.folder.parent / "alices").mkdir()
    holders = {key.unrecognized_fields["x-index-builder-holder"]: key for key in index.committed.people.values()}
    name = f"{holders['alice'].keyid[:16]}.pem"
    shutil.copy(index.keys / name, index.folder.parent / "alices" / name)
    index.do("keys", "rotate", "timestamp")
    status = cli("keys", "status")
    assert status.code == 10, status.err
    assert "1 more of bob" in status.out
    assert "timestamp  expires" in status.out
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(index.keys))
    index.do("keys", "sign")
    done = cli("keys", "status")
    assert done.code == 4
    assert "sign the tree with the present keys: index-builder sign" in done.err


def test_a_root_that_too_few_have_signed_is_taken_away(index, cli):
    """Also with one of two holders' keys, readers refuse the index for it: `keys status` says so, the next signing heals it."""
    root = index.committed.root
    root.signed.version = 2
    root.signatures.clear()
    add_signature(root, index_signer(index, index.committed.people["alice"]))
    path = index.site / "tuf" / "2.root.json"
    for content in (write(root), b"{}"):
        path.write_bytes(content)
        assert verify(index, cli, code=4)
        status = cli("keys", "status")
        assert status.code == 4
        assert "tuf/2.root.json is published, and too few have signed it" in status.err
        done = cli("sign", "--worktree")
        assert done.code == 0, done.err
        assert "tuf/2.root.json was published" in done.err
        assert not path.exists()
        verify(index, cli)
        assert cli("keys", "status").code == 0


def test_audiences_share_no_key(repo, cli, monkeypatch):
    """What one audience's holders sign, the readers of another must not take: a key that is known there is refused."""
    settings = repo / "index.yaml"
    settings.write_text(
        settings.read_text().replace("audiences:\n", "audiences:\n  internal: {url: https://in.example.org/, files: packages/}\n")
    )
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(repo.parent / "keys"))
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", PASSPHRASE)
    for arguments in (("new", "alice"), ("init",)):
        done = cli("keys", *arguments, "--audience", "public")
        assert done.code == 0, done.err
    shutil.copytree(repo / "trust/public/people", repo / "trust/internal/people")
    refused = cli("keys", "init", "--audience", "internal")
    assert refused.code == 2
    assert "passed off" in refused.err
    assert not (repo / "trust/internal/1.root.json").exists()


def test_two_runners_sign_at_once(index, cli, dist):
    """One of them signs, the other one says that somebody is at work, or finds it done; the tree is one of them, whole."""
    folder = dist(wheel("alpha", "1.1"))
    assert cli("add", "--dist", folder / "alpha-1.1-py3-none-any.whl").code == 0
    index.do("build", "--worktree", "-q")
    results = []

    def sign():
        command = [sys.executable, "-m", "index_builder", "sign", "--worktree", "--repo", str(index.folder)]
        results.append(subprocess.run(command, capture_output=True, text=True, check=False))

    threads = [threading.Thread(target=sign) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any(done.returncode == 0 for done in results)
    assert all(done.returncode == 0 or "another build is writing" in done.stderr for done in results), [r.stderr for r in results]
    verify(index, cli)


def test_bins_grow(index, cli, monkeypatch):
    """More projects want more bins: the holders sign the new number, the next signing makes them all, and readers follow."""
    verify(index, cli)
    assert "the bins are enough" in cli("keys", "grow").err
    assert "keys grow" not in cli("keys", "status").err
    monkeypatch.setattr("index_builder.cli.trusting.targets_of", lambda _projects: 30_000)
    assert "want 512 bins, and has 16: index-builder keys grow" in cli("keys", "status").err
    index.do("keys", "grow")
    assert "keys grow" not in cli("keys", "status").err
    index.do("sign", "--worktree", "-q")
    names = {name for name in snapshot(index.site).signed.meta if name.startswith("bin-")}
    assert len(names) == 16 + 512
    verify(index, cli)
    path, metadata = bin_of(index.site, index.committed, MARK)
    assert len(path.name.split(".")[1]) == len("bin-1ff")
    assert MARK in metadata.signed.targets
    # A lost site does not make them shrink: readers know the old names, and would refuse a TUF snapshot without them.
    shutil.rmtree(index.site)
    index.publish()
    verify(index, cli)


def test_a_chain_of_300_roots_is_followed(index, tmp_path, capfd):
    """A reader who was away for 300 rotations gets to the newest root from the first one."""
    from index_builder.trust import ceremony
    from index_builder.trust.committed import read_committed

    folder = index.folder / "trust" / "public"
    committed, made = index.committed, {}
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json")}
    signers = [
        index_signer(index, key) for key in committed.root.signed.keys.values() if "x-index-builder-holder" in key.unrecognized_fields
    ]
    for _ in range(300):
        made = ceremony.renew(committed, ["root"], datetime.now(UTC))
        for signer in signers:
            # Only the last two roots are looked at, so that this takes no minute.
            files |= made
            committed = committed_with(committed, made, read_committed)
            made, _ = ceremony.sign(committed, signer)
        files |= made
        committed = committed_with(committed, made, read_committed)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    index.do("sign", "--worktree", "-q")
    assert len(list((index.site / "tuf").glob("*.root.json"))) == 301
    for way in WAYS:
        with serving(index.site) as live:
            code, said = Reader(index.root, tmp_path / way, capfd).read(way, live.url, "alpha")
        assert code == 0, said


def committed_with(committed, made, read_committed):
    from dataclasses import replace

    name, content = next(iter(made.items()))
    version = int(name.partition(".")[0])
    root = read_committed({"1.root.json": content.replace(b'"version": %d' % version, b'"version": 1')}, "").roots[0]
    root.signed.version = version
    roots = [each for each in committed.roots if each.signed.version != version]
    return replace(committed, roots=(*roots, root))


def index_signer(index, key):
    from index_builder.adapters.keyring import KeyFolder

    return KeyFolder(index.keys, {"INDEX_BUILDER_PASSPHRASE": PASSPHRASE}, lambda *_: "").signer(key, "a holder")


def test_a_fresh_runner_goes_on_from_what_is_signed(index, cli, dist, trusted, monkeypatch):
    """A runner with nothing but the repository builds and signs the change; a state that was altered where it is published, is not believed."""
    monkeypatch.setenv("INDEX_BUILDER_UNSAFE_NETWORKS", "127.0.0.0/8")
    published = index.copy("published")
    folder = dist(wheel("alpha", "1.1"))
    assert cli("add", "--dist", folder / "alpha-1.1-py3-none-any.whl").code == 0
    with serving(published, trusted) as live:
        arguments = ("--worktree", "-q", "--output", "changes", "--published", live.url)
        assert cli("build", "--sparse", *arguments).code == 0
        done = cli("sign", *arguments)
        assert done.code == 0, done.err
    changes = json.loads((index.folder / "changes" / "public.changes.json").read_text())
    assert changes["written"][-1] == "tuf/timestamp.json"
    assert not changes["whole"]
    shutil.copytree(index.folder / "changes" / "public", published, dirs_exist_ok=True)
    verify(index, cli, published)
    altered = published / MARK
    altered.write_bytes(altered.read_bytes().replace(b'"files": 3', b'"files": 9'))
    (published / next(path for path in all_targets(published) if path.startswith("state/projects/"))).write_bytes(b"[]")
    assert cli("add", "--dist", dist(wheel("alpha", "1.2")) / "alpha-1.2-py3-none-any.whl").code == 0
    with serving(published, trusted) as live:
        arguments = ("--worktree", "-q", "--output", "more", "--published", live.url)
        assert cli("build", "--sparse", *arguments).code == 0
    changes = json.loads((index.folder / "more" / "public.changes.json").read_text())
    assert not changes["whole"]  # the copies that are signed were read, not what was altered


def test_no_private_key_is_where_it_would_be_committed(index, cli, monkeypatch):
    """A key folder inside the repository is refused unless git ignores it, and `check` finds a key under trust/, encrypted or not."""
    commit_all(index.folder)
    for inside in ("keys", index.folder / "trust" / "keys", "site/../keys"):
        monkeypatch.setenv("INDEX_BUILDER_KEYS", str(inside))
        done = cli("keys", "new", "carol")
        assert done.code == 2
        assert "is inside the repository, where private keys would be committed" in done.err
    (index.folder / ".gitignore").write_text("/keys/\n")
    monkeypatch.setenv("INDEX_BUILDER_KEYS", "keys")
    index.do("keys", "new", "carol")
    assert len(list((index.folder / "keys").iterdir())) == 1
    assert cli("check", "--worktree", "--offline").code == 0
    shutil.copy(next((index.folder / "keys").iterdir()), index.folder / "trust" / "carol.pem")
    private = {**json.loads(index.root.with_name("people").joinpath("carol.json").read_bytes()), "private": "x"}
    (index.folder / "trust" / "public" / "carol.json").write_text(json.dumps(private))
    done = cli("check", "--worktree", "--offline")
    assert done.code == 1
    for path in ("trust/carol.pem", "trust/public/carol.json"):
        assert path in done.err
    assert done.err.count("error[trust-private-key]: a private key is in git") == 2


def test_check_looks_at_trust(index, cli):
    """A version that lacks signatures is an error at its file, and so is what no ceremony made; a whole one is none."""
    assert cli("check", "--worktree", "--offline").code == 0
    path = index.folder / "trust" / "public" / "bins.json"
    metadata = json.loads(path.read_bytes())
    path.write_text(json.dumps({**metadata, "signatures": metadata["signatures"][:1]}))
    done = cli("check", "--worktree", "--offline")
    assert done.code == 1
    assert "error[trust-unsigned]: version 1 of bins lacks 1 of 2 signatures" in done.err
    assert "trust/public/bins.json" in done.err
    path.write_text("{")
    done = cli("check", "--worktree", "--offline")
    assert done.code == 1
    assert "error[trust-invalid]: trust/public/bins.json is no TUF metadata" in done.err
