"""What a publication does, and a target's record of itself, which may come from anybody."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from index_builder.adapters.directory_site import DirectorySite
from index_builder.errors import StorageError, UsageError
from index_builder.model.publication import Hold, Kind, Limits, Put, Record
from index_builder.publish.plan import Difference, Terms, check_limits, kind_of, publication
from index_builder.publish.record import decode, encode, is_ours

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
WHEEL = "packages/aa/bb/" + 60 * "c" + "/demo-1-py3-none-any.whl"
PAGE = "simple/demo/index.html"


def terms(**changes):
    return Terms(
        **{"commit": 40 * "1", "previous": "", "now": NOW, "grace": timedelta(days=1), "signed": timedelta(days=1), "most": 25, **changes}
    )


def planned(difference, before=None, *, wanted=(), **changes):
    return publication(difference, before, terms(**changes), is_wanted=set(wanted).__contains__, sizes=lambda _path: (10, 4))


def test_kinds_come_in_the_order_in_which_they_may_appear():
    """Files, core metadata, provenance, signatures, project pages, lists, what shows many projects to people, state, the mark, and the pointer last."""
    paths = [
        WHEEL, f"{WHEEL}.metadata", "provenance/aa.json", "tuf/7.bin-0.json", PAGE, "simple/index.html", "owner/team/index.html",
        "state/projects/00.json",
        "state/build.json", "tuf/timestamp.json",
    ]  # fmt: skip
    kinds = [kind_of(path, mark="state/build.json", mutable=frozenset(), pointer="tuf/timestamp.json") for path in paths]
    assert kinds == list(Kind)
    assert kind_of("packages.json", mark="", mutable=frozenset(), pointer="") is Kind.LIST
    assert kind_of("pypi/demo/json", mark="", mutable=frozenset(), pointer="") is Kind.PROJECT
    assert kind_of("project/demo/index.html", mark="", mutable=frozenset(), pointer="") is Kind.PROJECT
    assert kind_of("assets/style.0123456789ab.css", mark="", mutable=frozenset(), pointer="") is Kind.FILE
    assert [kind.is_immutable for kind in kinds] == 4 * [True] + 6 * [False]


def test_files_linger_and_pages_go():
    """What nothing leads to any more stays for the grace time, counted from when it was first not wanted; a page goes at once."""
    done = planned(Difference(puts=(), gone=(WHEEL, PAGE)))
    assert (done.deletes, done.record.gone) == ((PAGE,), {WHEEL: NOW})
    later = planned(Difference(puts=(), gone=()), done.record, now=NOW + timedelta(hours=23))
    assert (later.deletes, later.record.gone) == ((), {WHEEL: NOW})
    over = planned(Difference(puts=(), gone=()), later.record, now=NOW + timedelta(hours=24))
    assert (over.deletes, over.record.gone) == ((WHEEL,), {})


def test_signatures_have_a_grace_of_their_own():
    """However short that of files is, who reads on in an older TUF snapshot finishes; a root that is not wanted goes at once."""
    grace = {"grace": timedelta(minutes=1), "signed": timedelta(hours=24)}
    gone = (WHEEL, "tuf/7.bin-0.json", "tuf/9.root.json", f"tuf/targets/simple/demo/{64 * '0'}.index.v1_json")
    done = planned(Difference(puts=(), gone=gone), **grace)
    assert done.deletes == ("tuf/9.root.json",)
    later = planned(Difference(puts=(), gone=()), done.record, now=NOW + timedelta(hours=23), **grace)
    assert later.deletes == (WHEEL,)
    over = planned(Difference(puts=(), gone=()), later.record, now=NOW + timedelta(hours=24), **grace)
    assert over.deletes == (gone[1], gone[3])


def test_the_room_of_a_log_is_kept_free(tmp_path):
    """A transparency log will stand beside the signatures: nobody has written there when it comes, nor deletes it before it is known."""
    log = ("log/checkpoint", "log/tile/0/000", "log/tile/0/001.p/7", "log/tile/entries/000")
    assert not any(map(is_ours, log))
    site = DirectorySite(tmp_path / "site")
    for path in log:
        (tmp_path / "site" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / path).write_text("log")
    site.tidy()
    assert not site.listing()
    assert all((tmp_path / "site" / path).is_file() for path in log)


def test_what_comes_back_is_not_deleted():
    """A file that is put again, or that another project has, stays."""
    before = Record(commit="", at=NOW, gone={WHEEL: NOW, "provenance/aa.json": NOW})
    put = Put(Kind.FILE, WHEEL, "")
    done = planned(Difference(puts=(put,), gone=()), before, wanted=["provenance/aa.json"], now=NOW + timedelta(days=2))
    assert (done.deletes, done.record.gone) == ((), {})


def test_what_may_be_half_done_is_written_down_first():
    """The journal names every path that is put over another one or deleted, and those of a run that did not end before."""
    before = Record(commit=40 * "0", at=NOW, begun=("simple/old/index.html",))
    done = planned(Difference(puts=(Put(Kind.FILE, WHEEL), Put(Kind.PROJECT, PAGE)), gone=("simple/gone/index.html",)), before)
    assert set(done.begun.begun) == {PAGE, "simple/gone/index.html", "simple/old/index.html"}
    assert (done.begun.commit, done.record.commit, done.record.begun) == (40 * "0", 40 * "1", None)
    assert (done.size, done.record.size) == (20, 8)


def test_a_share_is_a_share():
    """Of four projects one may go with 25 per cent, two may not; the number to give is said."""
    planned(Difference(puts=(), gone=(), projects=4, projects_gone=1))
    with pytest.raises(StorageError, match="2 of 4 projects would go") as raised:
        planned(Difference(puts=(), gone=(), projects=4, projects_gone=2))
    assert raised.value.fix.endswith("--max-delete 50")
    with pytest.raises(StorageError, match="1 of 3 files would go"):
        planned(Difference(puts=(), gone=(), files=3, files_gone=1))


def test_a_clock_that_is_behind_publishes_nothing():
    """It would keep what is to go, or say that a publication was before the last one. Five minutes are forgiven."""
    planned(Difference(puts=(), gone=()), Record(commit="", at=NOW + timedelta(minutes=4)))
    with pytest.raises(UsageError, match="a clock is wrong"):
        planned(Difference(puts=(), gone=()), Record(commit="", at=NOW + timedelta(minutes=6)))


def test_limits_name_the_file_and_the_way_out():
    """One file too large, or all of it."""
    limits = Limits(total=100, file=50, ways_out="use a bucket")
    check_limits(limits, [("a", 50)], 100, "pages")
    for sizes, total in (([("a", 51)], 60), ([("a", 1)], 101)):
        with pytest.raises(StorageError) as raised:
            check_limits(limits, sizes, total, "pages")
        assert raised.value.fix == "use a bucket"


def test_a_record_survives_its_way():
    """All of it is read as it was written."""
    hold = Hold(commit=40 * "a", reason="broken", who="alice", at=NOW)
    record = Record(
        commit=40 * "1", at=NOW, previous=40 * "0", newest=40 * "2", size=7, gone={WHEEL: NOW}, hold=hold, begun=(PAGE,), own=("_headers",)
    )
    assert decode(encode(record)) == record
    older = json.loads(encode(record))
    del older["newest"]
    assert decode(json.dumps(older).encode()).newest == "", "an earlier version did not write it"


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2}, {"commit": "main"}, {"newest": "main"}, {"commit": None}, {"size": -1}, {"size": "1"}, {"at": "yesterday"}, {"begun": ["../etc/passwd"]},
        {"gone": {"/etc/passwd": "2026-11-26T12:00:00Z"}}, {"gone": {"simple/../../x": "2026-11-26T12:00:00Z"}}, {"gone": ["x"]},
        {"begun": ["etc/passwd"]}, {"begun": "x"}, {"hold": {}}, {"hold": {"commit": "x", "reason": "", "who": "", "at": ""}},
        {"own": ["simple/index.html"]}, {"own": 1}, {"own": [["_headers"]]},
        {"hold": {"commit": "", "reason": 1, "who": "", "at": "2026-11-26T12:00:00Z"}},
    ],
)  # fmt: skip
def test_a_record_that_nobody_wrote_is_refused(change):
    """What it says is deleted one day: no path out of the tree, nothing of another form."""
    value = json.loads(encode(Record(commit=40 * "1", at=NOW, begun=()))) | change
    with pytest.raises(StorageError, match="is not one that a publication wrote"):
        decode(json.dumps(value).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"[" * 100_000, b'{"schema": 1}'])
def test_what_is_no_record_is_refused(content):
    """Whatever it is."""
    with pytest.raises(StorageError):
        decode(content)
