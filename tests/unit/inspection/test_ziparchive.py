"""A ZIP that two readers could take for different things is refused, by the rule that it breaks."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from unit.inspection.archives import (
    CODE,
    DEFLATED,
    DESCRIPTOR,
    ENCRYPTED,
    MAX16,
    MAX32,
    STORED,
    UTF8,
    WHEEL_NAME,
    End,
    TarMember,
    ZipMember,
    deflate,
    look,
    messages,
    rules,
    tar_file,
    wheel,
    wheel_members,
    wheel_with,
    zip64_field,
    zip64_file,
    zip_file,
)

from index_builder.inspection import ziparchive
from index_builder.inspection.finding import CHUNK, RefusedArchiveError
from index_builder.inspection.ziparchive import Archive

GOOD = wheel()
MEMBERS = wheel_members()
COUNT = len(MEMBERS)
CODE_CRC = zlib.crc32(CODE)
FIRST = "acme_tools/__init__.py"
TWO, FORMAT, NAME, TYPE, BOMB = (
    "archive-two-readings",
    "archive-format",
    "archive-member-name",
    "archive-member-type",
    "archive-bomb",
)
PACKED = deflate(CODE)
PACKED_BOMB = deflate(bytes(70 * 1024 * 1024))


def added(name: bytes = b"acme_tools/x.py", **changes: object) -> bytes:
    """Return the good wheel with one more member, listed in RECORD."""
    return wheel([ZipMember(name=name, **changes)])


def unlisted(*names: bytes, **changes: object) -> bytes:
    """Return a wheel with more members that RECORD does not list."""
    return zip_file([*MEMBERS, *(ZipMember(name=name, **changes) for name in names)])


def tar_in_front() -> bytes:
    """Return a ZIP whose first member is stored, so that the file begins as a tar header of that name would."""
    header = TarMember(name=b"PK").block()[:512]
    content = header[30 + len("a") :]
    return zip_file([ZipMember(name=b"a", content=content, method=STORED), *MEMBERS])


STRUCTURE = {
    "bytes after the end record": (GOOD + b"x", TWO, "end record"),
    "two archives, one after the other": (GOOD + GOOD, TWO, "does not end where"),
    "an archive behind another, offsets mended": (zip_file(MEMBERS, between=GOOD), TWO, "between the last member"),
    "a prefix, offsets as they were": (b"#!/bin/sh\n" + GOOD, TWO, "begin with a ZIP record"),
    "a prefix that looks like ZIP": (b"PK\3\4" + GOOD, TWO, "does not end where"),
    "a prefix, offsets mended": (zip_file([ZipMember(name=b"a/b", shift=0, central_offset=4)]), TWO, "belong to no member"),
    "an archive comment": (zip_file(MEMBERS, End(comment=b"hello")), TWO, "a comment"),
    "an end record with another signature": (zip_file(MEMBERS, End(signature=b"PK\5\7")), TWO, "end record"),
    "a comment length without a comment": (GOOD[:-2] + b"\1\0", TWO, "a comment"),
    "a count that is too low": (zip_file(MEMBERS, End(count=COUNT - 1)), TWO, "more records"),
    "a count that is too high": (zip_file(MEMBERS, End(count=COUNT + 1)), TWO, "fewer members"),
    "two counts": (zip_file(MEMBERS, End(here=COUNT - 1)), TWO, "several disks"),
    "a disk number": (zip_file(MEMBERS, End(disk=1)), TWO, "several disks"),
    "a directory that begins elsewhere": (zip_file(MEMBERS, End(start=7)), TWO, "does not end where"),
    "a directory of another length": (zip_file(MEMBERS, End(length=7)), TWO, "does not end where"),
    "bytes between members and directory": (zip_file(MEMBERS, between=b"hidden"), TWO, "between the last member"),
    "bytes between directory and end": (zip_file(MEMBERS, after=b"hidden"), TWO, "does not end where"),
    "an unknown record in the directory": (wheel_with(1, central_signature=b"PK\5\5"), TWO, "unknown record"),
    "another signature of a local header": (wheel_with(1, signature=b"PK\3\5"), TWO, "local header of acme_tools/code.py"),
    "a comment of a member": (wheel_with(comment=b"hello"), TWO, FIRST),
    "a member on another disk": (wheel_with(disk=1), TWO, FIRST),
    "a tar header in front": (tar_in_front(), TWO, "tar archive too"),
    "a tar": (tar_file([TarMember(name=b"a")]), TWO, "begin with a ZIP record"),
    "a few bytes": (b"PK\5\6", FORMAT, "not a ZIP"),
    "no bytes": (b"", FORMAT, "not a ZIP"),
}

AGREEMENT = {
    "the same member twice": (unlisted(b"a/x.py", b"a/x.py"), TWO, "a/x.py is in the archive twice"),
    "a file and a folder": (unlisted(b"a/x", b"a/x/", content=b""), TWO, "a/x/ is in the archive twice"),
    "a file with a file in it": (unlisted(b"a/x", b"a/x/y"), TWO, "a/x is a file and a folder"),
    "a file with a folder in it": (unlisted(b"a/x", b"a/x/y/z"), TWO, "a/x is a file and a folder"),
    "two entries for the same bytes": (
        zip_file([ZipMember(name=b"a/x"), ZipMember(name=b"a/x", central_offset=0, packed=b"", content=b"")]),
        TWO,
        "or to two",
    ),
    "another local name": (wheel_with(local_name=b"acme_tools/__evil__.py"), TWO, "acme_tools/__init__.py has another name"),
    "a longer local name": (wheel_with(local_name=b"acme_tools/__init__.pyc"), TWO, "another name"),
    "another local size": (wheel_with(local_sizes=(CODE_CRC, len(PACKED), 1)), TWO, FIRST),
    "another local packed size": (wheel_with(local_sizes=(CODE_CRC, 1, len(CODE))), TWO, FIRST),
    "another local checksum": (wheel_with(local_sizes=(1, len(PACKED), len(CODE))), TWO, FIRST),
    "local sizes of zero without flag bit 3": (wheel_with(local_sizes=(0, 0, 0)), TWO, FIRST),
    "wrong local sizes under flag bit 3": (wheel_with(flags=DESCRIPTOR, local_sizes=(CODE_CRC, 1, len(CODE))), TWO, FIRST),
    "other local flags": (wheel_with(local_flags=UTF8), TWO, FIRST),
    "another local compression": (wheel_with(local_method=STORED), TWO, FIRST),
    "a wrong descriptor": (wheel_with(flags=DESCRIPTOR, descriptor=struct.pack("<4s3L", b"PK\7\10", 1, 2, 3)), TWO, FIRST),
    "no descriptor": (wheel_with(flags=DESCRIPTOR, descriptor=b""), TWO, FIRST),
    "a stored member of two sizes": (wheel_with(method=STORED, declared=3), TWO, FIRST),
    "a member that reaches into the directory": (
        wheel_with(COUNT - 1, central_sizes=(9999, 9999), local_sizes=(zlib.crc32(MEMBERS[-1].content), 9999, 9999)),
        TWO,
        "reaches into",
    ),
    "a second name in an extra field": (wheel_with(extra=struct.pack("<2HBL", 0x7075, 9, 1, 0) + b"evil"), TWO, "second name"),
    "a second name in a local extra field": (wheel_with(local_extra=struct.pack("<2HBL", 0x7075, 9, 1, 0) + b"evil"), TWO, "second name"),
    "an extra field that is cut off": (wheel_with(extra=struct.pack("<2H", 0x5455, 40) + b"abc"), TWO, "malformed"),
    "two ZIP64 fields": (wheel_with(extra=zip64_field(1) + zip64_field(2)), TWO, "twice"),
    "a name that is not ASCII, unmarked": (added("acme_tools/é.py".encode(), content=b""), TWO, "neither ASCII"),
    "a name that is not UTF-8, marked": (unlisted(b"a/\xff.py", flags=UTF8), TWO, "neither ASCII"),
    "bytes after the deflated data": (wheel_with(packed=PACKED + b"hidden"), TWO, f"{FIRST} has bytes after"),
}

CONTENT = {
    "an encrypted member": (wheel_with(flags=ENCRYPTED), FORMAT, FIRST),
    "strong encryption": (wheel_with(flags=1 << 6), FORMAT, FIRST),
    "a masked directory": (wheel_with(flags=1 << 13), FORMAT, FIRST),
    "bzip2": (wheel_with(method=12), FORMAT, f"{FIRST} is compressed by method 12"),
    "lzma": (wheel_with(method=14), FORMAT, "method 14"),
    "zstd": (wheel_with(method=93), FORMAT, "method 93"),
    "a wrong checksum": (wheel_with(crc=1), FORMAT, FIRST),
    "a wrong checksum of a stored member": (wheel_with(1, crc=1), FORMAT, "acme_tools/code.py"),
    "fewer bytes than declared": (wheel_with(declared=len(CODE) + 1), FORMAT, FIRST),
    "deflated data that is cut off": (wheel_with(packed=PACKED[:-3]), FORMAT, f"{FIRST} is cut off"),
    "data that is not deflated": (wheel_with(packed=b"\xff" * 20), FORMAT, f"{FIRST} cannot be unpacked"),
    "more bytes than declared": (wheel_with(declared=3), BOMB, f"{FIRST} unpacks to more"),
    "a bomb": (wheel_with(packed=PACKED_BOMB, crc=0, declared=70 * 1024 * 1024), BOMB, "unpack to 73,4"),
    "a bomb that declares little": (wheel_with(packed=PACKED_BOMB, crc=0, declared=100), BOMB, "than the 100 bytes it declares"),
    "a symbolic link": (wheel_with(mode=0o120777), TYPE, f"{FIRST} is a symbolic link"),
    "a device": (wheel_with(mode=0o020666), TYPE, FIRST),
    "a pipe": (wheel_with(mode=0o010666), TYPE, FIRST),
    "a folder with content": (unlisted(b"a/", mode=0o040755), TYPE, "a/ is a folder with content"),
    "a folder by its mode alone": (unlisted(b"a/x", mode=0o040755), TYPE, "a/x"),
}

NAMES = {
    "up": b"../evil.py",
    "up in the middle": b"acme_tools/../../evil.py",
    "up at the end": b"acme_tools/..",
    "here": b"./evil.py",
    "absolute": b"/etc/passwd",
    "a drive": b"C:/evil.py",
    "a backslash": b"acme_tools\\evil.py",
    "up with backslashes": b"..\\..\\evil.py",
    "NUL": b"acme_tools/evil.py\0.txt",
    "a line end": b"acme_tools/evil\n.py",
    "an escape": b"acme_tools/\x1b[2Jevil.py",
    "DEL": b"acme_tools/evil\x7f.py",
    "two slashes": b"acme_tools//evil.py",
    "no name": b"",
    "too many parts": b"a/" * 100 + b"b",
    "too long": b"a" * 4097,
    "as long as ZIP can have": b"a/" * 32_000 + b"b",
    "a slash": b"/",
}


@pytest.mark.parametrize(
    ("content", "rule", "said"), [pytest.param(*row, id=name) for name, row in (STRUCTURE | AGREEMENT | CONTENT).items()]
)
def test_an_archive_with_a_second_reading_is_refused(content, rule, said):
    """The one finding has the rule, is never tolerated, says what is wrong, and no metadata is given."""
    found = look(content, WHEEL_NAME)
    assert rules(found) == [(rule, False)], messages(found)
    assert said in messages(found)
    assert found.metadata is None


@pytest.mark.parametrize("name", [pytest.param(name, id=what) for what, name in NAMES.items()])
def test_a_member_name_that_leaves_its_folder_is_refused(name):
    """Names that unpack elsewhere, or that readers cut or fold, are refused and shown escaped."""
    found = look(unlisted(name), WHEEL_NAME)
    assert rules(found) == [(NAME, False)]
    assert repr(name.decode()[:40])[:-1] in messages(found)
    assert len(messages(found)) < 200


def test_control_characters_beyond_ascii_are_refused():
    """The C1 controls, which terminals obey, are control characters too."""
    assert rules(look(unlisted("a/\x9b2J.py".encode(), flags=UTF8), WHEEL_NAME)) == [(NAME, False)]


WIDE_CODE = zip64_field(len(CODE), len(CODE))
GOOD_FORMS = {
    "stored and deflated": GOOD,
    "a folder": wheel([ZipMember(name=b"acme_tools/sub/", content=b"", method=STORED, mode=0o040755)]),
    "a folder that is deflated": wheel([ZipMember(name=b"acme_tools/sub/", content=b"", mode=0o040755)]),
    "no mode": wheel_with(mode=0),
    "a timestamp field": wheel_with(extra=struct.pack("<2HBL", 0x5455, 5, 1, 0), local_extra=struct.pack("<2HBL", 0x5455, 5, 1, 0)),
    "padding shorter than a field": wheel_with(local_extra=b"\0\0\0"),
    "a name in UTF-8": added("acme_tools/é.py".encode(), flags=UTF8),
    "deflate options": wheel_with(flags=0b110),
    "ZIP64 end records": zip64_file(MEMBERS),
    "ZIP64 end records that repeat the end record": zip64_file(MEMBERS, End()),
    "ZIP64 sizes": wheel_with(
        1, local_sizes=(CODE_CRC, MAX32, MAX32), local_extra=WIDE_CODE, central_sizes=(MAX32, MAX32), extra=WIDE_CODE
    ),
    "a ZIP64 offset": wheel_with(central_offset=MAX32, extra=zip64_field(0)),
    "a ZIP64 disk": wheel_with(disk=MAX16, central_offset=MAX32, extra=struct.pack("<2HQL", 1, 12, 0, 0)),
    "ZIP64 sizes that repeat the others": wheel_with(1, local_extra=WIDE_CODE, extra=WIDE_CODE),
    "a large member in proportion": wheel([ZipMember(name=b"acme_tools/zeros", content=bytes(600_000))]),
}


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in GOOD_FORMS.items()])
def test_a_plain_archive_is_read(content):
    """Every form of the records that all readers take alike is without findings."""
    found = look(content, WHEEL_NAME)
    assert rules(found) == [], messages(found)
    assert found.metadata is not None


BAD_ZIP64 = {
    "a locator to elsewhere": zip64_file(MEMBERS, offset=0),
    "a locator of several disks": zip64_file(MEMBERS, disks=2),
    "a locator of another disk": zip64_file(MEMBERS, locator_disk=1),
    "another record at the locator": zip64_file(MEMBERS, signature=0),
    "a record with more in it": zip64_file(MEMBERS, size=60),
    "a record of another disk": zip64_file(MEMBERS, this_disk=1),
    "a record of a first disk": zip64_file(MEMBERS, first_disk=1),
    "two counts": zip64_file(MEMBERS, here=1),
    "a count that the end record contradicts": zip64_file(MEMBERS, End(length=MAX32, start=MAX32), count=1, here=1),
    "a length that the end record contradicts": zip64_file(MEMBERS, End(length=5)),
    "a start that the end record contradicts": zip64_file(MEMBERS, End(start=5)),
    "a directory that does not end at the record": zip64_file(MEMBERS, start=0),
    "no record for the count": zip_file(MEMBERS, End(count=MAX16)),
    "no record for the start": zip_file(MEMBERS, End(start=MAX32)),
    "no record for the length": zip_file(MEMBERS, End(length=MAX32)),
    "no field for the sizes": wheel_with(central_sizes=(MAX32, MAX32)),
    "a field that is too short": wheel_with(central_sizes=(MAX32, MAX32), extra=zip64_field(len(CODE))),
    "sizes that contradict the local ones": wheel_with(1, central_sizes=(MAX32, MAX32), extra=zip64_field(1, 1)),
    "sizes that nothing asks for": wheel_with(1, local_extra=zip64_field(1, 1)),
    "a disk in the field": wheel_with(disk=MAX16, extra=struct.pack("<2HL", 1, 4, 1)),
    "a disk without a field": wheel_with(disk=MAX16),
}


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in BAD_ZIP64.items()])
def test_zip64_records_that_contradict_are_refused(content):
    """A reader that knows ZIP64 and one that does not must see the same."""
    found = look(content, WHEEL_NAME)
    assert rules(found) == [(TWO, False)], messages(found)


def test_a_zip64_directory_is_where_its_record_says():
    """The contradiction is told as one of the end record, before anything is read from the wrong place."""
    assert "does not end where the ZIP64 end record begins" in messages(
        look(BAD_ZIP64["a directory that does not end at the record"], WHEEL_NAME)
    )


def test_a_file_that_promises_more_members_than_it_holds_is_a_bomb(monkeypatch):
    """The count is capped before the directory is read."""
    monkeypatch.setattr(ziparchive, "_MAX_MEMBERS", COUNT - 1)
    assert rules(look(GOOD, WHEEL_NAME)) == [(BOMB, False)]


def descriptors() -> dict[str, bytes]:
    """Return the wheel in the four forms of data descriptors."""
    sizes = (CODE_CRC, len(PACKED), len(CODE))
    wide = {"flags": DESCRIPTOR, "local_extra": zip64_field(0, 0)}
    empty = {**wide, "name": b"acme_tools/empty.py", "content": b"", "method": STORED}
    return {
        "signed": wheel_with(flags=DESCRIPTOR),
        "unsigned": wheel_with(flags=DESCRIPTOR, descriptor=struct.pack("<3L", *sizes)),
        "known sizes": wheel_with(flags=DESCRIPTOR, local_sizes=sizes),
        "wide": wheel_with(**wide, descriptor=struct.pack("<4sL2Q", b"PK\7\10", *sizes)),
        "wide, unsigned": wheel_with(**wide, descriptor=struct.pack("<L2Q", *sizes)),
        "wide, by the writer's choice": wheel_with(flags=DESCRIPTOR, descriptor=struct.pack("<4sL2Q", b"PK\7\10", *sizes)),
        "wide, of an empty member": wheel([ZipMember(**empty, descriptor=struct.pack("<4sL2Q", b"PK\7\10", 0, 0, 0))]),
    }


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in descriptors().items()])
def test_data_descriptors_are_tolerated(content):
    """Old wheels have sizes behind the data; that alone is a tolerated finding, once for the file."""
    found = look(content, WHEEL_NAME)
    assert rules(found) == [("wheel-data-descriptor", True)], messages(found)
    assert found.metadata is not None


def test_a_wrong_descriptor_of_a_huge_member_is_a_finding():
    """Sizes over 4 GiB do not fit a narrow descriptor, and are refused like any that does not agree."""
    huge = zip64_field(1 << 33, len(PACKED))
    content = wheel_with(flags=DESCRIPTOR, local_extra=zip64_field(0, 0), central_sizes=(MAX32, MAX32), extra=huge)
    assert rules(look(content, WHEEL_NAME)) == [(TWO, False)]


@pytest.mark.parametrize("content", [GOOD, zip64_file(MEMBERS), descriptors()["signed"]], ids=["plain", "zip64", "descriptor"])
def test_a_wheel_cut_off_anywhere_is_a_finding(content):
    """Whatever the cut, `inspect` gives one refusal and no exception."""
    for length in range(len(content)):
        found = look(content[:length], WHEEL_NAME)
        assert found.metadata is None, length
        assert rules(found) in ([(TWO, False)], [(FORMAT, False)]), length


def test_a_stream_shorter_than_its_size_is_cut_off():
    """A size that promises more than the stream gives is a finding of the archive."""
    with pytest.raises(RefusedArchiveError, match="cut off"):
        Archive(BytesIO(GOOD), len(GOOD) + 10)


def test_a_member_too_long_to_be_read_whole_is_refused():
    """Only streaming is allowed for members over the cap of texts."""
    content = wheel_members()[0]
    large = ZipMember(name=b"a/large", content=bytes(33 * 1024 * 1024))
    archive = Archive(BytesIO(zip_file([content, large])), len(zip_file([content, large])))
    with pytest.raises(RefusedArchiveError, match="a/large has 34,603,008 bytes"):
        archive.read(archive.members[1])


def test_a_stream_that_shrinks_while_it_is_read_is_cut_off():
    """Members are read from the stream again, so the stream is not trusted to stay."""
    stream = BytesIO(GOOD)
    archive = Archive(stream, len(GOOD))
    stream.truncate(60)
    with pytest.raises(RefusedArchiveError, match="cut off"):
        archive.read(archive.members[1])


def test_deflated_members_are_given_in_pieces_of_bounded_size():
    """A megabyte of zeros arrives in chunks and whole."""
    content = zip_file([ZipMember(name=b"a/zeros", content=bytes(1024 * 1024), method=DEFLATED)])
    archive = Archive(BytesIO(content), len(content))
    chunks = list(archive.chunks(archive.members[0]))
    assert max(map(len, chunks)) <= CHUNK
    assert b"".join(chunks) == bytes(1024 * 1024)


@pytest.mark.parametrize("more", [0, 1, 21, 300])
def test_what_zlib_holds_back_at_the_end_is_read(more):
    """Where the input ends before the output has room, the last bytes come from zlib alone."""
    content = zip_file([ZipMember(name=b"a/zeros", content=bytes(CHUNK + more))])
    archive = Archive(BytesIO(content), len(content))
    assert archive.read(archive.members[0]) == bytes(CHUNK + more)
