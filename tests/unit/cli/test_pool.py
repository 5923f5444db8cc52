"""pool check, gc and push, on a pool with all kinds of entries."""

import json
from pathlib import Path

import pytest
from conftest import commit_all
from distributions import sdist, wheel


@pytest.fixture
def pooled(repo, cli, dist):
    """A committed index with two hosted files, one of which only an older tip lists."""
    cli("add", "--dist", dist(wheel("demo", "1.0"), sdist("demo", "2.0")))
    commit_all(repo)
    return repo


def entries(repo: Path) -> list[Path]:
    return sorted(path for path in (repo / ".pool" / "sha256").rglob("*") if path.is_file())


def test_check_deletes_what_is_damaged(pooled, cli):
    """A whole pool is fine; a damaged entry is named, deleted, and an error."""
    assert cli("pool", "check").code == 0
    wheel_entry = next(path for path in entries(pooled) if path.read_bytes().startswith(b"PK"))
    wheel_entry.write_bytes(b"damaged")
    done = cli("pool", "check")
    assert done.code == 1
    assert "demo-1.0-py3-none-any.whl" in done.out
    assert "add --dist" in done.err
    assert not wheel_entry.exists()
    assert json.loads(cli("pool", "check", "--format", "json").out) == []


def test_gc_keeps_what_any_tip_needs(pooled, cli):
    """Bytes stay while the working tree, a branch or a tag lists them, and go after."""
    before = entries(pooled)
    assert cli("remove", "demo", "2.0", "--reason", "gone").code == 0
    assert cli("pool", "gc").code == 0
    assert entries(pooled) == before
    commit_all(pooled)
    done = cli("pool", "gc", "--dry-run", "--format", "json")
    assert json.loads(done.out)["dry_run"] is True
    assert len(json.loads(done.out)["entries"]) == len(before) - 2
    assert entries(pooled) == before
    done = cli("pool", "gc")
    assert "deleted" in done.err
    assert len(entries(pooled)) == 2
    assert cli("build", "-q").code == 0
    assert "0 entries, 0 bytes, deleted" in cli("pool", "gc").err


def test_gc_before_the_first_commit(repo, cli, dist):
    """Without a commit the working tree alone says what is needed."""
    cli("add", "--dist", dist(wheel("demo", "1.0")))
    before = entries(repo)
    assert cli("pool", "gc").code == 0
    assert entries(repo) == before


def test_gc_stops_where_it_cannot_tell(pooled, cli):
    """A tip that cannot be read stops it before anything is deleted: its files may be needed."""
    path = pooled / "packages.d" / "demo.yaml"
    good = path.read_text()
    path.write_text("name: [\n")
    commit_all(pooled)
    path.write_text(good)
    before = entries(pooled)
    assert cli("pool", "gc").code == 1
    assert entries(pooled) == before


def test_push_hands_bytes_in(pooled, cli, dist):
    """Files go into the inbox, where a build finds them; one that no manifest lists is said."""
    import shutil

    folder = dist(wheel("other", "1.0"))
    shutil.rmtree(pooled / ".pool")
    done = cli("pool", "push", folder, "--dry-run")
    assert "would be in the inbox" in done.err
    assert not (pooled / ".inbox").exists()
    done = cli("pool", "push", folder)
    assert done.err.count("no manifest lists these bytes") == 1
    assert cli("build", "-q").code == 0
    rows = json.loads(cli("pool", "push", folder, "--format", "json").out)["files"]
    assert {row["name"]: row["listed"] for row in rows}["other-1.0-py3-none-any.whl"] is False
    assert cli("pool", "push", "nowhere").code == 1
