"""Stories of publishing: a commit goes live at folders, branches and archives, and comes back."""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import azure_server
import pygit2
import pytest
from distributions import wheel
from gcs_server import GcsReader, gcs
from published import BucketReader, FolderReader, follow, full, small_disk
from publishing import TARGETS
from signed import Signed, bin_of, page_of_newest, resign

from index_builder import wiring
from index_builder.adapters import installers
from index_builder.errors import GateError, RemoteError
from index_builder.model import rows
from index_builder.pipeline.publish.order import Tried
from index_builder.state import digits_of
from index_builder.wiring import targets


def test_a_first_publication_goes_live_everywhere(work):
    """Folder and branch serve every page and file; a second run has nothing to do."""
    work.publish()
    assert follow(work.live) == follow(work.branch) == 2
    assert (work.folder / "published" / "public").is_symlink()
    assert work.branch.get(".nojekyll") == b""
    assert {o["result"] for o in work.outcome().values()} == {"unchanged"}
    assert work.cli("mirror-check").code == 0


def test_only_what_changed_is_written(work):
    """A yank writes the project's pages, those for people that show it, and the state; a branch gets a commit that differs in just these."""
    work.publish()
    work.cli("yank", "acme-utils", "1.0", "--reason", "broken")
    work.commit()
    paths = set(work.outcome()["folder"]["written"])
    shards = {path for path in paths if path.startswith("state/projects/")}
    pages = {f"simple/acme-utils/{page}" for page in ("index.html", "index.v1_json")}
    assert len(shards) == 1
    assert paths - shards - {"packages.json", "simple/index.v1_json", "state/build.json"} == {
        *pages, "pypi/acme-utils/json", "pypi/acme-utils/1.0/json", "project/acme-utils/index.html", "project/acme-utils/feed.xml",
        *(path for path in paths if path.startswith(("changes/", "search/cards/"))), "feed.xml", "search/pages.json", "status.json",
    }  # fmt: skip
    repository = pygit2.Repository(str(work.remote))
    tip = repository.branches["gh-pages"].peel(pygit2.Commit)
    changed = {delta.new_file.path for delta in repository.diff(tip.parents[0], tip).deltas}
    assert pages <= changed <= paths | {"state/publication.json"}


def test_a_package_list_that_is_split_is_published_by_shards(work, monkeypatch):
    """What was one file goes; then one change puts one shard, and the shard of a project that went goes, at each target."""
    utils, core = (f"package-list/{digits_of(name)}.jsonl" for name in ("acme-utils", "acme-core"))
    work.publish()
    assert work.live.get("packages.json").count(b"\n") == 2
    monkeypatch.setattr(rows, "LARGEST", 100)
    work.cli("yank", "acme-utils", "1.0", "--reason", "broken")
    work.commit()
    outcome = work.outcome()
    for target in ("folder", "branch"):
        assert {utils, core} <= {*outcome[target]["written"]}
        assert "packages.json" in outcome[target]["deleted"]
    assert b"yanked_reason" in work.live.get(utils)
    assert work.live.get(core) == work.branch.get(core) is not None
    work.add(wheel("acme-utils", "1.1"))
    listed = [path for path in work.outcome()["folder"]["written"] if rows.is_rows(path)]
    assert listed == [utils]
    work.cli("remove", "acme-utils", "--reason", "gone")
    work.commit()
    assert utils in work.outcome("--max-delete", "100")["branch"]["deleted"]
    assert work.live.get(utils) is work.branch.get(utils) is None
    assert work.live.get(core) is not None
    assert work.cli("mirror-check").code == 0


def test_both_trees_of_a_folder_stay_the_same_but_for_the_last_change(work):
    """After each publication, the tree that is not live is what was live before; what did not change is shared by hard links."""
    trees = work.folder / "published" / ".public"
    before = None
    for number in range(1, 5):
        work.add(wheel("acme-utils", f"1.{number}"))
        work.publish("--target", "folder")
        live = (work.folder / "published" / "public").resolve()
        other = trees / ({"a", "b"} - {live.name}).pop()
        now = {path.relative_to(live): path.read_bytes() for path in live.rglob("*") if path.is_file()}
        if before is not None:
            assert {path.relative_to(other): path.read_bytes() for path in other.rglob("*") if path.is_file()} == before
        before = now
    shared = next(iter((live / "packages").rglob("acme_core-1.0-py3-none-any.whl")))
    assert shared.stat().st_nlink == 2


def test_files_stay_for_a_while_and_go_then(work, later):
    """A removed file is off the pages at once, its bytes go when the grace time is over."""
    work.publish()
    wheel_path = next(iter((work.folder / "published" / "public" / "packages").rglob("acme_utils-1.0-py3-none-any.whl")))
    relative = wheel_path.relative_to(work.folder / "published" / "public").as_posix()
    work.add(wheel("acme-utils", "1.1"), wheel("acme-utils", "1.2"))
    work.publish()
    work.cli("remove", "acme-utils", "1.0", "--reason", "leaked a key")
    work.commit()
    assert work.outcome()["folder"]["lingering"] == 2
    assert "acme_utils-1.0" not in work.live.get("simple/acme-utils/index.html").decode()
    assert work.live.get(relative) == work.branch.get(relative) is not None
    later(hours=25)
    deleted = work.outcome()
    assert relative in deleted["folder"]["deleted"]
    assert relative in deleted["branch"]["deleted"]
    assert work.live.get(relative) is work.branch.get(relative) is None
    assert follow(work.live) == 3
    assert {o["result"] for o in work.outcome().values()} == {"unchanged"}


def test_a_removed_project_has_no_page_at_once(work):
    """Whatever the grace time: nobody installs what was taken away."""
    work.add(*(wheel("acme-more", f"1.{n}") for n in range(6)), *(wheel(f"acme-{n}", "1") for n in "abcd"))
    work.publish()
    work.cli("remove", "acme-core", "--reason", "malware")
    work.commit()
    work.publish()
    assert work.live.get("simple/acme-core/index.html") is work.branch.get("simple/acme-core/index.html") is None
    assert follow(work.live) == 11


def test_too_much_is_not_taken_away_without_a_flag(work):
    """More than --max-delete per cent is refused with the number to give, and nothing changes."""
    work.publish()
    work.cli("remove", "acme-core", "--reason", "moved")
    work.commit()
    done = work.publish(code=1)
    assert "1 of 2 projects would go, more than 25 per cent" in done.err
    assert "--max-delete 50" in done.err
    assert follow(work.live) == 2
    work.publish("--max-delete", "50")
    assert follow(work.live) == 1


def test_rollback_holds_until_it_is_let_go(work):
    """Readers get the earlier commit, later publications end with 10, and --release-hold goes on."""
    first = work.commit()
    work.publish()
    second = work.add(wheel("acme-utils", "2.0"))
    work.publish()
    assert work.outcome(verb=("rollback", "--reason", "2.0 deletes files"))["folder"]["commit"] == first
    assert follow(work.live) == follow(work.branch) == 2
    third = work.add(wheel("acme-utils", "2.1"))
    done = work.publish(code=10)
    assert "2.0 deletes files" in done.err
    assert "--release-hold" in done.err
    assert {o["commit"] for o in work.outcome(code=10).values()} == {first}
    assert work.outcome("--release-hold")["branch"]["commit"] == third
    assert follow(work.live) == 4
    assert work.record().hold is None
    assert second != third


def test_what_was_taken_away_does_not_come_back_by_a_rollback(work):
    """A file with a tombstone in any later commit stays out of an earlier one."""
    work.add(wheel("acme-utils", "1.1"), wheel("acme-utils", "1.2"), wheel("acme-utils", "1.3"))
    work.publish()
    work.cli("remove", "acme-utils", "1.1", "--reason", "leaked a key")
    work.commit()
    work.publish()
    work.add(wheel("acme-core", "2.0"))
    work.publish()
    assert work.cli("rollback", "HEAD~2").code == 0
    page = work.live.get("simple/acme-utils/index.html").decode()
    assert "acme_utils-1.2" in page
    assert "acme_utils-1.1" not in page


def test_an_older_commit_does_not_replace_a_newer_one(work):
    """Whoever comes late with an older commit is told, and nothing changes; an unrelated one is refused."""
    first = work.commit()
    newer = work.add(wheel("acme-utils", "1.1"))
    work.publish()
    outcome = work.outcome("--commit", first)
    assert {o["result"] for o in outcome.values()} == {"newer-live"}
    assert outcome["folder"]["commit"] == newer
    repository = pygit2.Repository(str(work.folder))
    who = pygit2.Signature("test", "test@example.org")
    other = repository.create_commit(None, who, who, "other", repository.head.peel(pygit2.Commit).tree_id, [])
    done = work.publish("--commit", str(other), code=1)
    assert "from which nothing leads to" in done.err


def test_a_dry_run_changes_nothing(work):
    """It names each path, and neither folder nor branch is there afterwards."""
    done = work.publish("--dry-run")
    assert "+ folder simple/acme-utils/index.html" in done.out
    assert "about 0 requests\n" in done.err
    assert "of 1.0 GB (0 per cent); the largest file" in done.err
    forecast = work.outcome("--dry-run")["branch"]["forecast"]
    assert (forecast["requests"], forecast["limit"], forecast["file_limit"]) == (2, 10**9, 10**8)
    assert forecast["total"] > forecast["largest"] > 0
    assert not (work.folder / "published").exists()
    assert not pygit2.Repository(str(work.remote)).branches.get("gh-pages")


def test_history_of_a_branch_is_as_long_as_is_said(work):
    """`history: 1` leaves one commit, `history: 3` three, and without it all stay."""

    def commits() -> int:
        repository = pygit2.Repository(str(work.remote))
        return len(list(repository.walk(repository.branches["gh-pages"].target)))

    for history, expected in (("", 4), (", history: 3", 3), (", history: 1", 1)):
        work.targets(TARGETS["branch"].replace("}", f"{history}}}"))
        for number in range(4):
            work.add(wheel("acme-utils", f"{2 + len(history)}.{number}"))
            work.publish()
        assert commits() == expected
        assert follow(work.branch) > 2


def test_a_branch_that_others_use_keeps_what_is_theirs(work):
    """A CNAME beside the tree stays where it is."""
    work.publish()
    repository = pygit2.Repository(str(work.remote))
    tip = repository.branches["gh-pages"].peel(pygit2.Commit)
    builder = repository.TreeBuilder(tip.tree)
    builder.insert("CNAME", repository.create_blob(b"pypi.example.org"), pygit2.enums.FileMode.BLOB)
    builder.insert("404.html", repository.create_blob(b"ours"), pygit2.enums.FileMode.BLOB)
    who = pygit2.Signature("test", "test@example.org")
    repository.create_commit("refs/heads/gh-pages", who, who, "domain", builder.write(), [tip.id])
    work.add(wheel("acme-utils", "1.1"))
    work.publish()
    work.publish("--reconcile")
    assert work.branch.get("CNAME") == b"pypi.example.org"
    assert work.branch.get("404.html") == b"ours"
    assert follow(work.branch) == 3


def test_who_deploys_a_target_is_told_by_files_in_it(work, tmp_path):
    """`edge:` puts what `host-config` writes beside the tree; it stays when pages change, is repaired, and goes when it is not wanted."""
    folder = "{{name: folder, audience: public, kind: directory, path: published/public{}}}"
    branch = "{{name: branch, audience: public, kind: pages-branch, repository: ../remote.git{}}}"
    work.targets(folder.format(", edge: cloudflare"), branch.format(", edge: netlify, edge-form: json"))
    work.commit()
    wanted = {}
    for kind, form, reader in (("cloudflare", "html", work.live), ("netlify", "json", work.branch)):
        told = work.cli("host-config", kind, "--form", form, "--output", tmp_path / kind)
        assert told.code == 0, told.err
        wanted[kind] = (reader, {path.name: path.read_bytes() for path in (tmp_path / kind).iterdir()})
    assert [sorted(files) for _, files in wanted.values()] == [["404.html", "_headers", "_redirects"], ["_headers", "_redirects"]]

    def are_there() -> bool:
        return all(reader.get(name) == content for reader, files in wanted.values() for name, content in files.items())

    work.publish()
    assert are_there()
    for version in ("1.1", "1.2"):
        work.add(wheel("acme-utils", version))
        work.publish()
        assert are_there(), version
    assert {outcome["result"] for outcome in work.outcome().values()} == {"unchanged"}
    assert work.cli("mirror-check").code == 0
    work.publish("--reconcile")
    assert are_there()
    spoiled = work.folder / "published" / "public" / "_headers"
    spoiled.unlink()
    spoiled.write_text("/*\n  X-Evil: 1\n")
    assert work.outcome()["folder"]["written"] == ["_headers", "status.json"]
    assert are_there()
    work.targets("folder", "branch")
    work.commit()
    work.publish()
    assert [reader.get(name) for reader, files in wanted.values() for name in files] == [None] * 5
    work.add(wheel("acme-utils", "1.3"))
    work.publish()
    assert work.live.get("_headers") is None
    assert follow(work.live) == follow(work.branch) == 5


def test_an_audience_that_is_not_for_everybody_is_deployed_by_nobody(work):
    """Netlify and Cloudflare know none of the index's people, so `edge:` is refused for it."""
    path = work.folder / "index.yaml"
    path.write_text(path.read_text().replace("audiences:\n", "audiences:\n  staff: {includes: [public]}\n"))
    work.targets("{name: staff, audience: staff, kind: directory, path: published/staff, edge: netlify}")
    work.commit()
    done = work.publish(code=2)
    assert "'staff' is not for everybody, and whoever deploys target 'staff' knows none of your people" in done.err
    work.targets("{name: a, audience: public, kind: directory, path: published/public, edge-form: json}")
    work.commit()
    assert "`edge-form:` needs `edge:`" in work.publish(code=1).err


def test_the_archive_is_what_pages_deploys(work):
    """It has every page and file, no links, and modes that everybody can read; the same commit gives the same bytes but for its time."""
    work.targets("tar")
    commit = work.commit()
    assert f"tar: {commit[:12]} is ready to be deployed; " in work.publish().err
    path = work.folder / ".publish" / "tar.tar"
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        archive.extractall(work.folder.parent / "deployed", filter="data")
    assert all(member.isfile() or member.isdir() for member in members)
    before = {member.name: digest_of(path, member) for member in members if member.isfile()}
    path.unlink()
    shutil.rmtree(work.folder / "site")
    work.publish()
    with tarfile.open(path) as archive:
        again = {member.name: digest_of(path, member) for member in archive.getmembers() if member.isfile()}
    of_the_time = {"./state/publication.json": "", "./status.json": ""}
    assert again | of_the_time == before | of_the_time
    assert {member.mode for member in members} == {0o644, 0o755}
    assert follow(FolderReader(work.folder.parent / "deployed")) == 2


def digest_of(path: Path, member: tarfile.TarInfo) -> str:
    with tarfile.open(path) as archive:
        return hashlib.sha256(archive.extractfile(member).read()).hexdigest()


def test_what_is_live_is_read_back(work, monkeypatch):
    """Whoever spoils a page right after the switch is noticed, and what was live before comes back; who publishes after us, is none."""
    from index_builder.adapters.hosts import directory

    work.targets("folder")
    work.commit()
    work.publish()
    real = directory.DirectoryHost.switch

    def spoiled(host, publication, wanted, progress) -> None:
        real(host, publication, wanted, progress)
        page = work.folder / "published" / "public" / "simple" / "acme-utils" / "index.html"
        page.unlink()
        page.write_text("evil")

    def spoiled_once(host, publication, wanted, progress) -> None:
        monkeypatch.setattr(directory.DirectoryHost, "switch", real)
        spoiled(host, publication, wanted, progress)

    before = work.live.get("simple/acme-utils/index.html")
    monkeypatch.setattr(directory.DirectoryHost, "switch", spoiled_once)
    work.add(wheel("acme-utils", "1.1"))
    done = work.publish(code=1)
    assert "what is live is not what was published: simple/acme-utils/index.html has other bytes" in done.err
    assert "find out who else writes there" in done.err
    assert work.live.get("simple/acme-utils/index.html") == before
    assert follow(work.live) == 2
    assert "has other bytes" in work.record().hold.reason
    work.publish(code=10)
    work.publish("--release-hold")

    def overtaken(host, publication, wanted, progress) -> None:
        spoiled(host, publication, wanted, progress)
        record = work.folder / "published" / "public" / "state" / "publication.json"
        value = json.loads(record.read_bytes()) | {"commit": 40 * "f"}
        record.unlink()
        record.write_text(json.dumps(value))

    monkeypatch.setattr(directory.DirectoryHost, "switch", overtaken)
    work.add(wheel("acme-utils", "1.2"))
    work.publish()


def test_the_signed_pointer_is_read_back(work, cli, monkeypatch, tmp_path):
    """Whoever keeps an old pointer there, so that nobody sees what is new, is noticed."""
    from index_builder.adapters.hosts import directory

    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", "correct horse battery staple")
    assert cli("keys", "new", "alice").code == cli("keys", "init").code == 0
    work.targets("folder")
    work.commit()
    work.publish()
    old, real = work.live.get("tuf/timestamp.json"), directory.DirectoryHost.switch

    def kept(host, publication, wanted, progress) -> None:
        monkeypatch.setattr(directory.DirectoryHost, "switch", real)
        real(host, publication, wanted, progress)
        pointer = work.folder / "published" / "public" / "tuf" / "timestamp.json"
        pointer.unlink()
        pointer.write_bytes(old)

    monkeypatch.setattr(directory.DirectoryHost, "switch", kept)
    work.add(wheel("acme-utils", "1.1"))
    assert "is not what was published: tuf/timestamp.json has other bytes" in work.publish(code=1).err


def test_a_fresh_machine_takes_hosted_bytes_from_what_is_published(work):
    """Without the pool, a whole archive is made of what the folder serves; bytes that were spoiled there are not taken."""
    work.publish("--target", "folder")
    work.targets("folder", "tar")
    work.commit()
    shutil.rmtree(work.folder / ".pool")
    work.publish()
    with tarfile.open(work.folder / ".publish" / "tar.tar") as archive:
        names = archive.getnames()
    assert len([name for name in names if name.endswith(".whl")]) == 2
    shutil.rmtree(work.folder / ".pool")
    shutil.rmtree(work.folder / "site", ignore_errors=True)
    spoiled = next((work.folder / "published" / "public").rglob("acme_utils-1.0-py3-none-any.whl"))
    spoiled.unlink()
    spoiled.write_bytes(b"other bytes")
    done = work.publish("--reconcile", code=1)
    assert "what is published as acme_utils-1.0-py3-none-any.whl has other bytes" in done.err
    assert "nor published" in done.err


def test_what_a_host_does_not_take_is_said_before(work, monkeypatch):
    """A tree beyond Pages' limits is refused with the ways out, and nothing is pushed."""
    from index_builder.adapters.hosts import branch
    from index_builder.model.publication import Limits

    monkeypatch.setattr(branch.BranchHost, "limits", Limits(total=10_000, file=100_000, ways_out="use a bucket"))
    done = work.publish("--target", "branch", code=1)
    assert "the tree would have" in done.err
    assert "use a bucket" in done.err
    monkeypatch.setattr(branch.BranchHost, "limits", Limits(total=10**9, file=400, ways_out="use a bucket"))
    assert "and this host takes 0.0 MB a file" in work.publish("--target", "branch", code=1).err
    assert not pygit2.Repository(str(work.remote)).branches.get("gh-pages")


def test_what_is_there_already_is_not_touched(work):
    """A folder that no publication made is refused, and a target's failure does not hold up another one."""
    (work.folder / "published" / "public").mkdir(parents=True)
    (work.folder / "published" / "public" / "thesis.txt").write_text("mine")
    outcome = work.outcome(code=1)
    assert "no publication made it" in outcome["folder"]["error"]
    assert outcome["branch"]["result"] == "published"
    assert follow(work.branch) == 2
    assert (work.folder / "published" / "public" / "thesis.txt").read_text() == "mine"
    assert "cannot be read" in work.publish("--status", code=1).out


def test_an_audience_that_fails_does_not_hold_up_the_others(work, monkeypatch):
    """Where the tree of one cannot be made, or what is live at a target cannot be read, all others are published."""
    path = work.folder / "index.yaml"
    path.write_text(path.read_text().replace("audiences:\n", "audiences:\n  staff: {includes: [public]}\n"))
    (work.folder / "policies.d").joinpath("staff.yaml").write_text(
        "schema: 1\nrules:\n  - {id: staff, audiences: [staff], grant: {anyone: [download]}}\n"
    )
    work.targets("folder", "branch", "{name: staff, audience: staff, kind: directory, path: published/staff}")
    for manifest in (work.folder / "packages.d").glob("*.yaml"):
        text = manifest.read_text()
        manifest.write_text(text if "audiences:" in text else text.replace("owners:", "audiences: [public]\nowners:", 1))
    work.commit()
    work.publish()
    work.add(wheel("acme-utils", "1.1"))
    from index_builder.adapters.hosts import branch, directory

    def fails(*_) -> None:
        msg = "the network is gone"
        raise RemoteError(msg, fix="mend it")

    with monkeypatch.context() as broken:
        broken.setattr(branch.BranchSite, "read", fails)
        results = {name: outcome["result"] for name, outcome in work.outcome(code=3).items()}
    assert results == {"folder": "published", "staff": "published", "branch": "failed"}
    work.add(wheel("acme-utils", "1.2"))
    real = directory.PublishedTree.open
    with monkeypatch.context() as broken:
        broken.setattr(directory.PublishedTree, "open", lambda tree, path: fails() if _is_staffs(tree, path) else real(tree, path))
        results = {name: outcome["result"] for name, outcome in work.outcome(code=3).items()}
    assert results == {"folder": "published", "staff": "failed", "branch": "published"}
    work.add(wheel("acme-utils", "1.3"))

    def gate(audience, *_) -> Tried:
        if audience == "staff":
            msg = "pip does not get it"
            raise GateError(msg, fix="look at it")
        return Tried(count=1)

    with monkeypatch.context() as strict:
        strict.setattr(targets, "_install", gate)
        results = {name: outcome["result"] for name, outcome in work.outcome("--gate", code=1).items()}
    assert results == {"folder": "published", "staff": "failed", "branch": "published"}
    assert {outcome["result"] for outcome in work.outcome().values()} == {"published", "unchanged"}


def _is_staffs(tree, path) -> bool:
    return ".staff" in str(tree.root) and "projects" in path


def test_one_target_that_fails_does_not_hold_up_the_others(work, tmp_path):
    """A branch that cannot be reached is reported; the folder is live, and the next run does just the branch."""
    work.targets("folder", "{name: branch, audience: public, kind: pages-branch, repository: ../elsewhere.git}")
    work.commit()
    outcome = work.outcome(code=3)
    assert (outcome["folder"]["result"], outcome["branch"]["result"]) == ("published", "failed")
    assert "repository:" in outcome["branch"]["fix"]
    assert follow(work.live) == 2
    pygit2.init_repository(str(tmp_path / "elsewhere.git"), bare=True)
    outcome = work.outcome()
    assert (outcome["folder"]["result"], outcome["branch"]["result"]) == ("unchanged", "published")


def test_status_says_what_each_target_serves(work):
    """Commit, age, contents, signatures and holds; before anything is there too."""
    assert "folder (public, directory): nothing is published" in work.publish("--status").out
    commit = work.commit()
    work.publish()
    work.cli("rollback", commit, "--reason", "for a while")
    found = work.outcome("--status")
    assert found["folder"]["commit"] == commit
    assert found["folder"]["hold"]["reason"] == "for a while"
    assert found["branch"]["projects"] == 2
    assert "HELD" in work.publish("--status").out


def test_a_target_is_made_again_from_another_one(work):
    """`--from` copies what a target serves, by digests; a byte that is not right is refused."""
    work.publish("--target", "branch")
    assert work.outcome("--target", "folder", "--from", "branch")["folder"]["result"] == "published"
    assert follow(work.live) == 2
    assert work.cli("mirror-check").code == 0
    assert set(work.outcome("--from", "branch")) == {"folder"}, "what is copied from is no target of its own"
    victim = next(iter((work.folder / "published" / "public" / "packages").rglob("acme_core-1.0-py3-none-any.whl")))
    victim.write_bytes(b"evil")
    work.remote.rename(work.folder.parent / "gone.git")
    pygit2.init_repository(str(work.remote), bare=True)
    done = work.publish("--target", "branch", "--from", "folder", code=1)
    assert "is not what was built" in done.err
    work.publish("--target", "folder", "--reconcile")
    metadata = next(iter((work.folder / "published" / "public" / "packages").rglob("acme_core-1.0-py3-none-any.whl.metadata")))
    metadata.write_bytes(metadata.read_bytes() + b"Requires-Dist: evil\n")
    done = work.publish("--target", "branch", "--from", "folder", code=1)
    assert "acme_core-1.0-py3-none-any.whl.metadata is not what was built" in done.err
    assert not pygit2.Repository(str(work.remote)).branches.get("gh-pages")


def test_what_was_altered_is_found_and_repaired(work):
    """mirror-check names it, --reconcile puts it right; what nobody wants there goes."""
    work.publish()
    live = work.folder / "published" / "public"
    page = live / "simple" / "acme-core" / "index.html"
    (live / "simple" / "evil").mkdir()
    (live / "simple" / "evil" / "index.html").write_text("evil")
    for names in (("branch", "folder"), ("folder", "branch")):
        done = work.cli("mirror-check", *(part for name in names for part in ("--target", name)))
        assert (done.code, done.out) == (1, "+ folder simple/evil/index.html\n"), names
    page.write_bytes(page.read_bytes().replace(b"acme_core", b"evil_core"))
    done = work.cli("mirror-check", "--target", "branch", "--target", "folder")
    assert done.code == 1
    assert "! branch simple/acme-core/index.html" in done.out
    work.publish("--target", "folder", "--reconcile", "--max-delete", "100")
    assert work.cli("mirror-check").code == 0
    assert not (work.folder / "published" / "public" / "simple" / "evil").exists()


def test_the_gate_lets_nothing_through_that_installers_refuse(work, monkeypatch):
    """pip and uv install what changed from what is about to go live; where one fails, readers keep what they have."""
    work.publish("--gate")
    assert follow(work.live) == 2
    work.add(wheel("acme-utils", "1.1"))
    from index_builder.pipeline.publish import gate

    real = gate.lay_out

    def spoiled(wanted, chosen, folder, machine, progress) -> None:
        real(wanted, chosen, folder, machine, progress)
        for sample in chosen:
            folder.put(sample.path, [b"not a wheel"])

    monkeypatch.setattr(gate, "lay_out", spoiled)
    done = work.publish("--gate", code=1)
    assert "does not get acme_utils-1.1-py3-none-any.whl" in done.err
    assert "nothing of 'public' was published" in done.err
    assert follow(work.live) == 2


def test_the_gate_tries_what_changed_and_little_else(work, monkeypatch):
    """Of six projects one changes: that one is tried, and two of the others; of a first publication all are."""
    real = installers.available
    monkeypatch.setattr(installers, "available", lambda: {"uv": real()["uv"]})
    work.add(*(wheel(f"more-{number}", "1.0") for number in range(4)))
    work.targets("folder")
    work.commit()
    assert work.outcome("--gate")["folder"]["tried"]["count"] == 6
    work.add(wheel("more-2", "1.1"))
    assert work.outcome("--gate")["folder"]["tried"]["count"] == 3


def test_the_gate_says_who_did_not_try(work, monkeypatch):
    """Where uv is not installed, pip alone tries, and that is not passed over."""
    real = installers.available
    monkeypatch.setattr(installers, "available", lambda: {"pip": real()["pip"]})
    outcome = work.outcome("--gate", "--target", "folder")["folder"]
    assert outcome["tried"]["missing"] == ["uv"]
    work.add(wheel("acme-utils", "1.1"))
    assert "not tried: uv did not try 'public': not installed here" in work.publish("--gate", "-q", "--target", "folder").err


def test_the_gate_says_what_it_could_not_try(work, monkeypatch):
    """Files at a base of their own are tried from the tree; a wheel that fits no machine like this is named, also with --quiet."""
    path = work.folder / "index.yaml"
    path.write_text(path.read_text().replace("files: packages/", "files: https://files.example.org/all/"))
    work.targets("folder")
    work.commit()
    found = installers.available()
    monkeypatch.setattr(installers, "available", lambda: {"uv": found["uv"]})
    outcome = work.outcome("--gate")["folder"]
    assert outcome["tried"] == {"count": 2, "untried": [], "missing": ["pip"]}
    assert "https://files.example.org/all/" in work.live.get("simple/acme-utils/index.html").decode()
    work.add(wheel("acme-odd", "1.0", tag="cp27-cp27m-win32"))
    assert "not tried: acme-odd" in work.publish("--gate", "-q").err
    monkeypatch.setattr("packaging.tags.sys_tags", list)
    work.add(wheel("acme-odd", "1.1", tag="cp27-cp27m-win32"))
    assert "installed nothing of 'public'" in work.publish("--gate", "-q").err


def test_a_clock_that_is_wrong_is_said(work, later):
    """A machine whose day is before that of the last publication publishes nothing: it would not know what may go."""
    work.publish()
    work.add(wheel("acme-utils", "1.1"))
    later(days=-1)
    done = work.publish(code=1)
    assert "a clock is wrong" in done.err
    assert follow(work.live) == 2


def test_a_clock_that_was_ahead_is_got_over(work, later):
    """Whoever publishes after a machine whose clock was a day ahead is told how to go on, and nothing lingers for longer for that."""
    work.targets("folder")
    work.add(wheel("acme-utils", "1.1"), wheel("acme-utils", "1.2"))
    work.publish()
    later(days=1)
    work.cli("remove", "acme-utils", "1.1", "--reason", "leaked a key")
    work.commit()
    work.publish()
    work.add(wheel("acme-utils", "1.3"))
    later(days=0)
    done = work.publish(code=1)
    assert "where it is right, and the other one was ahead: index-builder publish --reconcile" in done.err
    work.publish("--reconcile")
    assert follow(work.live) == 4
    assert {*work.record().gone.values(), work.record().at} == {work.record().at}
    work.publish()


def test_mistakes_are_told_with_the_way_out(work, cli):
    """No target, a target that is not there, options that contradict, keys that do not fit."""
    assert "did you mean 'folder'" in work.publish("--target", "folders", code=2).err
    assert "contradict" in work.publish("--heartbeat", "--status", code=2).err
    work.targets()
    work.commit()
    assert "names no target" in work.publish(code=2).err
    work.targets("{name: a, audience: public, kind: bucket}")
    work.commit()
    assert "needs `url:`" in work.publish(code=1).err
    work.targets("{name: a, audience: public, kind: directory, path: x, branch: y}")
    work.commit()
    assert "`branch` is not for `kind: directory`, which has: path" in work.publish(code=1).err
    work.targets(TARGETS["folder"], TARGETS["folder"].replace("name: folder", "name: other"))
    work.commit()
    assert "is where 'folder' is" in work.publish(code=1).err
    assert cli("rollback").code == 1


def test_a_signed_index_stays_signed(work, cli, monkeypatch, tmp_path):
    """What is live can be verified after each publication, a rollback and a heartbeat; versions only go up."""
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", "correct horse battery staple")
    work.publish()
    assert cli("keys", "new", "alice").code == 0
    assert cli("keys", "init").code == 0
    work.commit()
    versions = []

    def check() -> None:
        done = cli("verify", "published/public", "--root", "trust/public/1.root.json", "--files", "--format", "json")
        assert done.code == 0, done.err
        pointer = json.loads(work.live.get("tuf/timestamp.json"))["signed"]
        versions.append(pointer["version"])
        assert work.branch.get("tuf/timestamp.json") == work.live.get("tuf/timestamp.json")
        assert cli("mirror-check", "-q").out == ""

    work.publish()
    check()
    work.add(wheel("acme-utils", "1.1"))
    work.publish()
    check()
    assert cli("rollback").code == 0
    check()
    real = wiring.SystemClock.now
    monkeypatch.setattr(wiring.SystemClock, "now", lambda clock: real(clock) + timedelta(days=2))
    work.publish("--heartbeat")
    pointer = json.loads(work.live.get("tuf/timestamp.json"))["signed"]
    assert datetime.fromisoformat(pointer["expires"]) > datetime.now(UTC) + timedelta(days=4)
    assert work.record().hold is not None
    assert versions == sorted(set(versions))
    work.publish("--release-hold")
    assert follow(work.live) == 3
    (work.folder / "trust").rename(tmp_path / "trust")
    work.add(wheel("acme-utils", "1.2"))
    done = work.publish(code=4)
    assert "what is published is signed, and this tree is not" in done.err


def test_a_rollback_to_before_a_ceremony_is_signed_with_the_present_keys(work, cli, monkeypatch, tmp_path):
    """Readers who know the newest root take it: `trust/` does not go back, not even to when there were no keys."""
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", "correct horse battery staple")
    work.targets("folder")
    unsigned = work.commit()
    assert cli("keys", "new", "alice").code == 0
    assert cli("keys", "init").code == 0
    before = work.commit()
    work.publish()
    for role in ("timestamp", "bins"):
        assert cli("keys", "rotate", role).code == 0
    assert cli("keys", "renew", "--all").code == 0
    work.add(wheel("acme-utils", "1.1"))
    work.publish()
    for commit in (before, unsigned):
        for root in ("1.root.json", "3.root.json"):
            done = cli("verify", "published/public", "-q", "--root", f"trust/public/{root}", "--cache", tmp_path / root)
            assert done.code == 0, done.err
        assert work.outcome(commit, verb=("rollback",))["folder"]["commit"] == commit
        assert follow(work.live) == 2
    for folder in (work.folder / "published" / ".public").glob("*/tuf"):
        (folder / "4.root.json").write_bytes(b"{}")
    assert "4.root.json was published" in work.publish("--release-hold").err
    assert work.live.get("tuf/4.root.json") is None
    done = cli("verify", "published/public", "-q", "--root", "trust/public/3.root.json", "--cache", tmp_path / "3.root.json")
    assert done.code == 0, done.err


def test_what_both_online_keys_published_differs_from_the_repository(work, cli, monkeypatch, tmp_path):
    """Every signature of it is good, so no reader can tell; who has the repository compares all with it, and with new keys puts it right."""
    work.targets("folder")
    work.commit()
    index = Signed(work.folder, monkeypatch, people=("alice",))
    work.commit()
    work.publish()
    site = (work.folder / "published" / "public").resolve()
    page = page_of_newest(site, index.committed, "acme-core")
    evil, target = page.read_bytes() + b" ", "simple/acme-core/index.v1_json"
    path, metadata = bin_of(site, index.committed, target)
    for where in (site / target, page.with_name(f"{hashlib.sha256(evil).hexdigest()}.index.v1_json")):
        where.unlink(missing_ok=True)
        where.write_bytes(evil)
    metadata.signed.targets[target].hashes["sha256"], metadata.signed.targets[target].length = hashlib.sha256(evil).hexdigest(), len(evil)
    path.unlink()
    resign(path, metadata, index.online("bins"))
    assert cli("verify", "published/public", "-q", "--files", "--root", index.root, "--cache", tmp_path / "cache").code == 0
    assert work.outcome()["folder"]["written"] == []
    shown = work.outcome("--reconcile", "--dry-run")["folder"]
    assert target in shown["written"]
    for role in ("timestamp", "bins"):
        index.do("keys", "rotate", role)
    work.commit()
    work.publish("--reconcile")
    assert work.live.get(target) != evil
    assert cli("verify", "published/public", "-q", "--files", "--root", index.root, "--cache", tmp_path / "cache").code == 0


def test_a_history_without_the_last_ceremony_is_not_published(work, cli, monkeypatch):
    """Force-pushed back and gone on from there: no target takes it, rolled back or not, until trust/ is brought back."""
    work.targets("folder")
    index = Signed(work.folder, monkeypatch, people=("alice",))
    before = work.commit()
    index.do("keys", "rotate", "timestamp")
    lost = work.commit()
    work.publish()
    subprocess.run(["git", "reset", "-q", "--hard", before], cwd=work.folder, check=True)
    work.add(wheel("acme-utils", "1.1"))
    for verb in (("publish",), ("rollback", "HEAD", "--rewritten")):
        done = cli(*verb)
        assert done.code == 4, verb
        assert "bring trust/ back from a clone that has it" in done.err
    subprocess.run(["git", "checkout", "-q", lost, "--", "trust"], cwd=work.folder, check=True)
    commit = work.commit()
    assert work.outcome(commit, "--rewritten", verb=("rollback",))["folder"]["commit"] == commit
    work.publish("--release-hold")
    assert cli("verify", "published/public", "-q", "--root", "trust/public/2.root.json", "--cache", work.folder.parent / "cache").code == 0


@pytest.fixture
def small(work):
    """A target on a real file system of 400 kB, which is live and then read-only or full; yield its folder, and what mounts it anew."""
    folder = work.folder / "share"
    with small_disk(folder, "400k") as mount:
        (work.folder / ".gitignore").write_text("/share/\n/.publish/\n/.pool/\n")
        work.targets("{name: share, audience: public, kind: directory, path: share/public}")
        work.commit()
        work.publish()
        yield folder, mount


def test_a_disk_that_is_full_leaves_the_old_tree(work, small):
    """The error says so, readers keep what they have, and with room it goes on."""
    folder, _ = small
    reader = FolderReader(folder / "public")
    work.add(wheel("acme-utils", "1.1"))
    with full(folder):
        done = work.publish(code=1)
        assert "No space left on device" in done.err
        assert "fix" in done.err
        assert follow(reader) == 2
    work.publish()
    assert follow(reader) == 3


def test_a_target_that_is_read_only_says_so(work, small):
    """Nothing changes, and the error names it."""
    folder, mount = small
    reader = FolderReader(folder / "public")
    mount("remount,ro")
    work.add(wheel("acme-utils", "1.1"))
    done = work.publish(code=1)
    assert "Read-only file system" in done.err
    assert follow(reader) == 2
    mount("remount,rw")
    work.publish()
    assert follow(reader) == 3


@pytest.mark.parametrize("what", ["full", "read-only"])
def test_no_room_to_stage_for_a_branch_holds_up_nobody(work, what):
    """What is made for it here cannot be written: the error says where and what to do, the branch stays, other targets are published."""
    place = work.folder / ".publish" / "branch.git"
    work.targets("branch", "folder")
    work.commit()
    with small_disk(place, "2m") as mount:
        work.publish()
        work.add(wheel("acme-utils", "1.1"))
        with full(place):
            if what == "read-only":
                mount("remount,ro")
            done = work.publish(code=1)
            if what == "read-only":
                mount("remount,rw")
        assert "Traceback" not in done.err
        assert ".publish/branch.git: " in done.err
        assert "see that there is room" in done.err
        assert (follow(work.branch), follow(work.live)) == (2, 3)
        work.publish()
        assert follow(work.branch) == 3


def test_what_is_kept_of_a_branch_may_be_damaged(work):
    """The error says that it can be deleted, and after that it goes on."""
    place = work.folder / ".publish" / "branch.git"
    work.targets("branch", "folder")
    work.commit()
    work.publish()
    for path in (place / "objects").glob("??/*"):
        path.chmod(0o644)
        path.write_bytes(b"")
    work.add(wheel("acme-utils", "1.1"))
    done = work.publish(code=1)
    assert "Traceback" not in done.err
    assert "delete it: it is made anew" in done.err
    assert (follow(work.branch), follow(work.live)) == (2, 3)
    shutil.rmtree(place)
    work.publish()
    assert follow(work.branch) == 3


def _forge(live: Path) -> None:
    """Write other pages of acme-utils into a tree, and their digests into its state, as whoever may write there could."""
    mark = json.loads((live / "state" / "build.json").read_bytes())
    for path in mark["shards"]:
        rows = json.loads((live / path).read_bytes())
        for row in rows:
            if row[0] == "acme-utils":
                for page in row[6]:
                    content = (live / page[0]).read_bytes() + b" "
                    (live / page[0]).unlink()
                    (live / page[0]).write_bytes(content)
                    page[1:] = [len(content), hashlib.sha256(content).hexdigest()]
        content = json.dumps(rows).encode()
        (live / path).unlink()
        (live / path).write_bytes(content)
        mark["shards"][path] = hashlib.sha256(content).hexdigest()
    (live / "state" / "build.json").unlink()
    (live / "state" / "build.json").write_text(json.dumps(mark, sort_keys=True, indent=1) + "\n")


def test_forged_pages_of_a_target_get_no_signature(work, cli, monkeypatch, tmp_path):
    """A state that is not the one that was signed is nothing to go on from: all is built, and what was forged is put right."""
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", "correct horse battery staple")
    assert cli("keys", "new", "alice").code == 0
    assert cli("keys", "init").code == 0
    work.targets("folder")
    work.commit()
    work.publish()
    good = work.live.get("simple/acme-utils/index.html")
    _forge((work.folder / "published" / "public").resolve())
    (work.folder / "published" / ".public" / "differing.json").unlink()
    assert cli("verify", "published/public", "--root", "trust/public/1.root.json").code == 4
    work.add(wheel("acme-core", "1.1"))
    work.publish()
    assert work.live.get("simple/acme-utils/index.html") == good
    assert cli("verify", "published/public", "--root", "trust/public/1.root.json").code == 0


def test_a_folder_that_others_write_to_leads_nowhere_else(work, tmp_path):
    """Paths and links that no publication made touch nothing outside, and make nothing private public."""
    work.targets("folder")
    work.commit()
    work.publish()
    victim, secret = tmp_path / "victim", tmp_path / "secret"
    victim.write_text("good")
    secret.mkdir()
    (secret / "id_rsa").write_text("private")
    trees = work.folder / "published" / ".public"
    for note in (f'["{victim}"]', '["../../../../victim"]', '["simple/zz/victim"]'):
        live = (work.folder / "published" / "public").resolve()
        other = trees / ({"a", "b"} - {live.name}).pop()
        (other / "simple" / "zz").unlink(missing_ok=True)
        (other / "simple" / "zz").symlink_to(tmp_path)
        (trees / "differing.json").write_text(note)
        work.add(wheel("acme-utils", f"2.{len(note)}"))
        work.cli("publish", "-q")
        assert victim.read_text() == "good"
    live = (work.folder / "published" / "public").resolve()
    (live / "packages" / "leak").symlink_to(secret)
    (live / "packages" / "again").symlink_to(live / "packages")
    (trees / "differing.json").unlink(missing_ok=True)
    work.add(wheel("acme-utils", "9.0"))
    work.publish()
    assert work.live.get("packages/leak/id_rsa") is None
    assert follow(work.live) > 3


def test_one_hostile_target_does_not_stop_the_others(work):
    """A record from the future, one that is no record, a reason with markup, a state of another form: that target fails, no other."""
    work.publish()
    live = (work.folder / "published" / "public").resolve()
    record = json.loads((live / "state" / "publication.json").read_bytes())
    hold = {"commit": record["commit"], "reason": "[/bold] x", "who": "[red]", "at": record["at"]}
    for number, content in enumerate(({**record, "at": "2926-01-01T00:00:00Z"}, {}, {**record, "hold": hold})):
        (live / "state" / "publication.json").write_text(json.dumps(content))
        work.add(wheel("acme-utils", f"3.{number}"))
        outcome = work.outcome(code=10 if content.get("hold") else 1)
        assert outcome["branch"]["result"] == "published", content
        work.cli("publish", "--target", "folder")
    (live / "state" / "publication.json").write_text("{}")
    work.publish("--reconcile", "--target", "folder")
    assert follow(work.live) == follow(work.branch)


@pytest.mark.parametrize("content", ['[["a"]]', '{"a": 1}', '[["acme-core","p","b","f",1,[1],[]]]', "[" * 50_000])
def test_a_state_of_another_form_is_built_anew(work, content):
    """Whatever a shard holds, with the right digest: nobody meets a traceback, and what is live is right."""
    work.targets("folder")
    work.commit()
    work.publish()
    live = (work.folder / "published" / "public").resolve()
    mark = json.loads((live / "state" / "build.json").read_bytes())
    for path in mark["shards"]:
        (live / path).unlink()
        (live / path).write_text(content)
        mark["shards"][path] = hashlib.sha256(content.encode()).hexdigest()
    (live / "state" / "build.json").unlink()
    (live / "state" / "build.json").write_text(json.dumps(mark))
    work.add(wheel("acme-utils", "1.1"))
    work.publish()
    assert follow(work.live) == 3


def test_the_list_of_an_older_builder_does_not_stay(work, monkeypatch):
    """Its state cannot be read, and so does not say that packages.json is there: where the list is split now, it goes all the same."""
    work.publish()
    monkeypatch.setattr(rows, "LARGEST", 100)
    live = (work.folder / "published" / "public").resolve()
    mark = json.loads((live / "state" / "build.json").read_bytes())
    (live / "state" / "build.json").unlink()
    (live / "state" / "build.json").write_text(json.dumps(mark | {"schema": 4}))
    work.publish("--target", "folder")
    assert work.live.get("packages.json") is None
    assert work.live.get(f"package-list/{digits_of('acme-utils')}.jsonl") is not None


def test_a_rollback_to_before_an_audience_is_refused(work):
    """The earlier commit has no such audience, and that is said."""
    first = work.commit()
    text = (work.folder / "index.yaml").read_text().replace("audiences:\n", "audiences:\n  staff: {files: packages/}\n")
    (work.folder / "index.yaml").write_text(text.replace("audience: public", "audience: staff"))
    work.commit()
    done = work.cli("rollback", first)
    assert done.code == 2
    assert "there was no audience 'staff'" in done.err


@pytest.mark.parametrize(
    "target", ["kind: directory, path: .git/hooks/x", "kind: pages-artifact, path: .git/config", "kind: pages-artifact, path: index.yaml"]
)
def test_a_target_is_not_where_the_repository_is(work, target):
    """git's own folder and files of the index are no targets."""
    work.targets(f"{{name: t, audience: public, {target}}}")
    work.commit()
    assert work.cli("publish").code == 1
    assert "schema: 1" in (work.folder / "index.yaml").read_text()


def test_an_old_clone_brings_nothing_back(work):
    """Where the clone lacks what is live, or was live before a hold, it neither rolls back nor goes on: it may not know what was taken away."""
    work.targets("folder")
    start = work.add(wheel("acme-utils", "1.1"), wheel("acme-utils", "1.2"), wheel("acme-utils", "1.3"))
    old = work.add(wheel("acme-core", "2.0"))
    work.publish()
    work.cli("remove", "acme-utils", "1.1", "--reason", "leaked a key")
    newest = work.commit()
    work.publish()

    def checkout(commit) -> None:
        pygit2.Repository(str(work.folder)).reset(pygit2.Oid(hex=commit), pygit2.enums.ResetMode.HARD)

    checkout(old)
    done = work.cli("rollback", start)
    assert done.code == 1
    assert "git pull" in done.err
    assert work.record().commit == newest
    checkout(newest)
    assert work.cli("rollback", old).code == 0
    checkout(old)
    assert work.cli("rollback", start).code == 1
    assert "served " + newest[:12] in work.publish("--release-hold", code=1).err
    assert "acme_utils-1.1" not in work.live.get("simple/acme-utils/index.html").decode()
    assert work.cli("rollback", start, "--rewritten").code == 0
    assert "acme_utils-1.1" in work.live.get("simple/acme-utils/index.html").decode()


def test_going_back_twice_does_not_go_forward(work):
    """A second rollback without a commit is refused while all targets are held; one that failed half way is gone on with."""
    first = work.commit()
    work.publish()
    work.add(wheel("acme-utils", "2.0"))
    work.publish()
    assert work.cli("rollback", "--target", "folder").code == 0
    assert work.outcome(verb=("rollback",))["branch"]["commit"] == first
    done = work.cli("rollback")
    assert done.code == 2
    assert "went back already" in done.err
    assert work.record().commit == first


def test_gcs_is_published_to(work, monkeypatch, tmp_path):
    """Pages are replaced on condition of their generation; another publication, a rollback and a repair leave what is right."""
    with gcs(monkeypatch, tmp_path) as server:
        work.targets(f"{{name: cloud, audience: public, kind: bucket, url: gs://acme-index/public/, endpoint: '{server.url}'}}")
        work.commit()
        told = work.publish().err
        assert "Publishing to cloud: " in told
        assert re.search(r"Changing cloud: \d+ files, ", told)
        assert re.search(r"Changing cloud: (\d+)/\1 state/build.json", told)
        reader = GcsReader(server, "acme-index/public/")
        assert follow(reader) == 2
        work.add(wheel("acme-utils", "1.1"))
        work.publish()
        assert follow(reader) == 3
        assert all(line.split()[2:] for line in server.asked if line.startswith("PUT")), "each is put on a condition"
        assert work.cli("rollback").code == 0
        assert follow(reader) == 2
        work.publish("--release-hold")
        del server.objects["acme-index/public/simple/acme-core/index.html"]
        assert set(work.outcome("--reconcile")["cloud"]["written"]) == {"simple/acme-core/index.html", "status.json"}
        assert reader.get("state/lease.json") is None


def test_azure_is_published_to(work, monkeypatch, tmp_path):
    """To Microsoft's own emulator: pages are replaced on condition of their tag, with content types; going back and repairing work."""
    for name, value in azure_server.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with azure_server.azure(tmp_path, "acme-index") as endpoint:
        work.targets(f"{{name: cloud, audience: public, kind: bucket, url: az://acme-index/public/, endpoint: '{endpoint}'}}")
        work.commit()
        work.publish()
        reader = BucketReader("az://acme-index/public/", endpoint)
        assert follow(reader) == 2
        work.add(wheel("acme-utils", "1.1"))
        work.publish()
        assert follow(reader) == 3
        assert reader.headers("simple/acme-utils/index.html") == ("text/html; charset=utf-8", "public, max-age=60")
        assert reader.headers("simple/acme-utils/index.v1_json")[0] == "application/vnd.pypi.simple.v1+json"
        assert work.cli("rollback").code == 0
        assert follow(reader) == 2
        work.publish("--release-hold")
        reader.bucket.delete(["simple/acme-core/index.html"])
        assert set(work.outcome("--reconcile")["cloud"]["written"]) == {"simple/acme-core/index.html", "status.json"}
        assert reader.get("state/lease.json") is None


def test_what_a_hold_keeps_is_repaired(work):
    """What somebody altered at a held target is put right, of the commit that is held; the hold stays, and the exit code is its."""
    work.targets("folder")
    first = work.commit()
    work.publish()
    work.add(wheel("acme-utils", "1.1"))
    work.publish()
    assert work.cli("rollback").code == 0
    page = work.folder / "published" / "public" / "simple" / "acme-utils" / "index.html"
    before = page.read_bytes()
    page.unlink()
    page.write_bytes(b"evil")
    assert work.live.get("simple/acme-utils/index.html") == b"evil"
    done = work.publish("--reconcile", code=10)
    assert f"folder: {first[:12]}" in done.err
    assert work.live.get("simple/acme-utils/index.html") == before
    assert (work.record().hold.commit, work.record().commit) == (first, first)
    assert follow(work.live) == 2
    work.publish("--release-hold")
    assert follow(work.live) == 3


def test_a_repair_makes_the_other_tree_anew(work):
    """What somebody altered in the tree that is not live does not come back with the publication after the next."""
    work.targets("folder")
    work.commit()
    work.publish()
    live = (work.folder / "published" / "public").resolve()
    other = next(tree for tree in live.parent.iterdir() if tree.is_dir() and tree != live)
    page = other / "simple" / "acme-core" / "index.html"
    page.unlink()
    page.write_bytes(b"evil")
    work.publish("--reconcile")
    for version in ("1.1", "1.2"):
        work.add(wheel("acme-utils", version))
        work.publish()
        assert work.live.get("simple/acme-core/index.html") != b"evil"


def test_old_states_are_tags(work, cli):
    """A tag names a state that can be built and gone back to, whether it is annotated or not."""
    work.targets("folder")
    first = work.commit()
    subprocess.run(["git", "tag", "2026-11"], check=True)
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "tag", "-am", "November", "november"], check=True)
    work.publish()
    page = work.live.get("simple/acme-utils/index.html")
    work.add(wheel("acme-utils", "2.0"))
    work.publish()
    for tag in ("2026-11", "november"):
        assert cli("build", "--commit", tag, "--output", f"old-{tag}").code == 0
        assert Path(f"old-{tag}", "public", "simple", "acme-utils", "index.html").read_bytes() == page
        assert work.outcome("--reason", tag, verb=("rollback", tag))["folder"]["commit"] == first
        assert work.live.get("simple/acme-utils/index.html") == page
        work.publish("--release-hold")
