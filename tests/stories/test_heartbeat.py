"""Stories of a schedule: one command publishes what is new, and keeps alive what cannot be replaced."""

import json
from datetime import datetime

import pytest
from distributions import wheel
from published import follow
from publishing import deployed

from index_builder.errors import GateError
from index_builder.pipeline.publish.order import Tried
from index_builder.wiring import targets

BOTH = ("--gate", "--heartbeat")


@pytest.fixture(autouse=True)
def no_installers(monkeypatch):
    """The gate is another story's."""
    monkeypatch.setattr(targets, "_install", lambda *_: Tried(count=1))


@pytest.fixture
def signed(work, cli, monkeypatch, tmp_path):
    """What is published is signed."""
    monkeypatch.setenv("INDEX_BUILDER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("INDEX_BUILDER_PASSPHRASE", "correct horse battery staple")
    assert cli("keys", "new", "alice").code == 0
    assert cli("keys", "init").code == 0
    work.commit()
    return work


def expiry(reader) -> datetime:
    return datetime.fromisoformat(json.loads(reader.get("tuf/timestamp.json"))["signed"]["expires"])


@pytest.fixture
def pages(signed, tmp_path, trusted, monkeypatch):
    """An index whose archive was deployed once."""
    with deployed(signed, tmp_path / "deployed", trusted, monkeypatch) as pages:
        yield pages


def test_an_archive_is_renewed_on_a_fresh_machine(pages, later):
    """Where nothing is due there is no archive; later there is one of the same pages, and nothing is in the way of what comes next."""
    before = expiry(pages.live)
    pages.new_machine()
    assert pages.work.outcome("--heartbeat")["tar"]["result"] == "unchanged"
    assert not pages.archive.exists()
    later(days=2)
    assert pages.work.outcome("--heartbeat")["tar"]["result"] == "published"
    page = pages.live.get("simple/acme-utils/index.html")
    pages.deploy()
    assert expiry(pages.live) > before
    assert pages.live.get("simple/acme-utils/index.html") == page
    assert follow(pages.live) == 2
    pages.work.add(wheel("acme-utils", "1.1"))
    pages.work.publish()
    pages.deploy()
    assert follow(pages.live) == 3


def test_a_deployment_that_failed_is_made_again(pages, later):
    """The schedule makes the archive of the new commit anew, whatever became of the last one, and ends well."""
    pages.work.add(wheel("acme-utils", "1.1"))
    pages.work.publish(*BOTH)
    pages.archive.unlink()
    later(days=2)
    pages.work.publish(*BOTH)
    pages.deploy()
    assert follow(pages.live) == 3


def test_a_held_archive_is_renewed(pages, later):
    """A hold ends the command with 10, and what is held stays alive."""
    pages.work.add(wheel("acme-utils", "1.1"))
    pages.work.publish()
    pages.deploy()
    assert pages.work.cli("rollback").code == 0
    pages.deploy()
    before = expiry(pages.live)
    pages.new_machine()
    later(days=2)
    pages.work.publish(*BOTH, code=10)
    pages.deploy()
    assert expiry(pages.live) > before
    assert follow(pages.live) == 2


def test_what_cannot_be_replaced_is_kept_alive(signed, later, monkeypatch):
    """A held target, one that cannot be reached and what the gate refuses: each says so, and all that can be is renewed."""
    signed.publish()
    signed.add(wheel("acme-utils", "1.1"))
    signed.publish()
    assert signed.cli("rollback", "--target", "folder").code == 0
    signed.targets("folder", "branch", "{name: gone, audience: public, kind: pages-branch, repository: ../elsewhere.git}")
    signed.add(wheel("acme-utils", "1.2"))
    before = expiry(signed.live)
    later(days=2)
    done = signed.publish(*BOTH, code=3)
    assert done.err.count("gone: failed") == 1, "what is the matter is said once"
    assert expiry(signed.live) > before
    assert follow(signed.live) == 2
    assert follow(signed.branch) == 4
    assert signed.record().hold is not None

    def refuses(*_) -> None:
        msg = "pip does not get it"
        raise GateError(msg, fix="look at it")

    monkeypatch.setattr(targets, "_install", refuses)
    signed.targets("branch")
    signed.add(wheel("acme-utils", "1.3"))
    before = expiry(signed.branch)
    later(days=4)
    done = signed.publish(*BOTH, code=1)
    assert "pip does not get it" in done.err
    assert expiry(signed.branch) > before
    assert follow(signed.branch) == 4


def test_a_renewal_leaves_what_did_not_end_to_the_next_publication(signed, later):
    """A target whose publication was cut off says so still after its signatures were renewed."""
    signed.targets("branch", "folder")
    signed.commit()
    signed.publish()
    path = (signed.folder / "published" / "public").resolve() / "state" / "publication.json"
    record = {**json.loads(path.read_bytes()), "begun": ["simple/acme-core/index.html"]}
    path.unlink()
    path.write_text(json.dumps(record))
    later(days=2)
    signed.publish("--heartbeat", "--target", "folder")
    assert signed.record().begun == ("simple/acme-core/index.html",)
    signed.publish()
    assert signed.record().begun is None
