"""Stories of an archive that Pages deploys: what is live is known by its address, and counts as at every other host."""

import json

import pytest
from distributions import wheel
from published import follow
from publishing import deployed


@pytest.fixture
def pages(work, tmp_path, trusted, monkeypatch):
    """An index of two projects whose archive was deployed once."""
    with deployed(work, tmp_path / "deployed", trusted, monkeypatch) as pages:
        yield pages


def _files(pages) -> set[str]:
    return {path for path in pages.live.paths() if path.endswith(".whl")}


def test_files_linger_in_an_archive_too(pages, later):
    """Whoever is on the way to a file that was taken away still gets it; a day later it is gone."""
    pages.work.add(wheel("acme-utils", "1.1"))
    pages.work.publish()
    pages.deploy()
    before = _files(pages)
    assert pages.work.cli("remove", "acme-utils", "1.1", "--reason", "broken").code == 0
    pages.work.commit()
    pages.new_machine()
    told = pages.work.outcome("--max-delete", "50")["tar"]
    pages.deploy()
    assert follow(pages.live) == 2
    assert _files(pages) == before
    gone = set(json.loads(pages.live.get("state/publication.json"))["gone"])
    assert {path for path in gone if path.endswith(".whl")} == {path for path in before if "acme_utils-1.1" in path}
    assert told["lingering"] == len(gone)
    pages.new_machine()
    later(days=2)
    pages.work.publish("--max-delete", "50")
    pages.deploy()
    assert len(_files(pages)) == 2
    assert json.loads(pages.live.get("state/publication.json"))["gone"] == {}


def test_an_archive_does_not_lose_most_of_an_index(pages):
    """More than a quarter goes only where that is meant."""
    before = pages.live.paths()
    assert pages.work.cli("remove", "acme-utils", "--reason", "moved").code == 0
    pages.work.commit()
    done = pages.work.publish(code=1)
    assert "1 of 2 projects would go, more than 25 per cent" in done.err
    assert not pages.archive.exists()
    assert pages.live.paths() == before
    pages.work.publish("--max-delete", "50")
    pages.deploy()
    assert follow(pages.live) == 1


def test_an_archive_that_nobody_can_read_is_not_held(work):
    """Without the audience's address a hold would be forgotten: it is refused, with the way out; and its status says that it is not known."""
    work.targets("tar")
    work.commit()
    work.publish()
    work.add(wheel("acme-utils", "1.1"))
    work.publish()
    done = work.cli("rollback", "HEAD~1")
    assert done.code == 1
    assert "'tar' cannot be held: its audience has no `url:`" in done.err
    done = work.cli("publish", "--status")
    assert done.code == 0
    assert done.out == "tar (public, pages-artifact): cannot be read: its audience has no url where it is deployed\n"
    told = json.loads(work.cli("publish", "--status", "--format", "json").out)["targets"]
    assert told[0]["error"] == "its audience has no url where it is deployed"
