"""An sdist is streamed, never unpacked: what would leave its folder, or be two things, is refused."""

from __future__ import annotations

import bz2
import gzip
import zlib

import pytest
from unit.inspection.archives import (
    CODE,
    METADATA,
    SDIST_NAME,
    STORED,
    TarMember,
    ZipMember,
    gz,
    look,
    messages,
    pax,
    pax_record,
    rules,
    sdist,
    sdist_members,
    tar_file,
    wheel,
    zip_file,
    zip_sdist,
)

from index_builder.inspection import tararchive

GOOD = sdist()
TAR = tar_file(sdist_members())
TWO, FORMAT, NAME, TYPE, BOMB, LAYOUT = (
    "archive-two-readings",
    "archive-format",
    "archive-member-name",
    "archive-member-type",
    "archive-bomb",
    "sdist-layout",
)
R = b"acme_tools-1.2/"
BAD_NUMBER = b"0000000000x\0"
LONG = R + b"sub/" * 40 + b"code.py"


def link(name: bytes, target: bytes, kind: bytes = b"2", **changes: object) -> TarMember:
    return TarMember(name=R + name, kind=kind, target=target, **changes)


def file(name: bytes = b"x.py", **changes: object) -> TarMember:
    return TarMember(name=R + name, **changes)


def gnu(kind: bytes, text: bytes) -> TarMember:
    return TarMember(name=b"././@LongLink", kind=kind, content=text, magic=b"ustar  \0")


WHOLE = {
    "bytes after gzip": (GOOD + b"x", TWO, "after the end of the compressed"),
    "two gzip members": (GOOD + GOOD, TWO, "after the end of the compressed"),
    "a tar cut over two gzip members": (gz(TAR[:512]) + gz(TAR[512:]), TWO, "after the end of the compressed"),
    "an empty gzip member behind": (GOOD + gz(b""), TWO, "after the end of the compressed"),
    "members after the end mark": (gz(TAR + TAR), TWO, "after the end mark"),
    "members after a single zero block": (sdist(end=bytes(512) + TAR), TWO, "after the end mark"),
    "a ZIP behind": (GOOD + wheel(), TWO, "as a ZIP archive too"),
    "a ZIP inside gzip's stored blocks": (gzip.compress(tar_file(sdist_members(file(content=wheel()))), 0), TWO, "as a ZIP archive too"),
    "a ZIP": (zip_sdist(), TWO, "as a ZIP archive too"),
    "not compressed": (TAR, FORMAT, "cannot be unpacked"),
    "compressed otherwise": (bz2.compress(TAR), FORMAT, "cannot be unpacked"),
    "zlib without gzip's header": (zlib.compress(TAR), FORMAT, "cannot be unpacked"),
    "no bytes": (b"", FORMAT, "cut off"),
    "an empty gzip": (gz(b""), FORMAT, "end mark"),
    "no end mark": (sdist(end=b""), FORMAT, "end mark"),
    "a header that is cut off": (gz(TAR[:700]), FORMAT, "end mark"),
    "content that is cut off": (gz(TAR[: 512 + 512 + 10]), FORMAT, "cut off"),
    "PKG-INFO that is cut off": (sdist(pkg_info=None, end=file(b"PKG-INFO", content=bytes(512)).block()[:600]), FORMAT, "cut off"),
    "a wrong checksum of gzip": (GOOD[:-8] + b"\0\0\0\0" + GOOD[-4:], FORMAT, "cannot be unpacked"),
    "a wrong length of gzip": (GOOD[:-4] + b"\1\0\0\0", FORMAT, "cannot be unpacked"),
    "a bomb": (sdist(file(content=bytes(70 * 1024 * 1024))), BOMB, "unpack to"),
    "a bomb of a bomb's end": (sdist(end=bytes(70 * 1024 * 1024)), BOMB, "unpack to"),
    "no members": (gz(bytes(1024)), LAYOUT, "this one has nothing"),
    "two root folders": (sdist(TarMember(name=b"other/x.py")), LAYOUT, "acme_tools-1.2, other"),
    "a file beside the root folder": (sdist(TarMember(name=b"setup.py")), LAYOUT, "acme_tools-1.2, setup.py"),
    "PKG-INFO outside the root folder": (gz(tar_file([TarMember(name=b"PKG-INFO", content=METADATA)])), LAYOUT, "no PKG-INFO"),
    "no PKG-INFO": (sdist(pkg_info=None), LAYOUT, "no PKG-INFO"),
    "PKG-INFO deeper": (sdist(file(b"src/PKG-INFO", content=METADATA), pkg_info=None), LAYOUT, "no PKG-INFO"),
    "PKG-INFO as a link": (sdist(link(b"PKG-INFO", b"setup.py"), pkg_info=None), LAYOUT, "no PKG-INFO"),
    "an empty PKG-INFO": (sdist(pkg_info=b""), LAYOUT, "no PKG-INFO"),
}

MEMBERS = {
    "a second PKG-INFO": (file(b"PKG-INFO", content=METADATA), TWO, "acme_tools-1.2/PKG-INFO is in the archive twice"),
    "a second PKG-INFO by another spelling": (TarMember(name=b"./" + R + b"PKG-INFO"), TWO, "PKG-INFO is in the archive twice"),
    "a link over PKG-INFO": (link(b"PKG-INFO", b"setup.py"), TWO, "PKG-INFO is in the archive twice"),
    "a folder over PKG-INFO": (file(b"PKG-INFO", kind=b"5"), TWO, "PKG-INFO is in the archive twice"),
    "a file with a file in it": (file(b"setup.py/x"), TWO, "acme_tools-1.2/setup.py is a file and a folder"),
    "a file in the root folder's place": (TarMember(name=R[:-1]), TWO, "acme_tools-1.2 is in the archive twice"),
    "up": (TarMember(name=b"../evil"), NAME, "'../evil'"),
    "up in the middle": (file(b"../../evil"), NAME, "evil"),
    "up as a folder": (TarMember(name=b"../", kind=b"5"), NAME, "'../'"),
    "absolute": (TarMember(name=b"/etc/passwd"), NAME, "'/etc/passwd'"),
    "absolute folder": (TarMember(name=b"/", kind=b"5"), NAME, "'/'"),
    "no name": (TarMember(name=b""), NAME, "''"),
    "a folder without a name": (TarMember(name=b"", kind=b"5"), NAME, "''"),
    "a folder's two slashes": (file(b"sub//", kind=b"5"), NAME, "sub/"),
    "a backslash": (file(b"..\\evil"), NAME, "backslash"),
    "a control character": (file(b"a\nb"), NAME, "control"),
    "not UTF-8": (file(b"\xff"), NAME, "not UTF-8"),
    "a file with a folder's name": (file(b"x/"), NAME, "folder's name"),
    "an old file with a folder's name": (file(b"x/", kind=b"\0"), NAME, "folder's name"),
    "absolute by its prefix": (TarMember(name=b"passwd", prefix=b"/etc"), NAME, "'/etc/passwd'"),
    "up by its prefix": (TarMember(name=b"evil", prefix=R + b"../.."), NAME, "evil"),
    "a prefix in a header of GNU's form": (file(prefix=b"sub", magic=b"ustar  \0"), TWO, "has a prefix"),
    "a prefix in an old header": (file(prefix=b"sub", magic=b""), TWO, "has a prefix"),
    "a character device": (file(kind=b"3"), TYPE, "a character device"),
    "a block device": (file(kind=b"4"), TYPE, "a block device"),
    "a pipe": (file(kind=b"6"), TYPE, "a pipe"),
    "a contiguous file": (file(kind=b"7"), TYPE, "a contiguous file"),
    "a sparse file": (file(kind=b"S"), TYPE, "a sparse file"),
    "a dump of a folder": (file(kind=b"D"), TYPE, "unknown type b'D'"),
    "an old PAX header": (file(kind=b"X"), TYPE, "unknown type b'X'"),
    "a folder with content": (file(b"a/", kind=b"5", content=b"hidden"), TWO, "the folder acme_tools-1.2/a has content"),
    "a symbolic link with content": (link(b"a", b"setup.py", content=b"hidden"), TWO, "the link acme_tools-1.2/a has content"),
    "a hard link with content": (link(b"a", R + b"setup.py", b"1", content=b"hidden"), TWO, "the link acme_tools-1.2/a has content"),
    "a wrong checksum": (file(checksum=b"000001\0 "), FORMAT, "checksum"),
    "a checksum that is no number": (file(checksum=b"abcdef\0 "), FORMAT, "no number"),
    "a size that is no number": (file(size=BAD_NUMBER), FORMAT, "no number"),
    "a signed size": (file(size=b"-0000000512\0"), FORMAT, "no number"),
    "a size with a base": (file(size=b"0o000000010\0"), FORMAT, "no number"),
    "a size with an underscore": (file(size=b"000000_0010\0"), FORMAT, "no number"),
    "a size of two numbers": (file(size=b"00001 00010\0"), FORMAT, "no number"),
    "a size in an unknown base": (file(size=b"\xc0" + bytes(11)), FORMAT, "no number"),
    "a negative size": (file(size=b"\xff" * 11 + b"\0"), FORMAT, "less than no bytes"),
    "a size beyond the archive": (file(size=1 << 30), FORMAT, "end mark"),
    "a size beyond the archive in base 256": (file(size=b"\x80" + b"\0" * 7 + b"\x40\0\0\0"), FORMAT, "end mark"),
    "a time that is no number": (file(mtime=BAD_NUMBER), FORMAT, "no number"),
    "a PKG-INFO of 40 MB": (TarMember(name=b"other/PKG-INFO", size=40_000_000), BOMB, "other/PKG-INFO has 40,000,000 bytes"),
}

LINKS = {
    "up": (link(b"a", b"../evil"), "../evil"),
    "up and in again": (link(b"a", b"../acme_tools-1.2/setup.py"), "../acme"),
    "up from deeper": (link(b"sub/a", b"../../evil"), "../../evil"),
    "up after a folder": (link(b"a", b"sub/../../evil"), "sub/.."),
    "up after a link": (link(b"a", b"up/../x"), "up/../x"),
    "up after here": (link(b"sub/a", b"./../x"), "./../x"),
    "absolute": (link(b"a", b"/etc/passwd"), "/etc/passwd"),
    "the root of all": (link(b"a", b"/"), "'/'"),
    "nowhere": (link(b"a", b""), "''"),
    "two slashes": (link(b"a", b"sub//x"), "sub//x"),
    "a backslash": (link(b"a", b"..\\evil"), "evil"),
    "a control character": (link(b"a", b"x\x1b[2J"), "x1b"),
    "the root folder itself": (TarMember(name=b"acme_tools-1.3", kind=b"2", target=b"acme_tools-1.2"), "acme_tools-1.3"),
    "a hard link up": (link(b"a", b"../evil", b"1"), "../evil"),
    "a hard link up after the root folder": (link(b"a", R + b"../evil", b"1"), "../evil"),
    "a hard link out": (link(b"a", b"etc/passwd", b"1"), "etc/passwd"),
    "an absolute hard link": (link(b"a", b"/etc/passwd", b"1"), "/etc/passwd"),
    "a hard link to nowhere": (link(b"a", b"", b"1"), "''"),
}

SEQUENCES = {
    "a member behind a symbolic link": ([link(b"up", b"sub"), file(b"up/x.py")], TYPE, "acme_tools-1.2/up/x.py lies behind the link"),
    "a member deep behind a symbolic link": ([link(b"up", b"sub"), file(b"up/a/b/x.py")], TYPE, "lies behind the link acme_tools-1.2/up"),
    "a link behind a symbolic link": ([link(b"up", b"sub"), link(b"up/x", b"../y")], TYPE, "acme_tools-1.2/up/x lies behind"),
    "a member behind a hard link": ([link(b"up", R + b"sub", b"1"), file(b"up/x.py")], TYPE, "acme_tools-1.2/up/x.py lies behind"),
    "a symbolic link in a folder's place": ([file(b"up/x.py"), link(b"up", b"sub")], TWO, "acme_tools-1.2/up is in the archive twice"),
    "a folder in a symbolic link's place": (
        [link(b"up", b"sub"), file(b"up", kind=b"5")],
        TWO,
        "acme_tools-1.2/up is in the archive twice",
    ),
    "two links": ([link(b"up", b"sub"), link(b"up", b"other")], TWO, "acme_tools-1.2/up is in the archive twice"),
    "a long name that leads up": ([gnu(b"L", R + b"../../evil\0"), file()], NAME, "evil"),
    "a long name with a NUL": ([gnu(b"L", R + b"a\0b\0"), file()], TWO, "NUL"),
    "an empty long name": ([gnu(b"L", b"\0"), file()], TWO, "empty"),
    "a long link that leads up": ([gnu(b"K", b"../" * 60 + b"evil\0"), link(b"a", b"setup.py")], TYPE, "../evil"),
    "two long names": ([gnu(b"L", LONG + b"\0"), gnu(b"L", LONG + b"x\0"), file()], TWO, "two extended headers"),
    "a long name and a PAX path": ([gnu(b"L", LONG + b"\0"), pax(b"x", (b"path", R + b"y")), file()], TWO, "two extended headers"),
    "two PAX headers": ([pax(b"x", (b"path", R + b"y")), pax(b"x", (b"mtime", b"1.5")), file()], TWO, "two extended headers"),
    "a path twice": ([pax(b"x", (b"path", R + b"y"), (b"path", R + b"z")), file()], TWO, "b'path' twice"),
    "a path that leads up": ([pax(b"x", (b"path", R + b"../../evil")), file()], NAME, "evil"),
    "a folder that a PAX path makes a file": (
        [pax(b"x", (b"path", R + b"x.py")), file(b"x/", kind=b"\0", content=file(b"hidden.py").block())],
        TWO,
        "acme_tools-1.2/x.py is a folder by its own header",
    ),
    "a folder that a long name makes a file": ([gnu(b"L", R + b"x.py\0"), file(b"x/", kind=b"\0")], TWO, "a folder by its own header"),
    "a folder behind a prefix that a PAX path makes a file": (
        [pax(b"x", (b"path", R + b"x.py")), TarMember(name=b"x/", prefix=R[:-1], kind=b"\0")],
        TWO,
        "a folder by its own header",
    ),
    "a PAX path of too many parts": ([pax(b"x", (b"path", R + b"a/" * 99 + b"b")), file()], NAME, "more than 100 parts"),
    "a PAX path that is too long": ([pax(b"x", (b"path", R + b"a" * 4082)), file()], NAME, "4,097 characters"),
    "a long name that is too long": ([gnu(b"L", R + b"a" * 5000 + b"\0"), file()], NAME, "over 4,096"),
    "a linkpath that is too long": ([pax(b"x", (b"linkpath", b"a" * 4097)), link(b"a", b"")], NAME, "4,097 characters"),
    "an absolute path": ([pax(b"x", (b"path", b"/etc/passwd")), file()], NAME, "'/etc/passwd'"),
    "an empty path": ([pax(b"x", (b"path", b"")), file()], TWO, "empty"),
    "a path with a NUL": ([pax(b"x", (b"path", R + b"a\0b")), file()], TWO, "NUL"),
    "a path that is not UTF-8": ([pax(b"x", (b"path", R + b"\xff")), file()], NAME, "not UTF-8"),
    "a path to PKG-INFO": ([pax(b"x", (b"path", R + b"PKG-INFO")), file(content=METADATA)], TWO, "PKG-INFO is in the archive twice"),
    "a linkpath that leads up": ([pax(b"x", (b"linkpath", b"../evil")), link(b"a", b"setup.py")], TYPE, "../evil"),
    "a PAX size that hides a member": ([pax(b"x", (b"size", b"512")), file(size=0)], TWO, "acme_tools-1.2/x.py has another size"),
    "a PAX size that shows a hidden member": ([pax(b"x", (b"size", b"0")), file(content=file(b"y").block())], TWO, "another size"),
    "a PAX size in other digits": ([pax(b"x", (b"size", b"00")), file()], TWO, "another size"),
    "a PAX size that is no number": ([pax(b"x", (b"size", b"many")), file()], TWO, "another size"),
    "a PAX sparse file": ([pax(b"x", (b"GNU.sparse.major", b"1")), file()], TYPE, "sparse"),
    "a PAX sparse file of old": ([pax(b"x", (b"GNU.sparse.map", b"0,1")), file()], TYPE, "sparse"),
    "a global path": ([pax(b"g", (b"path", R + b"y")), file()], TWO, "global header"),
    "a global linkpath": ([pax(b"g", (b"linkpath", b"y")), file()], TWO, "global header"),
    "a global size": ([pax(b"g", (b"size", b"0")), file()], TWO, "global header"),
    "a global sparse file": ([pax(b"g", (b"GNU.sparse.size", b"0")), file()], TYPE, "sparse"),
    "an extended header of nothing": ([pax(b"x", (b"path", R + b"y"))], FORMAT, "describes no member"),
    "an extended header of 2 MB": ([TarMember(name=b"x", kind=b"x", content=bytes(2_000_000)), file()], BOMB, "2,000,000 bytes"),
    "an extended header that is cut off": ([TarMember(name=b"x", kind=b"x", size=5000)], FORMAT, "cut off"),
}

MALFORMED = {
    "no length": b"path=x\n",
    "a length that is no number": b"ab path=x\n",
    "a length of nothing": b"0 path=x\n",
    "a length beyond the header": b"99 path=x\n",
    "a length that ends early": b"9 path=xy\n",
    "a length shorter than itself": b"1 path=x\n",
    "no value": b"7 path\n",
    "no line end": b"9 path=xy",
}


def extended(content: bytes) -> list[TarMember]:
    return [TarMember(name=b"x", kind=b"x", content=content), file()]


TABLE = (
    WHOLE
    | {f"member: {name}": (sdist(member), rule, said) for name, (member, rule, said) in MEMBERS.items()}
    | {f"link: {name}": (sdist(member), TYPE, said) for name, (member, said) in LINKS.items()}
    | {f"members: {name}": (sdist(*several), rule, said) for name, (several, rule, said) in SEQUENCES.items()}
    | {f"PAX: {name}": (sdist(*extended(record)), FORMAT, "malformed") for name, record in MALFORMED.items()}
)


@pytest.mark.parametrize(("content", "rule", "said"), [pytest.param(*row, id=name) for name, row in TABLE.items()])
def test_an_sdist_that_is_two_things_or_leaves_its_folder_is_refused(content, rule, said):
    """The one finding has the rule, is never tolerated, says what is wrong, and no metadata is given."""
    found = look(content, SDIST_NAME)
    assert rules(found) == [(rule, False)], messages(found)
    assert said in messages(found)
    assert found.metadata is None


GOOD_MEMBERS = {
    "nothing more": [],
    "folders twice": [file(b"sub/", kind=b"5"), file(b"sub", kind=b"5"), file(b"sub/x.py")],
    "a folder after what is in it": [file(b"sub/x.py"), file(b"sub/", kind=b"5")],
    "names that begin with ./": [TarMember(name=b"./", kind=b"5"), TarMember(name=b"./" + R + b"x.py")],
    "a symbolic link beside": [link(b"a", b"setup.py")],
    "a symbolic link to a folder": [link(b"a", b"sub/")],
    "a symbolic link up inside": [link(b"sub/deep/a", b"../../setup.py")],
    "a symbolic link to the root folder": [link(b"sub/a", b"..")],
    "a symbolic link to here": [link(b"a", b".")],
    "a dangling symbolic link": [link(b"a", b"nothing")],
    "a hard link": [link(b"a", R + b"setup.py", b"1")],
    "a hard link that begins with ./": [link(b"a", b"./" + R + b"setup.py", b"1")],
    "an old file": [file(kind=b"\0", magic=b"")],
    "a header of GNU's form": [file(magic=b"ustar  \0")],
    "a long name of GNU's": [gnu(b"L", LONG + b"\0"), file()],
    "a long name and a long link of GNU's": [gnu(b"K", b"sub/" * 40 + b"\0"), gnu(b"L", LONG + b"\0"), link(b"a", b"x")],
    "a prefix": [TarMember(name=b"code.py", prefix=LONG[:120])],
    "a PAX path": [pax(b"x", (b"path", LONG), (b"mtime", b"1700000000.5")), file()],
    "a PAX path of as many parts as may be": [pax(b"x", (b"path", R + b"a/" * 98 + b"b")), file()],
    "a PAX path as long as may be": [pax(b"x", (b"path", R + b"a" * 4081)), file()],
    "a long name that the header cuts after a slash": [pax(b"x", (b"path", LONG)), file(b"sub/")],
    "a PAX path in other letters": [pax(b"x", (b"path", R + "é.py".encode())), file()],
    "a PAX linkpath": [pax(b"x", (b"linkpath", b"setup.py")), link(b"a", b"")],
    "a PAX size that repeats the header": [pax(b"x", (b"size", str(len(CODE)).encode())), file(content=CODE)],
    "a PAX attribute in binary": [pax(b"x", (b"SCHILY.xattr.com.apple.FinderInfo", b"\0\xff\n")), file()],
    "a global comment": [pax(b"g", (b"comment", b"0" * 40)), pax(b"g", (b"comment", b"1" * 40)), file()],
    "a global comment at the end": [pax(b"g", (b"comment", b"0" * 40))],
    "a time before 1970": [file(mtime=b"\xff" * 12)],
    "a time in base 256": [file(mtime=b"\x80" + b"\xff" * 11)],
    "a time of spaces": [file(mtime=b" " * 12)],
    "a size in base 256": [file(content=CODE, size=b"\x80" + len(CODE).to_bytes(11, "big"))],
}


@pytest.mark.parametrize("several", [pytest.param(several, id=name) for name, several in GOOD_MEMBERS.items()])
def test_a_plain_sdist_is_read(several):
    """Every form that all readers take alike is without findings, and PKG-INFO is given byte by byte."""
    found = look(sdist(*several), SDIST_NAME)
    assert rules(found) == [], messages(found)
    assert found.metadata is not None
    assert found.metadata.content == METADATA
    assert found.metadata.requires_python == ">=3.9"


def test_a_single_zero_block_ends_the_archive():
    """Old writers end with one zero block, and nothing after it is the same for every reader."""
    assert rules(look(sdist(end=bytes(512)), SDIST_NAME)) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("acme_tools-1.2.zip", zip_sdist(), "not .zip"),
        ("acme_tools-1.2.tar.bz2", bz2.compress(TAR), "not .tar.bz2"),
        ("acme-tools-1.2.tar.gz", GOOD, "acme_tools-1.2.tar.gz"),
        ("Acme.Tools-1.2.tar.gz", GOOD, "acme_tools-1.2.tar.gz"),
        ("acme_tools-1.02.tar.gz", GOOD, "acme_tools-1.2.tar.gz"),
    ],
)
def test_sdists_older_than_pep_625_are_tolerated(name, content, said):
    """Other suffixes and spellings that still normalize to project and version are one tolerated finding."""
    found = look(content, name)
    assert rules(found) == [("sdist-name", True)], messages(found)
    assert said in messages(found)
    assert found.metadata is not None
    assert found.metadata.content == METADATA


def test_a_bzip2_that_unpacks_to_much_more_is_read_to_its_end():
    """bzip2 takes its input at once and gives its output in pieces: the last piece is read too."""
    content = bz2.compress(tar_file(sdist_members(file(content=bytes(3 * 1024 * 1024)))))
    found = look(content, "acme_tools-1.2.tar.bz2")
    assert rules(found) == [("sdist-name", True)], messages(found)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        pytest.param(bz2.compress(TAR) + b"x", TWO, id="bytes behind"),
        pytest.param(bz2.compress(TAR) + bz2.compress(b""), TWO, id="two streams"),
        pytest.param(bz2.compress(TAR)[:-5], FORMAT, id="cut off"),
        pytest.param(GOOD, FORMAT, id="gzip"),
        pytest.param(bz2.compress(tar_file(sdist_members(file(content=bytes(70 * 1024 * 1024))))), BOMB, id="a bomb"),
    ],
)
def test_a_bad_bzip2_is_refused(content, rule):
    """A .tar.bz2 is held to the same rules as a .tar.gz."""
    assert rules(look(content, "acme_tools-1.2.tar.bz2"))[-1] == (rule, False)


ZIPS = {
    "two root folders": (zip_sdist(ZipMember(name=b"other/x.py")), LAYOUT, "acme_tools-1.2, other"),
    "no PKG-INFO": (zip_file([ZipMember(name=R + b"setup.py")]), LAYOUT, "no PKG-INFO"),
    "up": (zip_sdist(ZipMember(name=b"../evil")), NAME, "'../evil'"),
    "a wrong checksum anywhere": (zip_sdist(ZipMember(name=R + b"x.py", crc=1)), FORMAT, "acme_tools-1.2/x.py"),
    "a second PKG-INFO": (zip_sdist(ZipMember(name=R + b"PKG-INFO")), TWO, "acme_tools-1.2/PKG-INFO"),
    "a symbolic link": (zip_sdist(ZipMember(name=R + b"x", mode=0o120777)), TYPE, "acme_tools-1.2/x"),
    "a tar": (TAR, TWO, "begin with a ZIP record"),
    "a tar.gz": (GOOD, TWO, "begin with a ZIP record"),
    "a tar header in front": (
        zip_file([ZipMember(name=R + b"x", content=bytes(257 - 30 - len(R) - 1) + b"ustar\0", method=STORED)]),
        TWO,
        "tar archive too",
    ),
}


@pytest.mark.parametrize(("content", "rule", "said"), [pytest.param(*row, id=name) for name, row in ZIPS.items()])
def test_a_bad_zip_sdist_is_refused(content, rule, said):
    """A .zip sdist is held to the rules of wheels' archives and of sdists' layout."""
    found = look(content, "acme_tools-1.2.zip")
    assert rules(found)[-1] == (rule, False), messages(found)
    assert said in messages(found)
    assert found.metadata is None


@pytest.mark.parametrize("content", [GOOD, sdist(*GOOD_MEMBERS["a PAX path"])], ids=["plain", "pax"])
def test_an_sdist_cut_off_anywhere_is_a_finding(content):
    """Whatever the cut, `inspect` gives one refusal and no exception."""
    for length in range(len(content)):
        found = look(content[:length], SDIST_NAME)
        assert rules(found) == [(FORMAT, False)], length


def test_a_tar_cut_off_anywhere_is_a_finding():
    """A cut before compression is found as well, unless only zeros are missing."""
    needed = len(TAR) - 512
    for length in range(0, len(TAR), 64):
        found = look(gz(TAR[:length]), SDIST_NAME)
        assert rules(found) == ([(FORMAT, False)] if length < needed else []), length


def test_a_million_members_is_a_bomb(monkeypatch):
    """The count of members is capped, as they need memory whatever their size."""
    monkeypatch.setattr(tararchive, "_MAX_MEMBERS", len(sdist_members()) - 1)
    assert rules(look(GOOD, SDIST_NAME)) == [(BOMB, False)]


def test_names_that_need_much_memory_are_a_bomb(monkeypatch):
    """Every folder above a member is held, so deep names are capped together, and repeated ones cost nothing."""
    monkeypatch.setattr(tararchive, "_MAX_NAMES", 20_000)
    deep = [file(b"%d/" % n + b"a/" * 40 + b"x") for n in range(5)]
    assert rules(look(sdist(*deep), SDIST_NAME)) == [(BOMB, False)]
    beside = [file(b"a/" * 40 + b"%d" % n) for n in range(5)]
    assert rules(look(sdist(*beside), SDIST_NAME)) == []


def test_pax_records_count_their_own_digits():
    """The builder's records are those of POSIX: `12 path=abc` and a line end are 12 bytes."""
    assert pax_record(b"path", b"abc") == b"12 path=abc\n"
    assert len(pax_record(b"path", b"a" * 91)) == 101
